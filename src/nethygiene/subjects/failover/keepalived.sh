# Finds the keepalived that runs, and sends the lines of its configuration that rules ask for.
#
# It prints what runs, then what each include matched, then the files. keepalived.awk cuts the lines
# down. Names of files that hold a line break are left out: the answer would not be whole.
@needs id grep sed tr awk ls uname
nl=$(printf "\n_")
nl=${nl%_}

# It uses printf, because the echo of some shells turns \n into a line break.
say() {
  printf "%s\n" "$1"
}

# The word after an option that takes one.
next() {
  IFS= read -r word || [ -n "$word" ]
}

# -abc: takes the letters. Sets want to the option whose value is the next word.
letters() {
  rest=${1#-}
  while [ -n "$rest" ]; do
    tail=${rest#?}
    letter=${rest%"$tail"}
    rest=$tail
    case $letter in
      [fisSupcbrA])
        want=$letter
        if [ -n "$rest" ]; then
          take "$rest"
        fi
        return ;;
      [tMg]) return ;;
      n) echo "stays" ;;
      C) say "option C" ;;
    esac
  done
}

# VALUE: of the option that waits for one.
take() {
  case $want in
    [fis]) say "option $want $1" ;;
  esac
  want=
}

# Prints what the arguments on standard input say about the configuration.
arguments() {
  next || return
  want=
  while next; do
    if [ -n "$want" ]; then
      take "$word"
      continue
    fi
    case $word in
      --use-file | --config-id | --namespace)
        want=${word#--}
        want=$(echo "$want" | sed "s/use-file/f/; s/config-id/i/; s/namespace/s/") ;;
      --use-file=*) say "option f ${word#*=}" ;;
      --config-id=*) say "option i ${word#*=}" ;;
      --namespace=*) say "option s ${word#*=}" ;;
      --dont-fork) echo "stays" ;;
      --check) say "option C" ;;
      --pid | --vrrp_pid | --checkers_pid | --bfd_pid) want=- ;;
      --log-facility | --umask | --signum | --config-fd | --snmp-agent-socket) want=- ;;
      --[cnsu]*=*) say "option ? $word" ;;
      -[!-]*) letters "$word" ;;
    esac
  done
}

net() {
  readlink "$1/ns/net" 2>/dev/null
}

# PATTERN: its spellings without {a,b}, one a line.
spelt() (
  case $1 in
    *"{"*"}"*)
      before=${1%%"{"*}
      rest=${1#*"{"}
      after=${rest#*"}"}
      rest=${rest%%"}"*}
      while :; do
        spelt "$before${rest%%,*}$after"
        case $rest in
          *,*) rest=${rest#*,} ;;
          *) break ;;
        esac
      done ;;
    *) say "$1" ;;
  esac
)

# DIRECTORY NAME: whether it is certain what matches. A pattern of directories is left to root.
seen() (
  part=$1
  case $1 in
    *[*?[]*)
      [ "$(id -u)" = 0 ]
      exit ;;
  esac
  while ! [ -d "${part:-/}" ]; do
    part=${part%/*}
  done
  [ -x "${part:-/}" ] || exit
  case $2 in
    *[*?[]*)
      [ "$part" != "$1" ] || [ -r "${part:-/}" ] ;;
  esac
)

# FILE: whether keepalived passes over it: it reads no directory and no executable file.
passed_over() {
  [ -f "$1" ] || return 0
  # The names of files do not matter here.
  # shellcheck disable=SC2012
  case $(ls -ldL "$1" 2>/dev/null) in
    -??[xs]* | -?????[xs]* | -????????[xt]*) return 0 ;;
  esac
  return 1
}

# DIRECTORY PATTERN: finds the files that keepalived reads, and remembers those that are new.
include() {
  case "$asked" in
    *"$nl$1$nl$2$nl"*) return ;;
  esac
  asked="$asked$nl$1$nl$2$nl"
  say "from $1"
  say "pattern $2"
  case $2 in
    /*) pattern=$2 ;;
    *) pattern=${1%/}/$2 ;;
  esac
  IFS=$nl
  for one in $(spelt "$pattern"); do
    if seen "${one%/*}" "${one##*/}"; then
      for found in $one; do
        case $found in
          *"$nl"*) continue ;;
        esac
        if [ -e "$found" ] && ! passed_over "$found"; then
          say "match $found"
          case "$nl$files$nl" in
            *"$nl$found$nl"*) ;;
            *)
              files=$files${files:+$nl}$found
              left=$left$found$nl ;;
          esac
        fi
      done
    else
      say "closed ${one%/*}"
    fi
  done
  unset IFS
}

own=$(net /proc/self)
echo "self $(id -u)"
say "name $(uname -n)"
grep " /proc proc " /proc/self/mounts | sed "s/^/mount /"
list=$(grep -lx keepalived /proc/[0-9]*/comm 2>/dev/null)
echo "listed $?"
# shellcheck disable=SC1007
asked= files= left=
for comm in $list; do
  place=${comm%/comm}
  {
    status=$(grep -E "^(State|PPid|NSpid):" "$place/status")
    said=$(tr "\n\0" " \n" <"$place/cmdline" | arguments)
  } 2>/dev/null
  # A process that has ended by now has no arguments.
  if [ -n "$status" ]; then
    echo "process ${place#/proc/}"
    say "$status"
    # Only root may see the namespaces of others; of a process that has ended there are none.
    other=$(net "$place")
    if [ -z "$other" ] && [ "$(id -u)" != 0 ]; then
      other=$own
    fi
    [ "$other" = "$own" ] || echo "elsewhere"
    say "$said"
    file=$(say "$said" | sed -n "s/^option f //p" | tail -n 1)
    [ -n "$file" ] || file=@DEFAULT@
    from=/
    case $file in
      /*) ;;
      *)
        case "$nl$said$nl" in
          *"${nl}stays$nl"*) from=$(readlink "$place/cwd" 2>/dev/null) ;;
        esac ;;
    esac
    say "root $file"
    say "in $from"
    [ -z "$from" ] || include "$from" "$file"
  fi
done
include / @DEFAULT@
count=0
while [ -n "$left" ]; do
  file=${left%%"$nl"*}
  left=${left#*"$nl"}
  count=$((count + 1))
  if [ "$count" -gt 200 ]; then
    echo "many"
    break
  fi
  if [ -r "$file" ]; then
    say "readable $file"
    patterns=$(sed -n \
      "s/^[[:blank:]]*\(@[^[:blank:]]*[[:blank:]][[:blank:]]*\)*include[rmwba]*[[:blank:]][[:blank:]]*//p" \
      "$file" | sed "s/[#!].*//; s/[[:space:]\\]*$//")
    IFS=$nl
    set -f
    # shellcheck disable=SC2086
    set -- $patterns
    set +f
    unset IFS
    for pattern; do
      dir=${file%/*}
      include "${dir:-/}" "$pattern"
    done
  else
    say "hidden $file"
  fi
done
set --
IFS=$nl
for file in $files; do
  [ ! -r "$file" ] || set -- "$@" "$file"
done
unset IFS
if [ $# -gt 0 ]; then
  awk "@PROGRAM@" turn=1 "$@" turn=2 "$@" || exit 1
fi
echo end
