"""A picture that acts as the frames of a film do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.fomm.points import KeyPoints
from easyphoto_video.warp.fomm.relative import Transfer, transferred


@torch.no_grad()
def animate(
    model: Fomm,
    source: Tensor,
    driving: Iterable[Tensor],
    how: Transfer,
    first: KeyPoints | None = None,
) -> Iterator[Tensor]:
    """The source (1, 3, H, W) for each batch of driving frames (B, 3, H, W): (B, 3, H, W).

    All RGB in 0..1, on the model's device and in its dtype, sides multiples of `config.multiple`.
    `first` are the key points that relative motion counts from; those of the film's first frame
    when it is None. The source is encoded once, and one batch is held at a time.
    """
    at_source = model.kp_detector(source)
    encoded = model.generator.encode(source)
    for frames in driving:
        points = model.kp_detector(frames)
        start = first = points[:1] if first is None else first
        wanted = transferred(points, start, at_source, how)
        flow = model.generator.flow(encoded, wanted, at_source)
        yield model.generator.paint(encoded, flow)
