"""The lab itself: hosts that are apart from each other and from the machine, and that go away."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.lab.endpoints import EndpointError
from tests.lab.errors import LabError
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.spec import Login


def ssh(lab: Lab, host: LabHost, script: str, login: Login = "root") -> str:
    """Run a script over OpenSSH's own client; host keys are checked."""
    options = ("-F", "none", "-o", "BatchMode=yes", "-o", "KexAlgorithms=curve25519-sha256")
    known = f"UserKnownHostsFile={lab.known_hosts}"
    whom = f"{login}@{host.address}"
    argv = lab.entering("ssh", *options, "-o", known, "-i", str(lab.identity), whom, script)
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=120).stdout


@pytest.mark.parametrize(
    ("login", "path"),
    [
        ("root", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("audit", "/usr/local/bin:/usr/bin:/bin:/usr/games"),
    ],
)
def test_login_gives_what_an_ordinary_sshd_gives(
    lab: Lab, host: LabHost, login: Login, path: str
) -> None:
    said = ssh(lab, host, "id -un; echo $PATH; readlink /proc/$$/exe; pwd; hostname", login)
    assert said.split() == [login, path, "/usr/bin/dash", f"/var/home/{login}", host.name]


def test_each_host_has_its_own_sysctls_processes_and_interfaces(lab: Lab, host: LabHost) -> None:
    before = Path("/proc/sys/net/core/somaxconn").read_text().strip()
    (other,) = lab.hosts("neighbour")
    host.sysctl("net.core.somaxconn", 77)
    assert ssh(lab, host, "cat /proc/sys/net/core/somaxconn") == "77\n"
    assert other.sysctl("net.core.somaxconn") != "77"
    assert Path("/proc/sys/net/core/somaxconn").read_text().strip() == before
    assert set(ssh(lab, host, "ls /sys/class/net").split()) == {"eth0", "lo"}
    with other.listen(4321):
        assert ":4321" in other.run("ss", "-lnt").stdout
        assert ":4321" not in host.run("ss", "-lnt").stdout
        assert "4321" not in host.run("ps", "ax", "-o", "args").stdout
    lab.remove(other)


def test_the_machine_sees_nothing_of_it(host: LabHost) -> None:
    assert host.machine_pid > 0
    assert "198.18." not in subprocess.check_output(["ip", "addr"], text=True)
    assert (
        Path(f"/proc/{host.machine_pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    )
    assert host.run("hostname").stdout.strip() == host.name != socket.gethostname()
    mounted = Path("/proc/self/mounts").read_text()
    assert "nethygiene-lab" not in mounted


def test_written_files_stay_in_the_host(host: LabHost) -> None:
    machine = Path("/etc/passwd").read_bytes()
    host.write_file("/etc/sysctl.d/90-lab.conf", "net.core.somaxconn = 1\n")
    host.run("sed", "-i", "s/^root/toor/", "/etc/passwd")
    assert host.run("cat", "/etc/sysctl.d/90-lab.conf").stdout == "net.core.somaxconn = 1\n"
    assert not Path("/etc/sysctl.d/90-lab.conf").exists()
    assert Path("/etc/passwd").read_bytes() == machine


def test_the_rest_of_the_machine_is_read_only_in_a_host(host: LabHost) -> None:
    with pytest.raises(LabError, match="none of the host's own directories"):
        host.write_file("/opt/x", "x")
    with pytest.raises(LabError, match="Read-only file system"):
        host.run("touch", "/root/nethygiene-lab-was-here")
    assert not Path("/root/nethygiene-lab-was-here").exists()


def test_hidden_tool_is_missing_in_that_host_alone(lab: Lab, host: LabHost) -> None:
    host.hide("ss")
    assert ssh(lab, host, "ss -lnt 2>/dev/null; echo $?") == "127\n"
    assert subprocess.run(["ss", "-V"], check=False, capture_output=True).returncode == 0
    with pytest.raises(LabError):
        host.hide("ss")


def test_fake_sysctl_directory_has_tcp_tw_recycle_and_stays_live(lab: Lab, host: LabHost) -> None:
    host.fake_sysctl_directory(tcp_tw_recycle=1)
    directory = "/proc/sys/net/ipv4"
    assert ssh(lab, host, f"cat {directory}/tcp_tw_recycle", "audit") == "1\n"
    assert set(ssh(lab, host, f"ls {directory}/conf").split()) == {"all", "default", "eth0", "lo"}
    ssh(lab, host, "sysctl -w net.ipv4.tcp_tw_recycle=0 net.ipv4.tcp_syncookies=0")
    wanted = f"{directory}/tcp_tw_recycle {directory}/tcp_syncookies"
    assert ssh(lab, host, f"cat {wanted}") == "0\n0\n"
    host.run("umount", "-l", directory)
    assert host.sysctl("net.ipv4.tcp_syncookies") == "0"
    assert not Path(directory, "tcp_tw_recycle").exists()


def test_listener_that_holds_overflows_and_can_be_mended(lab: Lab, host: LabHost) -> None:
    (client,) = lab.hosts("client-of-listener")
    with host.listen(80, backlog=2) as listener, host.connect_from(client, 80, n=6):
        assert queue(host, 80) == (3, 2)
        listener.listen_again(9)
        assert queue(host, 80)[1] == 9
        listener.accept_from_now_on()
        assert queue(host, 80)[0] == 0
    assert ":80 " not in host.run("ss", "-lnt").stdout
    lab.remove(client)


def queue(host: LabHost, port: int) -> tuple[int, int]:
    """Recv-Q and Send-Q of the listener on a port."""
    words = host.run("ss", "-Hlnt", f"sport = :{port}").stdout.split()
    return int(words[1]), int(words[2])


def test_a_port_that_is_taken_is_said(host: LabHost) -> None:
    with pytest.raises(EndpointError, match="Address already in use"):
        host.listen(22)


def test_second_interface_lies_on_a_network_of_its_own(lab: Lab, host: LabHost) -> None:
    (peer,) = lab.hosts("peer-on-inner")
    assert host.attach("inner", "10.9.0.1/24", "fd09::1/64") == "eth1"
    peer.attach("inner", "10.9.0.2/24", "fd09::2/64")
    with peer.listen(80, address="10.9.0.2"), peer.listen(80, address="fd09::2", family="ipv6"):
        for address in ("10.9.0.2", "fd09::2"):
            host.run("bash", "-c", ': <>"/dev/tcp/$0/80"', address)
            with lab.inside(), pytest.raises(OSError, match="unreachable"):
                socket.create_connection((address, 80), timeout=1)
    lab.remove(peer)


REFUSING_80 = """
table inet lab {
    chain input {
        type filter hook input priority 0
        tcp dport 80 reject with tcp reset
    }
}
"""
REFUSING_81 = "-A INPUT -p tcp --dport 81 -j REJECT --reject-with tcp-reset"


def test_firewall_is_the_hosts_own(lab: Lab, host: LabHost) -> None:
    host.run("nft", "-f", "-", text=REFUSING_80)
    host.run("iptables", *REFUSING_81.split())
    with host.listen(80), host.listen(81), host.listen(82), lab.inside():
        for port in (80, 81):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host.address, port), timeout=30)
        socket.create_connection((host.address, 82), timeout=30).close()
    (other,) = lab.hosts("without-firewall")
    assert other.run("nft", "list", "ruleset").stdout == ""
    lab.remove(other)


def test_sshd_stops_starts_and_dies_with_its_sessions(lab: Lab, host: LabHost) -> None:
    host.sshd.stop()
    with pytest.raises(subprocess.CalledProcessError):
        ssh(lab, host, "true")
    host.sshd.start()
    ssh(lab, host, "true")
    assert "Accepted publickey for root from 198.18.0.1" in host.sshd.log()
    script = "echo began; sleep 20"
    with subprocess.Popen(
        lab.entering(
            *("ssh", "-F", "none", "-o", f"UserKnownHostsFile={lab.known_hosts}"),
            *("-i", str(lab.identity), f"root@{host.address}", script),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as session:
        assert session.stdout is not None
        session.stdout.readline()
        host.sshd.kill()
        assert session.wait(120) == 255


def test_sudo_rules_are_the_hosts_own(lab: Lab) -> None:
    host = lab.host("with-sudo", login="audit", sudoers="audit ALL=(root) NOPASSWD: /usr/bin/id -u")
    assert ssh(lab, host, "sudo -n id -u", "audit") == "0\n"
    with pytest.raises(subprocess.CalledProcessError):
        ssh(lab, host, "sudo -n cat /etc/shadow", "audit")
    lab.remove(host)


def test_host_that_cannot_be_built_is_named(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"lab host odd: .*any valid prefix is expected"):
        lab.host("odd", addresses=["300.1.2.3/8"])
