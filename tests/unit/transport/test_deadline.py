from __future__ import annotations

import threading
import time

from nethygiene.transport.deadline import Deadline, Watch


def test_a_guard_frees_a_wait_at_its_deadline() -> None:
    event = threading.Event()
    began = time.monotonic()
    with Watch(Deadline.after(0.1), event.set) as guard:
        assert event.wait(60)
    assert guard.fired
    assert time.monotonic() - began > 0.09


def test_a_guard_that_was_left_never_fires() -> None:
    fired = []
    with Watch(Deadline.after(600), lambda: fired.append(1)) as guard:
        pass
    guard.fire()  # as the watchdog does that was about to when the block was left
    assert not fired
    assert not guard.fired


def test_an_earlier_guard_is_not_kept_waiting_by_a_later_one() -> None:
    event = threading.Event()
    with Watch(Deadline.after(600), lambda: None), Watch(Deadline.after(0.05), event.set):
        assert event.wait(60)


def test_the_watchdog_ends_when_nothing_is_watched() -> None:
    with Watch(Deadline.after(60), lambda: None):
        assert any("watchdog" in thread.name for thread in threading.enumerate())
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not any("watchdog" in thread.name for thread in threading.enumerate()):
            return
        time.sleep(0.05)
    raise AssertionError("the watchdog is still there")


def test_tightened_keeps_the_start() -> None:
    deadline = Deadline.after(10)
    assert deadline.tightened(None) is deadline
    assert deadline.tightened(20) is deadline
    tight = deadline.tightened(4)
    assert tight.seconds == 4
    assert abs(deadline.at - tight.at - 6) < 1e-6
