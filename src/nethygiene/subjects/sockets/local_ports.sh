# Counts the local ports that each peer takes, for peers that take half of them.
@needs ss awk cat
# The files hold numbers and ranges, which become words.
# shellcheck disable=SC2046
set -- $(cat @RANGE@ @RESERVED@)
test $# -gt 1 || exit 1
# shellcheck disable=SC2048,SC2086
echo $*
# shellcheck disable=SC2086
ss -tan | awk -v low=$1 -v high=$2 "@PROGRAM@" && echo end
