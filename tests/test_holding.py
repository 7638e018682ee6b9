"""How pictures hold over frames: EasyPhoto's formulas written out anew, and laws of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.engine import Mix
from easyphoto_video.holding import Fading, animatediff, easyphoto, rising, steady
from easyphoto_video.host.shots import mixed

LENGTHS = [8, 16, 24, 33]
frames_of = st.integers(1, 200)
SIZE = (4, 3, 2)


def by_the_formula(
    frames: int, z0: np.ndarray, last: np.ndarray | None, e: np.ndarray
) -> list[np.ndarray]:
    """The original's init latents (facts of EasyPhoto, 1.6), frame by frame, R = 0.7 or 1."""
    out = []
    for i in range(frames):
        if last is None:
            r = max(0.0, 1 - i * (1 - 0.7) / (frames - 1))
            out.append(z0 * r + e[i] * (1 - r))
            continue
        a = max(0.0, 1 - i / int(frames * 3 / 4))
        b = max(0.0, 1 - (frames - 1 - i) / int(frames / 4))
        if a + b > 1:
            a, b = a / (a + b), b / (a + b)
        if i == 0:
            a, b = 1.0, 0.0
        if i == frames - 1:
            a, b = 0.0, 1.0
        out.append(z0 * a + last * b + e[i] * (1 - a - b))
    return out


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("pictures", [1, 2])
def test_easyphoto_is_its_formula(frames: int, pictures: int) -> None:
    rng = np.random.default_rng(frames)
    latents, noise = rng.normal(size=(2, *SIZE)), rng.normal(size=(frames, *SIZE))
    mix = easyphoto(frames, pictures)
    found = mixed(torch.tensor(latents[:pictures]), mix, torch.tensor(noise)).numpy()
    last = latents[1] if pictures == 2 else None
    expected = np.stack(by_the_formula(frames, latents[0], last, noise))
    assert np.abs(found - expected).max() <= 1e-6


def test_easyphoto_has_the_numbers_that_were_read_in_its_source() -> None:
    one = easyphoto(16, 1)
    assert one.weights[:, 0] == pytest.approx([1 - 0.02 * i for i in range(16)])
    two = easyphoto(16, 2)
    assert two.weights[:4, 0] == pytest.approx([1, 11 / 12, 10 / 12, 9 / 12])
    assert two.weights[-4:, 1] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert two.noise.max() == pytest.approx(11 / 12)
    assert two.noise.argmax() == 11


@pytest.mark.parametrize("make", [easyphoto, steady, lambda n, k: animatediff(n, k, Fading())])
@given(frames=frames_of, pictures=st.integers(1, 2))
def test_shares_are_shares_and_the_ends_are_the_pictures(
    make: object, frames: int, pictures: int
) -> None:
    mix = make(frames, pictures)  # type: ignore[operator]
    assert isinstance(mix, Mix)
    assert mix.weights.shape == (frames, pictures)
    whole = mix.weights.sum(axis=1) + mix.noise
    assert whole == pytest.approx(1)
    assert min(mix.weights.min(), mix.noise.min()) >= 0
    assert mix.weights[0] == pytest.approx([1, 0][:pictures])
    if pictures == 2 and frames > 1:
        assert mix.weights[-1] == pytest.approx([0, 1])


@given(frames=frames_of, pictures=st.integers(1, 2), strength=st.floats(0, 1))
def test_steady_lets_go_away_from_its_pictures(frames: int, pictures: int, strength: float) -> None:
    found = rising(frames, pictures, strength)
    assert found[0] == 0
    assert found.max() <= strength
    assert pictures == 1 or found[-1] == 0
    assert (np.diff(found) >= 0).all() or pictures == 2
