"""What a lab case is: one host, broken as an incident broke it, and mended by the rule's remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from nethygiene.markup import Form, blocks
from tests.lab.audit import AuditRun
from tests.lab.endpoints import Dialler, Endpoint, Listener
from tests.lab.host import LabHost
from tests.lab.inventory import Policy

PORT = 80
"""Where the service of a scene listens."""

SHOP_BACKLOG = 511
"""What the service of most scenes asks for, as nginx does unless told otherwise."""

SHOP: Policy = {"services": {"shop": {"port": PORT, "backlog": SHOP_BACKLOG}}}
"""A policy that declares the scene's service."""


@dataclass
class Scene:
    """A case under way: its host, the service on it, and another host to connect from.

    Attributes:
        host: the host that is broken and mended.
        client: a host that may connect to the service.
        broken: the audit of the broken host; there before it is mended.
    """

    host: LabHost
    client: LabHost
    broken: AuditRun | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _listener: Listener | None = None
    _dialler: Dialler | None = None
    _kept: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def listener(self) -> Listener:
        """The service's socket, once :meth:`restart` was called."""
        assert self._listener is not None
        return self._listener

    def restart(self, backlog: int = SHOP_BACKLOG, *, accept: bool = True) -> None:
        """Restart the service: a new socket, opened under the sysctls of now."""
        if self._listener is not None:
            self._listener.close()
        listener = self.host.listen(PORT, backlog, accept=accept)
        self._listener = self._stack.enter_context(listener)

    def dial(self, n: int, *, every: float = 0) -> None:
        """Have the client hold `n` connections, and open one more each `every` seconds."""
        self.call(self.client, self.host, PORT, n, every=every)

    def call(
        self, caller: LabHost, called: LabHost, port: int, n: int = 0, *, every: float = 0
    ) -> None:
        """Have one host call another (or itself), in place of what was called before."""
        self.hang_up()
        self._dialler = self._stack.enter_context(caller.dial(called, port, n, every=every))

    def keep(self, program: Endpoint) -> None:
        """End a program with the scene."""
        self._stack.enter_context(program)

    def hang_up(self) -> None:
        """Close the client's connections."""
        if self._dialler is not None:
            self._dialler.close()

    def hold(self, name: str, endpoint: Endpoint) -> None:
        """Keep an endpoint under a name of the case's choice, until :meth:`end` or the end."""
        self._kept[name] = self._stack.enter_context(endpoint)

    def end(self, name: str) -> None:
        """Close the endpoint kept under that name, if there is one."""
        if (endpoint := self._kept.pop(name, None)) is not None:
            endpoint.close()

    def remedy(self, rule: str, item: str | None = None) -> str:
        """The remedy that was printed with a finding of this host."""
        assert self.broken is not None, "the broken host was not audited yet"
        return self.broken.one(self.host, rule, item).remedy

    def follow_remedy(self, rule: str, item: str | None = None) -> None:
        """Run all commands that are printed with a finding, word for word, as its reader would.

        Raises:
            LabError: one failed.
            AssertionError: there is no command.
        """
        told = self.remedy(rule, item)
        commands = [
            line for block in blocks(told) if block.form is Form.COMMANDS for line in block.lines
        ]
        assert commands, f"the remedy of {rule} gives no command: {told}"
        self.host.shell("\n".join(["set -e", *commands]))

    def close(self) -> None:
        """End the processes of the scene."""
        self._stack.close()


Act = Callable[[Scene], object]


def nothing(_scene: Scene) -> None:
    """An act in which nothing happens."""


@dataclass(frozen=True)
class LabCase:
    """One way to break a host. The three audits see it healthy, broken, and mended.

    Attributes:
        name: of the case and of its host.
        rule: the id of the rule that has to fail.
        breaks: breaks the host as the incident did.
        mends: mends it where the printed remedy's commands alone cannot, as where a service has to
            be restarted; None runs those, word for word.
        item: the item that fails, None for rules without items.
        policy: what the inventory says of the host.
        prepares: makes the host ready before the healthy audit.
        also: rules whose outcome may change with it.
        says: what the failure's message or observations have to hold.
        healthy: the rule's outcome before.
        mended: the rule's outcome after.
    """

    name: str
    rule: str
    breaks: Act
    mends: Act | None = None
    item: str | None = None
    policy: Policy = field(default_factory=dict)
    prepares: Act = nothing
    also: frozenset[str] = frozenset()
    says: str = ""
    healthy: str = "passed"
    mended: str = "passed"

    def mend(self, scene: Scene) -> None:
        """Mend the host, as the case or the rule's remedy says."""
        if self.mends is None:
            scene.follow_remedy(self.rule, self.item)
        else:
            self.mends(scene)


@dataclass(frozen=True)
class WritesSysctls:
    """An act that writes sysctls.

    Attributes:
        settings: their values, by name.
    """

    settings: Mapping[str, int | str]

    def __call__(self, scene: Scene) -> None:
        """Write them, in their order."""
        for name, value in self.settings.items():
            scene.host.sysctl(name, value)


def sysctl(**values: int) -> WritesSysctls:
    """An act that writes sysctls; double underscores stand for the dots of their names."""
    return WritesSysctls({key.replace("__", "."): value for key, value in values.items()})
