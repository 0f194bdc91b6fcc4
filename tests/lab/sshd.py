"""The sshd of a lab host: stopped, killed, or given other host keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.lab.init import SSHD

if TYPE_CHECKING:
    from tests.lab.host import LabHost


@dataclass(frozen=True, slots=True)
class Sshd:
    """The sshd of one host."""

    host: LabHost

    def stop(self) -> None:
        """End the listening sshd; sessions that are under way go on."""
        self.host.shell(
            "kill $(cat /run/sshd.pid) && while [ -e /run/sshd.pid ]; do sleep 0.01; done"
        )

    def start(self) -> None:
        """Start it again, with /etc/ssh/sshd_config as it is now, and wait until it listens."""
        self.host.shell(
            f"{SSHD} -E /var/log/sshd.log && while [ ! -s /run/sshd.pid ]; do sleep 0.01; done"
        )

    def log(self) -> str:
        """What it logged so far, at VERBOSE: logins, sessions and what was run."""
        return self.host.shell("cat /var/log/sshd.log").stdout

    def kill(self) -> None:
        """Kill it and all its sessions at once, as a host does that loses power."""
        script = """
        for process in /proc/[0-9]*; do
            if [ "$(cat "$process/comm" 2>/dev/null)" = sshd ]; then
                kill -KILL "${process#/proc/}"
            fi
        done
        rm -f /run/sshd.pid
        """
        self.host.shell(script)

    def renew_host_keys(self) -> None:
        """Give sshd new host keys of the same types, as a reinstalled host has. Nobody is told."""
        self.stop()
        script = """
        cd /etc/ssh
        for key in ssh_host_*_key; do
            type=${key#ssh_host_}
            rm -f "$key"
            ssh-keygen -q -t "${type%_key}" -N "" -f "$key"
            cut -d " " -f 1-2 "$key.pub"
        done
        """
        self.host.public_keys = tuple(self.host.shell(script).stdout.splitlines())
        self.start()
