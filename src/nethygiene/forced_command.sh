#!/bin/sh
# The forced command of the key that audits. To install it on a host:
#   install -m 0755 -o root -g root FILE /usr/local/bin/nethygiene-audit
# and in authorized_keys:
#   restrict,command="/usr/local/bin/nethygiene-audit" ssh-ed25519 AAAA... nethygiene
# It runs the script that nethygiene @VERSION@ sends, and nothing else. Make it again after an
# upgrade, and when what the inventory declares for this host changes:
#   nethygiene forced-command@OPTIONS@
PATH=/usr/bin:/bin LC_ALL=C
export PATH LC_ALL
unset ENV BASH_ENV
newline='
'
refuse() {
  printf '%s\n' "@REFUSED@$*" >&2
  exit 126
}
is_hex() {
  case $1 in '' | *[!0-9a-f]*) return 1 ;; esac
}

# paramiko sends the first command; ssh sends the second, and waits for its last word.
case ${SSH_ORIGINAL_COMMAND-} in
'/bin/sh -s') ;;
*' nethygiene-'*)
  nonce=${SSH_ORIGINAL_COMMAND##* nethygiene-}
  is_hex "$nonce" || refuse 'this key is for the audit alone'
  printf 'nethygiene-%s\n' "$nonce"
  IFS= read -r command || exit 125
  [ "$command" = '/bin/sh -s' ] || refuse 'this key is for the audit alone'
  ;;
*) refuse 'this key is for the audit alone' ;;
esac

stale='the forced command is not of the nethygiene that asks'
# No known script is as long as this limit: a thief of the key must not fill the memory either.
most=@MOST@
script=$(head -c "$most" && echo .) || refuse 'the script cannot be read'
script=${script%.}
[ ${#script} -lt "$most" ] || refuse 'the script is longer than any audit'
before=@BEFORE@
after=@AFTER@
known=@KNOWN@

case $script in "$before"nethygiene-*) ;; *) refuse "$stale" ;; esac
rest=${script#"$before"nethygiene-}
is_hex "${rest%%"$newline"*}" || refuse 'the script has no valid boundary'
rest=$newline${rest#*"$newline"}
case $rest in "$after"*) ;; *) refuse "$stale" ;; esac
# A variable, because in a here-document dash takes the inner quotes for a part of the pattern.
body=${rest#"$after"}
checked=
seen=$newline
while IFS= read -r line; do
  case $line in '' | fi) continue ;; esac
  # Each line may come once, and no sleep is long: a thief could leave thousands in the background.
  case $seen in *"$newline$line$newline"*) refuse "a line comes twice: $line" ;; esac
  seen=$seen$line$newline
  case $known in *"$newline$line$newline"*) continue ;; esac
  case $line in
  'nh_parts='*)
    parts=${line#nh_parts=} part=${line##*=}
    parts=${parts%%' '*}
    case $parts in
    '' | *[!0-9]*) ;;
    *)
      case $part in
      *[!0-9.]*) ;;
      [0-5] | [0-4].*) [ "$line" = "nh_parts=$parts nh_part=$part" ] && continue ;;
      esac
      ;;
    esac
    ;;
  esac
  refuse "$stale, or what its inventory declares is newer; first strange line: $line"
done <<SCRIPT && checked=yes
$body
SCRIPT
[ "$checked" = yes ] || refuse 'the script could not be checked'
printf '%s' "$script" | /bin/sh -s
