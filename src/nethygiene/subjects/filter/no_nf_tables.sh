# Whether nf_tables is neither loaded nor built in: asking it would load it then. A list of symbols
# that does not hold the kernel's own is masked, and proves nothing.
nh_nft=
[ -e /proc/modules ] && [ ! -d /sys/module/nf_tables ] &&
  case $(grep -oE "nft_do_chain|tcp_v4_rcv" /proc/kallsyms) in
    *nft*) ;;
    *tcp*) nh_nft=0 ;;
  esac
[ "$nh_nft" = 0 ]
