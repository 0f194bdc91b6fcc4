"""Files with mistakes: what the host sends of them is read as the files are, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.failover.keepalived import KEEPALIVED, Keepalived, parse
from nethygiene.subjects.failover.keepalived_conf.files import (
    ConfigurationError,
    ConfigurationFiles,
)
from nethygiene.subjects.failover.keepalived_conf.parser import read_configuration
from tests.unit.sections import section
from tests.unit.subjects.failover.test_keepalived_conf import CONFIGS
from tests.unit.subjects.failover.test_probe_keepalived import answer, as_default

TEXTS = [(CONFIGS / f"{name}.conf").read_text() for name in ("plain", "unicast", "conditions")]
LINES = [line for text in TEXTS for line in text.split("\n")]
ODD = [
    *("{", "}", "", "# c", "! c", "\\", "$A=1", "$A= \\", "$A", "${A}", "a ${A} b", "${A", "$B"),
    *("$B=interface eth7", "$B= \\", '$F="eth1"', "interface $F", "$G=eth$A", "interface $G"),
    *("@other state MASTER", "@^other state MASTER", "$C=@^other", "$C state MASTER", "@x $Q=5"),
    *('interface "eth0"', '"interface" eth5', "interface eth0 ! c", "a \\# b", 'auth_pass "a b"'),
    *("auth_pass a{b", 'notify "x', 'script "foo { bar"', "vrrp_instance X${A} {", "priority ${A}"),
    *("group { VI_1 VI_2 }", "virtual_ipaddress { 10.0.0.1 }", "$D=10.0.0.9/24 dev eth1", "$D"),
    *("$E=virtual_ipaddress { 10.7.7.7 }", "$E", "10.0.0.2 dev $A", "unicast_peer {", "  x \\"),
]
SIGNS = '{}"#!$\\ @a1.:'


def mangled(choices: random.Random) -> str:
    lines = choices.choice(TEXTS).split("\n")
    for _ in range(choices.randint(1, 4)):
        place = choices.randrange(len(lines))
        kind = choices.random()
        if kind < 0.6:
            lines.insert(place, choices.choice(ODD if choices.random() < 0.7 else LINES))
        elif kind < 0.8 and len(lines) > 1:
            del lines[place]
        elif lines[place]:
            signs = list(lines[place])
            signs[choices.randrange(len(signs))] = choices.choice(SIGNS)
            lines[place] = "".join(signs)
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_a_mangled_file_is_read_alike_or_not_at_all(tmp_path: Path, seed: int) -> None:
    choices = random.Random(seed)
    path = tmp_path / "keepalived.conf"
    for _ in range(30):
        text = mangled(choices)
        path.write_text(text)
        done = answer(path)
        assert (done.returncode, done.stderr) == (0, b""), text
        read = parse({KEEPALIVED.name: section(as_default(done.stdout, path))})
        assert isinstance(read, Keepalived), text
        (daemon,) = read._daemons
        if isinstance(daemon, Unreadable):
            continue
        files = ConfigurationFiles({"/k": text}, {})
        try:
            whole = read_configuration(files, ["/k"], daemon.config_id)
        except ConfigurationError as error:
            pytest.fail(f"the host's part can be read, but not the whole: {error}\n{text}")
        assert daemon.instances == whole.instances, text
