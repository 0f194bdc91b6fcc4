"""What a host opens, forwards, answers and sends, against what a kernel did, recorded.

`python -m tests.lab.firewall.crossing_recording` records it anew. As root, `make test` asks the
kernel itself besides, about other rulesets.
"""

from __future__ import annotations

import itertools
import json

import pytest

from nethygiene.subjects.filter.crossing import CrossingConnection, received
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.fields import EPHEMERAL
from tests.lab.firewall.crossing_comparing import CROSSINGS
from tests.lab.firewall.crossing_model import number_of
from tests.lab.firewall.crossing_recording import recorded
from tests.lab.firewall.datagram_comparing import DATAGRAMS
from tests.lab.firewall.kinds import KINDS
from tests.lab.firewall.model import Said, said
from tests.lab.firewall.recording import read
from tests.lab.firewall.tally import Tally, total
from tests.unit.sections import fact


@pytest.mark.parametrize("kind", [*CROSSINGS, DATAGRAMS])
def test_the_kernel_did_what_the_model_says(kind: str) -> None:
    tally = total(ruleset.tally() for ruleset in recorded(kind))
    assert not tally.wrong, tally.told()
    assert tally.verdicts > 400
    assert tally.kernel["open"] > tally.verdicts / 8
    assert tally.kernel["closed"] > tally.verdicts / 8
    assert tally.share <= 3, tally.told()
    families = {"ipv4" in json.dumps(ruleset.outcomes) for ruleset in recorded(kind)}
    assert families == {True}


@pytest.mark.parametrize("kind", [*CROSSINGS, DATAGRAMS])
def test_a_model_that_is_wrong_is_noticed(kind: str) -> None:
    """What is recorded of one ruleset does not hold for the listings of the next."""
    tally = Tally()
    for listed, answered in itertools.pairwise(recorded(kind)):
        tally.add(answered.tally(listed.sections))
    assert len(tally.wrong) > tally.verdicts / 20


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_received_is_followed_alike_by_classes_and_by_addresses(kind: str) -> None:
    """The rules on clients ask for classes of them; a crossing has one address."""
    tally = Tally()
    for ruleset in read(kind):
        found = fact("packet_filter", ruleset.sections)
        assert isinstance(found, PacketFilter)
        for attempt, answer in ruleset.answers:
            if said(found, attempt).verdict == "either":
                continue
            connection = CrossingConnection(
                attempt.family,
                *(number_of(attempt.source), number_of(attempt.target), attempt.port),
                ((attempt.sport, attempt.sport),) if attempt.sport else EPHEMERAL,
            )
            crossing = received(found, connection, attempt.client.interface, speaks_first=False)
            # The target of these knows its container without asking for it.
            asks = "neighbour" in crossing.packet and crossing.leaves_by in {"br0", None}
            verdict = {True: "open", False: "closed", None: "unknown"}[crossing.passes]
            one = Said("either" if asks else verdict, crossing.why)
            tally.count(ruleset.name, attempt, one, answer=answer)
    assert not tally.wrong, tally.told()
    assert tally.verdicts > 100
    assert tally.share <= 1, tally.told()
