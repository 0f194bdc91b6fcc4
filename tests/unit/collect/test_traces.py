"""The script changes nothing on a host: it writes no file, and leaves no process."""

from __future__ import annotations

from nethygiene.collect.command import Command
from tests.unit.collect.hosts import INCIDENTS, NEEDS_NAMESPACES, host
from tests.unit.collect.shells import every_command, run

pytestmark = NEEDS_NAMESPACES

# Every file system is read-only but for fresh, empty ones where a login may write.
READ_ONLY = """
folders='/tmp /var/tmp /run /dev/shm /root'
mount -o remount,ro,bind /
for folder in $folders; do mount -t tmpfs tmpfs $folder; done
rmdir /run/mount 2>/dev/null || true
cd /tmp
export HOME=/root
"""
LIST_FILES = '/bin/sh -s; find $folders -mindepth 1 -printf "left %p\\n"'
LIST_PROCESSES = '/bin/sh -s; for one in /proc/[0-9]*; do echo "left $one"; done'


def _left(stdout: bytes) -> list[bytes]:
    return [line for line in stdout.split(b"\n") if line.startswith(b"left ")]


def test_it_writes_no_file_and_needs_to_write_none() -> None:
    answer = run(every_command(), host(INCIDENTS + READ_ONLY, then=LIST_FILES), window=0.05)
    assert answer.framed.complete
    assert answer.framed.sections["sysctl"].stdout.count(b"\n") > 100
    assert _left(answer.stdout) == []


def test_the_search_for_files_would_find_one() -> None:
    writer = [Command("writer", "sh -c 'echo x > file'")]
    answer = run(writer, host(READ_ONLY, then=LIST_FILES))
    assert _left(answer.stdout) == [b"left /tmp/file"]


def test_it_leaves_no_process() -> None:
    answer = run(every_command(), host(INCIDENTS, then=LIST_PROCESSES), window=0.05)
    assert answer.framed.complete
    assert _left(answer.stdout) == [b"left /proc/1"], "1 is the shell that lists them"


def test_the_search_for_processes_would_find_one() -> None:
    leaver = [Command("leaver", "sh -c 'sleep 5 >/dev/null 2>&1 &'")]
    answer = run(leaver, host("", then=LIST_PROCESSES))
    assert len(_left(answer.stdout)) == 2


def test_it_changes_no_setting() -> None:
    # Some files under /proc/sys do things when they are read or written.
    busy = "-e fs/dentry -e fs/inode -e fs/file-nr"
    read = f"grep -rs '' /proc/sys/net /proc/sys/fs | sort | grep -v {busy}"
    then = f"{read} > /tmp/before; /bin/sh -s; {read} > /tmp/after; diff /tmp/before /tmp/after"
    setup = f"{INCIDENTS}\nmount -t tmpfs tmpfs /tmp"
    answer = run(every_command(), host(setup, then=f"{then} && echo left as it was"), window=0.05)
    assert _left(answer.stdout) == [b"left as it was"]
