"""A UNet that computes the same in less time on a CPU, for as long as a `with` lasts.

    with swift(unet, kernels):
        unet(x, t, words)

3x3 convolutions go by Winograd (winograd.py), 1x1 ones as the linear layers that they are, texts
are read once (texts.py), and half precision is multiplied in float32 where the CPU would imitate
it. Layers get a `forward` of their own and cross-attentions another processor; a layer that has
somebody else's already is left alone. Weights are not touched, and hooks run as ever; a hook itself
could not take the place of what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import psutil
import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from easyphoto_video.host.standalone.lean import swapped
from easyphoto_video.host.standalone.model.texts import TextAttention, Texts, is_stock
from easyphoto_video.host.standalone.model.winograd import LARGE, SMALL, convolved, kernel
from easyphoto_video.motion.precision import multiplied

NARROW = 192
"""With fewer channels Winograd's way takes longer."""
MOST_FOR_LARGE = 640
"""Channels out. The deepest layers, most of the weights, have few pixels: large tiles gain a fifth
there, and their kernels would double what all take."""

Forward = Callable[[Tensor], Tensor]


class Kernels:
    """Winograd's kernels of weights, kept as long as the weights live and are as they were."""

    def __init__(self) -> None:
        self._kept: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._room: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def of(self, weight: Tensor, m: int) -> Tensor:
        """See winograd.kernel."""
        stamp = m, *_stamp(weight)
        kept = self._kept.get(weight)
        if kept is None or kept[0] != stamp:
            kept = self._kept[weight] = (stamp, kernel(weight, m))
        return kept[1]

    def has_room(self, layers: list[nn.Conv2d]) -> bool:
        """Whether the kernels of these layers take half of what is free, when first asked: the
        spans of a film shall not differ by it."""
        if not layers:
            return True
        weights = [layer.weight for layer in layers]
        room = self._room.get(weights[0])
        if room is None:
            needed = sum(4 * (_largest(w) + 2) ** 2 * w.shape[0] * w.shape[1] for w in weights)
            room = self._room[weights[0]] = 2 * needed <= psutil.virtual_memory().available
        return room


def _stamp(weight: Tensor) -> tuple[object, ...]:
    return weight._version, weight.data_ptr(), weight.dtype


@contextmanager
def swift(unet: UNet2DConditionModel, kernels: Kernels) -> Iterator[None]:
    """While it lasts, the UNet is faster without gradients; only on a CPU is anything done."""
    if unet.device.type != "cpu":
        yield
        return
    with ExitStack() as ends:
        for layer, forward in _forwards(unet, kernels):
            ends.enter_context(_in_place(layer, "forward", forward))
        texts = Texts()
        ends.callback(unet.register_forward_pre_hook(texts.begin, with_kwargs=True).remove)
        for attention in filter(is_stock, unet.modules()):
            ends.enter_context(swapped(attention, "processor", TextAttention(texts)))
        yield


def _forwards(unet: nn.Module, kernels: Kernels) -> list[tuple[nn.Module, Forward]]:
    """The layers that have a faster way, and what goes in place of `forward`."""
    free = [layer for layer in unet.modules() if "forward" not in vars(layer)]
    convolutions = [layer for layer in free if type(layer) is nn.Conv2d]
    square = [layer for layer in convolutions if _is_square(layer)]
    flat = [layer for layer in convolutions if _is_flat(layer)]
    linear = [
        layer
        for layer in free
        if type(layer) is nn.Linear
        and multiplied(layer.weight.dtype, layer.weight.device) != layer.weight.dtype
    ]
    if not kernels.has_room(square):
        square = []
    return [
        *((layer, partial(_by_winograd, layer, kernels)) for layer in square),
        *((layer, partial(_by_pixel, layer)) for layer in flat),
        *((layer, partial(_linear, layer)) for layer in linear),
    ]


def _is_square(layer: nn.Conv2d) -> bool:
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    is_usual = shape == ((3, 3), (1, 1), (1, 1), (1, 1)) and layer.padding_mode == "zeros"
    widths = layer.in_channels, layer.out_channels
    return is_usual and layer.groups == 1 and min(widths) >= NARROW


def _is_flat(layer: nn.Conv2d) -> bool:
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.groups)
    return shape == ((1, 1), (1, 1), (0, 0), 1)


def _by_winograd(layer: nn.Conv2d, kernels: Kernels, x: Tensor) -> Tensor:
    m = _largest(layer.weight)
    while x.ndim == 4 and (x.shape[2] % m or x.shape[3] % m):
        m //= 2
    if x.ndim != 4 or m < SMALL or _wants_gradients(x, layer.weight):
        return nn.Conv2d.forward(layer, x)
    return convolved(x, kernels.of(layer.weight, m), layer.bias)


def _largest(weight: Tensor) -> int:
    """px of the largest tiles that this weight is made a kernel for."""
    return LARGE if len(weight) <= MOST_FOR_LARGE else SMALL


def _by_pixel(layer: nn.Conv2d, x: Tensor) -> Tensor:
    if x.ndim != 4:
        return nn.Conv2d.forward(layer, x)
    return _product(x.permute(0, 2, 3, 1), layer.weight.flatten(1), layer.bias).permute(0, 3, 1, 2)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return _product(x, layer.weight, layer.bias)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    dtype = multiplied(x.dtype, x.device)
    if dtype == x.dtype:
        return F.linear(x, weight, bias)
    return F.linear(x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)).to(
        x.dtype
    )


def _wants_gradients(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


@contextmanager
def _in_place(layer: nn.Module, name: str, value: Any) -> Iterator[None]:
    """The layer's own attribute, where the class's was used."""
    vars(layer)[name] = value
    try:
        yield
    finally:
        # Somebody may have put his own around it meanwhile, and takes it away himself.
        if vars(layer).get(name) is value:
            del vars(layer)[name]
