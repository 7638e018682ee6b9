"""Turns come in the order in which they were asked for."""

from __future__ import annotations

import threading

import pytest

from easyphoto_video.host.turns import Turns
from tests.machine import until


def test_who_asks_first_comes_first() -> None:
    turns, order = Turns(), []

    def work(number: int) -> None:
        with turns.turn():
            order.append(number)

    threads = []
    with turns.turn():
        for number in range(8):
            thread = threading.Thread(target=work, args=(number,))
            thread.start()
            threads.append(thread)
            until(lambda: len(turns.waiting) == number + 1)  # noqa: B023 - called at once
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_one_at_a_time_and_on_after_a_failure() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(50):
            with turns.turn():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
