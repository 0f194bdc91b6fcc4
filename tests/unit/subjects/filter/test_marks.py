"""Marks: a packet from the wire has none, and rules change and ask them bit by bit."""

from __future__ import annotations

import pytest

from tests.unit.subjects.filter.hosts import ACCEPT, DROP, host, judge, listing, match, rule

META, CT = {"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}
WHO = ("203.0.113.9", 443)


def put(key: object, value: object) -> dict[str, object]:
    return {"mangle": {"key": key, "value": value}}


def iptables(*lines: str) -> str:
    return "\n".join(["*mangle", ":PREROUTING ACCEPT [0:0]", *lines, "COMMIT", ""])


SETS = [
    ([], 0),
    ([put(META, 7)], 7),
    ([put(META, 7), put(META, {"|": [META, 8]})], 15),
    ([put(META, 7), put(META, {"&": [META, 5]})], 5),
    ([put(META, 7), put(META, {"^": [META, 5]})], 2),
    ([put(META, 7), put(META, {"|": [{"&": [META, 0xF2]}, 0x10]})], 0x12),
    ([put(META, 0xAB), put(CT, META), put(META, 0), put(META, CT)], 0xAB),
    ([put(META, 0xAB), put(CT, META), put(META, {"&": [CT, 0xF]})], 0xB),
    (
        [put(CT, 0x30), put(META, 1), put(META, {"|": [{"&": [META, 0xF]}, {"&": [CT, 0xF0]}]})],
        0x31,
    ),
    ([put(META, CT)], 0),
]


@pytest.mark.parametrize(("statements", "mark"), SETS)
def test_nft_changes_marks(statements: list[object], mark: int) -> None:
    rules = [rule(one) for one in statements]
    for asked, verdict in ((mark, "out"), (mark ^ 1, "in"), (mark ^ 0x100, "in")):
        assert judge(host(nft=listing(*rules, rule(match(META, asked), DROP))), *WHO) == verdict
    masked = match({"&": [META, 0xF]}, (mark & 0xF) ^ 1, "!=")
    assert judge(host(nft=listing(*rules, rule(masked, DROP))), *WHO) == "out"


ALL = "--nfmask 0xffffffff --ctmask 0xffffffff"
CHANGES = [
    ([], 0),
    (["MARK --set-xmark 0x7/0xffffffff"], 7),
    (["MARK --set-xmark 0x9/0x1", "MARK --set-xmark 0x1/0x0"], 8),
    (["CONNMARK --set-xmark 0x12/0xff", "CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf"], 2),
    (
        [
            "MARK --set-xmark 0x37/0xff",
            "CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xff",
            "MARK --set-xmark 0x0/0xff",
            f"CONNMARK --restore-mark {ALL}",
        ],
        0x30,
    ),
    ([f"CONNMARK --restore-mark {ALL}"], 0),
]


@pytest.mark.parametrize(("targets", "mark"), CHANGES)
def test_iptables_changes_marks(targets: list[str], mark: int) -> None:
    table = "*filter\n:INPUT {} [0:0]\n-A INPUT -m mark {}--mark {}/0xff -j {}\nCOMMIT\n"
    for asked, inverted, verdict in ((mark, "", "in"), (mark ^ 2, "", "out"), (mark, "! ", "out")):
        text = iptables(*(f"-A PREROUTING -j {one}" for one in targets)) + table.format(
            "DROP", inverted, asked, "ACCEPT"
        )
        assert judge(host(iptables_legacy=text), *WHO) == verdict


def test_a_mark_that_is_not_known_is_a_doubt_for_those_bits_alone() -> None:
    unknown = rule(put(META, {"&": [{"jhash": {"mod": 9}}, 0xF0]}))
    assert judge(host(nft=listing(unknown, rule(match(META, 7), DROP))), *WHO) == "unknown"
    kept = "-A PREROUTING -j MARK --set-xmark 0x1/0xff\n-A PREROUTING -j HMARK --hmark-mod 9"
    drop = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m mark --mark 0x1 -j DROP\nCOMMIT\n"
    text = iptables(*kept.split("\n")) + drop
    assert judge(host(iptables_legacy=text), *WHO) == "unknown"


def test_a_rule_that_changes_the_mark_that_it_asked_for() -> None:
    """It asks once: its verdict is for the packets that met it before they were marked."""
    both = rule(match(META, 0), put(META, 7), DROP)
    assert judge(host(nft=listing(both)), *WHO) == "out"
    # Those that a later condition leaves out are marked all the same.
    later = rule(put(META, 7), match({"payload": {"protocol": "tcp", "field": "dport"}}, 1), ACCEPT)
    assert judge(host(nft=listing(later, rule(match(META, 7), DROP))), *WHO) == "out"
    itself = rule(put(META, 7), match(META, 7), DROP)
    assert judge(host(nft=listing(itself)), *WHO) == "unknown"


def test_a_range_of_marks_is_written_in_several_ways() -> None:
    for span in ({"range": [4, 7]}, {"prefix": {"addr": 4, "len": 30}}, {"set": [4, 5, 6, 7]}):
        drop = rule(match(META, span), DROP)
        for mark, verdict in ((3, "in"), (4, "out"), (7, "out"), (8, "in")):
            assert judge(host(nft=listing(rule(put(META, mark)), drop)), *WHO) == verdict
    strange = rule(match(META, {"prefix": {"addr": 5, "len": 30}}), DROP)
    assert judge(host(nft=listing(strange)), *WHO) == "unknown"
