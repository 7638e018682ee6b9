"""Frames made by a RIFE file of the user. Needs torch, which only this module imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.tensors import load_state_dict
from easyphoto_video.video.between import Method
from easyphoto_video.video.rife_net import HalfNet, Net, net_of

FINEST = 16
"""A network that only halves does so down to this part of the way."""


def by_rife(path: Path | str, device: str | torch.device = "cpu") -> Method:
    """A Method of `between` by the network of a file: RIFE 4.5 to 4.26, or HD v3.

    Computed in float32 on `device`. HD v3 knows only the middle, so it halves until it is there:
    exactly for 2, 4, 8 and 16 times as many frames, else at the nearest sixteenth of the way.
    Raises Missing without the file and BadFile for another one; what torch raises when the device
    is full is the caller's to translate.
    """
    path = Path(path)
    tensors = load_state_dict(path)
    net = net_of({name: tensor.to(device) for name, tensor in tensors.items()}, path)

    def method(before: Frames, after: Frames, times: Sequence[float]) -> Iterator[Frames]:
        height, width = before.shape[:2]
        ends = [_padded(picture, net.multiple, device) for picture in (before, after)]
        halves = {0: ends[0], FINEST: ends[1]}
        for time in times:
            # No picture is handed out inside, as the mode would then hold for the caller too.
            with torch.inference_mode():
                if isinstance(net, HalfNet):
                    made = _halved(net, halves, round(time * FINEST))
                else:
                    made = net(ends[0], ends[1], time)
                picture = _picture(made[..., :height, :width])
            yield picture

    return method


def _halved(net: Net, known: dict[int, Tensor], step: int) -> Tensor:
    """The picture at `step` of FINEST; it and those made for it are added to the `known` ones."""
    if step not in known:
        unit = step & -step
        known[step] = net(_halved(net, known, step - unit), _halved(net, known, step + unit), 0.5)
    return known[step]


def _padded(picture: Frames, multiple: int, device: str | torch.device) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H', W') float32 0..1, its border repeated below and right."""
    tensor = torch.from_numpy(np.ascontiguousarray(picture)).to(device)
    tensor = tensor.permute(2, 0, 1)[None].float() / 255
    low, right = (-side % multiple for side in picture.shape[:2])
    return F.pad(tensor, (0, right, 0, low), mode="replicate")


def _picture(made: Tensor) -> Frames:
    pixels = (made[0].clamp(0, 1) * 255).round().to(torch.uint8)
    return pixels.permute(1, 2, 0).contiguous().cpu().numpy()
