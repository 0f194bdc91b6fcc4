# The ssh clients that run, with their owners and arguments; the users are the script's arguments.
#
# ps would print every command line, and glue the arguments together; busybox's knows neither -C
# nor -o args. Only processes of that name are looked at, and of their arguments only those that
# rules ask for are told, the others as *: passwords stand in commands (the remote one, that of an
# option, a script that is called ssh), and in a user:password@. The words are told apart as by
# invocation.py.
@needs id grep sed tr

# By printf, for the echo of some shells turns \n into a line of its own.
say() {
  printf "=%s\n" "$1"
}

# OPTION VALUE: sets v to what may be told of the value.
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

# -abc: says the letters; sets want to the one whose value is the next word.
letters() {
  said=-
  rest=${1#-}
  while [ -n "$rest" ]; do
    tail=${rest#?}
    one=${rest%"$tail"}
    rest=$tail
    # Letters, not one of a range.
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

# Says the arguments on standard input, one a line, as far as the destination and its options.
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
          # What follows the destination is the remote command.
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
  # Another user's namespaces are root's to see; NSpid tells everybody of a container's process.
  other=$(net "$place")
  [ "${other:-$own}" = "$own" ] || echo "net other"
  {
    grep -E "^(State|PPid|Uid|NSpid):" "$place/status"
    tr "\n\0" " \n" <"$place/cmdline" | arguments
  } 2>/dev/null
done
echo done
