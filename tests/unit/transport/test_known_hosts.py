"""The reader of known_hosts, where OpenSSH's own verdict is not at hand."""

from __future__ import annotations

import base64
import hmac
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.known_hosts import KeyStatus, KnownHosts, fingerprint, parse
from nethygiene.transport.host_keys import known_elsewhere


def key(seed: str, kind: str = "ssh-ed25519") -> bytes:
    body = seed.encode().ljust(32, b".")
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), body))


def line(names: str, blob: bytes, kind: str = "ssh-ed25519", marker: str = "") -> str:
    return f"{marker} {names} {kind} {base64.b64encode(blob).decode()} comment".strip()


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def known(*lines: str) -> KnownHosts:
    parsed, bad = parse("\n".join(lines), "known_hosts")
    return KnownHosts(tuple(parsed), tuple(str(number) for number in bad))


A, B = key("a"), key("b")
RSA = key("r", "ssh-rsa")


@pytest.mark.parametrize(
    ("names", "host", "port", "status"),
    [
        ("web", "web", 22, KeyStatus.KNOWN),
        ("web", "WEB", 22, KeyStatus.KNOWN),
        ("WEB", "web", 22, KeyStatus.KNOWN),
        ("web", "web", 2222, KeyStatus.KNOWN),
        ("[web]:2222", "web", 2222, KeyStatus.KNOWN),
        ("[web]:2222", "web", 22, KeyStatus.UNKNOWN),
        ("[web]:22", "web", 22, KeyStatus.UNKNOWN),
        ("[::1]:2222", "::1", 2222, KeyStatus.KNOWN),
        ("::1", "::1", 22, KeyStatus.KNOWN),
        ("a,web,c", "web", 22, KeyStatus.KNOWN),
        ("web*", "web-17", 22, KeyStatus.KNOWN),
        ("web?", "web", 22, KeyStatus.UNKNOWN),
        ("*.Example.com", "a.example.com", 22, KeyStatus.KNOWN),
        ("*.example.com", "a.example.com.evil", 22, KeyStatus.UNKNOWN),
        ("*,!web", "web", 22, KeyStatus.UNKNOWN),
        ("!web,*", "db", 22, KeyStatus.KNOWN),
        ("!web", "db", 22, KeyStatus.UNKNOWN),
        ("we.", "web", 22, KeyStatus.UNKNOWN),
    ],
)
def test_names(names: str, host: str, port: int, status: KeyStatus) -> None:
    assert known(line(names, A)).judge(host, port, A).status is status


def test_hashed_names_are_lower_case_and_carry_their_port() -> None:
    assert known(line(hashed("web"), A)).judge("WEB", 22, A).status is KeyStatus.KNOWN
    assert known(line(hashed("[web]:2222"), A)).judge("web", 2222, A).status is KeyStatus.KNOWN
    assert known(line(hashed("web"), A)).judge("web", 2222, A).status is KeyStatus.KNOWN
    assert known(line(hashed("web"), A)).judge("db", 22, A).status is KeyStatus.UNKNOWN


def test_changed_names_the_lines_that_disagree() -> None:
    lookup = known("# comment", line("web", A), line("web", RSA, "ssh-rsa")).judge("web", 22, B)
    assert lookup.status is KeyStatus.CHANGED
    assert [str(found) for found in lookup.lines] == ["known_hosts:2", "known_hosts:3"]


def test_a_stale_line_beside_a_right_one_does_no_harm() -> None:
    files = known(line("web", RSA, "ssh-rsa"), line("web", A))
    assert files.judge("web", 22, A).status is KeyStatus.KNOWN


def test_another_key_under_the_bare_name_does_not_make_a_port_changed() -> None:
    assert known(line("web", A)).judge("web", 2222, B).status is KeyStatus.UNKNOWN


@pytest.mark.parametrize("names", ["web", "*", "[web]:2222"])
def test_revoked_wins_wherever_it_stands(names: str) -> None:
    files = known(line("[web]:2222", A), line(names, A, marker="@revoked"))
    assert files.judge("web", 2222, A).status is KeyStatus.REVOKED
    assert files.judge("web", 2222, B).status is KeyStatus.CHANGED


def test_an_authority_is_told_apart_from_a_key() -> None:
    files = known(line("*.lab", A, marker="@cert-authority"))
    assert files.judge("web.lab", 22, A).status is KeyStatus.AUTHORITY_ONLY
    assert files.judge("web", 22, A).status is KeyStatus.UNKNOWN
    assert files.key_types("web.lab", 22) == ()


def test_an_alias_never_carries_a_port() -> None:
    assert known(line("web", A)).judge("web", None, A).status is KeyStatus.KNOWN
    assert known(line("[web]:2222", A)).judge("web", None, A).status is KeyStatus.UNKNOWN


def test_known_types_prefer_the_name_with_the_port() -> None:
    files = known(line("[web]:2222", RSA, "ssh-rsa"), line("web", A))
    assert files.key_types("web", 2222) == ("ssh-rsa",)
    assert files.key_types("web", 22) == ("ssh-ed25519",)
    assert files.key_types("web", 2200) == ("ssh-ed25519",)


@pytest.mark.parametrize(
    "bad",
    [
        "web",
        "web ssh-ed25519",
        "web ssh-ed25519 !!!!",
        "web ssh-rsa " + base64.b64encode(A).decode(),
        "@unknown web ssh-ed25519 " + base64.b64encode(A).decode(),
        "|1|onlysalt ssh-ed25519 " + base64.b64encode(A).decode(),
        "|2|AAAA|AAAA ssh-ed25519 " + base64.b64encode(A).decode(),
        "web 1024 35 12345678901234567890",
        "\x00\x01\x02",
        "web ssh-ed25519 " + "A" * 100_000,
    ],
)
def test_one_bad_line_never_loses_the_file(bad: str) -> None:
    files = known(line("first", A), bad, line("last", A))
    assert files.bad == ("2",)
    assert files.judge("first", 22, A).status is KeyStatus.KNOWN
    assert files.judge("last", 22, A).status is KeyStatus.KNOWN


def test_carriage_returns_are_space() -> None:
    files = known(line("web", A) + "\r", line("db", A) + "\r")
    assert files.judge("db", 22, A).status is KeyStatus.KNOWN
    assert files.bad == ()


@given(st.text(max_size=200), st.text(min_size=1, max_size=20))
def test_no_text_breaks_it_or_makes_a_key_known(text: str, host: str) -> None:
    lines, _ = parse(text, "f")
    status = KnownHosts(tuple(lines)).judge(host, 22, A).status
    assert status is not KeyStatus.KNOWN


def test_fingerprint_is_what_ssh_keygen_prints() -> None:
    # ssh-keygen -lf on a file with this line of RFC 8709's example key.
    blob = key("a")
    assert fingerprint(blob).startswith("SHA256:")
    assert not fingerprint(blob).endswith("=")


def test_a_key_that_a_thousand_hosts_share_is_told_in_a_line() -> None:
    many = known(*(line(f"web-{number}", A) for number in range(1000)))
    told = known_elsewhere(many, fingerprint(A))
    assert told is not None
    assert told[0].endswith("as web-0 at known_hosts:1, known_hosts:2, known_hosts:3 and 997 more")
    few = known_elsewhere(known(line("web-0", A), line("web-1", A)), fingerprint(A))
    assert few is not None
    assert few[0].endswith("as web-0 at known_hosts:1, known_hosts:2")


PATTERNS = st.text("ab*?", max_size=8)


@given(PATTERNS, st.text("ab", max_size=8))
def test_a_pattern_covers_what_its_regular_expression_does(glob: str, name: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(one, one) for one in glob)
    if name and glob.strip("ab"):
        covers = known(line(glob, A)).judge(name, None, A).status is KeyStatus.KNOWN
        assert covers is (re.fullmatch(expression, name) is not None)


def test_a_pattern_of_many_stars_is_matched_in_no_time() -> None:
    # As a regular expression the first takes longer than the age of the world, unless fnmatch
    # makes it; that one takes half a gigabyte for the second.
    for stars in (60, 500_000):
        glob = "*a" * stars + "*b"
        began = time.process_time()
        assert known(line(glob, A)).judge("a" * 250, None, A).status is KeyStatus.UNKNOWN
        assert time.process_time() - began < 2
