# Prints the counters that moved too fast since the window began, but too little for a verdict.
#
# For mawk, gawk and busybox (which may lack sqrt()). A bound is six words; the lines that begin
# with = are what it printed when the window began. Each statement ends in a semicolon, because the
# host gets the program on one line.

function number(key) { return now[key] - base[key]; }

# A counter that is too slow by one standard deviation of a random process is suspect too: of two
# events a second, a window of 2 s often sees two.
function suspect(name, of, fast, share, least, least_of,   events, all, below, keys, n, i) {
  if (!(name in base) || !(name in now)) return;
  events = number(name);
  n = split(of, keys, "+");
  for (i = 1; i <= n; i++) all += number(keys[i]);
  fast *= t;
  below = fast - events;
  if (events < 2 || (below > 0 && below * below >= fast) || events <= share * all) return;
  if (events >= least && all >= least_of) return;
  if (events * longest / t < (least < 10 ? least : 10) / 2 || all * longest / t < least_of) return;
  if (split(name, keys, "*") == 2 && !wired(keys[1])) return;
  sub(/\*/, " ", name);
  printf "%s %d %.2f\n", name, events, t;
}

function wired(name,   line) {
  return index(declared, " " name " ") ||
    (getline line < ("/sys/class/net/" name "/device/uevent")) >= 0;
}

BEGIN {
  n = split(bounds, word, " ");
  wanted["TcpExtTCPSynRetrans"] = 1;
  for (i = 1; i <= n; i += 6) {
    wanted[word[i]] = 1;
    m = split(word[i + 1], keys, "+");
    for (j = 1; j <= m; j++) wanted[keys[j]] = 1;
  }
}

$1 == "=" && NF == 3 { base[$2] = $3; compare = 1; next; }

FILENAME == "/proc/uptime" { now["*uptime"] = $1; next; }

FILENAME == "/proc/net/dev" {
  if (/:/ && !/\|/) {
    sub(/:/, " ");
    dev[$1] = 1;
    now[$1 "*drop"] = $5 + $13;
    now[$1 "*packets"] = $3 + $11;
  }
  next;
}

/^[A-Za-z]+: [A-Za-z]/ { n = split($0, head, " "); next; }

NF == n && $1 == head[1] {
  sub(/:/, "", $1);
  for (i = 2; i <= n; i++) if (($1 head[i]) in wanted) now[$1 head[i]] = $i;
}

END {
  if (!compare) {
    for (key in now) printf "= %s %s\n", key, now[key];
    exit;
  }
  t = now["*uptime"] - base["*uptime"];
  if (t <= 0 || t >= longest) exit;
  # A segment that is sent again belongs to a dial only if it is a SYN.
  data = number("TcpRetransSegs") - number("TcpExtTCPSynRetrans");
  if (data > 0) now["TcpExtTCPTimeouts"] -= data;
  n = split(bounds, word, " ");
  for (i = 1; i <= n; i += 6) {
    if (word[i] ~ /^\*/) {
      for (d in dev) suspect(d word[i], d word[i + 1], word[i + 2], word[i + 3], word[i + 4],
        word[i + 5]);
    } else suspect(word[i], word[i + 1], word[i + 2], word[i + 3], word[i + 4], word[i + 5]);
  }
}
