"""FreeInit (arXiv 2312.07537): a clip rendered again from what changed slowly in it.

The noise of the next pass has the low frequencies of the clip that was made, diffused to the last
step, and the high frequencies of new noise, over frames, height and width together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from easyphoto_video.motion.windows import Window, fused

AXES = (0, 2, 3)
"""Frames, height and width of latents (F, C, h, w)."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which frequencies stay, as shares of the highest one that there is.

    With either share 0 nothing stays, and FreeInit is off.
    """

    kind: str = "butterworth"
    """One of FILTERS."""
    space: float = 0.25
    """The paper's d_s, 0..1: where the filter falls over height and width."""
    time: float = 0.25
    """The paper's d_t, 0..1: where it falls over frames."""
    order: int = 4
    """How steeply a Butterworth filter falls, 1 and more."""


def low_pass(size: tuple[int, int, int], keep: Filter) -> Tensor:
    """How much of each frequency stays: (F, h, w) float32, 0..1, in the order of `torch.fft.fftn`.

    Raises ValueError for a kind that is not in FILTERS.
    """
    if keep.kind not in FILTERS:
        raise ValueError(f"no filter {keep.kind!r}; there are {', '.join(FILTERS)}")
    if keep.space <= 0 or keep.time <= 0:
        return torch.zeros(size)
    time, *space = (2 * torch.fft.fftfreq(count, dtype=torch.float64).abs() for count in size)
    axes = torch.meshgrid(time / keep.time, *(side / keep.space for side in space), indexing="ij")
    return FILTERS[keep.kind](torch.stack(axes), keep.order).float()


def _distance(axes: Tensor) -> Tensor:
    return axes.square().sum(0)  # squared


FILTERS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "butterworth": lambda axes, order: 1 / (1 + _distance(axes) ** order),
    "gaussian": lambda axes, _order: torch.exp(-_distance(axes) / 2),
    "ideal": lambda axes, _order: (_distance(axes) <= 1).double(),
    "box": lambda axes, _order: (axes <= 1).all(0).double(),
}
"""The share that stays, by frequencies (3, F, h, w) in units of where the filter falls.

The ideal filter ends where the Butterworth filter is at a half; FreeInit's own program lets
d^2 <= 2 d_s pass under that name, which is wider.
"""


def freeinit_mixed(
    noised: Tensor, noise: Tensor, keep: Filter, windows: Sequence[Window] = ()
) -> Tensor:
    """The low frequencies of `noised` and the high ones of `noise`, both (F, C, h, w), as noise's.

    With `windows`, each is mixed by itself and averaged by weight; without, time is the whole
    clip's. What keeps nothing gives `noise` bit for bit.
    """
    ahead = noised - noise
    if windows:
        return noise + fused(lambda rows, _window: _slow(rows, keep), ahead, windows)
    return noise + _slow(ahead, keep)


def _slow(x: Tensor, keep: Filter) -> Tensor:
    frames, _, height, width = x.shape
    low = low_pass((frames, height, width), keep)[:, None].to(x.device)
    return torch.fft.ifftn(torch.fft.fftn(x.float(), dim=AXES) * low, dim=AXES).real.to(x.dtype)


def freeinit_noise(
    latents: Tensor, noise: tuple[Tensor, Tensor], share: float, keep: Filter
) -> Tensor:
    """What the next pass begins from, (F, C, h, w), of about the variance of noise.

    `latents` are those that the pass before made, `noise` what that pass began from, and new noise;
    `share` is the last of `noise.alphas_cumprod`, the picture's part of the variance at the start.
    """
    before, fresh = noise
    noised = share**0.5 * latents + (1 - share) ** 0.5 * before
    return freeinit_mixed(noised, fresh, keep)
