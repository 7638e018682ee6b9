"""LoRAs in somebody else's UNet whose weight goes from frame to frame, by forward hooks alone.

    with faded(unet, [Fade(changes, weights)]) as handle:
        with handle.frames([8, 9, 10]):
            unet(x, ...)  # rows of x: frames 8, 9 and 10 of a clip, then those of the next
        unet(y, ...)      # no frames, so as if there were no LoRA

A layer gives y + w * d: d is what the change of its weight alone makes of the same input, and w
the LoRA's weight at the frame of each row. No module is wrapped and no weight is touched; a call
that is not ours passes bit for bit, and so does one whose weights are all 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.attach import Call, pictures_in

Weights = Callable[[Sequence[int]], Tensor]
"""The numbers of n frames -> a LoRA's weight at each (n,) float32; 1 is as trained."""

Change = Callable[[Any, Tensor], Tensor]
"""A layer and its input (N, ...) -> what a change of the layer's weight alone makes of it, in the
shape of the layer's output."""


def listed(numbers: Sequence[float]) -> Weights:
    """The weights that a list has for the frames from 0 on."""
    every = torch.tensor(numbers)
    return lambda frames: every[list(frames)]


@dataclass(frozen=True)
class Chain:
    """A change of the weight of a Linear or Conv2d as a product, its factors in order of use.

    One factor is the whole change; two are down and up of a LoRA; three those of one in CP form,
    of which the middle has the kernel. 1x1 convolutions may be written as matrices, and back.
    """

    factors: tuple[Tensor, ...]

    def __call__(self, layer: Any, x: Tensor) -> Tensor:
        """See Change."""
        factors = [factor.to(x.device, x.dtype) for factor in self.factors]
        if isinstance(layer, nn.Linear):
            for factor in factors:
                x = F.linear(x, factor.flatten(1))
            return x
        for place, factor in enumerate(factors):
            kernel = factor if factor.ndim == 4 else factor[:, :, None, None]
            # The one with the layer's kernel has its stride and padding too.
            is_large = place == (len(factors) - 1) // 2
            x = layer._conv_forward(x, kernel, None) if is_large else F.conv2d(x, kernel)
        return x


@dataclass(frozen=True)
class Fade:
    """What one LoRA changes in a UNet, and how much of it each frame gets."""

    changes: Mapping[nn.Module, Change]
    weights: Weights


_calls: ContextVar[Mapping[FadeHandle, _Call]] = ContextVar("fades", default=MappingProxyType({}))


class FadeHandle:
    """What `faded` yields: says which frames the calls of the UNet hold."""

    def __init__(self, weights: Sequence[Weights]) -> None:
        self._weights = weights

    @contextmanager
    def frames(self, numbers: Sequence[int]) -> Iterator[None]:
        """Inside, every call of the UNet in this thread has k*n rows, clip after clip.

        `numbers` are those of its n frames, by which the weights know them.
        """
        call = _Call(len(numbers), [weights(numbers) for weights in self._weights])
        token = _calls.set({**_calls.get(), self: call})
        try:
            yield
        finally:
            _calls.reset(token)

    @property
    def call(self) -> _Call | None:
        """The call that is running in this context, None when it is not ours."""
        return _calls.get().get(self)


class _Call:
    """The weights of a call: for each frame, and once the UNet is called for each of its rows."""

    def __init__(self, frames: int, weights: Sequence[Tensor]) -> None:
        if any(of_one.shape != (frames,) for of_one in weights):
            raise ValueError(f"there is one weight for each of {frames} frames")
        self.frames = frames
        self.weights = [of_one if of_one.any() else None for of_one in weights]
        self.rows: list[Tensor | None] = []
        """(R,) on the device of the call, for each fade; None is 0 throughout. Empty before it."""

    def begin(self, x: Tensor) -> None:
        """Raises BadRequest unless the rows of x, which the UNet gets, are whole clips."""
        Call(self.frames).check(len(x))
        clips = len(x) // self.frames
        self.rows = [w if w is None else w.to(x.device).repeat(clips) for w in self.weights]


@contextmanager
def faded(unet: nn.Module, fades: Sequence[Fade]) -> Iterator[FadeHandle]:
    """Puts the changes into the UNet (diffusers' or LDM's) until the `with` ends, however it ends.

    The layers of the changes are modules of the UNet.
    """
    handle = FadeHandle([fade.weights for fade in fades])
    planned: dict[nn.Module, list[tuple[int, Change]]] = defaultdict(list)
    for number, fade in enumerate(fades):
        for layer, change in fade.changes.items():
            planned[layer].append((number, change))
    with ExitStack() as hooks:
        begin = unet.register_forward_pre_hook(_beginning(handle), with_kwargs=True)
        hooks.callback(begin.remove)
        for layer, changes in planned.items():
            # First after the layer, so that others' hooks see what a merged LoRA would give.
            hook = layer.register_forward_hook(_adding(handle, changes), prepend=True)
            hooks.callback(hook.remove)
        yield handle


def _beginning(handle: FadeHandle) -> Callable[..., None]:
    def hook(_unet: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        call = handle.call
        if call is not None:
            call.begin(pictures_in(args, named))

    return hook


def _adding(handle: FadeHandle, changes: Sequence[tuple[int, Change]]) -> Callable[..., Any]:
    def hook(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        call = handle.call
        if call is None or not call.rows:
            return None
        for number, change in changes:
            weights = call.rows[number]
            if weights is not None:
                share = _beside(weights, len(args[0]), output)
                made = change(layer, args[0]).to(output.dtype)
                output = torch.addcmul(output, made, share)
        return output

    return hook


def _beside(weights: Tensor, rows: int, y: Tensor) -> Tensor:
    """The weight of each of a layer's rows, to multiply y with; they may be cut into equal parts.

    HyperTile cuts each picture into tiles, which lie in a row. Raises BadRequest for other rows.
    """
    Call(len(weights)).check(rows)
    of_parts = weights.to(y.dtype).repeat_interleave(rows // len(weights))
    return of_parts.view(-1, *(1 for _ in y.shape[1:]))
