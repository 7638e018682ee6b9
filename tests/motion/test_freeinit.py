"""FreeInit's filters after the paper's formulas, and what they mix."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from easyphoto_video.motion.freeinit import (
    FILTERS,
    Filter,
    freeinit_mixed,
    freeinit_noise,
    low_pass,
)
from easyphoto_video.motion.windows import apart
from tests.motion.windows import windows

SIZE = (8, 4, 6, 10)
KINDS = pytest.mark.parametrize("kind", FILTERS)


def noise(seed: int, size: tuple[int, ...] = SIZE) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["butterworth", "gaussian"])
@pytest.mark.parametrize(("space", "time"), [(0.25, 0.25), (0.4, 0.2)])
def test_filters_are_those_of_diffusers(kind: str, space: float, time: float) -> None:
    """Of even sizes; with odd ones, diffusers' centre lies beside the constant part."""
    from diffusers.pipelines.free_init_utils import FreeInitMixin

    shape = (1, 4, 8, 6, 10)
    theirs = FreeInitMixin()._get_free_init_freq_filter(shape, "cpu", kind, 4, space, time)
    ours = low_pass((8, 6, 10), Filter(kind=kind, space=space, time=time))
    assert torch.allclose(torch.fft.fftshift(ours), theirs[0, 0].float(), atol=1e-6)


@pytest.mark.parametrize("kind", ["butterworth", "gaussian"])
def test_the_mix_is_that_of_diffusers(kind: str) -> None:
    from diffusers.pipelines.free_init_utils import FreeInitMixin

    mixin, video = FreeInitMixin(), (1, 4, 8, 6, 10)
    low = mixin._get_free_init_freq_filter(video, "cpu", kind, 4, 0.25, 0.25)
    made, new = noise(1), noise(2)
    theirs = mixin._apply_freq_filter(made.transpose(0, 1)[None], new.transpose(0, 1)[None], low)
    ours = freeinit_mixed(made, new, Filter(kind=kind))
    assert torch.allclose(ours, theirs[0].transpose(0, 1), atol=1e-5)


def test_filters_follow_their_formulas_at_one_frequency() -> None:
    """Frame frequency 2/8 of the highest, heights 1/3, widths 0: distances in units of the cut."""
    time, height = 2 / 8 / 0.5, 2 / 6 / 0.25
    square = time**2 + height**2
    expected = {
        "butterworth": 1 / (1 + square**3),
        "gaussian": math.exp(-square / 2),
        "ideal": 0.0,
        "box": 0.0,
    }
    for kind, share in expected.items():
        low = low_pass((8, 6, 10), Filter(kind=kind, space=0.25, time=0.5, order=3))
        assert low[1, 1, 0].item() == pytest.approx(share, rel=1e-5)
        assert low[0, 0, 0] == 1
    assert low_pass((8, 6, 10), Filter(kind="ideal", space=0.5, time=0.5))[1, 1, 0] == 1
    corner = Filter(kind="box", space=0.34, time=0.25)
    assert low_pass((8, 6, 10), corner)[1, 1, 1] == 1
    assert low_pass((8, 6, 10), Filter(kind="ideal", space=0.34, time=0.25))[1, 1, 1] == 0


@KINDS
@pytest.mark.parametrize("size", [(8, 6, 10), (7, 5, 9), (1, 3, 3)])
def test_what_comes_back_is_real_and_the_mean_is_the_old_one(
    kind: str, size: tuple[int, int, int]
) -> None:
    frames, height, width = size
    made, new = noise(1, (frames, 4, height, width)), noise(2, (frames, 4, height, width))
    low = low_pass(size, Filter(kind=kind))[:, None]
    spectra = [torch.fft.fftn(x, dim=(0, 2, 3)) for x in (made, new)]
    full = torch.fft.ifftn(spectra[0] * low + spectra[1] * (1 - low), dim=(0, 2, 3))
    assert full.imag.abs().max() < 1e-5
    mixed = freeinit_mixed(made, new, Filter(kind=kind))
    assert torch.allclose(mixed, full.real, atol=1e-5)
    assert torch.allclose(mixed.mean((0, 2, 3)), made.mean((0, 2, 3)), atol=1e-5)


@KINDS
def test_keeping_nothing_is_off_bit_for_bit(kind: str) -> None:
    made, new = noise(1), noise(2)
    for keep in (Filter(kind=kind, space=0), Filter(kind=kind, time=0)):
        assert torch.equal(freeinit_mixed(made, new, keep), new)
        assert torch.equal(freeinit_mixed(made, new, keep, windows(8, 4, 2)), new)


@KINDS
def test_what_was_made_from_the_same_noise_stays(kind: str) -> None:
    assert torch.equal(freeinit_mixed(noise(1), noise(1), Filter(kind=kind)), noise(1))


def test_windows_are_mixed_by_themselves() -> None:
    made, new = noise(1), noise(2)
    mixed = freeinit_mixed(made, new, Filter(), apart(8, 4))
    halves = zip(made.split(4), new.split(4), strict=True)
    apart_ = torch.cat([freeinit_mixed(a, b, Filter()) for a, b in halves])
    assert torch.allclose(mixed, apart_, atol=1e-6)
    assert not torch.allclose(mixed, freeinit_mixed(made, new, Filter()), atol=1e-2)


def test_the_next_pass_begins_from_noise_of_the_same_strength() -> None:
    size = (16, 4, 32, 32)
    made = freeinit_noise(0.8 * noise(3, size), (noise(1, size), noise(2, size)), 0.005, Filter())
    assert made.std().item() == pytest.approx(1, abs=0.02)
    slow = low_pass((16, 32, 32), Filter()) > 0.9
    spectra = [
        torch.fft.fftn(x, dim=(0, 2, 3)).transpose(0, 1)[:, slow] for x in (made, noise(1, size))
    ]
    assert (spectra[0] - spectra[1]).abs().mean() < 0.2 * spectra[1].abs().mean()


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(ValueError, match="no filter 'hann'; there are butterworth, gaussian"):
        low_pass((2, 2, 2), Filter(kind="hann"))
