"""Whether a host could be judged at all."""

from functools import partial

from nethygiene.engine.reachability import reach_the_host
from nethygiene.engine.subject import WHOLE, ReachedBy
from nethygiene.rules import Expect, equal_to, rule


@rule(severity="critical", kind="state", incidents=["S0", "S1", "S2", "S3", "S4"])
def test_host_reachable(connection: ReachedBy, expect: Expect) -> None:
    """The host's facts are collected over a verified connection.

    A host that was not read has no verdict. Every other rule is unknown on it, and only this rule
    says why.

    Why: An audit that quietly leaves out the hosts that it could not reach is a false pass for just
        the hosts in trouble. The connection has to be verified too: the first incident began with a
        host key that nobody had checked.
    Remedy: The message names the cause and its cure. For an unknown host key, compare the
        fingerprint in the message with the host's own, on its console:
        `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. Then declare it in the inventory as
        `nethygiene_host_keys: ["SHA256:..."]`, or add the key to known_hosts.

    References:
        - ssh(1), VERIFYING HOST KEYS
        - RFC 4251, section 4.1: https://www.rfc-editor.org/rfc/rfc4251#section-4.1
    """
    expect(
        "this host",
        connection.state,
        equal_to(WHOLE),
        connection.cause,
        partial(reach_the_host, connection),
    )
