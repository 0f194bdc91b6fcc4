# How many descriptors each process has open, and may have.
@needs stat grep
# The size of /proc/PID/fd is the number of descriptors since Linux 6.2, for everyone to see.
stat -c "%n %s %u" /proc/self/fd /proc/[0-9]*/fd 2>/dev/null
if [ "$(stat -c %s /proc/self/fd)" = 0 ]; then
  # Before, who may look counts them, of processes with a table of 100 and more: others have the
  # smallest that there is, 64.
  grep -Hs FDSize /proc/[0-9]*/status
  # Paths, without a blank.
  # shellcheck disable=SC2013
  for nh in $(grep -ls "FDSize:.*[0-9][0-9][0-9]" /proc/[0-9]*/status); do
    nh=${nh%/status}
    # shellcheck disable=SC2086
    [ -r $nh/fd ] && set -- $nh/fd/* && [ -L "$1" ] && echo $nh/fd/ $#
  done
fi
grep -Hos -e "CapEff:.*" -e "open files *[0-9a-z]*" /proc/self/status /proc/[0-9]*/limits
exit 0
