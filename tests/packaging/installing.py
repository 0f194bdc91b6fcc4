"""Building nethygiene and installing it into fresh virtual environments, without a download."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# What a build takes; copied, so that it leaves no build/ and no egg-info in the clone.
_SOURCES = ("LICENSE", "README.md", "pyproject.toml", "conftest.py", "checks", "inventories", "src")


@dataclass(frozen=True)
class Audited:
    """What an audit came to.

    Attributes:
        status: exit status.
        document: the results file, empty if none was written.
        output: both streams.
    """

    status: int
    document: dict[str, Any]
    output: str

    @property
    def rules(self) -> set[str]:
        """The ids of the rules that were judged."""
        return {rule["id"] for rule in self.document.get("rules", [])}


@dataclass(frozen=True)
class Environment:
    """A virtual environment with nethygiene's dependencies, and perhaps nethygiene."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run its Python; the current folder is not put on the import path."""
        return self._run(str(self.python), "-P", *arguments, cwd=cwd)

    def _run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST_"))}
        return subprocess.run(
            command,
            cwd=cwd,
            env=kept,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=600,
            check=False,
        )

    def command(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the console script, as a shell would that does not know this environment."""
        return self._run(str(self.folder / "bin" / "nethygiene"), *arguments, cwd=cwd)

    def pytest(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run pytest."""
        return self.run("-m", "pytest", "-p", "no:cacheprovider", *arguments, cwd=cwd)

    def audit(self, *arguments: str, cwd: Path) -> Audited:
        """Run pytest with a results file; one sample of the counters is enough here."""
        results = cwd / "results.json"
        results.unlink(missing_ok=True)
        done = self.pytest("--window=0", f"--results={results}", *arguments, cwd=cwd)
        document = json.loads(results.read_text()) if results.is_file() else {}
        return Audited(done.returncode, document, done.stdout)

    def install(self, *what: str) -> None:
        """Install with the outer pip, nothing but what is named."""
        _run(
            *(sys.executable, "-m", "pip", f"--python={self.python}", "install", "--quiet"),
            *("--no-deps", "--no-index", "--no-build-isolation", "--no-warn-script-location"),
            *what,
        )


def copy_sources(folder: Path) -> Path:
    """A copy of the clone, as far as users of it need it."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=leave_out)
        else:
            shutil.copy(source, folder / name)
    return folder


def build_wheel(sources: Path, folder: Path) -> Path:
    """Build a source distribution, and from it the wheel."""
    _run(sys.executable, "-m", "build", "--no-isolation", f"--outdir={folder}", str(sources))
    (wheel,) = folder.glob("*.whl")
    return wheel


def fresh_environment(folder: Path) -> Environment:
    """A virtual environment whose packages are those of this one, without nethygiene."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    (inner,) = (folder / "lib").glob("python*/site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = entry.name.startswith(("nethygiene", "__editable__", "_nethygiene"))
        if not ours and entry.suffix != ".pth" and entry.name != "__pycache__":
            (inner / entry.name).symlink_to(entry)
    return Environment(folder)


def _run(*command: str) -> None:
    done: Sequence[str] = command
    finished = subprocess.run(
        done,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd="/",
        timeout=600,
        check=False,
    )
    assert finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}"
