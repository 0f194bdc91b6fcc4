"""The base of all models of a policy."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr


class Declared(BaseModel):
    """Base of a policy and its items: frozen; it distinguishes declared values from defaults."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_by_name=False,
        validate_by_alias=True,
        arbitrary_types_allowed=True,
    )

    KEYS_OF_GROUPS: ClassVar[frozenset[str]] = frozenset()
    """Keys that stand beside these in the inventory, and belong to a group as one."""

    def declares(self, key: str) -> bool:
        """Whether the inventory gives `key` a value, even one equal to the default.

        Raises:
            AttributeError: there is no such key; a misspelt one must not read as "not declared".
        """
        if key not in type(self).model_fields:
            raise AttributeError(f"{type(self).__name__} has no key {key!r}")
        return key in self.model_fields_set


class NamedItem(Declared):
    """An item of a policy that is declared under a name."""

    _name: str = PrivateAttr(default="")
    _doubts: tuple[str, ...] = PrivateAttr(default=())
    _exempt: tuple[str, ...] = PrivateAttr(default=())

    @property
    def name(self) -> str:
        """The key under which it is declared."""
        return self._name

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why not all addresses are known that the hosts named in it stand for; mostly empty."""
        return self._doubts

    @property
    def doubtful_exceptions(self) -> tuple[str, ...]:
        """Likewise for those that it excepts or keeps out: without them no failure is certain."""
        return self._exempt
