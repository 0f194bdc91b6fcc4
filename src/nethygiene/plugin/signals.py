"""Signals that end a run: SIGTERM and SIGHUP do what Ctrl-C does, and reports are written whole.

A CI job that is cancelled sends SIGTERM, a terminal that closes SIGHUP: by themselves both end
Python at once, with connections open and no report.
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
    """The handlers of one run; the main thread's alone.

    Attributes:
        received: the signal that ended the run, as people call it.
        obeyed: a second one came while reports were written.
    """

    def __init__(self) -> None:
        self.received = "Ctrl-C"
        self._before: dict[signal.Signals, object] = {}
        self.obeyed = False
        self._said = False

    def install(self) -> None:
        """Let SIGTERM and SIGHUP interrupt as Ctrl-C does.

        Only where they would end the process: nohup ignores SIGHUP, and other people's handlers
        are theirs.
        """
        for one in _ENDING:
            if signal.getsignal(one) is signal.SIG_DFL:
                self._handle(one, self._interrupt)

    def hold(self) -> None:
        """From now on reports are written: the first signal is answered, the second obeyed."""
        for one in _HELD:
            if signal.getsignal(one) not in {signal.SIG_IGN, None}:
                self._handle(one, self._answer)

    def restore(self) -> None:
        """Put all handlers back."""
        for one, handler in self._before.items():
            signal.signal(one, handler)  # type: ignore[arg-type] # as getsignal gave it
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
        # Not by way of print(): a handler may interrupt a print.
        os.write(2, _SAID)
