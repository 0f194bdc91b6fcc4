"""The files of a keepalived configuration, and the files that each ``include`` brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class ConfigurationError(ValueError):
    """A configuration that cannot be read, with the reason."""


class NotReadableError(ConfigurationError):
    """A file that the login may not read, or that the host did not send."""


@dataclass(frozen=True, slots=True)
class ConfigurationFiles:
    """What a host sent of keepalived's files.

    Attributes:
        texts: path to content; None if the file is there and could not be read. Paths are absolute.
        matches: directory and pattern of an include to the paths that matched it, in order.
    """

    texts: Mapping[str, str | None]
    matches: Mapping[tuple[str, str], tuple[str, ...]]

    def included(self, directory: str, pattern: str) -> tuple[str, ...]:
        """The files that a pattern matches, which is relative to the including file's directory.

        Raises:
            NotReadableError: the host was not asked for this pattern.
        """
        paths = self.matches.get((directory, pattern))
        if paths is None:
            raise NotReadableError(f"the files of `include {pattern}` in {directory} were not sent")
        return paths

    def lines(self, path: str) -> list[str]:
        """The lines of a file.

        Raises:
            NotReadableError: the file could not be read.
        """
        text = self.texts.get(path)
        if text is None:
            raise NotReadableError(f"{path} could not be read")
        return text.split("\n")


def directory_of(path: str) -> str:
    """The directory of an absolute path."""
    return path.rpartition("/")[0] or "/"
