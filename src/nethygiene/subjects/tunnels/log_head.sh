# How the answer begins, of whatever kind of log.
@needs id date grep sed tail
# The file that begins so sets it.
# shellcheck disable=SC2154
echo "kind $kind"
echo "user $(id -un)"
date "+now %s %z"
