"""The report files of a run, ours and other plugins': each is written whole or not at all.

They are tried before hosts are read. Files of an earlier run are removed at the start, so that
after an interruption they do not look like this run's. pytest's JUnit and pytest-html write in
place: they get another name, and their files are renamed when both are whole.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from nethygiene.errors import UsageError
from nethygiene.plugin.other_tests import OtherTests
from nethygiene.report.run_report import RunReport
from nethygiene.report.whole_file import write_whole
from nethygiene.report.writers import WRITERS

# Most reports take less; the size of a fleet's report is not known before.
_TRIED = 1024 * 1024
_OPTIONS = (*(writer.option for writer in WRITERS), "--html", "--junit-xml", "--evidence")
_IN_PLACE = "--evidence"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DESTINATIONS = {"--html": "htmlpath", "--junit-xml": "xmlpath"}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file that the command line asks for.

    Attributes:
        option: its option.
        path: its absolute path.
    """

    option: str
    path: Path

    def __str__(self) -> str:
        return f"{self.option}={self.path}"

    @property
    def is_plain(self) -> bool:
        """Whether it is, or will be, a plain file: not a pipe, a terminal or /dev/null."""
        return self.path.is_file() or not self.path.exists()


def report_files(config: pytest.Config) -> list[ReportFile]:
    """The files that the command line asks for."""
    files = []
    for option in _OPTIONS:
        given: str | None = config.getoption(_DESTINATIONS.get(option, option), None)
        if given:
            # pytest-html and JUnit expand variables in their paths.
            expanded = Path(os.path.expandvars(given) if option in _DESTINATIONS else given)
            files.append(ReportFile(option, config.invocation_params.dir / expanded.expanduser()))
    return files


def check_report_files(config: pytest.Config) -> None:
    """Check before hosts are read that the files can be written.

    Raises:
        UsageError: a file cannot be written, or two options name the same file.
    """
    seen: dict[Path, ReportFile] = {}
    read = [config.getoption(name, None) for name in ("--inventory", "--from-evidence")]
    inputs = {
        (config.invocation_params.dir / Path(file).expanduser()).resolve() for file in read if file
    }
    for file in report_files(config):
        _try(file)
        if not file.is_plain:
            continue
        real = file.path.resolve()
        if real in inputs:
            raise UsageError(
                f"{file}: this run reads it, and would overwrite it: name another file"
            )
        if (other := seen.setdefault(real, file)) is not file:
            raise UsageError(f"{file}: {other.option} names the same file")


def _try(file: ReportFile) -> None:
    path = file.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{file}: its folder cannot be made: {error.strerror}: name a file elsewhere"
        ) from None
    if path.is_dir():
        raise UsageError(f"{file}: is a folder: name a file")
    try:
        if not path.exists() or (path.is_file() and file.option != _IN_PLACE):
            with tempfile.TemporaryFile(dir=path.parent) as trial:
                trial.write(bytes(_TRIED))
        elif not os.access(path, os.W_OK):
            raise UsageError(f"{file}: cannot be written: Permission denied: name another file")
    except OSError as error:
        cure = "make room there" if error.errno in _FULL else "let this user write there"
        raise UsageError(
            f"{file}: nothing can be written in {path.parent}: {error.strerror}: {cure}, "
            "or name a file elsewhere"
        ) from None


def remove_older(config: pytest.Config) -> None:
    """Remove the files of an earlier run; the writer of evidence empties its file itself.

    Raises:
        UsageError: a file cannot be removed.
    """
    for file in report_files(config):
        if file.option != _IN_PLACE and file.path.is_file():
            try:
                file.path.unlink()
            except OSError as error:
                raise UsageError(
                    f"{file}: the file of an earlier run cannot be removed: {error.strerror}"
                ) from None


def write_reports(
    config: pytest.Config, report: RunReport
) -> Iterator[tuple[ReportFile, Exception]]:
    """Write the files of WRITERS that the command line asks for.

    Yields:
        Each file that could not be written, and why.
    """
    render = {writer.option: writer.render for writer in WRITERS}
    for file in report_files(config):
        if file.option in render:
            try:
                write_whole(render[file.option](report), file.path)
            except (OSError, pytest.exit.Exception) as error:
                yield file, error


@contextlib.contextmanager
def written_whole(config: pytest.Config) -> Iterator[list[ReportFile]]:
    """Let JUnit and pytest-html write under other names, and rename when the block ends.

    Yields:
        Their files. If the block raises, none of them is written.
    """
    writers: list[tuple[ReportFile, Path, Any, str, Any]] = []
    for file in report_files(config):
        writer, name = _writer(config, file.option)
        if writer is not None and file.is_plain:
            draft = file.path.with_name(f".{file.path.name}.{os.getpid()}")
            before = getattr(writer, name)
            setattr(writer, name, type(before)(draft))
            writers.append((file, draft, writer, name, before))
    try:
        yield [file for file, *_ in writers]
        for file, draft, *_ in writers:
            if draft.exists():
                draft.replace(file.path)
    finally:
        for _, draft, writer, name, before in writers:
            setattr(writer, name, before)
            draft.unlink(missing_ok=True)


def _writer(config: pytest.Config, option: str) -> tuple[Any, str]:
    """The plugin's object that writes the option's file, and its attribute with the path."""
    if option == "--junit-xml":
        return config.stash.get(xml_key, None), "logfile"
    if option == "--html":
        plugins = config.pluginmanager.get_plugins()
        reports = (plugin.report for plugin in plugins if isinstance(plugin, OtherTests))
        return next(reports, None), "_report_path"
    return None, ""
