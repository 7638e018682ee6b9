"""IFNet, the network of RIFE (Huang et al., arXiv 2011.06294), run on the tensors of its files.

Blocks from coarse to fine correct the flow from the moment in between to both pictures, and how
much each of them counts. What a file holds shows in its keys and shapes: HD v3 knows only the
middle, 4.5 to 4.26 any time; from 4.7 on a head adds features of the pictures, and from 4.21 on
most hand features from block to block. Widths are read from the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.errors import BadFile

Weights = Mapping[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

PREFIXES = ("module.", "flownet.")
"""What training programs put before each name."""
SLOPE = 0.2
"""Of the leaky ReLU."""
LAYERS = 8
"""Residual convolutions of a block."""
GIVE = "Give flownet.pkl, or its tensors as .safetensors, of RIFE 4.5 to 4.26 or of RIFE HD v3."


@dataclass(frozen=True)
class TimeNet:
    """RIFE 4.5 to 4.26: a picture for any time."""

    weights: Weights = field(repr=False)
    scales: tuple[int, ...]
    """How many times smaller than the picture each block works."""
    head: tuple[str, ...]
    """The layers of the head by name; none up to 4.6."""
    hands_on: bool
    """Whether a block takes features of the one before."""

    halves_only = False

    @property
    def multiple(self) -> int:
        """px: sides of pictures are multiples of this."""
        return 4 * self.scales[0]

    def __call__(self, before: Tensor, after: Tensor, time: float) -> Tensor:
        """(1, 3, H, W) RGB 0..1 of each picture -> the one at `time`, 0..1."""
        features = (self._features(before), self._features(after))
        now = torch.full_like(before[:, :1], time)
        flow, mask, handed = self._block(0, torch.cat((before, after, *features, now), 1), None)
        for index in range(1, len(self.scales)):
            seen = [*_pair(before, after, flow), *_pair(*features, flow), now, mask]
            if self.hands_on:
                seen.append(handed)
            change, new, handed = self._block(index, torch.cat(seen, 1), flow)
            flow = flow + change
            # Without a head a block corrects the mask, with one it gives it anew.
            mask = new if self.head else mask + new
        return _merged(before, after, flow, mask)

    def _features(self, picture: Tensor) -> Tensor:
        if not self.head:
            return picture[:, :0]
        features, last = picture, self.head[-1]
        for index, layer in enumerate(self.head[:-1]):
            features = _conv(self.weights, layer, features, stride=2 if index == 0 else 1)
            features = _leaky(features) if len(self.head) > 2 else features
        return _up(self.weights, last, features)

    def _block(self, index: int, x: Tensor, flow: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        name, scale = f"block{index}", self.scales[index]
        x = _resized(x, 1 / scale)
        if flow is not None:
            x = torch.cat((x, _resized(flow, 1 / scale) / scale), 1)
        for half in ("0.0", "1.0"):
            x = _leaky(_conv(self.weights, f"{name}.conv0.{half}", x, stride=2))
        for layer in (f"{name}.convblock.{number}" for number in range(LAYERS)):
            change = _conv(self.weights, f"{layer}.conv", x)
            x = _leaky(change * self.weights[f"{layer}.beta"] + x)
        found = F.pixel_shuffle(_up(self.weights, f"{name}.lastconv.0", x), 2)
        found = _resized(found, scale)
        return found[:, :4] * scale, found[:, 4:5], found[:, 5:]


@dataclass(frozen=True)
class HalfNet:
    """RIFE HD v3: the picture in the middle."""

    weights: Weights = field(repr=False)
    scales: tuple[int, ...] = (4, 2, 1)

    halves_only = True
    multiple = 32
    """px: sides of pictures are multiples of this."""

    def __call__(self, before: Tensor, after: Tensor, time: float = 0.5) -> Tensor:
        """(1, 3, H, W) RGB 0..1 of each picture -> the one in the middle, 0..1."""
        if time != 0.5:
            raise ValueError(f"this network makes the picture at 0.5, not at {time}")
        flow, mask = before.new_zeros(1, 4, *before.shape[2:]), torch.zeros_like(before[:, :1])
        for index in range(len(self.scales)):
            one, other = _pair(before, after, flow)
            # Both orders are asked and averaged, so that time has no direction.
            forth, m0 = self._block(index, torch.cat((one, other, mask), 1), flow)
            back, m1 = self._block(index, torch.cat((other, one, -mask), 1), _swapped(flow))
            flow = flow + (forth + _swapped(back)) / 2
            mask = mask + (m0 - m1) / 2
        return _merged(before, after, flow, mask)

    def _block(self, index: int, x: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        name, scale = f"block{index}", self.scales[index]
        x = torch.cat((_resized(x, 1 / scale), _resized(flow, 1 / scale) / scale), 1)
        x = self._rectified(f"{name}.conv0.1", self._rectified(f"{name}.conv0.0", x, 2), 2)
        for layer in (f"{name}.convblock{number}" for number in range(4)):
            x = self._rectified(f"{layer}.1", self._rectified(f"{layer}.0", x)) + x
        flow, mask = (self._grown(f"{name}.{end}", x) for end in ("conv1", "conv2"))
        return _resized(flow, scale) * scale, _resized(mask, scale)

    def _rectified(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        return F.prelu(
            _conv(self.weights, f"{name}.0", x, stride), self.weights[f"{name}.1.weight"]
        )

    def _grown(self, name: str, x: Tensor) -> Tensor:
        x = F.prelu(_up(self.weights, f"{name}.0", x), self.weights[f"{name}.1.weight"])
        return _up(self.weights, f"{name}.2", x)


Net = TimeNet | HalfNet


def net_of(tensors: Weights, path: Path) -> Net:
    """The network of a file's tensors, in float32 on their device; `path` is for messages.

    Tensors that only training needs are left out. Raises BadFile for other files.
    """
    weights = {_bare(name): tensor.float() for name, tensor in tensors.items()}
    if "block0.convblock.0.beta" in weights:
        return _time_net(weights, path)
    if "block0.convblock0.0.0.weight" in weights:
        return HalfNet(_chosen(weights, _half_shapes(_widths(weights, path)), path))
    if "block0.convblock.0.0.weight" in weights:
        raise BadFile(path, "this is RIFE older than 4.5 and other than HD v3", GIVE)
    raise BadFile(path, f"this is no RIFE file: it holds {min(weights)!r} and the like", GIVE)


def _time_net(weights: Weights, path: Path) -> TimeNet:
    widths, ending = _widths(weights, path), ".weight"
    names = [name for name in weights if name.startswith("encode.") and name.endswith(ending)]
    head = tuple(sorted(name.removesuffix(ending) for name in names))
    out = _size(weights, "block0.lastconv.0.weight", 1, path) // 4
    seen = 2 * _size(weights, f"{head[-1]}.weight", 1, path) if head else 0
    hands_on = out > 6
    shapes = _head_shapes(weights, head, path)
    for index, width in enumerate(widths):
        channels = 7 + seen if index == 0 else 12 + seen + (out - 5) * hands_on
        shapes |= _block_shapes(f"block{index}", width, channels, out)
    scales = tuple(2**power for power in reversed(range(len(widths))))
    if widths[4:] == [24]:
        scales = (32, 16, 8, 4, 1)  # 4.25 lite, which no shape but its last width tells
    return TimeNet(_chosen(weights, shapes, path), scales, head, hands_on)


def _widths(weights: Weights, path: Path) -> list[int]:
    """Channels of each block."""
    widths = []
    while (name := f"block{len(widths)}.conv0.1.0.weight") in weights:
        widths.append(_size(weights, name, 0, path))
    if len(widths) not in (3, 4, 5):
        raise BadFile(path, f"this RIFE has {len(widths)} whole blocks, not 3, 4 or 5", GIVE)
    return widths


def _size(weights: Weights, name: str, axis: int, path: Path) -> int:
    if name not in weights or weights[name].dim() != 4:
        raise BadFile(path, f"this RIFE has no convolution {name}", GIVE)
    return weights[name].shape[axis]


def _chosen(weights: Weights, shapes: Shapes, path: Path) -> dict[str, Tensor]:
    for name, shape in shapes.items():
        if name not in weights:
            raise BadFile(path, f"this RIFE lacks {name}", GIVE)
        if (found := tuple(weights[name].shape)) != shape:
            raise BadFile(path, f"{name} of this RIFE is {found}, not {shape}", GIVE)
    return {name: weights[name] for name in shapes}


def _head_shapes(weights: Weights, head: tuple[str, ...], path: Path) -> Shapes:
    """A head is as wide as its first layer, and gives what its last one does."""
    if not head:
        return {}
    width = _size(weights, f"{head[0]}.weight", 0, path)
    given = _size(weights, f"{head[-1]}.weight", 1, path)
    shapes = _of_conv(head[0], 3, width, 3)
    for layer in head[1:-1]:
        shapes |= _of_conv(layer, width, width, 3)
    return shapes | _of_up(head[-1], width, given)


def _block_shapes(name: str, width: int, channels: int, out: int) -> Shapes:
    shapes = _of_conv(f"{name}.conv0.0.0", channels, width // 2, 3)
    shapes |= _of_conv(f"{name}.conv0.1.0", width // 2, width, 3)
    for layer in (f"{name}.convblock.{number}" for number in range(LAYERS)):
        shapes |= _of_conv(f"{layer}.conv", width, width, 3) | {f"{layer}.beta": (1, width, 1, 1)}
    return shapes | _of_up(f"{name}.lastconv.0", width, 4 * out)


def _half_shapes(widths: list[int]) -> Shapes:
    shapes: Shapes = {}
    for name, width in ((f"block{index}", width) for index, width in enumerate(widths)):
        layers = {f"{name}.conv0.0": (11, width // 2), f"{name}.conv0.1": (width // 2, width)}
        for layer in (f"{name}.convblock{one}.{two}" for one in range(4) for two in range(2)):
            layers[layer] = (width, width)
        for layer, (given, made) in layers.items():
            shapes |= _of_conv(f"{layer}.0", given, made, 3) | {f"{layer}.1.weight": (made,)}
        for end, out in ((f"{name}.conv1", 4), (f"{name}.conv2", 1)):
            shapes |= _of_up(f"{end}.0", width, width // 2) | {f"{end}.1.weight": (width // 2,)}
            shapes |= _of_up(f"{end}.2", width // 2, out)
    return shapes


def _of_conv(name: str, given: int, made: int, side: int) -> Shapes:
    return {f"{name}.weight": (made, given, side, side), f"{name}.bias": (made,)}


def _of_up(name: str, given: int, made: int) -> Shapes:
    return {f"{name}.weight": (given, made, 4, 4), f"{name}.bias": (made,)}


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _conv(weights: Weights, name: str, x: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, 1)


def _up(weights: Weights, name: str, x: Tensor) -> Tensor:
    return F.conv_transpose2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], 2, 1)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)


def _resized(x: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def _pair(one: Tensor, other: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    return _drawn(one, flow[:, :2]), _drawn(other, flow[:, 2:4])


def _merged(before: Tensor, after: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    one, other = _pair(before, after, flow)
    share = torch.sigmoid(mask)
    return one * share + other * (1 - share)


def _swapped(flow: Tensor) -> Tensor:
    return torch.cat((flow[:, 2:4], flow[:, :2]), 1)


def _drawn(x: Tensor, flow: Tensor) -> Tensor:
    """What each place finds `flow` px away, the border's values beyond the border."""
    if not x.shape[1]:
        return x
    height, width = x.shape[2:]
    rows = torch.linspace(-1, 1, height, device=x.device, dtype=x.dtype)[:, None].expand(
        height, width
    )
    columns = torch.linspace(-1, 1, width, device=x.device, dtype=x.dtype).expand(height, width)
    right = columns + flow[:, 0] * (2 / (width - 1))
    down = rows + flow[:, 1] * (2 / (height - 1))
    there = torch.stack((right, down), -1)
    return F.grid_sample(x, there, mode="bilinear", padding_mode="border", align_corners=True)
