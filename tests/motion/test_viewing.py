"""Every method covers every frame in every step, averages exactly, and closes a ring."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.viewing import FUSES, METHODS, Viewing, Windows, bit_reversed, plan
from easyphoto_video.motion.windows import Window
from tests.motion.windows import windows

Ends = list[tuple[int, int]]


@st.composite
def viewings(draw: st.DrawFn) -> Viewing:
    context = draw(st.integers(1, 40))
    return Viewing(
        context=context,
        overlap=draw(st.integers(0, context - 1)),
        stride=draw(st.integers(1, 5)),
        method=draw(st.sampled_from(sorted(METHODS))),
        fuse=draw(st.sampled_from(sorted(FUSES))),
        is_closed=draw(st.booleans()),
    )


def ends(made: tuple[Window, ...]) -> Ends:
    """The first and the last frame of each window."""
    return [(window.frames[0], window.frames[-1]) for window in made]


@given(st.integers(1, 150), viewings(), st.integers(0, 40))
@settings(max_examples=500, deadline=None)
def test_every_frame_is_covered_and_its_weights_add_up_to_one(
    frames: int, viewing: Viewing, step: int
) -> None:
    windows = plan(frames, viewing)
    made = windows.views(step) or windows.at(step)
    totals: dict[int, float] = defaultdict(float)
    for window in made:
        assert 0 < len(window.frames) <= viewing.context
        assert len(set(window.frames)) == len(window.frames) == len(window.weights)
        assert all(weight > 0 for weight in window.weights)
        for frame, weight in zip(window.frames, window.weights, strict=True):
            totals[frame] += weight
    assert totals.keys() == set(range(frames))
    assert all(total == pytest.approx(1) for total in totals.values())
    assert len(set(made)) == len(made)


@given(st.integers(1, 40), viewings(), st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_a_clip_that_fits_is_one_window(frames: int, viewing: Viewing, step: int) -> None:
    made = plan(frames, viewing).at(step)
    if frames > viewing.context:
        return
    assert [sorted(window.frames) for window in made] == [list(range(frames))]
    assert made[0].weights == (1.0,) * frames
    assert viewing.is_closed or made[0].frames == tuple(range(frames))


@given(st.integers(1, 300), st.integers(1, 32), st.booleans())
@settings(max_examples=100, deadline=None)
def test_alternating_without_overlap_sees_a_frame_once(
    frames: int, context: int, is_closed: bool
) -> None:
    viewing = Viewing(context=context, overlap=0, is_closed=is_closed)
    assert plan(frames, viewing).calls_per_frame(5) == 1


@given(st.integers(17, 200), st.integers(16, 32), st.booleans())
@settings(max_examples=100, deadline=None)
def test_alternating_borders_wander(frames: int, context: int, is_closed: bool) -> None:
    made = plan(frames, Viewing(context=context, overlap=0, is_closed=is_closed))
    seams = Counter(window.frames[0] for step in range(16) for window in made.at(step))
    if not is_closed:
        del seams[0]
    if frames > context:
        assert max(seams.values()) <= 6
    else:
        assert max(seams.values(), default=0) <= 1


@given(st.integers(17, 300), st.integers(16, 32), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_alternating_windows_of_an_open_clip_are_no_handful(
    frames: int, context: int, step: int
) -> None:
    made = plan(frames, Viewing(context=context, overlap=0)).at(step)
    assert min(len(window.frames) for window in made) >= min(5, frames // 3)


@given(st.integers(2, 64), viewings(), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_open_clips_are_never_seen_across_the_seam(
    frames: int, viewing: Viewing, step: int
) -> None:
    if viewing.is_closed or viewing.method == "looped_uniform":
        return
    windows = plan(frames, viewing)
    for window in windows.views(step) or windows.at(step):
        assert list(window.frames) == sorted(window.frames)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frames", [8, 16, 32, 45])
def test_a_closed_clip_is_seen_across_its_seam_as_across_any_other_place(
    method: str, frames: int
) -> None:
    """How often two neighbours are seen in one window does not tell where the clip begins."""
    made = plan(frames, Viewing(overlap=4, method=method, is_closed=True))
    together = [0] * frames
    for step in range(16):
        for window in made.views(step) or made.at(step):
            for a, b in zip(window.frames, window.frames[1:], strict=False):
                together[a] += (a + 1) % frames == b
    assert together[-1] >= 8
    assert method == "standard_static" or max(together) < 2.5 * together[-1]


STEPS: dict[str, list[Ends]] = {
    "standard_static": [[(0, 15), (12, 27), (16, 31)]] * 4,
    "standard_uniform": [
        [(0, 15), (12, 27), (16, 31)],
        [(16, 31), (8, 23), (0, 15)],
        [(8, 23), (16, 31), (0, 15)],
        [(16, 31), (4, 19), (0, 15)],
    ],
    "looped_uniform": [
        [(0, 15), (12, 27), (24, 7)],
        [(16, 31), (28, 11), (8, 23)],
        [(8, 23), (20, 3), (0, 15)],
        [(24, 7), (4, 19), (16, 31)],
    ],
}
"""AnimateDiff-Evolved's windows of 32 frames, context 16, overlap 4, in the first four steps."""


@pytest.mark.parametrize("method", STEPS)
def test_known_methods_give_the_known_windows(method: str) -> None:
    made = plan(32, Viewing(overlap=4, method=method))
    assert [ends(made.at(step)) for step in range(4)] == STEPS[method]


@pytest.mark.parametrize(
    ("method", "frames", "calls"),
    [
        ("standard_static", 32, 1.5),
        ("standard_static", 64, 1.25),
        ("looped_uniform", 32, 1.5),
        ("standard_uniform", 32, 1.675),
        ("standard_uniform", 64, 1.375),
        ("standard_uniform", 128, 1.40625),
    ],
)
def test_known_methods_cost_what_they_are_known_to_cost(
    method: str, frames: int, calls: float
) -> None:
    made = plan(frames, Viewing(overlap=4, method=method))
    assert made.calls_per_frame(20) == pytest.approx(calls, abs=0.011)


@given(st.integers(1, 200), st.integers(1, 32), st.data())
@settings(max_examples=100, deadline=None)
def test_standard_static_is_what_windows_gives(
    frames: int, context: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, context - 1))
    made = plan(frames, Viewing(context=context, overlap=overlap, method="standard_static"))
    assert [w.frames for w in made.at(3)] == [w.frames for w in windows(frames, context, overlap)]


def test_windows_inside_are_one_for_the_unet_and_many_for_its_temporal_layers() -> None:
    made = plan(40, Viewing(overlap=4, method="inside"))
    assert [window.frames for window in made.at(3)] == [tuple(range(40))]
    assert made.at(3)[0].weights == (1.0,) * 40
    starts = [[window.frames[0] for window in made.views(step)] for step in range(4)]
    assert starts == [[0, 12, 24], [0, 6, 18, 24], [0, 3, 15, 24], [0, 9, 21, 24]]
    assert made.calls_per_frame(20) == 1
    assert plan(16, made.viewing).views(3) == ()
    assert plan(40, Viewing(overlap=4)).views(3) == ()


@given(st.integers(2, 200), st.integers(1, 32), st.integers(0, 40), st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_neighbours_inside_share_the_overlap_everywhere(
    frames: int, context: int, step: int, is_closed: bool, data: st.DataObject
) -> None:
    context = min(context, frames - 1)
    overlap = data.draw(st.integers(0, context - 1))
    viewing = Viewing(context=context, overlap=overlap, method="inside", is_closed=is_closed)
    starts = sorted(window.frames[0] for window in plan(frames, viewing).views(step))
    apart = np.diff([*starts, starts[0] + frames] if is_closed else starts)
    assert (apart <= context - overlap).all()
    assert is_closed or (starts[0], starts[-1]) == (0, frames - context)


def test_sd_webui_animatediffs_uniform_loops_when_closed() -> None:
    for is_closed, name in ((False, "standard_uniform"), (True, "looped_uniform")):
        ours, known = (
            Viewing(overlap=4, method=method, is_closed=is_closed) for method in ("uniform", name)
        )
        assert plan(48, ours).at(3) == plan(48, known).at(3)


def test_strides_are_powers_of_two_where_the_clip_is_long_enough() -> None:
    made = plan(32, Viewing(overlap=4, stride=3, method="standard_static")).at(0)
    assert made[3].frames == tuple(range(0, 32, 2))
    assert all(window.frames[1] - window.frames[0] < 4 for window in made)
    made = plan(64, Viewing(overlap=4, stride=3, method="looped_uniform")).at(0)
    assert tuple(range(0, 64, 4)) in [window.frames for window in made]


def test_alternating_begins_with_the_largest_stride_and_costs_no_more() -> None:
    made = plan(64, Viewing(overlap=0, stride=3))
    seen = [[window.frames[1] - window.frames[0] for window in made.at(step)] for step in range(4)]
    assert [set(strides) for strides in seen] == [{4}, {2}, {1}, {1}]
    assert made.calls_per_frame(20) == 1


def test_weights_by_their_names() -> None:
    assert FUSES["flat"](3, 1, 1) == (1, 1, 1)
    assert FUSES["pyramid"](5, 1, 1) == (1, 2, 3, 2, 1)
    assert FUSES["overlap-linear"](6, 1, 2) == pytest.approx((1 / 2, 1, 1, 1, 2 / 3, 1 / 3))
    assert FUSES["relative"](5, 0, 0) == pytest.approx((0.01, 0.5, 1, 0.5, 0.01), abs=0.002)


def test_the_ends_of_an_open_clip_do_not_fade() -> None:
    first, *_ = plan(20, Viewing(overlap=4, method="standard_static", fuse="overlap-linear")).at(0)
    assert first.weights[:4] == (1, 1, 1, 1)


def test_bits_are_reversed() -> None:
    assert [bit_reversed(step) for step in range(6)] == [0, 0.5, 0.25, 0.75, 0.125, 0.625]


def test_windows_are_counted() -> None:
    made = plan(32, Viewing(overlap=4, method="standard_static"))
    assert made.count(2, 5) == 9
    assert made == Windows(32, made.viewing)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"overlap": 16}, r"Context overlap: 16 .*below the context length of 16\. Give 0 to 15"),
        ({"overlap": -1}, "Context overlap: -1"),
        ({"context": 0}, "Context overlap: 0"),
        ({"stride": 0}, "Context stride: 0 is below 1"),
        ({"method": "batched"}, "Context method: 'batched' is not known. Give one of alternating"),
        ({"fuse": "cubic"}, "Context fuse: 'cubic' is not known. Give one of flat"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        Viewing(**changes)


def test_no_clip_is_refused() -> None:
    with pytest.raises(BadRequest, match="Frames: 0 is no clip"):
        plan(0, Viewing())
