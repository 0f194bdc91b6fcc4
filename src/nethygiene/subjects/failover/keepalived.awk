# Cuts the lines of keepalived's files down to what rules ask for. The files are read twice: turn 1
# collects names, turn 2 prints. Passwords stand behind auth_pass, in definitions that are used
# there, in the commands of scripts, and in comments. So only statements with a keyword of the list
# are printed, and addresses, and names of instances; the others become a star. A definition is
# printed if such a statement uses it, and no statement that may hold a secret does.
# Each statement ends in a semicolon, because the host gets the program on one line.
BEGIN {
  list("vrrp_instance vrrp_sync_group group state interface virtual_router_id priority", wanted);
  list("advert_int use_vmac vmac_xmit_base use_ipvlan unicast_src_ip unicast_peer", wanted);
  list("mcast_src_ip mcast_dst_ip virtual_ipaddress virtual_ipaddress_excluded", wanted);
  list("native_ipv6 version authentication auth_type global_defs vrrp_mcast_group4", wanted);
  list("vrrp_mcast_group6 vrrp_version vmac_prefix net_namespace", wanted);
  list("include includer includem includew includeb includea", wanted);
  list("dev brd broadcast label scope peer home -nodad mngtmpaddr noprefixroute", option);
  list("autojoin no_track preferred_lft use_vmac min_ttl max_ttl", option);
}

function list(words, into, n, word) {
  n = split(words, word, " ");
  for (; n > 0; n--) into[word[n]] = 1;
}

function bare(s, i, c, q) {
  if (s !~ /[!\043]/) return s;
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1);
    if (c == "\\") i++;
    else if (c == "\"") q = !q;
    else if (!q && (c == "!" || c == "\043")) return substr(s, 1, i - 1);
  }
  return s;
}

function trim(s) {
  sub(/^[ \t]+/, "", s);
  sub(/[ \t\r]+$/, "", s);
  return s;
}

function uses(s, into, name) {
  while (match(s, /\$[{]?[A-Za-z_][A-Za-z0-9_]*/)) {
    name = substr(s, RSTART, RLENGTH);
    s = substr(s, RSTART + RLENGTH);
    gsub(/[${]/, "", name);
    if (into == "needed") needed[name] = 1;
    else secret[name] = 1;
  }
}

function kept(s) {
  if (turn == 1) uses(s, "needed");
  return s;
}

function is_address(w) {
  gsub(/\$[{]?[A-Za-z0-9_]+[}]?/, "0", w);
  return w ~ /^[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]*(%[^ \t]*)?(\/.*)?$/;
}

function shown(s, w, rest, n, i, word) {
  s = trim(s);
  if (s == "") return "";
  w = s;
  sub(/[ \t].*/, "", w);
  rest = trim(substr(s, length(w) + 1));
  gsub(/"/, "", w);
  if (w ~ /^@/) return w " " shown(rest);
  if (s ~ /(^|[ \t])(auth_pass|key)([ \t]|$)/) {
    if (turn == 1) uses(s, "secret");
    if (w == "auth_pass" && rest != "") return w " *";
    if (w == "auth_type" && match(rest, /^(PASS|AH)[ \t]/)) return w " " substr(rest, 1, RLENGTH) "*";
    return "*";
  }
  if (w ~ /^~/) return substr(w, 1, 4);
  if (w in wanted) {
    if (turn == 1 && w == "vrrp_instance") instance[rest] = 1;
    return kept(s);
  }
  if (w in option || is_address(w)) return kept(s);
  if (w ~ /^\$/) {
    sub(/[ \t].*/, "", rest);
    if (rest == "" || rest in option || rest in wanted) return kept(s);
    if (turn == 1) uses(substr(s, length(w) + 1), "secret");
    return kept(w) " *";
  }
  n = split(s, word, /[ \t]+/);
  for (i = 1; i <= n; i++) if (!(word[i] in instance)) return "*";
  return s;
}

function parts(s, i, c, q, seg, out) {
  if (s !~ /[{}]/) return shown(s);
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1);
    if (c == "\"") q = !q;
    if (c == "$" && match(substr(s, i), /^\$[{][A-Za-z_][A-Za-z0-9_ \t]*[}]/)) {
      seg = seg substr(s, i, RLENGTH);
      i += RLENGTH - 1;
    }
    else if (!q && (c == "{" || c == "}")) {
      out = out shown(seg) " " c " ";
      seg = "";
    }
    else seg = seg c;
  }
  return out shown(seg);
}

function settle(name, more) {
  for (more = 1; more;) {
    more = 0;
    for (name in value) {
      if (name in secret && !(name in spread)) {
        spread[name] = 1;
        uses(value[name], "secret");
        more = 1;
      }
      else if (name in needed && !(name in asked)) {
        asked[name] = 1;
        uses(value[name], "needed");
        more = 1;
      }
    }
  }
  settled = 1;
}

FNR == 1 && turn == 2 {
  if (!settled) settle();
  print "file " FILENAME;
}

FNR == 1 {
  goes = 0;
  veiled = 0;
}

{
  blank = $0 == "" || $0 == "\r";
  line = trim(bare($0));
  if (line == "") {
    if (turn == 2 && blank) print "=";
    else if (turn == 2 && goes) print "=\043";
    if (blank) goes = 0;
    next;
  }
  ends = line ~ /\\$/;
  if (ends) line = trim(substr(line, 1, length(line) - 1));
  front = "";
  while (line ~ /^@[^ \t]*[ \t]/) {
    match(line, /^@[^ \t]*[ \t]+/);
    front = front substr(line, 1, RLENGTH);
    line = substr(line, RLENGTH + 1);
  }
  if (goes) {
    value[defined] = value[defined] " " line;
    text = parts(line);
    goes = ends;
  }
  else if (match(line, /^\$[A-Za-z_][A-Za-z0-9_]*=/)) {
    defined = substr(line, 2, RLENGTH - 2);
    front = front substr(line, 1, RLENGTH);
    line = trim(substr(line, RLENGTH + 1));
    value[defined] = value[defined] " " line;
    veiled = !(defined in needed) || defined in secret;
    goes = ends;
    text = line;
    if (line ~ /[ \t{}"]/ || goes) text = parts(line);
  }
  else {
    veiled = 0;
    text = line ~ /^include[rmwba]?[ \t]/ ? kept(line) : parts(line);
  }
  if (veiled && text != "") text = "*";
  if (turn == 2) print "=" front text (ends ? " \\" : "");
}
