# How many local ports each peer takes, of those that take half of them, by ss's columns: state,
# two queues, local end, peer. Each statement ends in a semicolon: the host is sent it all on one
# line.
NR > 1 && $1 != "LISTEN" {
  n = split($4, part, ":");
  port = part[n];
  if (port >= low + 0 && port <= high + 0) {
    key = substr($4, 1, length($4) - length(port) - 1) " " $5;
    used[key]++;
    if ($1 == "TIME-WAIT") tw[key]++;
  }
}

END {
  for (key in used) if (2 * used[key] >= high - low) print used[key], tw[key] + 0, key;
}
