# Asks ssh what it makes of destinations, and reads the known_hosts files that it names.
#
# The script stands in a sudoers file word for word, as one line without a backslash, which sudo
# would take for its own. A line of a file or of ssh begins with "=", so that none can pass for one
# of ours. Of the files only lines that look like a public key leave the host, whatever file the
# options name. Of the commands in options only their existence does: a password may stand in them.
keep="@KEPT@"
@needs id ssh grep sed tr
echo "user $(id -un)"
files=

# ssh -G does not say how the configuration sets HostKeyAlgorithms: this reads the lines of all files
# that ssh says it reads. OpenSSH ends the lines that it logs in a carriage return.
ssh -vG localhost 2>&1 >/dev/null | sed "s/[[:cntrl:]]$//" | while IFS= read -r line; do
  case $line in
    OpenSSH_*) echo "version ${line%%[ ,]*}" ;;
    "debug1: Reading configuration data "*)
      grep -ihE "^[[:blank:]]*hostkeyalgorithms[[:blank:]=]" \
        "${line#debug1: Reading configuration data }" 2>/dev/null | \
        sed "s/[^A-Za-z0-9@.,+*?^=[:blank:]-]//g;s/^[[:blank:]]*[A-Za-z]*[[:blank:]=]*/algorithms /" ;;
  esac
done

# Finds where the user's running ssh clients go, as their command lines say it.
others=
own=$(id -u)
nl=$(echo; echo x)
nl=${nl%x}
# The words are paths without a blank.
# shellcheck disable=SC2013
for comm in $(grep -lx ssh /proc/[0-9]*/comm 2>/dev/null); do
  place=${comm%/comm}
  # The bracket is a part of the pattern: sh has no arrays.
  # shellcheck disable=SC1087
  grep -q "^Uid:[[:blank:]]*[0-9]*[[:blank:]]*$own[[:blank:]]" "$place/status" 2>/dev/null || \
    continue
  to=$(tr "[:cntrl:]" "$nl" <"$place/cmdline" 2>/dev/null | {
    set --
    while IFS= read -r word; do
      set -- "$@" "$word"
    done
    [ $# -gt 1 ] || exit 0
    shift
    OPTIND=1
    # The loop only steps over the options.
    # shellcheck disable=SC2034
    while getopts ":@GETOPT@" one; do
      :
    done
    shift $((OPTIND-1))
    echo "$1"
  })
  case $to in
    ""|-*|*:*@*|*[!A-Za-z0-9_.:@%/-]*) continue ;;
  esac
  case " $others " in
    *" $to "*) ;;
    *) others="$others $to" ;;
  esac
done

# ROLE ARGUMENT…: prints one answer of ssh. Sets jumps, and adds to files.
ask() {
  echo "target $1"
  shift
  for word; do
    printf "argument %s" "$word"
    echo
  done
  said=$(ssh -G "$@"; echo "status $?")
  # Before OpenSSH 8.5 ssh also looks up the address, and ends where that has another key.
  if printf %s "$said" | grep -q "^checkhostip yes"; then
    getent ahosts "$(printf %s "$said" | sed -n "s/^hostname //p")" | \
      sed -n "s/[[:blank:]]*STREAM.*//p" | sed "s/^/=resolved /"
  fi
  printf %s "$said" | grep -iE "^($keep) " | \
    sed "s/^proxycommand .*ssh .*/inner ssh/;s/^proxycommand .*/proxycommand other/;s/^inner/proxycommand/;s/^knownhostscommand .*/knownhostscommand set/;s/^/=/"
  jumps=$(printf %s "$said" | sed -n "s/^proxyjump //p")
  for file in $(printf %s "$said" | \
    sed -n "s/^userknownhostsfile //p;s/^globalknownhostsfile //p"); do
    case " $files none " in
      *" $file "*) ;;
      *) files="$files $file";;
    esac
  done
}

# ROLE ARGUMENT…: does the same, and then asks for the hosts on the way, at most four in a row.
follow() {
  ask "$@"
  hops=$jumps
  depth=0
  while [ -n "$hops" ] && [ "$hops" != none ] && [ $depth -lt 4 ]; do
    depth=$((depth+1))
    next=
    first=1
    for hop in $(echo "$hops" | tr , " "); do
      ask jump "ssh://${hop#ssh://}"
      [ $first = 1 ] && next=$jumps
      first=0
    done
    hops=$next
  done
  [ -n "$hops" ] && [ "$hops" != none ] && echo deep
  :
}

set -f
@CALLS@
# The known_hosts files of the running clients are not the tunnel's.
kept=$files
for to in $others; do
  # It is one word: it has no blank, and set -f keeps its globs.
  # shellcheck disable=SC2086
  ask running $to
done
files=$kept
for file in $files; do
  printf "file %s" "$file"
  echo
  if [ -e "$file" ]; then
    {
      grep -nE "(ssh|ecdsa|sk)-[^[:blank:]]+[[:blank:]]+AAAA" "$file"
      echo "status $?"
    } | sed "s/^/=/"
  else
    echo absent
  fi
done
echo done
