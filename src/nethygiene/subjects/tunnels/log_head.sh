# The answer begins with this, whatever the kind of log.
@needs id date grep sed tail
# The file that includes this one sets it.
# shellcheck disable=SC2154
echo "kind $kind"
echo "user $(id -un)"
date "+now %s %z"
