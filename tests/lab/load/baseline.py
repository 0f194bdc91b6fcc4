"""What a load is measured against: plain paramiko, connecting and sleeping for the window.

    python -m tests.lab.load.baseline INVENTORY KNOWN_HOSTS IDENTITY WINDOW FORKS < HELD

As many threads meet the same hosts in the same order. A host without a fault is logged in to, its
key verified, told to `sleep WINDOW`, and left. One with a fault holds its thread for the seconds
that HELD, a JSON object, gives by name, and costs nothing else: that is how long the deadlines of
the command line let it hold a thread of the audit too. Nothing is read, parsed, judged or
reported, and known_hosts is read once.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import yaml


def main() -> None:
    """Do it; exit status 1 if a host without a fault failed."""
    inventory, known_hosts, identity, window, forks = sys.argv[1:]
    held = json.load(sys.stdin)
    known = paramiko.HostKeys(known_hosts)
    key = paramiko.PKey.from_path(identity)
    hosts = yaml.load(Path(inventory).read_text(), yaml.CSafeLoader)["all"]["hosts"]

    def one(name: str) -> None:
        if name in held:
            time.sleep(held[name])
            return
        address = hosts[name]["ansible_host"]
        with paramiko.SSHClient() as client:
            for kind, host_key in (known.lookup(address) or {}).items():
                client.get_host_keys().add(address, kind, host_key)
            client.connect(
                address,
                username=hosts[name]["ansible_user"],
                pkey=key,
                allow_agent=False,
                look_for_keys=False,
                # All start at once, on a machine that may be busy.
                banner_timeout=60.0,
                auth_timeout=60.0,
            )
            _, stdout, _ = client.exec_command(f"sleep {window}")
            if stdout.channel.recv_exit_status() != 0:
                raise RuntimeError(f"{name}: sleep failed")

    with ThreadPoolExecutor(int(forks)) as pool:
        list(pool.map(one, hosts))


if __name__ == "__main__":
    main()
