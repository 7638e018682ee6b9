"""A control that needs no network: the smallest example of something that enters a UNet.

It adds to what leaves the UNet's middle block the brightness of the frame's picture, times the
frame's weight, in every channel. `registered` makes it known under its name while a `with` lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.engine import Control
from easyphoto_video.unet.attachment import Call
from easyphoto_video.unet.controls import KINDS

NAME = "toy"


class ToyAttachment:
    """See Attachment."""

    name = "Toy control"

    def __init__(self, control: Control) -> None:
        self._control = control
        self._shares: ContextVar[Tensor | None] = ContextVar("toy", default=None)
        self.heard = 0

    @contextmanager
    def enter(self, unet: nn.Module) -> Iterator[None]:
        """See Attachment."""
        with _hooked(middle_of(unet), self._add):
            yield

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """See Attachment."""
        control, frames = self._control, list(call.frames)
        light = control.pictures[frames].mean((1, 2, 3)) / 255
        shares = torch.tensor(light * control.weights[frames], dtype=torch.float32)
        is_on = control.is_heeded(call.step, call.shot.steps)
        token = self._shares.set(shares if is_on else torch.zeros_like(shares))
        try:
            yield
        finally:
            self._shares.reset(token)

    def _add(self, _layer: nn.Module, _args: Any, output: Any) -> Any:
        shares = self._shares.get()
        if shares is None:
            return None
        self.heard += 1
        if not shares.any():
            return None
        rows = shares.to(output).repeat(len(output) // len(shares))
        return output + rows.view(-1, 1, 1, 1)


class ToyKind:
    """See ControlKind."""

    def load(self, model: str, find: Any) -> None:
        """See ControlKind. There is no file."""

    def attachment(self, control: Control, network: Any) -> ToyAttachment:
        """See ControlKind."""
        return ToyAttachment(control)


class DeafKind(ToyKind):
    """One whose hooks come to nothing, as in a host that never calls the layers they stand on."""

    def attachment(self, control: Control, network: Any) -> ToyAttachment:
        """See ControlKind."""
        return _Deaf(control)


class _Deaf(ToyAttachment):
    @contextmanager
    def enter(self, unet: nn.Module) -> Iterator[None]:
        yield


def middle_of(unet: Any) -> Any:
    """A layer of the middle of diffusers' or an LDM's UNet, which every host calls by itself.

    Some hosts walk the children of a block, so that a hook on the block itself is never asked.
    """
    block = getattr(unet, "mid_block", None)
    return block.resnets[-1] if block is not None else list(unet.middle_block)[-1]


@contextmanager
def registered(kind: ToyKind | None = None) -> Iterator[None]:
    """The toy is a kind of control while the `with` lasts."""
    KINDS[NAME] = kind or ToyKind()
    try:
        yield
    finally:
        del KINDS[NAME]


@contextmanager
def _hooked(layer: Any, hook: Callable[..., Any]) -> Iterator[None]:
    handle = layer.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
