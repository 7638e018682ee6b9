"""How a process ends: by Ctrl+C, SIGTERM or SIGHUP all the same, and never amid its own clean-up.

A terminal that is closed sends SIGHUP; `timeout`, `systemctl stop` and a shutdown send SIGTERM.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

GRACE = 5.0
"""Seconds after a signal in which another one adds nothing: the clean-up runs already."""
ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Those that end a process; Windows lacks the last."""


@dataclass
class _State:
    """Of the main thread, where Python runs the handlers."""

    shields: int = 0
    is_waiting: bool = False
    """Whether a signal came behind a shield."""
    last: float = float("-inf")
    """When the last one was heeded, in seconds of a clock of its own."""


_state = _State()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """While it lasts, signals that end a process raise KeyboardInterrupt, in the main thread.

    What was told to be ignored, as by nohup, stays so. In other threads it does nothing.
    """
    if not _is_main():
        yield
        return
    before: dict[int, Any] = {}
    _state.last = float("-inf")
    try:
        for name in ENDING:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _hung_up if name == "SIGHUP" else _heeded)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """While it lasts such a signal waits, and then raises KeyboardInterrupt."""
    if not _is_main():
        yield
        return
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1
        if _state.is_waiting and not _state.shields:
            _state.is_waiting = False
            raise KeyboardInterrupt


@contextmanager
def last_things() -> Iterator[None]:
    """While it lasts such signals are passed over: the process ends already."""
    if not _is_main():
        yield
        return
    _state.shields += 1
    try:
        yield
    finally:
        _state.shields -= 1
        _state.is_waiting = False


def _heeded(number: int, frame: FrameType | None) -> None:
    if _state.shields:
        _state.is_waiting = True
        return
    now = time.monotonic()
    if now - _state.last >= GRACE:
        _state.last = now
        raise KeyboardInterrupt


def _hung_up(number: int, frame: FrameType | None) -> None:
    # A server that listens for SIGTERM knows nothing of this one.
    signal.raise_signal(signal.SIGTERM)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
