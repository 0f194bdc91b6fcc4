# Reads what a tunnel's ssh wrote into a file.
# This is a word, not the command of that name.
# shellcheck disable=SC2209
kind=file
. ./log_head.sh
. ./log_lines.sh
if [ -e @LOG@ ]; then
  look @LOG@ "" "@PATTERN@"
else
  echo absent
fi
echo done
