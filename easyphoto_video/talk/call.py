"""How the rows of a UNet's call belong together, told to whatever has entered it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from easyphoto_video.motion.attach import Call as Clips


@dataclass(frozen=True)
class Call:
    """Rows: the frames of a clip, then those of the next."""

    frames: tuple[int, ...]
    """The number in the clip of each frame."""
    told: tuple[bool, ...]
    """For each clip, whether it is told of the reference and the voice; one that is not is the
    unconditional half of classifier-free guidance."""

    def check(self, rows: int) -> None:
        """Raises BadRequest unless there are as many rows."""
        Clips(len(self.frames) * len(self.told)).check(rows)

    def rows(self, of: Tensor) -> Tensor:
        """(1 or the clip's frames, ...) -> (rows, ...) of these frames, zero where untold."""
        picked = of.expand(len(self.frames), *of.shape[1:]) if len(of) == 1 else of[[*self.frames]]
        return torch.cat([picked if told else torch.zeros_like(picked) for told in self.told])


_calls: ContextVar[Mapping[Telling, Call]] = ContextVar("talk", default=MappingProxyType({}))


class Telling:
    """Says which calls of a UNet are parts of which clip; what entered it asks here."""

    @contextmanager
    def of(self, frames: Sequence[int], told: Sequence[bool] = (True,)) -> Iterator[None]:
        """Inside, every call of the UNet in this thread has these frames, once for each `told`."""
        token = _calls.set({**_calls.get(), self: Call(tuple(frames), tuple(told))})
        try:
            yield
        finally:
            _calls.reset(token)

    @property
    def call(self) -> Call | None:
        """The call that is running in this context, None when it is not ours."""
        return _calls.get().get(self)
