# Counts the descriptors that each process has open, and may have.
@needs stat grep
# Since Linux 6.2 the size of /proc/PID/fd is the number of descriptors, and everybody may see it.
stat -c "%n %s %u" /proc/self/fd /proc/[0-9]*/fd 2>/dev/null
if [ "$(stat -c %s /proc/self/fd)" = 0 ]; then
  # Before, the login counts them if it may look. It skips tables below 100: those have the
  # smallest size that there is, 64.
  grep -Hs FDSize /proc/[0-9]*/status
  # The words are paths without a blank.
  # shellcheck disable=SC2013
  for nh in $(grep -ls "FDSize:.*[0-9][0-9][0-9]" /proc/[0-9]*/status); do
    nh=${nh%/status}
    # shellcheck disable=SC2086
    [ -r $nh/fd ] && set -- $nh/fd/* && [ -L "$1" ] && echo $nh/fd/ $#
  done
fi
grep -Hos -e "CapEff:.*" -e "open files *[0-9a-z]*" /proc/self/status /proc/[0-9]*/limits
exit 0
