"""Advice about results that are unknown, and the titles of the incidents."""

from __future__ import annotations

from nethygiene.engine.outcomes import Reason

ADVICE: dict[Reason, str] = {
    Reason.UNREACHABLE: "Make the host reachable (see host-reachable) and run again.",
    Reason.PERMISSION: (
        "Let the login read it: set `ansible_become: true` and install the sudoers file that "
        "`nethygiene sudoers --user NAME` prints."
    ),
    Reason.TOOL_MISSING: "Install the tool that is named on the host.",
    Reason.COMMAND_FAILED: "Run the command that is named on the host, and fix what it reports.",
    Reason.TIMEOUT: "Find what is slow on the host, or raise `--command-timeout=SECONDS`.",
    Reason.CUT_OFF: "The answer was cut off: look at the connection, and run again.",
    Reason.UNPARSABLE: (
        "The tool answered in a form that nethygiene does not know: keep it with "
        "`--evidence=FILE` and report it."
    ),
    Reason.ABSENT: "Look on the host for what is missing: it should be there.",
    Reason.NOT_COLLECTED: "The evidence is older than the rule: collect it again.",
    Reason.UNDECIDABLE: "Declare in the inventory, or look up, what the message names.",
    Reason.NOTHING_CHECKED: "The rule ended without an expectation: this is a bug of the rule.",
    Reason.NO_SECOND_SAMPLE: (
        "Rates need two samples: give a `--window=SECONDS` above 0, or `--since=EVIDENCE`."
    ),
    Reason.RULE_CRASHED: "This is a bug of the rule: report it with its message.",
    Reason.FROM_EVIDENCE: "Evidence has no connection: run this check against the live host.",
    Reason.INTERRUPTED: "The run was interrupted: run it again.",
}

INCIDENTS = {
    "S0": "a tunnel that multiplied",
    "S1": "eight cases on Windows and Linux",
    "S1.1": "a firewall with two minds",
    "S1.2": "looking at the wrong interface",
    "S1.3": "the port had moved",
    "S1.4": "some clients behind a NAT cannot log in",
    "S1.5": "two default gateways",
    "S1.6": "the middlebox that forgot",
    "S1.7": "a failover that did not take over",
    "S1.8": "a hardened host that would not listen",
    "S2": "two failed connections a second",
    "S3": "the accept queue",
    "S4": "path and forged resets",
}
"""The titles of docs/incidents.md, which an installed copy does not carry."""


def incident(code: str) -> str:
    """The code with its title, as ``S3, the accept queue``; a user's own code has no title."""
    return f"{code}, {INCIDENTS[code]}" if code in INCIDENTS else code
