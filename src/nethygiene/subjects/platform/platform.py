"""Remedies for SELinux and NetworkManager that are not as declared."""

from __future__ import annotations

from nethygiene.engine.remedies import command, paragraphs
from nethygiene.subjects.platform.selinux import Selinux

_SWITCHES = {"enforcing": "1", "permissive": "0"}


def set_selinux_now(selinux: Selinux, state: str) -> str:
    """The remedy of SELinux that is not in `state` now."""
    if state == "disabled" or selinux.at_run_time == "disabled":
        return "SELinux goes on and off at boot alone: see to its configuration, then boot."
    return paragraphs("Set it now:", command(f"setenforce {_SWITCHES[state]}"))


def set_selinux_at_boot(selinux: Selinux, state: str) -> str:
    """The remedy of SELinux that will not be in `state` after the next boot."""
    words = selinux.boot_words
    parts = [
        "Set it in the configuration:",
        command(f"sed -i 's/^SELINUX=.*/SELINUX={state}/' /etc/selinux/config"),
    ]
    if words:
        parts.append(
            f"The kernel's command line says {' '.join(words)}, which overrules that: take it out "
            "of the boot loader's configuration."
        )
    return paragraphs(*parts)


def run_network_manager(state: str) -> str:
    """The remedy of NetworkManager that is not in `state`, ``active`` or ``inactive``."""
    if state == "active":
        return paragraphs(
            "Have it run, now and after each boot:",
            command("systemctl enable --now NetworkManager"),
        )
    return paragraphs(
        "Stop it, now and for good; see first that its interfaces have another owner, which on "
        "RHEL 9 and later they have not:",
        command("systemctl disable --now NetworkManager"),
    )
