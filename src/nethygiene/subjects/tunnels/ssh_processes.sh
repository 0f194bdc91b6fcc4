# Lists the running ssh clients with their owners and arguments. Its own arguments are user names.
#
# ps would print every command line, and glue the arguments together; busybox's knows neither -C
# nor -o args. This script looks only at processes with the name ssh. Of their arguments it prints
# those that rules ask for, and * for the others: passwords stand in commands (the remote one, that
# of an option, a script with the name ssh) and in user:password@. invocation.py splits the words in
# the same way.
@needs id grep sed tr

# It uses printf, because the echo of some shells turns \n into a line break.
say() {
  printf "=%s\n" "$1"
}

# OPTION VALUE: sets v to the part of the value that may leave the host.
value() {
  v=$2
  case $1 in
    o)
      v=${v#"${v%%[A-Za-z]*}"}
      case $v in
        @HIDDEN@) v="${v%%[!A-Za-z]*}=*" ;;
      esac ;;
    p)
      case $v in
        *[!0-9]*) v="*" ;;
      esac ;;
    [DFJLORWl]) ;;
    *) v="*" ;;
  esac
}

# -abc: prints the letters. Sets want to the option whose value is the next word.
letters() {
  said=-
  rest=${1#-}
  while [ -n "$rest" ]; do
    tail=${rest#?}
    one=${rest%"$tail"}
    rest=$tail
    # The brackets hold letters, not a range.
    # shellcheck disable=SC2102
    case $one in
      [@VALUED@])
        said=$said$one
        if [ -n "$rest" ]; then
          value "$one" "$rest"
          said=$said$v
        else
          want=$one
        fi
        rest= ;;
      [A-Za-z0-9]) said=$said$one ;;
      *)
        said="$said?"
        rest= ;;
    esac
  done
  say "$said"
}

next() {
  IFS= read -r word || [ -n "$word" ]
}

# Prints the arguments on standard input, one a line, up to the remote command.
arguments() {
  next || return
  say "$word"
  case $word in
    @SCRIPTS@) return ;;
  esac
  # shellcheck disable=SC1007
  want= to= ended=
  while next; do
    if [ -n "$want" ]; then
      value "$want" "$word"
      say "$v"
      want=
    elif [ -z "$ended" ] && [ "$word" = -- ]; then
      ended=1
      say --
    else
      case $ended$word in
        -?*) letters "$word" ;;
        *)
          # The remote command follows the destination.
          [ -z "$to" ] || return
          to=1
          case $word in
            *:*@*)
              scheme=
              case $word in
                ssh://*) scheme=ssh:// ;;
              esac
              user=${word#ssh://}
              user=${user%@*}
              word=$scheme${user%%:*}@${word##*@} ;;
          esac
          say "$word" ;;
      esac
    fi
  done
}

for user; do
  printf "user %s %s" "$user" "$(id -u "$user" 2>/dev/null)"
  echo
done
net() {
  readlink "$1/ns/net" 2>/dev/null
}
own=$(net /proc/self)
echo "self $(id -u)"
grep " /proc proc " /proc/self/mounts | sed "s/^/mount /"
list=$(grep -lx ssh /proc/[0-9]*/comm 2>/dev/null)
echo "listed $?"
for comm in $list; do
  place=${comm%/comm}
  echo "process ${place#/proc/}"
  # Only root may see the namespaces of others. NSpid shows everybody a container's process.
  other=$(net "$place")
  [ "${other:-$own}" = "$own" ] || echo "net other"
  {
    grep -E "^(State|PPid|Uid|NSpid):" "$place/status"
    tr "\n\0" " \n" <"$place/cmdline" | arguments
  } 2>/dev/null
done
echo done
