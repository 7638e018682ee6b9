"""Windows cover every frame and average exactly."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.windows import Window, flat, fused, pyramid, windows

Plan = tuple[int, int, tuple[Window, ...]]
WEIGHTS = st.sampled_from([pyramid, flat])


@st.composite
def plans(draw: st.DrawFn, most: int = 400) -> Plan:
    """Frames, length and the windows of some clip."""
    frames, length = draw(st.integers(1, most)), draw(st.integers(1, 64))
    overlap = draw(st.integers(0, length - 1))
    return frames, length, windows(frames, length, overlap, draw(WEIGHTS))


@given(plans())
@settings(max_examples=400, deadline=None)
def test_every_frame_is_covered_and_its_weights_add_up_to_one(plan: Plan) -> None:
    frames, length, made = plan
    totals: dict[int, float] = defaultdict(float)
    for window in made:
        assert len(window.frames) == len(window.weights) == min(length, frames)
        assert list(window.frames) == sorted(set(window.frames))
        assert all(weight > 0 for weight in window.weights)
        for frame, weight in zip(window.frames, window.weights, strict=True):
            totals[frame] += weight
    assert totals.keys() == set(range(frames))
    assert all(total == pytest.approx(1) for total in totals.values())


@given(plans())
@settings(max_examples=100, deadline=None)
def test_no_window_is_within_another(plan: Plan) -> None:
    _, _, made = plan
    starts = [window.frames[0] for window in made]
    assert starts == sorted(set(starts))


@given(st.integers(1, 100), st.integers(1, 32), st.data())
@settings(max_examples=100, deadline=None)
def test_neighbours_share_what_was_asked(frames: int, length: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, length - 1))
    made = windows(frames, length, overlap)
    shared = [len({*a.frames} & {*b.frames}) for a, b in pairwise(made)]
    assert all(count == overlap for count in shared[:-1])
    assert all(count >= overlap for count in shared[-1:])


def test_the_windows_of_32_and_64_frames() -> None:
    assert [w.frames[0] for w in windows(32, 16, 4)] == [0, 12, 16]
    assert [w.frames[0] for w in windows(64, 16, 4)] == [0, 12, 24, 36, 48]
    assert windows(5, 16, 4) == (Window((0, 1, 2, 3, 4), (1.0,) * 5),)


def test_the_middle_of_a_pyramid_counts_most() -> None:
    assert pyramid(6) == (1, 2, 3, 3, 2, 1)
    assert pyramid(5) == (1, 2, 3, 2, 1)


@given(plans(most=40), st.integers(1, 3), st.sampled_from([torch.float32, torch.float16]))
@settings(max_examples=60, deadline=None)
def test_what_does_not_look_at_other_frames_comes_out_the_same(
    plan: Plan, clips: int, dtype: torch.dtype
) -> None:
    frames, _, made = plan
    x = torch.randn(clips * frames, 2, 3).to(dtype)
    result = fused(lambda rows, window: rows, x, made)
    assert (result.dtype, result.shape) == (dtype, x.shape)
    assert torch.allclose(result.float(), x.float(), rtol=1e-5, atol=1e-5)


def test_one_window_of_all_frames_is_no_window_bit_for_bit() -> None:
    x = torch.randn(32, 4, 3)

    def call(rows: Tensor, window: Window) -> Tensor:
        return torch.sin(rows * 10)

    for made in (windows(16, 16, 4), windows(16, 64, 63, flat)):
        assert torch.equal(fused(call, x, made), call(x, made[0]))


def test_frames_in_one_window_alone_pass_bit_for_bit() -> None:
    x = torch.randn(32, 3)
    result = fused(lambda rows, window: rows.exp(), x, windows(32, 16, 4))
    alone = [*range(12), *range(28, 32)]
    assert torch.equal(result[alone], x.exp()[alone])


def test_each_window_gets_its_own_rows_of_every_clip() -> None:
    x = torch.arange(2 * 6).float().view(12, 1)
    seen: list[list[float]] = []

    def call(rows: Tensor, window: Window) -> Tensor:
        seen.append(rows.flatten().tolist())
        assert torch.equal(window.rows(x, 6), rows)
        return rows

    fused(call, x, windows(6, 4, 1))
    assert seen == [[0, 1, 2, 3, 6, 7, 8, 9], [2, 3, 4, 5, 8, 9, 10, 11]]


def test_a_shared_frame_is_the_weighted_mean() -> None:
    made = windows(3, 2, 1, lambda length: (3.0, 1.0))
    answers = iter([torch.tensor([[0.0], [10.0]]), torch.tensor([[20.0], [5.0]])])
    result = fused(lambda rows, window: next(answers), torch.zeros(3, 1), made)
    assert result.flatten().tolist() == [0, (10 * 1 + 20 * 3) / 4, 5]


@pytest.mark.parametrize(
    ("frames", "length", "overlap", "told"),
    [
        (0, 16, 4, "Frames: 0"),
        (8, 4, 4, r"Context overlap: 4 .*below the context length of 4\. Give 0 to 3"),
        (8, 4, -1, "Context overlap: -1"),
        (8, 0, 0, "Context overlap: 0"),
    ],
)
def test_what_cannot_be_is_refused(frames: int, length: int, overlap: int, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        windows(frames, length, overlap)
