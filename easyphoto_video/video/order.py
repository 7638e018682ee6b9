"""The order in which frames are played, as spans that a store on disk can be read by."""

from __future__ import annotations

from collections.abc import Iterator

ORDERS = ("forward", "reverse", "ping-pong")
"""Ping-pong goes to the last frame and back to the second: looped, it shows none twice in a row."""


def length(count: int, order: str) -> int:
    """How many frames `count` become."""
    return sum(map(len, _runs(count, order)))


def taken(played: int, order: str) -> int:
    """How many frames became the `played` ones: what `length` came from."""
    return played // 2 + 1 if order == "ping-pong" else played


def spans(count: int, order: str, size: int = 8) -> Iterator[range]:
    """The numbers of the frames to play, `size` or fewer at a time, each span up or down.

    The frames of a span are `store[min(span) : max(span) + 1]`, turned round where `span.step` is
    below 0.
    """
    for run in _runs(count, order):
        for start in range(0, len(run), size):
            yield run[start : start + size]


def _runs(count: int, order: str) -> list[range]:
    if count < 1 or order not in ORDERS:
        raise ValueError(f"{count} frames have no order {order}")
    up, down = range(count), range(count - 1, -1, -1)
    if order == "ping-pong":
        return [up, down[1:-1]] if count > 2 else [up]
    return [up if order == "forward" else down]
