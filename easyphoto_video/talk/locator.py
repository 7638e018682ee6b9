"""EchoMimic's face locator: where a face is, or how it looks, added behind a UNet's first layer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.talk.call import Telling
from easyphoto_video.tensors import AGAIN, load_state_dict

MASK, DRAWN = 1, 3
"""Channels of what it sees: a mask of the face, or drawn landmarks."""


class Locator(nn.Module):
    """Six convolutions, of which every second halves the picture, between one in and one out."""

    def __init__(self, seen: int, channels: tuple[int, ...], out: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(seen, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for inner, outer in itertools.pairwise(channels):
            self.blocks.append(nn.Conv2d(inner, inner, 3, padding=1))
            self.blocks.append(nn.Conv2d(inner, outer, 3, padding=1, stride=2))
        self.conv_out = nn.Conv2d(channels[-1], out, 3, padding=1)

    @property
    def seen(self) -> int:
        """Channels that it looks at: MASK or DRAWN."""
        return self.conv_in.in_channels

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, seen, 8h, 8w) in 0..1 -> (N, out, h, w)."""
        x = F.silu(self.conv_in(pictures))
        for block in self.blocks:
            x = F.silu(block(x))
        return self.conv_out(x)


def read_locator(path: Path | str) -> Locator:
    """The locator that a file holds, in its dtype, on the CPU. Raises Missing and BadFile."""
    return locator_from(load_state_dict(path), path)


def locator_from(tensors: Mapping[str, Tensor], source: Path | str) -> Locator:
    """See `read_locator`; nothing is copied."""
    first, last = tensors.get("conv_in.weight"), tensors.get("conv_out.weight")
    numbers = [int(m[1]) for name in tensors if (m := re.match(r"blocks\.(\d+)\.weight", name))]
    whole = len(numbers) % 2 == 0 and sorted(numbers) == list(range(len(numbers)))
    if first is None or last is None or not whole or not numbers:
        some = ", ".join(list(tensors)[:3])
        raise BadFile(
            source, f"this is no face locator (it holds {some})", "Give face_locator.pth."
        )
    widths = [first.shape[0], *(tensors[f"blocks.{i}.weight"].shape[0] for i in numbers[1::2])]
    with torch.device("meta"):
        locator = Locator(first.shape[1], tuple(widths), last.shape[0])
    try:
        locator.load_state_dict(dict(tensors), assign=True)
    except RuntimeError as error:
        raise BadFile(source, f"this face locator is not whole ({error})", AGAIN) from error
    return locator.requires_grad_(False).eval()


@contextmanager
def located(unet: nn.Module, feature: Tensor, telling: Telling) -> Iterator[None]:
    """Until the `with` ends, told rows get the feature behind the first layer.

    `feature` is (1 or frames of the clip, C, h, w).
    """
    model: Any = unet
    first: nn.Module = model.conv_in if hasattr(unet, "conv_in") else model.input_blocks[0]

    def hook(_layer: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
        call = telling.call
        if call is None:
            return None
        call.check(len(output))
        return output + call.rows(feature.to(output))

    handle = first.register_forward_hook(hook, prepend=True)
    try:
        yield
    finally:
        handle.remove()
