# Lists the filters of all interfaces that have an ingress or clsact qdisc.
@needs tc
set -f
q=$(tc qdisc show) || exit
b=
for w in $q; do
  case $b in
    qdisc) k=$w ;;
    dev)
      case $k in
        ingress | clsact)
          echo "# $w"
          for h in ingress egress; do
            # shellcheck disable=SC2086 # one word of a list
            tc filter show dev $w $h || exit
          done ;;
      esac
      w= ;;
  esac
  b=$w
done
