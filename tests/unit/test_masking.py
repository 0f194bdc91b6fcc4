"""Secrets in free text: masked in all the spellings of command lines, and nothing else is."""

from __future__ import annotations

import pytest

from nethygiene.masking import masked, shows_secret

CANARY = "c4n4ry-Hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"sshpass -p {CANARY} ssh web-1",
        f"sshpass -p{CANARY} ssh web-1",
        f"sshpass -v -p '{CANARY} and more' ssh web-1",
        f"mysql --password={CANARY} -u root",
        f"mysql --password {CANARY}",
        f"--db-passwd={CANARY}",
        f"curl --oauth2-token {CANARY}",
        f"DB_PASSWORD={CANARY} ./run",
        f'{{"password": "{CANARY}"}}',
        f"ansible_become_pass: {CANARY}",
        f"API_KEY='{CANARY}'",
        f"connecting to https://me:{CANARY}@example.com/x",
        f"Authorization: Bearer {CANARY}",
        f"authorization={CANARY}",
        f"-H 'Authorization: Basic {CANARY}'",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    assert CANARY not in masked(text)
    assert "***" in masked(text)
    assert shows_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "net.core.somaxconn is 128, expected at least 511",
        "PasswordAuthentication=no",
        "-A INPUT -j NFQUEUE --queue-num 1 --queue-bypass decides of it",
        "root at web-1: the server asks for password where id_ed25519 was offered",
        "/root/.ssh/id_ed25519 needs a passphrase and no agent holds it",
        "PreferredAuthentications=publickey,password",
        "write a password into ssh://user@host:22/path",
        "ssh -p 22 -L 127.0.0.1:19922:localhost:22 me@cloud.example",
        "SHA256:pass0000000000000000000000000000000000000=",
        "[fd00::1]:22 and http://[::1]:8080/a@b",
        "audit ALL=(root) NOPASSWD: /usr/sbin/nft -j list ruleset, …",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
    assert not shows_secret(text)


def test_a_long_text_is_read_in_no_time() -> None:
    assert masked("-" * 300_000 + "password") == "-" * 300_000 + "password"
    assert masked("token " * 50_000) == "token " * 50_000
