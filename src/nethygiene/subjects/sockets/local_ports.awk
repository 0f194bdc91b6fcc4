# Counts the local ports that each peer takes, for peers that take half of them. The columns of ss
# are state, two queues, local end, peer. Each statement ends in a semicolon, because the host gets
# the program on one line.
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
