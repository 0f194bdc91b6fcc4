# Reads the files that set sysctls at boot, and the marks that say which of them count.
@needs grep tr
# The placeholder becomes several words, and none has a blank.
# shellcheck disable=SC2043
for one in @DIRECTORIES@; do
  if test -d $one; then
    if test -r $one && test -x $one; then
      # shellcheck disable=SC2231
      for file in $one/*.conf; do
        if test -e "$file" || test -h "$file"; then
          echo "file $file"
          set -- "$@" "$file"
        fi
      done
    else
      echo "closed $one"
    fi
  fi
done
# Only a file or a directory counts: a device that is bound over a mark hides it.
# shellcheck disable=SC2043
for one in @MARKS@; do
  if test -f $one || test -d $one || test -h $one; then
    echo "there $one"
  fi
done
tr "\000" "\n" 2>/dev/null </proc/1/environ | grep -q "^container=." &&
  echo "container /proc/1/environ"
grep -qE "/(docker|kubepods|lxc|libpod|machine.slice/machine-)" /proc/1/cgroup 2>/dev/null &&
  echo "container /proc/1/cgroup"
set -f
w=
read -r w 2>/dev/null <@CMDLINE@ || [ -n "$w" ] || w=sysctl.@UNREAD@=
for word in $w; do
  case $word in
    @SECRET_PATTERN@) ;;
    sysctl.*=*)
      echo "word $word" ;;
  esac
done
# kernel.core_pattern is a command line; no rule asks for a setting below /proc/sys/kernel.
grep -Hv -e "^[#;]" -e "^$" -e "^[-/[:space:]]*\(proc/sys/\)*kernel[./]" @SECRET@ /dev/null \
  "$@" @FILES@
test $? -lt 126 || exit 127
echo end
