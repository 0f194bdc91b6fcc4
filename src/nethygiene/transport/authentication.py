"""Authentication: offers public keys one after the other, and reports why none was accepted."""

from __future__ import annotations

import paramiko

from nethygiene.errors import ConnectError
from nethygiene.transport.client_transport import ClientTransport
from nethygiene.transport.handshake_errors import closed
from nethygiene.transport.identities import AgentRefusedError, Identities
from nethygiene.transport.ssh_options import SshOptions


def authenticate(
    options: SshOptions, host: str, transport: ClientTransport, identities: Identities
) -> None:
    """Log in with the first key that the server accepts. Passwords are never offered.

    Raises:
        ConnectError: ``authentication``, ``passphrase`` or ``closed``.
    """
    user = options.user
    where = f"{user} at {host}"
    if not options.pubkey_authentication:
        raise ConnectError(
            "authentication",
            f"{where}: ssh_config turns public keys off, and nothing else is offered",
            "set PubkeyAuthentication yes for this host",
        )
    tried: list[str] = []
    accepted: list[str] | None = None
    for identity in identities:
        tried.append(identity.label)
        try:
            further = transport.auth_publickey(user, identity.key)
        except paramiko.BadAuthenticationType as error:
            accepted = list(error.allowed_types)
            break
        except AgentRefusedError as error:
            raise ConnectError(
                "authentication",
                f"{where}: {identity.label}: {error}",
                "let the agent use that key, or name another by ansible_ssh_private_key_file",
            ) from None
        except (OSError, EOFError):
            raise _closed_at_authentication(where, transport, tried) from None
        except paramiko.SSHException as error:
            if not transport.is_active():
                raise _closed_at_authentication(where, transport, tried) from None
            if not isinstance(error, paramiko.AuthenticationException):
                identities.problems.append(f"{identity.label}: {error}")
        else:
            if not further:
                return
            accepted = further
            if "publickey" not in further:
                break
    raise _refused(where, tried, identities, accepted)


def _closed_at_authentication(
    where: str, transport: ClientTransport, tried: list[str]
) -> ConnectError:
    words = transport.disconnect[1] if transport.disconnect else ""
    if len(tried) > 1 or "authentication" in words.lower():
        return ConnectError(
            "authentication",
            f"{where}: the server ended the connection after {len(tried)} keys"
            f" ({words or 'MaxAuthTries'}): {', '.join(tried)}",
            "name the right key by ansible_ssh_private_key_file, so that it is offered first",
        )
    return closed(where, "during authentication", words)


def _refused(
    where: str, tried: list[str], identities: Identities, accepted: list[str] | None
) -> ConnectError:
    problems = f"; {'; '.join(identities.problems)}" if identities.problems else ""
    if not tried and identities.locked:
        return ConnectError(
            "passphrase",
            f"{where}: {'; '.join(identities.problems)}",
            f"load it into an agent: ssh-add {identities.locked[0]}",
        )
    if not tried:
        return ConnectError(
            "authentication",
            f"{where}: there is no key to offer{problems}",
            "name one by ansible_ssh_private_key_file, or start an agent that holds one",
        )
    if accepted is not None and "publickey" not in accepted:
        return ConnectError(
            "authentication",
            f"{where}: the server asks for {', '.join(accepted) or 'nothing'}"
            f" where {', '.join(tried)} was offered",
            "let sshd accept a public key alone for this user",
        )
    locked = identities.locked
    or_load = f"; or load the key into an agent: ssh-add {locked[0]}" if locked else ""
    return ConnectError(
        "authentication",
        f"{where}: authentication refused; keys tried: {', '.join(tried)}{problems}",
        "see that one of them is in the user's authorized_keys and that ansible_user is right"
        f"{or_load}",
    )
