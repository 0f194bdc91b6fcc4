# Reads what cron mailed to a tunnel's user, and whether it mails the job's output there. Only ssh's
# complaints leave the mailbox, and the dates of their mails.
kind=cron
user=@USER@
. ./log_head.sh
. ./log_lines.sh
for tool in /usr/sbin/sendmail /usr/lib/sendmail; do
  [ -x $tool ] && echo mta
done
# The shell asks for the home directory as login does, whichever directory service knows it.
eval "home=~$user"
# shellcheck disable=SC2154
case $home in
  /*) [ -e "$home/.forward" ] && echo forward;;
  *) echo homeless;;
esac
crontab -l 2>/dev/null | grep -E "^[[:blank:]]*MAILTO" | tail -n 1 | sed "s/^/mailto /"
# If the user has no table, the job stands in one of the system's, and its MAILTO counts.
crontab -l 2>/dev/null | grep -q . || {
  [ ! -d /etc/cron.d ] || [ -r /etc/cron.d ] || echo closed
  for tab in /etc/crontab /etc/cron.d/*; do
    [ -e "$tab" ] || continue
    [ -r "$tab" ] || {
      echo closed
      continue
    }
    # The bracket is a part of the pattern: sh has no arrays.
    # shellcheck disable=SC1087
    grep -qE "^[^#]*[[:blank:]]$user[[:blank:]]" "$tab" &&
      grep -E "^[[:blank:]]*MAILTO" "$tab" | tail -n 1 | sed "s/^/mailto /"
  done
}
for box in "/var/mail/$user" "/var/spool/mail/$user"; do
  [ -e "$box" ] && {
    look "$box" "^From |^Date: |" "^$"
    break
  }
done
echo done
