# Each script begins with this: the functions that run its commands and frame their output.
#
# Each section is framed on both streams by a line that starts with the run's boundary. No
# command can write it: it is in no argument, no environment and no file.
#
# The script that follows sets some of the variables. Standard input is the script itself: no
# command may read it, not even one that never reads.
# shellcheck disable=SC2154,SC2217

# `set +a` and `unset` serve a login whose shell exports all, or has a variable of that name.
set +a
unset nh
nh=@BOUNDARY@
unset LANGUAGE BASH_ENV ENV CDPATH GREP_OPTIONS GREP_COLOR GREP_COLORS
LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec 4>&1
nh_limit=
timeout 9 true 2>/dev/null && nh_limit='timeout -s KILL'

nh_mark() {
  printf '\n%s %s\n' "$nh" "$*" >&4
  printf '\n%s %s\n' "$nh" "$*" >&2
}

# NAME SECONDS CAP COMMAND…: run a command, with a limit on its time and on what it prints.
nh_run() {
  nh_mark begin "$1"
  nh_name=$1 nh_seconds=$2 nh_cap=$3
  shift 3
  # $(…) carries the exit statuses on descriptor 3, past the pipe that caps the output. The status
  # of `head` is reported if it fails: a host without `head` would leave an empty section.
  nh_status=$({
    {
      ${nh_limit:+$nh_limit $nh_seconds} "$@" </dev/null 3>&- 4>&-
      echo $? >&3
    } | head -c "$nh_cap" 3>&- >&4 || echo head $? >&3
  } 3>&1)
  # These are one word, or three.
  # shellcheck disable=SC2086
  nh_mark end "$nh_name" $nh_status
}

# NAME COMMAND…: run a command that can neither hang nor flood.
nh_run_small() {
  nh_mark begin "$1"
  nh_name=$1
  shift
  "$@" </dev/null 4>&-
  nh_mark end "$nh_name" $?
}

# NAME SECONDS CAP USER COMMAND…: run a command as a user, if we may.
nh_run_as() {
  nh_name=$1 nh_seconds=$2 nh_cap=$3 nh_user=$4
  shift 4
  if [ "$nh_me" = "$nh_user" ]; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" "$@"
  elif [ "$nh_me" = root ] && command -v runuser >/dev/null 2>&1; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" runuser -u "$nh_user" -- "$@"
  elif [ "$nh_me" = root ]; then
    # The inner shell expands the variable.
    # shellcheck disable=SC2016
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" \
      su -s /bin/sh -c 'LC_ALL=C exec "$@"' -- "$nh_user" sh "$@"
  elif [ -n "$nh_become" ]; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" sudo -n -u "$nh_user" "$@"
  elif [ -z "$nh_me" ]; then
    nh_mark begin "$nh_name"
    echo "id: not found, so that who is logged in cannot be told" >&2
    nh_mark end "$nh_name" 127
  else
    nh_mark begin "$nh_name"
    echo "@REFUSED@$nh_me" >&2
    nh_mark end "$nh_name" 1
  fi
}

# Sleep through the rest of the window, part by part, as long as somebody reads.
nh_rest() {
  while [ "$nh_parts" -gt 1 ]; do
    nh_parts=$((nh_parts - 1))
    printf '\n' >&4 || exit 1
    sleep "$nh_part" </dev/null >/dev/null 2>&1 4>&- || return
  done
}

# NAME SECONDS: prolong the window while a counter is suspect.
nh_prolong() {
  nh_mark begin "$1"
  nh_left=$2
  while [ "$nh_left" -gt 0 ]; do
    nh_left=$((nh_left - 1))
    nh_why=$(printf '%s\n' "$nh_before" | nh_suspects 2>/dev/null 4>&-) || break
    [ -n "$nh_why" ] || break
    printf '%s\n' "$nh_why" || exit 1
    sleep 1 </dev/null >/dev/null 2>&1 4>&- || break
  done
  nh_mark end "$1" 0
}

# NAME: the section is lost, because there was no window.
nh_lost() {
  nh_mark begin "$1"
  echo "sleep: it failed, so that there was no window" >&2
  nh_mark end "$1" 127
}
