# Succeeds if nf_tables is neither loaded nor built in: `nft` would load it. A list of symbols
# without the kernel's own is masked, and proves nothing.
nh_nft=
[ -e /proc/modules ] && [ ! -d /sys/module/nf_tables ] &&
  case $(grep -oE "nft_do_chain|tcp_v4_rcv" /proc/kallsyms) in
    *nft*) ;;
    *tcp*) nh_nft=0 ;;
  esac
[ "$nh_nft" = 0 ]
