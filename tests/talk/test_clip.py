"""Windows, noise and guidance of a clip, by relations; the official ones are in test_official."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.talk.noise import alphas, stepped, timesteps
from easyphoto_video.talk.sampling import Course, sampled
from easyphoto_video.talk.windows import moved, windows

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")


@given(st.integers(1, 80), st.integers(2, 16), st.integers(0, 15), st.integers(0, 40))
def test_every_frame_is_in_a_window_at_every_step(
    frames: int, length: int, overlap: int, step: int
) -> None:
    if overlap >= length:
        with pytest.raises(BadRequest):
            windows(frames, length, overlap)
        return
    made = windows(frames, length, overlap)
    assert moved(made, frames, 0, 2) == made
    later = moved(made, frames, step, 3)
    assert Counter(sorted(map(len, later))) == Counter(sorted(map(len, made)))
    assert set().union(*later) == set(range(frames))
    assert all(len(set(window)) == len(window) <= max(length, 1) for window in later)


def test_noise_ends_in_no_signal_and_begins_in_nearly_all() -> None:
    shares = alphas()
    assert shares[-1] == 0
    assert bool((shares.diff() < 0).all())
    assert float(shares[0]) == pytest.approx(1 - 0.00085, abs=1e-6)


@given(st.integers(1, 60))
def test_steps_begin_at_the_end(steps: int) -> None:
    found = timesteps(steps)
    assert found[0] == 999
    assert len(found) == steps
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 8])
def test_who_knows_the_clip_comes_to_it(steps: int) -> None:
    """With the true v of a clip, every step stays on the way from noise to it.

    So it is where the steps divide the 1000; else the official strides are a little shorter.
    """
    torch.manual_seed(0)
    clean, noise = torch.randn(3, 4, 2, 2).double(), torch.randn(3, 4, 2, 2).double()
    x = noise
    for t in timesteps(steps):
        share = alphas()[t].double()
        torch.testing.assert_close(x, share.sqrt() * clean + (1 - share).sqrt() * noise)
        x = stepped(x, share.sqrt() * noise - (1 - share).sqrt() * clean, t, steps)
    torch.testing.assert_close(x, clean)


def test_guidance_and_windows_of_a_whole_run() -> None:
    calls: list[tuple[int, ...]] = []

    def predict(x: Tensor, t: int, frames: Sequence[int], told: Sequence[bool]) -> Tensor:
        calls.append(tuple(frames))
        values = [torch.full_like(part, 2.0 if knows else 1.0)
                  for part, knows in zip(x.chunk(len(told)), told, strict=True)]  # fmt: skip
        return torch.cat(values)

    noise = torch.zeros(14, 4, 2, 2)
    both = sampled(noise, predict, Course(steps=1, guidance=3.0))
    assert calls == [tuple(range(12)), (*range(9, 14), *range(7))]
    # v = 1 + 3 * (2 - 1), and at the last step x0 = -v.
    torch.testing.assert_close(both, torch.full_like(noise, -4.0))
    calls.clear()
    shares: list[float] = []
    told = sampled(noise, predict, Course(steps=2, guidance=1.0, shift=3), shares.append)
    assert calls[2][0] == 3
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert bool((told < 0).all())
