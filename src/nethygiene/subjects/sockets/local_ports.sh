# The local ports in use, by peer, of those peers that hold half of them.
@needs ss awk cat
# Numbers and ranges of them, which are words.
# shellcheck disable=SC2046
set -- $(cat @RANGE@ @RESERVED@)
test $# -gt 1 || exit 1
# shellcheck disable=SC2048,SC2086
echo $*
# shellcheck disable=SC2086
ss -tan | awk -v low=$1 -v high=$2 "@PROGRAM@" && echo end
