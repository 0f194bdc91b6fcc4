"""What is run as a tunnel's user: in the script's locale, and with the home that login gives it."""

from __future__ import annotations

from collections.abc import Iterable

from nethygiene.collect.command import Command
from nethygiene.collect.script import compose, new_boundary
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.tunnels.tunnel_logs import log_command
from tests.lab.cases.tunnels import HOME, POLICY, furnish
from tests.lab.host import LabHost
from tests.lab.lab import Lab

GERMAN = "LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n"


def answer(host: LabHost, commands: Iterable[Command]) -> str:
    script = compose(commands, boundary=new_boundary(), window=0).decode()
    return host.run("/bin/sh", "-s", text=script).stdout


def test_su_keeps_the_locale_of_the_script(host: LabHost) -> None:
    """Debian's PAM session of su reads these files, and what they say wins over the environment."""
    host.write_file("/etc/environment", GERMAN)
    host.write_file("/etc/default/locale", GERMAN)
    host.hide("runuser")
    asked = Command("locale", "sh -c 'id -un; echo locale=$LC_ALL'", user="audit")
    assert "audit\nlocale=C\n" in answer(host, [asked])


def test_mail_that_is_forwarded_is_seen_without_an_entry_in_passwd(lab: Lab, host: LabHost) -> None:
    """The home directory is what the shell makes of ~plant, whichever directory service has it."""
    tunnel = policy_from_plain(dict(POLICY)).tunnels["to-cloud"]
    asked = log_command(tunnel, 3600)
    assert asked is not None
    (cloud,) = lab.hosts("mail-cloud")
    furnish(host, cloud)
    assert "\nforward\n" not in answer(host, [asked])
    host.write_file(f"{HOME}/.forward", "ops@example.com\n")
    assert "\nforward\n" in answer(host, [asked])
    # As where the account is in a directory service, and its home cannot be told here.
    host.shell("mv /etc/passwd /etc/passwd.all; grep -v ^plant: /etc/passwd.all > /etc/passwd")
    unknown = Command(asked.name, asked.shell)
    assert "\nhomeless\n" in answer(host, [unknown])
    lab.remove(cloud)
