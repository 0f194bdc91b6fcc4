"""What a lab host needs to look like one with a kernel before 4.12."""

from __future__ import annotations

# File by file, since procfs cannot be the lower side of an overlay; conf/, neigh/ and the rest stay
# live, and only the file that current kernels lack is a plain one.
SYSCTL_DIRECTORY_WITH_RECYCLE = r"""
set -e
staged=$(mktemp -d /run/sysctl.XXXXXX)
mount -t tmpfs tmpfs "$staged"
cd /proc/sys/net/ipv4
for entry in *; do
    if [ -d "$entry" ]; then mkdir "$staged/$entry"; else : > "$staged/$entry"; fi
    echo "/proc/sys/net/ipv4/$entry $staged/$entry none bind 0 0"
done > /run/sysctl.fstab
mount -a -T /run/sysctl.fstab
printf '%s\n' "$1" > "$staged/tcp_tw_recycle"
chmod 644 "$staged/tcp_tw_recycle"
mount --rbind "$staged" /proc/sys/net/ipv4
"""
"""Shell script: puts a /proc/sys/net/ipv4 with tcp_tw_recycle ($1) in place of the kernel's."""
