"""ssh's arguments, read as its own getopt does."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.subjects.tunnels.forwards import configured_forwards, includes
from nethygiene.subjects.tunnels.invocation import (
    is_mux_master,
    is_script,
    parse_destination,
    parse_invocation,
)
from nethygiene.subjects.tunnels.ssh_config import flag, parse_ssh_config, same_value, seconds

LINES = [
    "ssh -fNL 127.0.0.1:1:h:2 -p 2200 u@Host",
    "ssh u@host -p 2200 -N -L127.0.0.1:1:h:2",
    "ssh -L 127.0.0.1:1:h:2 ssh://u@host:2200 true -p 5",
    "ssh -oLocalForward='127.0.0.1:1 h:2' -oPort=2200 -p 9 -l u x@host",
    "ssh -o 'Port 2200' -o user=u -l y -4CNT -L 127.0.0.1:1:h:2 -- host -p 7",
    "ssh -Nn -i /k -L 127.0.0.1:1:h:2 ssh://u@host:2200/",
]


@pytest.mark.parametrize("line", LINES)
def test_however_it_is_written(line: str) -> None:
    found = parse_invocation(shlex.split(line))
    assert found.unreadable == ""
    assert found.destination is not None
    assert (found.destination.host, found.user, found.port) == ("host", "u", 2200)
    assert includes(found.local, configured_forwards(["[127.0.0.1]:1 [h]:2"], "local"))


@pytest.mark.parametrize("line", LINES)
def test_ssh_itself_reads_it_so(line: str) -> None:
    argv = shlex.split(line)
    done = subprocess.run(
        [argv[0], "-F", "none", "-G", *argv[1:]], capture_output=True, text=True, check=True
    )
    config = parse_ssh_config(done.stdout.split("\n"))
    assert config is not None
    found = parse_invocation(argv)
    assert found.destination is not None
    assert (config.hostname, config.port) == (found.destination.host, found.port)
    assert config.get("user") == found.user
    assert includes(found.local, configured_forwards(config.all("localforward"), "local"))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("ssh -Z host", "-Z"),
        ("ssh -L nonsense host", "-L nonsense"),
        ("ssh -p x host", "port x"),
        ("ssh -o = host", "-o ="),
    ],
)
def test_what_is_not_understood_is_said(line: str, part: str) -> None:
    assert part in parse_invocation(shlex.split(line)).unreadable


def test_the_first_of_an_option_counts() -> None:
    found = parse_invocation(["ssh", "-oBatchMode=no", "-o", "BatchMode yes", "h"])
    assert found.option("batchmode") == "no"
    assert parse_invocation(["ssh", "-p1", "-p2", "h"]).port == 1


def test_masters_and_scripts() -> None:
    assert is_mux_master(["ssh: /home/plant/.ssh/cm [mux]"])
    assert not is_mux_master(["ssh", "-L", "x [mux]"])
    assert is_script(["/bin/sh", "/usr/local/bin/ssh", "host"])
    assert not is_script(["/usr/bin/ssh", "host"])


def test_values() -> None:
    assert (seconds("1h30m"), seconds("15"), seconds("x"), seconds("")) == (5400, 15, None, None)
    assert same_value("1m", "60")
    assert same_value("yes", "TRUE")
    assert not same_value("15", "16")
    assert flag("maybe") is None


@given(st.lists(st.text(max_size=20) | st.sampled_from(["-L", "-o", "-p", "--", "h", "-fNL"])))
def test_any_arguments_give_something(argv: list[str]) -> None:
    parse_invocation(argv)
    is_mux_master(argv)
    is_script(argv)


@given(st.text(max_size=60))
def test_any_text_gives_something(text: str) -> None:
    parse_destination(text)
    parse_ssh_config(text.split("\n"))
    same_value(text, text)
    configured_forwards([text], "local")
