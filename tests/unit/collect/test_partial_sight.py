"""What the script makes of hosts without sudo, id or head, and of tools within its scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import whole
from nethygiene.subjects.filter.packet_filter import NFT, TC
from tests.unit.collect.hosts import NEEDS_NAMESPACES, host, without
from tests.unit.collect.shells import SHELLS, run

PRIVILEGED = Command("rules", "id -un", privileged=True)
SUDO_THAT_TELLS = """
mount -t tmpfs -o mode=755 tmpfs /mnt
printf '#!/bin/sh\\nprintf "%%s|" "$@"\\n' > /mnt/sudo
chmod 755 /mnt/sudo
export PATH=/mnt:$PATH
"""
AS_NOBODY = "exec setpriv --reuid=nobody --regid=nogroup --clear-groups /bin/sh -s"


@NEEDS_NAMESPACES
def test_root_needs_no_sudo() -> None:
    answer = run([PRIVILEGED], host(without("sudo")), sudo=("sudo", "-n"))
    assert answer["rules"] == b"root\n"


@NEEDS_NAMESPACES
def test_anybody_else_asks_sudo() -> None:
    answer = run([PRIVILEGED], host(SUDO_THAT_TELLS, then=AS_NOBODY), sudo=("sudo", "-n"))
    assert answer["rules"] == b"-n|id|-un|"


@NEEDS_NAMESPACES
def test_without_id_a_command_of_a_user_says_what_is_missing() -> None:
    asked = Command("log", "echo told", user="nobody")
    answer = run([asked], host(without("id")))
    found = whole(asked, answer.framed.sections["log"])
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOOL_MISSING
    assert "id: not found" in found.detail


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_a_script_ends_by_the_name_of_the_tool_that_it_lacks(
    shell: tuple[str, ...], tmp_path: Path
) -> None:
    lacking, whole_one = tmp_path / "lacking.sh", tmp_path / "whole.sh"
    lacking.write_text("@needs cat no-such-tool sed\necho whole\n")
    whole_one.write_text("@needs cat sed\necho whole\n")
    asked = Command("list", sh_c(lacking))
    answer = run([asked, Command("after", sh_c(whole_one))], shell)
    found = whole(asked, answer.framed.sections["list"])
    assert isinstance(found, Unreadable)
    assert (found.reason, found.detail) == (Reason.TOOL_MISSING, "no-such-tool: not found")
    assert answer["list"] == b""
    assert answer["after"] == b"whole\n"


@pytest.mark.parametrize(
    ("symbols", "skipped"),
    [
        ("0 T tcp_v4_rcv\n0 T printk\n", True),
        ("0 T tcp_v4_rcv\n0 t nft_do_chain\t[nf_tables]\n", False),
        # Masked, as /dev/null over it.
        ("", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("modules", [True, False])
def test_nft_is_left_out_where_the_kernel_is_seen_to_lack_it(
    tmp_path: Path, symbols: str | None, skipped: bool, modules: bool
) -> None:
    condition = NFT.skip_if
    for path in ("/proc/kallsyms", "/proc/modules", "/sys/module/nf_tables"):
        assert path in condition
        condition = condition.replace(path, str(tmp_path / path.rpartition("/")[2]))
    if modules:
        (tmp_path / "modules").touch()
    if symbols is not None:
        (tmp_path / "kallsyms").write_text(symbols)
    done = subprocess.run(["sh", "-c", condition], check=False, capture_output=True)
    assert (done.returncode == 0) is (skipped and modules)


@NEEDS_NAMESPACES
def test_a_tc_that_fails_is_no_host_without_filters() -> None:
    fails = """
mount -t tmpfs -o mode=755 tmpfs /mnt
echo '#!/bin/sh' > /mnt/tc
echo '[ "$1" = -V ] || { echo RTNETLINK answers: No buffer space >&2; exit 2; }' >> /mnt/tc
chmod 755 /mnt/tc
export PATH=/mnt:$PATH
"""
    section = run([TC], host(fails)).framed.sections[TC.name]
    assert section.status == 2
    assert b"No buffer space" in section.stderr
    assert run([TC], host("")).framed.sections[TC.name].status == 0
