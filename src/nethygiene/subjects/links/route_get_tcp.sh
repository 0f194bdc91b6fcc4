# Asks as connect() does: for TCP, and then with the source chosen.
@needs ip sed
# iproute2 before 4.18 does not know the word, and is not given it.
p=" ipproto tcp"
# shellcheck disable=SC2086
ip -@VERSION@ route get @ITSELF@ $p >/dev/null 2>&1 || p=
printf "route get %s$p\n" @ADDRESSES@ | ip -@VERSION@ -o -force -batch - 2>/dev/null | \
  sed -n "s/^\([a-z]* \)*\([0-9a-f.:]*\) .* src \([0-9a-f.:]*\).*/route get \2 from \3$p/p" | \
  ip -@VERSION@ -o -force -batch - 2>/dev/null
:
