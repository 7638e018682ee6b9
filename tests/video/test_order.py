"""Frames run up, down, or up and down, in spans that a store on disk can read."""

from __future__ import annotations

from itertools import chain

import pytest

from easyphoto_video.video.order import ORDERS, length, spans, taken


@pytest.mark.parametrize(
    ("order", "numbers"),
    [("forward", [0, 1, 2, 3]), ("reverse", [3, 2, 1, 0]), ("ping-pong", [0, 1, 2, 3, 2, 1])],
)
def test_the_orders(order: str, numbers: list[int]) -> None:
    assert list(chain(*spans(4, order))) == numbers


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 20])
def test_spans_are_slices_of_a_store(order: str, count: int) -> None:
    store = list(range(count))
    played: list[int] = []
    for span in spans(count, order, 8):
        assert 1 <= len(span) <= 8
        part = store[min(span) : max(span) + 1]
        played += part[::-1] if span.step < 0 else part
    assert played == list(chain(*spans(count, order, 1)))
    assert set(played) == set(store)
    assert len(played) == length(count, order)
    assert taken(len(played), order) == count


@pytest.mark.parametrize("count", [3, 4, 17])
def test_ping_pong_in_a_loop_never_stands_still(count: int) -> None:
    played = list(chain(*spans(count, "ping-pong")))
    steps = [abs(b - a) for a, b in zip(played, [*played[1:], played[0]], strict=True)]
    assert steps == [1] * len(played)


@pytest.mark.parametrize(("count", "order"), [(0, "forward"), (4, "sideways")])
def test_what_has_no_order(count: int, order: str) -> None:
    with pytest.raises(ValueError, match="have no order"):
        list(spans(count, order))
