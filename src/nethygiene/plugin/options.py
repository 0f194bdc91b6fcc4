"""The options of the command line, beside pytest's and Testinfra's, as one typed value."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from nethygiene.audit_options import declare_options
from nethygiene.engine.outcomes import Severity
from nethygiene.engine.settings import Settings
from nethygiene.errors import UsageError
from nethygiene.own_command import own_command
from nethygiene.report.writers import ANNOTATORS, WRITERS
from nethygiene.transport.base import ConnectSettings


def add_options(parser: pytest.Parser) -> None:
    """Add nethygiene's options to pytest's."""
    group = parser.getgroup("nethygiene", "network hygiene (use = for every option that takes one)")
    declare_options(group.addoption)


_DEFAULTS = {
    "--forks": "32",
    "--window": "2",
    "--connect-timeout": "15",
    "--command-timeout": "60",
    "--fail-on": "medium",
}
_OTHERS = (
    *("--inventory", "--from-evidence", "--limit", "--since", "--known-hosts", "--annotations"),
    *("--evidence", "--redact", "--label"),
    *(writer.option for writer in WRITERS),
)


def asks_for_audit(config: pytest.Config) -> bool:
    """Whether an option of ours is given, which only an audit has."""
    unset: tuple[object, ...] = (None, False, [])
    return any(config.getoption(name) not in unset for name in _OTHERS) or any(
        config.getoption(name) != default for name, default in _DEFAULTS.items()
    )


def read_options(config: pytest.Config) -> Settings:
    """Read and validate the options.

    Raises:
        UsageError: an option's value is wrong, or two do not go together.
    """

    def text(name: str) -> str | None:
        value: str | None = config.getoption(name, None)
        return value

    def path(name: str) -> Path | None:
        value = text(name)
        if value == "":
            raise UsageError(f"{name}=: names no file")
        return None if value is None else config.invocation_params.dir / Path(value).expanduser()

    for writer in WRITERS:
        path(writer.option)
    _check_annotations(text("--annotations"))
    settings = Settings(
        inventory=path("--inventory"),
        from_evidence=path("--from-evidence"),
        evidence=path("--evidence"),
        redact=bool(config.getoption("--redact", False)),
        since=path("--since"),
        limit=text("--limit"),
        forks=int(_number("--forks", text("--forks"), least=1, most=4096, whole=True)),
        window=_number("--window", text("--window"), least=0, most=3600),
        fail_on=_severity(text("--fail-on") or ""),
        labels=_labels(config.getoption("--label")),
        sudo=bool(config.getoption("sudo", False)),
        connect=ConnectSettings(
            connect_timeout=_number("--connect-timeout", text("--connect-timeout"), least=0.1),
            command_timeout=_number("--command-timeout", text("--command-timeout"), least=0.1),
            known_hosts=tuple(
                str(config.invocation_params.dir / Path(file).expanduser())
                for file in config.getoption("--known-hosts")
            ),
            ssh_config=_optional_path(config, "ssh_config"),
            identity_file=_optional_path(config, "ssh_identity_file"),
        ),
    )
    _check_together(config, settings)
    return settings


# Testinfra's options that choose the host. An audit does not obey them: ignored, they would let it
# audit this machine instead.
_INSTEAD = {
    "hosts": "give --inventory=FILE that holds the hosts, and choose among them by --limit=PATTERN",
    "connection": "set ansible_connection in the inventory (--inventory=FILE)",
    "ansible_inventory": "give --inventory=FILE: YAML, or what `ansible-inventory --list --export` "
    "prints",
    "force_ansible": "set ansible_connection in the inventory (--inventory=FILE)",
    "ssh_extra_args": "set ansible_ssh_common_args in the inventory (--inventory=FILE)",
    "sudo_user": "set ansible_become_user in the inventory (--inventory=FILE)",
}


def _optional_path(config: pytest.Config, name: str) -> str | None:
    value: str | None = config.getoption(name, None)
    return None if value is None else str(config.invocation_params.dir / Path(value).expanduser())


def _check_together(config: pytest.Config, settings: Settings) -> None:
    for name, instead in _INSTEAD.items():
        if config.getoption(name, None):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is Testinfra's, and an audit does not obey it: {instead}")
    if settings.from_evidence is not None and settings.evidence is not None:
        raise UsageError(
            "--evidence keeps what a live run collects; with --from-evidence there is none: "
            "copy the file instead"
        )
    if settings.redact and settings.evidence is None:
        raise UsageError(
            "--redact is of --evidence=FILE: a file that is there already is redacted by "
            f"`{own_command()} redact IN OUT`"
        )
    for name, file in (("--since", settings.since), ("--from-evidence", settings.from_evidence)):
        if file is not None and not file.is_file():
            raise UsageError(f"{name}={file}: no such file")


def _number(
    name: str, text: str | None, *, least: float, most: float = 86400, whole: bool = False
) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not least <= number <= most or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{name}={text}: give {kind} from {least:g} to {most:g}")
    return number


def _severity(text: str) -> Severity:
    if text not in list(Severity):
        raise UsageError(f"--fail-on={text}: give one of {', '.join(Severity)}")
    return Severity(text)


def _check_annotations(text: str | None) -> None:
    names = ["none", *(annotator.name for annotator in ANNOTATORS)]
    if text is not None and text not in names:
        raise UsageError(f"--annotations={text}: give {' or '.join(names)}")


def _labels(texts: list[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"--label={text}: give it as KEY=VALUE")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise UsageError(f"--label={text!r}: is not UTF-8: write it as text")
        if key in labels:
            raise UsageError(f"--label={text}: {key} was given before, as {labels[key]!r}")
        labels[key] = value
    return labels
