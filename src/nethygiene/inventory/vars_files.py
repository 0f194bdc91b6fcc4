"""The variables in group_vars/ and host_vars/ beside an inventory, found as Ansible finds them.

The first that exists of ``NAME``, ``NAME.yml``, ``NAME.yaml`` and ``NAME.json`` is read. A
directory stands for all files in it, by name; later files win. Source: find_vars_files of
ansible-core's DataLoader.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nethygiene.inventory.files import Files
from nethygiene.inventory.groups import Layer
from nethygiene.inventory.json_reader import read_json
from nethygiene.inventory.layout import export_command
from nethygiene.inventory.located import Mapping, Place, closest, is_null, kind_of, shown
from nethygiene.inventory.yaml_reader import read_yaml

_SUFFIXES = ("", ".yml", ".yaml", ".json")

Folder = Literal["group_vars", "host_vars"]


@dataclass(slots=True)
class VarsFiles:
    """The folders group_vars/ and host_vars/ beside one inventory file.

    Attributes:
        inventory: the inventory file.
        files: reads the files.
        warnings: receives the files that are ignored, as Ansible does or because of encryption.
    """

    inventory: Path
    files: Files
    warnings: list[str]
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def layers(self, folder: Folder, name: str) -> list[Layer]:
        """The variables of one group or host; later layers win."""
        present = self._listing(folder)
        names = [f"{name}{suffix}" for suffix in _SUFFIXES if f"{name}{suffix}" in present]
        if not names:
            return []
        base = self.inventory.parent / folder
        if len(names) > 1:
            others = ", ".join(names[1:])
            self.warnings.append(f"{base / names[0]} is read and {others} beside it is not")
        return list(self._read(base / names[0], inside=False))

    def warn_of_strays(self, groups: Iterable[str]) -> None:
        """Warn of files in group_vars/ whose name is nearly that of a group."""
        known = set(groups)
        for file in sorted(self._listing("group_vars")):
            stem = file.removesuffix(Path(file).suffix) if Path(file).suffix in _SUFFIXES else file
            near = None if stem in known or file in known else closest(stem, known)
            if near is not None:
                path = self.inventory.parent / "group_vars" / file
                self.warnings.append(
                    f"{path} is not read: no group is called {shown(stem)}; did you mean {near!r}?"
                )

    def _listing(self, folder: Folder) -> frozenset[str]:
        names = self._names.get(folder)
        if names is None:
            path = self.inventory.parent / folder
            try:
                names = frozenset(entry.name for entry in path.iterdir())
            except (FileNotFoundError, NotADirectoryError):
                names = frozenset()
            except OSError as error:
                names = frozenset()
                self.files.problems.add(
                    Place(str(path), None),
                    "",
                    f"the directory cannot be read: {error.strerror}",
                    f"make it readable: `chmod u+rx {shlex.quote(str(path))}`",
                )
            self._names[folder] = names
        return names

    def _read(self, path: Path, *, inside: bool) -> Iterator[Layer]:
        """One file, or a directory's files; `inside` a directory, suffixes decide what is read."""
        try:
            if path.is_dir():
                if not inside or not path.suffix:
                    for entry in sorted(path.iterdir()):
                        if not entry.name.startswith(".") and not entry.name.endswith("~"):
                            yield from self._read(entry, inside=True)
                return
        except OSError:
            # The attempt to read it reports the error.
            pass
        if not inside or path.suffix in _SUFFIXES:
            layer = self._read_file(path)
            if layer is not None:
                yield layer

    def _read_file(self, path: Path) -> Layer | None:
        text = self.files.read_text(path)
        if text is None:
            return None
        if text.startswith("$ANSIBLE_VAULT"):
            self.warnings.append(
                f"{path} is encrypted with Ansible Vault and not read: if the variable nethygiene "
                f"or one for connecting stands in it, use "
                f"`{export_command(str(self.inventory))}`"
            )
            return None
        read = read_json if path.suffix == ".json" else read_yaml
        node = read(text, str(path), self.files.problems)
        if node is None or is_null(node):
            return None
        if not isinstance(node, Mapping):
            self.files.problems.add(
                node.place,
                "",
                f"a file of variables has to be a mapping, not {kind_of(node)}",
                "write `name: value` lines",
            )
            return None
        return Layer(node, "")
