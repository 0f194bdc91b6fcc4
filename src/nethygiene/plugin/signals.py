"""Signals that end a run: SIGTERM and SIGHUP do what Ctrl-C does, and reports are written whole.

A CI job that is cancelled sends SIGTERM, and a terminal that closes sends SIGHUP. By default both
end Python at once, with open connections and without a report.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import pytest

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_HELD = (signal.SIGINT, *_ENDING)
_SAID = b"\nnethygiene: the reports are being written; once more leaves without them\n"


class Signals:
    """The signal handlers of one run, in the main thread.

    Attributes:
        received: the name of the signal that ended the run.
        obeyed: a second signal came while reports were written.
    """

    def __init__(self) -> None:
        self.received = "Ctrl-C"
        self._before: dict[signal.Signals, object] = {}
        self.obeyed = False
        self._said = False

    def install(self) -> None:
        """Let SIGTERM and SIGHUP interrupt as Ctrl-C does.

        Only default handlers are replaced: nohup ignores SIGHUP, and other handlers stay.
        """
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._handle(number, self._interrupt)

    def hold(self) -> None:
        """While reports are written, print a notice at the first signal and obey the second."""
        for number in _HELD:
            if signal.getsignal(number) not in {signal.SIG_IGN, None}:
                self._handle(number, self._answer)

    def restore(self) -> None:
        """Restore all handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # as getsignal gave it
        self._before.clear()

    def _handle(self, number: signal.Signals, handler: signal._HANDLER) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before.setdefault(number, signal.getsignal(number))
            signal.signal(number, handler)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        raise KeyboardInterrupt

    def _answer(self, _number: int, _frame: FrameType | None) -> None:
        if self._said:
            self.obeyed = True
            raise pytest.exit.Exception("left before the reports were written", returncode=2)
        self._said = True
        # os.write, since a handler may interrupt a print().
        os.write(2, _SAID)
