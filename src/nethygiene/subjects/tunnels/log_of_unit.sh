# Reads what a tunnel's ssh wrote into the journal, and whether its unit writes there.
@needs systemctl journalctl
kind=unit
. ./log_head.sh
systemctl show -p LoadState -p StandardError -p StandardOutput @UNIT@ | sed "s/^/unit /"
{
  journalctl -u @UNIT@ --since=-@WINDOW@s -o short-unix --no-pager
  echo "status $?"
} | grep -E "^status |@PATTERN@" | tail -n @LINES@ | sed "s/^/=/"
echo done
