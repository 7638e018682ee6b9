"""The calls of the UNet in one run of the sampler: which frames each holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from easyphoto_video.engine import Shot
from easyphoto_video.motion.viewing import plan, viewing_of
from easyphoto_video.motion.windows import Window, apart
from easyphoto_video.request import NONE
from easyphoto_video.unet.attachment import Call, Guests

Seen = Callable[[int], Sequence[Window]]
"""The windows of a step of the sampler."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The calls for one shot."""

    windows: Seen
    """A call for each."""
    shot: Shot | None = None
    """None where nothing has entered the UNet that would ask."""
    guests: Guests = field(default_factory=lambda: Guests(()))
    """What is in the UNet, which hears of every call."""

    @classmethod
    def of(cls, shot: Shot, guests: Guests) -> Calls:
        """Those that the shot's motion asks for; without motion every frame stands alone."""
        if shot.motion == NONE:
            alone = apart(shot.frames, shot.context)
            return cls(shot=shot, windows=lambda step: alone, guests=guests)
        return cls(shot=shot, windows=plan(shot.frames, viewing_of(shot)).at, guests=guests)

    @contextmanager
    def seeing(self, window: Window, step: int) -> Iterator[None]:
        """Inside, calls of the UNet hold the frames of the window, clip after clip.

        The calls of one step and window, for one condition after the other, come in one `with`.
        """
        if self.shot is None:
            yield
            return
        with self.guests.around(Call(shot=self.shot, frames=window.frames, step=step)):
            yield
