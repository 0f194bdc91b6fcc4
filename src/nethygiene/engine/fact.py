"""The base of all facts, and the stand-in for a fact that is unreadable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn, Self

from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Unreadable


@dataclass(frozen=True)
class Fact:
    """Base of the typed facts.

    A fact is parsed once for each host and is frozen; every evaluation reads it
    through a twin that writes into that evaluation's own ledger.
    """

    ledger: Ledger = field(default_factory=Ledger, kw_only=True, repr=False, compare=False)

    def bound_to(self, ledger: Ledger) -> Self:
        """The same fact, recording its reads in `ledger`."""
        twin = object.__new__(type(self))
        # dataclasses.replace() would run __init__ again: this is the hot path of judging.
        twin.__dict__.update(self.__dict__, ledger=ledger)
        return twin


class UnreadableFact:
    """Stands in for a fact that could not be read at all: any use of it ends the rule."""

    __slots__ = ("_ledger", "_unreadable")

    def __init__(self, unreadable: Unreadable, ledger: Ledger) -> None:
        object.__setattr__(self, "_unreadable", unreadable)
        object.__setattr__(self, "_ledger", ledger)

    def _refuse(self, *_: object) -> NoReturn:
        ledger: Ledger = object.__getattribute__(self, "_ledger")
        ledger.cannot_read(object.__getattribute__(self, "_unreadable"))

    def __getattribute__(self, name: str) -> object:
        # The interpreter itself asks for these (isinstance, pytest's repr), which is no read.
        if name.startswith("__") and name.endswith("__"):
            return object.__getattribute__(self, name)
        return object.__getattribute__(self, "_refuse")()

    # Python looks these up on the class, past __getattribute__.
    __getitem__ = __iter__ = __len__ = __contains__ = __bool__ = __call__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __eq__ = __ne__ = _refuse
    # repr() stays: pytest shows it in tracebacks.
    __str__ = __format__ = __int__ = __float__ = __index__ = __reversed__ = _refuse
    __hash__ = object.__hash__
