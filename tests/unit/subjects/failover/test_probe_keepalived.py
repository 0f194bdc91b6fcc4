"""The keepalived probe: the host sends what rules ask for, and no password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.failover.keepalived import DEFAULT, KEEPALIVED, Keepalived, parse
from nethygiene.subjects.failover.keepalived_conf import parser as conf
from nethygiene.transcript import Section
from tests.unit.collect.shells import PATH, SHELLS
from tests.unit.sections import section
from tests.unit.subjects.failover.test_keepalived_conf import CONFIGS, of_file

SECRET = "c4n4ry-Hunter2"
FULL_OF_SECRETS = f"""
# the old password was {SECRET}
$PASS={SECRET}
$OTHER=x$PASS
$KEEP=eth0
$COMMAND=check --password {SECRET}
$UNUSED={SECRET}
$AUTH= \\
    authentication {{ \\
        auth_type PASS \\
        auth_pass {SECRET} \\
    }}
$LONE= \\
    {SECRET}
ssl {{
    password {SECRET}
}}
vrrp_script x {{
    script "mysql -p{SECRET} --note '{{'"
}}
vrrp_instance A {{
    interface $KEEP   # {SECRET}
    virtual_router_id 5
    $AUTH
    authentication {{ auth_type PASS auth_pass {SECRET} }}
    authentication {{
        auth_type PASS
        auth_pass $PASS
        auth_pass ${{OTHER}}
        auth_pass "{SECRET} {{"
        @node1 auth_pass {SECRET}
        {SECRET}
    }}
    notify_master "$COMMAND {SECRET}"
    notify {SECRET} {SECRET}
    virtual_ipaddress {{
        10.0.3.100/24 dev $KEEP
    }}
    $KEEP {SECRET}
}}
"""


def script(path: Path | str) -> str:
    """The probe where the default file is this one, and no keepalived runs.

    One may well run on this machine meanwhile: in the lab, say.
    """
    assert DEFAULT in KEEPALIVED.shell
    assert "/proc/[0-9]*/comm" in KEEPALIVED.shell
    text = KEEPALIVED.shell.replace("/proc/[0-9]*/comm", "/nowhere/[0-9]*/comm")
    return text.replace(DEFAULT, str(path))


def answer(
    path: Path | str, shell: Sequence[str] = ("/bin/sh", "-s"), *, user: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """What the probe prints where the default file is this one."""
    return subprocess.run(
        list(shell),
        input=script(path).encode(),
        capture_output=True,
        env={"PATH": PATH, "LC_ALL": "C"},
        user=user,
        check=False,
    )


def fact(path: Path | str, *, user: int | None = None) -> Keepalived | Unreadable:
    done = answer(path, user=user)
    stdout = as_default(done.stdout, path)
    return parse({KEEPALIVED.name: Section(stdout, done.stderr, done.returncode)})


def as_default(stdout: bytes, path: Path | str) -> bytes:
    """The answer, as if that file were the default one."""
    stdout = stdout.replace(str(path).encode(), DEFAULT.encode())
    return stdout.replace(str(Path(path).parent).encode(), str(Path(DEFAULT).parent).encode())


def lines(text: bytes) -> list[str]:
    return [line for line in text.decode().split("\n") if line.startswith("=")]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["plain", "unicast", "conditions", "including", "servers"])
def test_what_is_sent_reads_as_the_files_do(name: str, shell: str) -> None:
    done = answer(CONFIGS / f"{name}.conf", SHELLS[shell])
    assert (done.returncode, done.stderr) == (0, b"")
    expected = of_file(f"{name}.conf", os.uname().nodename.partition(".")[0])
    text = as_default(done.stdout, CONFIGS / f"{name}.conf")
    read = parse({KEEPALIVED.name: section(text)})
    assert isinstance(read, Keepalived)
    assert {one.name: one for one in read.instances} == expected
    assert not read.running


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("awk", ["mawk", "gawk", "busybox"])
def test_no_password_is_sent(tmp_path: Path, shell: str, awk: str) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(FULL_OF_SECRETS)
    tool = shutil.which(awk)
    if tool is None:
        pytest.skip(f"{awk} is not installed")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "awk").symlink_to(tool)
    done = subprocess.run(
        [*SHELLS[shell]],
        input=script(path).encode(),
        capture_output=True,
        env={"PATH": f"{tmp_path}/bin:{PATH}", "LC_ALL": "C"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert SECRET.encode() not in done.stdout
    read = parse({KEEPALIVED.name: section(as_default(done.stdout, path))})
    assert isinstance(read, Keepalived)
    (one,) = read.instances
    assert (one.interface, one.vrid, one.authentication) == ("eth0", 5, "PASS")
    assert [str(held.address) for held in one.addresses] == ["10.0.3.100"]


def test_keywords_that_the_parser_reads_are_sent() -> None:
    known = Path(conf.__file__).parent
    said = "".join(path.read_text() for path in known.glob("*.py"))
    read = set(re.findall(r'(?:_last|all|any\(self\._block\.all)\("(\w+)"\)', said))
    read |= {
        word for case in re.findall(r"case (.*):", said) for word in re.findall(r'"(\w+)"', case)
    }
    read |= set(re.findall(r'last\.get\("(\w+)"', said))
    assert len(read) > 20
    program = KEEPALIVED.shell.split("END_OF_LIST")[0]
    assert {word for word in read if not re.search(rf"[ \"]{word}[ \\]", program)} == set()


def test_a_host_without_keepalived(tmp_path: Path) -> None:
    read = fact(tmp_path / "nowhere" / "keepalived.conf")
    assert isinstance(read, Keepalived)
    assert (read.running, read.instances) == (False, ())


def test_files_that_keepalived_passes_over(tmp_path: Path) -> None:
    """It opens no directory and nothing that is executable (check_glob_file)."""
    (tmp_path / "conf.d" / "x.conf").mkdir(parents=True)
    run = tmp_path / "conf.d" / "run.conf"
    run.write_text("vrrp_instance RUN {\nvirtual_router_id 1\n}\n")
    run.chmod(0o744)
    (tmp_path / "conf.d" / "two\nlines.conf").write_text("vrrp_instance LINES {\n}\n")
    (tmp_path / "conf.d" / "good.conf").write_text("vrrp_instance GOOD {\n}\n")
    (tmp_path / "conf.d" / "gone.conf").symlink_to("nowhere")
    (tmp_path / "k").write_text("include conf.d/*.conf\ninclude none-*.conf\n")
    read = fact(tmp_path / "k")
    assert isinstance(read, Keepalived)
    assert [one.name for one in read.instances] == ["GOOD"]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user needs root")


@needs_root
@pytest.mark.parametrize("closed", ["keepalived.conf", "conf.d/one.conf", "conf.d", "."])
def test_what_may_not_be_read_is_never_absent(closed: str) -> None:
    # pytest's own folders are closed to others.
    top = Path(tempfile.mkdtemp(prefix="keepalived.", dir="/tmp"))
    try:
        folder = top / "etc"
        (folder / "conf.d").mkdir(parents=True)
        top.chmod(0o755)
        (folder / "keepalived.conf").write_text("include conf.d/*.conf\n")
        (folder / "conf.d" / "one.conf").write_text("vrrp_instance ONE {\n}\n")
        read = fact(folder / "keepalived.conf", user=65534)
        assert isinstance(read, Keepalived)
        assert [one.name for one in read.instances] == ["ONE"]
        (folder / closed).chmod(0o600)
        read = fact(folder / "keepalived.conf", user=65534)
        assert isinstance(read, Keepalived)
        (daemon,) = read._daemons
        assert isinstance(daemon, Unreadable)
        assert daemon.reason is Reason.PERMISSION
    finally:
        shutil.rmtree(top)


def test_arguments_as_getopt_reads_them() -> None:
    """The shell functions of the probe, with arguments on their standard input."""
    functions = KEEPALIVED.shell.partition("; net() ")[0].removeprefix("sh -c '")
    for argv, expected in {
        ("keepalived", "-f", "/k"): "option f /k",
        ("keepalived", "-nlf/k", "-i", "main"): "stays\noption f /k\noption i main",
        ("keepalived", "--use-file=/k x", "--config-id", "m"): "option f /k x\noption i m",
        ("keepalived", "-p", "-f", "-r", "/r", "-t/x", "-P"): "",
        ("keepalived", "--pid", "/p", "--dont-fork", "--namespace", "n"): "stays\noption s n",
        ("keepalived", "--use-f=/k"): "option ? --use-f=/k",
        ("keepalived", "-DS", "7", "-C"): "option C",
        ("keepalived", "--vrrp", "--log-detail"): "",
    }.items():
        done = subprocess.run(
            ["sh", "-c", f"{functions}; arguments"],
            input="\n".join(argv).encode(),
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode().strip() == expected, argv
