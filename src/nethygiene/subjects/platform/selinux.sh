# Reads what SELinux does, and what its file and the kernel's command line ask for.
@needs grep
set -f
grep -H "" @ENFORCE@ @CONFIG@
test $? -lt 126 || exit 127
# The shell itself reads: it starts no process, and leaves out the NUL behind a context.
w=
# A backslash does not matter in the words that count.
# shellcheck disable=SC2162
read -r w 2>/dev/null <@CMDLINE@ || [ -n "$w" ] || w=@UNREAD@
for word in $w; do
  case $word in
    selinux=* | enforcing=* | security=* | lsm=* | @UNREAD@)
      echo "word $word" ;;
  esac
done
w=
read -r w 2>/dev/null </proc/self/attr/current
echo "is $w"
