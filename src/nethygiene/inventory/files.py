"""Reads and hashes the files of an inventory, each once; errors become problems."""

from __future__ import annotations

import codecs
import hashlib
import os
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.inventory.located import Place, ProblemLog

MAX_FILE_BYTES = 64 * 1024 * 1024
"""The largest file that is read as part of an inventory."""


@dataclass(slots=True)
class Files:
    """The files that were read, and one hash of them.

    Attributes:
        problems: receives errors.
        root: the folder that names in the hash are relative to.
    """

    problems: ProblemLog
    root: Path
    _contents: dict[str, bytes] = field(default_factory=dict)

    def note(self, path: Path, content: bytes) -> None:
        """Add content to the hash, such as a program's output."""
        self._contents[os.path.relpath(path, self.root)] = hashlib.sha256(content).digest()

    def sha256(self) -> str:
        """Hash of all names and contents so far, in hexadecimal."""
        digest = hashlib.sha256()
        for name, content in sorted(self._contents.items()):
            digest.update(os.fsencode(name) + b"\0" + content)
        return digest.hexdigest()

    def read_text(self, path: Path) -> str | None:
        """A file's text in UTF-8; None after an error."""
        content = self._read(path)
        if content is None:
            return None
        self.note(path, content)
        return self.decode(content, str(path))

    def decode(self, content: bytes, name: str, *, has_lines: bool = True) -> str | None:
        """Text from UTF-8; None after an error, which names the first wrong byte."""
        try:
            return content.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as error:
            content = error.object
            line = content.count(b"\n", 0, error.start) + 1 if has_lines else None
            self.problems.add(
                Place(name, line),
                "",
                f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}",
                "write it in UTF-8",
            )
            return None

    def _read(self, path: Path) -> bytes | None:
        place, quoted = Place(str(path), None), shlex.quote(str(path))
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                message = "this is a directory"
                fix = (
                    "give the inventory file in it; several sources become one by "
                    f"`ansible-inventory -i {quoted} --list --export > inventory.json`"
                )
            elif not stat.S_ISREG(status.st_mode):
                message, fix = "this is not a regular file", "give a file"
            elif status.st_size > MAX_FILE_BYTES:
                message = f"the file is larger than {MAX_FILE_BYTES >> 20} MiB"
                fix = "give an inventory"
            else:
                return path.read_bytes()
        except FileNotFoundError:
            message, fix = "there is no such file", "check the path; write --inventory=FILE"
        except PermissionError:
            message, fix = "permission denied", f"make it readable: `chmod u+r {quoted}`"
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            message, fix = f"the file cannot be read: {reason}", "check the path"
        self.problems.add(place, "", message, fix)
        return None
