"""Signals end a process as Ctrl+C does, once, and never amid its clean-up."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from easyphoto_video import endings
from easyphoto_video.endings import ended_by_signals, last_things, undisturbed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Under nohup a hang-up is ignored, and would stay so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", ALL)
def test_each_is_as_ctrl_c_and_handlers_come_back(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in ALL]
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        signal.raise_signal(number)
    assert [signal.getsignal(each) for each in ALL] == before


def test_what_is_ignored_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_one_breaks_no_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = []
    with ended_by_signals():
        with pytest.raises(KeyboardInterrupt):
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                for number in ALL:
                    signal.raise_signal(number)
                cleaned.append(True)
        # The first may have been lost in somebody's callback.
        monkeypatch.setattr(endings, "GRACE", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert cleaned == [True]


def test_one_that_comes_behind_a_shield_waits() -> None:
    done = []
    with ended_by_signals():
        with pytest.raises(KeyboardInterrupt), undisturbed():
            with undisturbed():
                signal.raise_signal(signal.SIGTERM)
            done.append("inner")
            signal.raise_signal(signal.SIGINT)
            done.append("outer")
        with last_things():
            signal.raise_signal(signal.SIGTERM)
            done.append("last")
    assert done == ["inner", "outer", "last"]


def test_a_server_that_listens_for_sigterm_hears_a_terminal_close() -> None:
    heard: list[int] = []
    with ended_by_signals():
        before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
        signal.raise_signal(signal.SIGHUP)
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_in_other_threads_it_does_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run() -> None:
        with ended_by_signals(), undisturbed(), last_things():
            seen.append(signal.getsignal(signal.SIGTERM) is before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True]
