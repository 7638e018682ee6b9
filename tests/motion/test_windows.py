"""What windows predict is averaged exactly."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from easyphoto_video.motion.windows import Window, flat, fused, pyramid
from tests.motion.windows import windows

Plan = tuple[int, int, tuple[Window, ...]]
WEIGHTS = st.sampled_from([pyramid, flat])


@st.composite
def plans(draw: st.DrawFn, most: int = 400) -> Plan:
    """Frames, length and the windows of some clip."""
    frames, length = draw(st.integers(1, most)), draw(st.integers(1, 64))
    overlap = draw(st.integers(0, length - 1))
    return frames, length, windows(frames, length, overlap, draw(WEIGHTS))


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
