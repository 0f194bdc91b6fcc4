"""What each kind of answer looks like redacted: the names go, in every form, the rest stays."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re

from nethygiene.known_hosts import KnownHosts, fingerprint, parse
from nethygiene.redaction import filters, listings, ssh
from nethygiene.redaction.addresses import AddressMap
from nethygiene.redaction.names import NameMap
from nethygiene.redaction.text import Pseudonyms
from nethygiene.subjects.tunnels.messages import is_complaint
from tests.unit.subjects.tunnels.test_messages import SAID

KEY = b"a key of this test alone"
BLOB = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(range(32))


def given() -> Pseudonyms:
    return Pseudonyms(AddressMap(KEY), NameMap(KEY), learning=False)


def mapped(address: str) -> str:
    return given().address(address)


def test_ss_in_old_and_new_spellings() -> None:
    text = (
        "LISTEN 0 5 203.0.113.7%eth0:443 0.0.0.0:*\n"
        'LISTEN 0 5 [2001:db8::7]:443 [::]:* users:(("till",pid=3,fd=4),("sshd",pid=5,fd=6))\n'
        "LISTEN 0 5 2001:db8::7:443 :::*\nLISTEN 0 5 *:443 *:*\n"
        "ESTAB 0 0 [::ffff:203.0.113.7]:22 [fe80::1%eth0]:9 cgroup:/till.service <->\n"
    )
    made = listings.sockets(text, given())
    four, six = mapped("203.0.113.7"), mapped("2001:db8::7")
    assert made.splitlines()[:4] == [
        f"LISTEN 0 5 {four}%eth0:443 0.0.0.0:*",
        f'LISTEN 0 5 [{six}]:443 [::]:* users:(("process-1",pid=3,fd=4),("sshd",pid=5,fd=6))',
        f"LISTEN 0 5 {six}:443 :::*",
        "LISTEN 0 5 *:443 *:*",
    ]
    assert f"[::ffff:{four}]:22" in made
    assert "till" not in made


def test_the_login_that_sshd_tells() -> None:
    made = listings.sockets("203.0.113.7 40000 203.0.113.8 22\nRecv-Q Send-Q\n", given())
    one, two = mapped("203.0.113.7"), mapped("203.0.113.8")
    assert made == f"{one} 40000 {two} 22\nRecv-Q Send-Q\n"


def test_interfaces_lose_their_free_text() -> None:
    link = "2: eth0: <UP> mtu 1500\\    link/ether 02:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff\\"
    made = listings.interfaces(f"{link}    alias to Vienna 1\\    altname e\n", given())
    assert "Vienna" not in made
    assert "02:11:22" not in made
    assert re.search(r"link/ether [0-9a-f][26ae]:\S{14} brd ff:ff:ff:ff:ff:ff", made)
    assert made.endswith("\\    altname e\n")
    label = "2: eth0 inet 203.0.113.7/24 brd 203.0.113.255 scope global eth0:vienna\\ valid_lft"
    made = listings.interfaces(label, given())
    assert f"{mapped('203.0.113.7')}/24" in made
    assert made.endswith("scope global eth0:label-1\\ valid_lft")


def test_numbers_that_only_look_like_addresses_stay() -> None:
    text = "nft 1.0.9, 08:00:00, 2038-01-19T03:14:07, [0:0], 6.18.44-1.2, e::f::1, 1.2.3.400"
    assert given().in_text(text) == text


def test_iptables() -> None:
    text = (
        '-A INPUT -s 203.0.113.0/24 -m comment --comment "till of \\"Vienna\\"" -j LOG '
        "--log-prefix vienna\n-A INPUT -m iprange --src-range 203.0.113.9-203.0.113.20 -j DROP\n"
        "-A OUTPUT -m owner --uid-owner clerk -m string --string Vienna --algo bm -j DROP\n"
    )
    pseudonyms = given()
    pseudonyms.learning = True
    filters.saved(text, pseudonyms)
    pseudonyms.learning = False
    made = filters.saved(text, pseudonyms)
    assert "ienna" not in made
    assert "clerk" not in made
    low, high = re.findall(r"--src-range (\S+)-(\S+)", made)[0]
    assert int(high.split(".")[3]) - int(low.split(".")[3]) == 11
    assert re.search(r"-s \S+\.0/24 -m comment --comment \"redacted\" -j LOG", made)


def test_nft() -> None:
    rule = {
        "comment": "Vienna",
        "expr": [
            {"match": {"op": "==", "left": {"payload": {"base": "nh"}}, "right": 0xCB007107}},
            {"match": {"op": "<", "left": {}, "right": "203.0.113.128"}},
            {
                "match": {
                    "op": "in",
                    "left": {},
                    "right": {"prefix": {"addr": "10.9.0.0", "len": 16}},
                }
            },
            {"log": {"prefix": "vienna"}},
        ],
    }
    made = filters.nft(json.dumps({"nftables": [{"rule": rule}]}), given())
    assert "ienna" not in made
    assert str(0xCB007107) not in made
    assert "10.9.0.0" not in made
    assert re.search(r'"addr": "10\.\d+\.0\.0", "len": 16', made)


def test_hexadecimal_addresses_of_ipvs() -> None:
    made = filters.virtual_servers(
        "/proc/net/ip_vs:TCP  CB007107:0050 rr\n  -> 0A4D0001:0050\n", given()
    )
    assert "CB007107" not in made
    assert "0A4D0001" not in made
    number = int(re.findall(r"TCP  ([0-9A-F]{8}):0050", made)[0], 16)
    assert number == given().addresses.address(4, 0xCB007107)


def known_hosts(line: str) -> KnownHosts:
    answer = (
        "user clerk\ntarget declared\nargument vault.example\n=hostname vault.example\n=port 2222\n"
        f"=status 0\nfile /home/clerk/.ssh/known_hosts\n=7:{line}\n=status 0\ndone"
    )
    made = ssh.config_answer(answer, given())
    assert not re.search("clerk|vault|example", made), made
    (kept,) = re.findall(r"^=7:(.*)$", made, re.MULTILINE)
    return KnownHosts(tuple(parse(kept, "")[0]))


def test_known_hosts_are_found_by_the_pseudonym() -> None:
    encoded = base64.b64encode(BLOB).decode()
    salt, name = b"0123456789abcdefghij", "[vault.example]:2222"
    digest = hmac.digest(salt, name.encode(), "sha1")
    hashed = "|".join(["", "1", *(base64.b64encode(one).decode() for one in (salt, digest))])
    for names in (name, hashed, "[*.example]:2222", f"other,{name},10.0.0.1", "[vault.*]:2222,!x"):
        (line,) = known_hosts(f"{names} ssh-ed25519 {encoded} clerk@vault").lines
        assert line.names == "[host-1]:2222"
        assert line.key != BLOB
        assert len(line.key) == len(BLOB)
    assert not known_hosts(f"other ssh-ed25519 {encoded}").matching("[host-1]:2222")
    (line,) = known_hosts(f"@revoked * ssh-ed25519 {encoded}").lines
    assert line.marker.value == "@revoked"
    assert known_hosts(f"@revoked * ssh-ed25519 {encoded}").matching("[host-1]:2222")


def test_a_fingerprint_is_that_of_the_pseudonym() -> None:
    names = given().names
    other = base64.b64decode(names.public_key(base64.b64encode(BLOB).decode()))
    assert names.fingerprint(fingerprint(BLOB)) == fingerprint(other)
    unseen = "SHA256:" + base64.b64encode(hashlib.sha256(b"x").digest()).decode().rstrip("=")
    assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", names.fingerprint(unseen))
    assert names.fingerprint(unseen) != unseen


def test_arguments_of_ssh_also_of_older_evidence() -> None:
    argv = [
        *("ssh", "-i", "/home/clerk/id", "-oHostKeyAlias=vault", "-L", "19922:db.example:22"),
        *("-J", "clerk@jump:22", "-o", "ProxyCommand=nc -w 9", "clerk@vault.example", "-v", "ls"),
    ]
    assert list(ssh.arguments(argv, given())) == [
        *("ssh", "-i", "/redacted/file-1", "-oHostKeyAlias=host-1", "-L", "19922:host-2:22"),
        *("-J", "user-1@host-3:22", "-o", "ProxyCommand=*", "user-1@host-4", "-v"),
    ]


def test_logs_keep_their_times_and_the_words_of_ssh() -> None:
    text = (
        "kind cron\nuser clerk\nmailto MAILTO=clerk\nfile /var/mail/clerk\n"
        "=From clerk@vienna Sat Nov 21 12:00:00 2026\n=Date: Sat, 21 Nov 2026 12:00:00 +0000\n"
        "=2026-11-21T12:00:00Z till.vienna ssh[3]: Host key verification failed.\n=status 0\n"
    )
    assert listings.log(text, given()) == (
        "kind cron\nuser user-1\nmailto MAILTO=user-1\nfile /redacted/file-1\n"
        "=From user Sat Nov 21 12:00:00 2026\n=Date: Sat, 21 Nov 2026 12:00:00 +0000\n"
        "=2026-11-21T12:00:00Z Host key verification failed\n=status 0\n"
    )


def test_complaints_lose_the_names_that_are_known() -> None:
    names = given().names
    names.host("till-vienna")
    names.user("clerk")
    assert names.in_words("sudo: unable to resolve host Till-Vienna for clerk: clerks") == (
        "sudo: unable to resolve host host-1 for user-1: clerks"
    )


def test_ssh_messages_lose_who_is_named_and_stay_messages() -> None:
    lines = [line for line in SAID if "/" not in line]
    made = listings.log("\n".join(f"={line}" for line in lines), given()).splitlines()
    assert len(made) == len(lines)
    for before, after in zip(lines, made, strict=True):
        assert is_complaint(after[1:]), (before, after)
        assert not re.search(r"cloud\.example|203\.0\.113\.7(?!\d)|2001:db8::7|plant", after), after
