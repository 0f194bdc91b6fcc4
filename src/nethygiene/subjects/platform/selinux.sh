# What SELinux does, and what its file and the kernel's command line ask for.
@needs grep
set -f
grep -H "" @ENFORCE@ @CONFIG@
test $? -lt 126 || exit 127
# Read by the shell itself, which leaves out the NUL behind a context: no process is needed.
w=
# No word of it has a backslash that counts.
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
