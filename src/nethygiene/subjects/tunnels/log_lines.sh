# FILE ALSO LAST: prints ssh's complaints in a file, the lines that match ALSO, and whether the last
# line matches LAST. Nothing else of the file leaves the host.
look() {
  printf "file %s" "$1"
  echo
  date -r "$1" "+modified %s"
  {
    grep -E "${2}@PATTERN@" "$1"
    echo "status $?"
  } | tail -n @LINES@ | sed "s/^/=/"
  echo "last $(tail -n 1 "$1" | grep -cE "$3")"
}
