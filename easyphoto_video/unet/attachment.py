"""The one way into somebody else's UNet (diffusers' or LDM's), for as long as a `with` lasts.

    with entered(unet, [motion, lora_over_frames]) as guests:
        with guests.around(Call(shot=shot, frames=range(16), step=3)):
            unet(x, ...)      # rows of x: these frames of the shot, then the same for the next text
        unet(y, ...)          # not inside a call of ours, so as if nothing had entered
        guests.check()        # raises NoEffect for what was told of calls and heard nothing of them

An attachment adds hooks to modules that it finds by structure and takes them away again; it
replaces nothing, so that weights loaded meanwhile, LoRAs and hooks of others find the UNet that
they know. What it needs to know of a running call travels in context variables, so that threads do
not see each other's and a call of the UNet that is not ours passes bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from easyphoto_video.engine import Shot
from easyphoto_video.errors import NoEffect


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """What the rows of calls of the UNet hold: the frames of a clip, in a row for each text."""

    shot: Shot
    frames: Sequence[int]
    """Numbers in the shot of the frames of one clip's rows, in order."""
    step: int
    """Of the shot's steps, from 0 on."""


class Attachment(Protocol):
    """Something that enters a UNet. One object enters one UNet at a time."""

    @property
    def name(self) -> str:
        """What people call it, as the beginning of a sentence: `Motion module mm_v2`."""
        ...

    @property
    def heard(self) -> int | None:
        """How many times something inside the UNet asked it since it was made, in calls of ours;
        None where nothing needs to."""
        ...

    def enter(self, unet: nn.Module) -> AbstractContextManager[None]:
        """Its hooks, for as long as the `with` lasts. Raises BadRequest or BadFile where it does
        not fit, before anything is touched."""
        ...

    def around(self, call: Call) -> AbstractContextManager[None]:
        """Calls of the UNet inside this `with`, in this thread, are as `call` says."""
        ...


class Guests:
    """What is in a UNet; `entered` makes it."""

    def __init__(self, attachments: Sequence[Attachment]) -> None:
        self._attachments = tuple(attachments)
        self._before = [each.heard for each in attachments]
        self._calls = 0

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Everything that is in the UNet knows of the call."""
        self._calls += 1
        with ExitStack() as told:
            for each in self._attachments:
                told.enter_context(each.around(call))
            yield

    def check(self) -> None:
        """Raise NoEffect unless calls came since the last check, and all in the UNet heard them."""
        heard = [each.heard for each in self._attachments]
        calls, before = self._calls, self._before
        self._calls, self._before = 0, heard
        for each, now, then in zip(self._attachments, heard, before, strict=True):
            if not calls:
                raise NoEffect(each.name, "the UNet was never called for this clip", REPORT)
            if now is not None and now == then:
                raise NoEffect(each.name, "no layer of the UNet asked for it", REPORT)


REPORT = (
    "Another extension may have put its own UNet in place: switch it off, or report it with the "
    "name and version of your WebUI."
)


@contextmanager
def entered(unet: nn.Module, attachments: Sequence[Attachment]) -> Iterator[Guests]:
    """All of these in the UNet, in this order, until the `with` ends, however it ends."""
    with ExitStack() as inside:
        for each in attachments:
            inside.enter_context(each.enter(unet))
        yield Guests(attachments)


Rests = Callable[[nn.Module], bool]
_rests: ContextVar[tuple[Rests, ...]] = ContextVar("rests", default=())


def is_resting(layer: nn.Module) -> bool:
    """Whether what the layer says in this call is remembered from an earlier one, with all that
    was added behind it then; nothing is added again."""
    return any(rests(layer) for rests in _rests.get())


@contextmanager
def resting(rests: Rests) -> Iterator[None]:
    """In calls inside this `with` those layers rest of which `rests` says so."""
    token = _rests.set((*_rests.get(), rests))
    try:
        yield
    finally:
        _rests.reset(token)
