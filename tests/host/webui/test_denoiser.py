"""The rows of the host's calls become clips, whole and in order, and come back as they were."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.webui.denoiser import WindowedDenoiser, clip_order
from easyphoto_video.host.webui.windowed import ClipPlan
from easyphoto_video.motion.windows import apart
from tests.motion.windows import windows

sizes = some.integers(1, 9)


class Told(nn.Module):
    """A denoiser that adds to each row what it was told of it, and notes how many rows came."""

    sigmas = torch.arange(3)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def forward(self, x: Tensor, sigma: Tensor, cond: dict[str, list[Tensor]]) -> Tensor:
        self.rows.append(len(x))
        words = cond["c_crossattn"][0].mean((1, 2))
        return x + (sigma + words)[:, None, None, None]


def plan(frames: int, parts: int = 1, length: int = 4, *, one_by_one: bool = False) -> ClipPlan:
    seen = windows(frames, length, length // 2)
    told: list[float] = []
    return ClipPlan(
        frames=frames,
        parts=parts,
        calls=Calls(windows=lambda step: seen),
        step=lambda: 0,
        one_by_one=one_by_one,
        tell=told.append,
    )


def call(count: int) -> tuple[Tensor, Tensor, dict[str, list[Tensor]]]:
    generator = torch.Generator().manual_seed(count)
    x, words = (torch.randn(count, 4, 2, 2, generator=generator) for _ in range(2))
    return x, torch.arange(count).float(), {"c_crossattn": [words[:, 0]]}


@given(frames=sizes, parts=sizes, free=some.booleans())
def test_rows_are_clip_after_clip(frames: int, parts: int, free: bool) -> None:
    rows = [(f, p) for f in range(frames) for p in range(parts)]
    rows += [(f, parts) for f in range(frames)] if free else []
    ordered = [rows[i] for i in clip_order(len(rows), frames, parts)]
    assert ordered == [(f, p) for p in range(parts + free) for f in range(frames)]


@given(frames=sizes, parts=sizes, rows=some.integers(0, 200))
def test_rows_that_are_no_whole_clips_are_refused(frames: int, parts: int, rows: int) -> None:
    if rows in {frames, parts * frames, parts * frames + frames}:
        assert sorted(clip_order(rows, frames, parts)) == list(range(rows))
    else:
        with pytest.raises(BadRequest, match="no whole clips"):
            clip_order(rows, frames, parts)


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize(("parts", "rows"), [(1, 14), (1, 7), (2, 21), (2, 14), (3, 7)])
def test_every_row_keeps_its_own_words_and_time(parts: int, rows: int, one_by_one: bool) -> None:
    inner = Told()
    x, sigma, cond = call(rows)
    expected = inner(x, sigma, cond)
    seen = WindowedDenoiser(inner, plan(7, parts, one_by_one=one_by_one))(x, sigma, cond)
    assert torch.allclose(seen, expected, atol=1e-6)


def test_one_by_one_is_one_condition_of_one_window_at_a_time() -> None:
    inner = Told()
    x, sigma, cond = call(14)
    WindowedDenoiser(inner, plan(7, one_by_one=True))(x, sigma, cond)
    assert set(inner.rows) == {4}
    inner.rows.clear()
    WindowedDenoiser(inner, plan(7))(x, sigma, cond)
    assert set(inner.rows) == {8}


def test_one_window_changes_no_bit() -> None:
    inner = Told()
    x, sigma, cond = call(8)
    whole = ClipPlan(
        frames=4,
        parts=1,
        calls=Calls(windows=lambda step: apart(4, 4)),
        step=lambda: 0,
        one_by_one=False,
        tell=lambda fraction: None,
    )
    assert torch.equal(WindowedDenoiser(inner, whole)(x, sigma, cond), inner(x, sigma, cond))


def test_what_else_the_sampler_asks_for_is_the_inner_ones() -> None:
    denoiser = WindowedDenoiser(Told(), plan(2))
    assert denoiser.sigmas is Told.sigmas
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = denoiser.nothing
