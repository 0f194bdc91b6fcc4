# Succeeds if there are fewer sockets than half of the local ports: those that both families use,
# and those in TIME-WAIT. It needs cat: a shell reads byte by byte, and a file of /proc/sys ends
# after the first. It calculates only with what it could read: an error in an arithmetic expression
# would end the shell of the whole script.
# shellcheck disable=SC2046
set -- $(cat @RANGE@ /proc/net/sockstat /proc/net/sockstat6)
nh_all=0
test $# -gt 12 && nh_span=$(($2 - $1)) && while test $# -gt 2; do
  case $1 in
    TCP: | TCP6:) nh_all=$((nh_all + $3)) ;;
    tw) nh_all=$((nh_all + $2)) ;;
  esac
  shift
done
test "$nh_all" -gt 0 && test $((2 * nh_all)) -lt "$nh_span"
