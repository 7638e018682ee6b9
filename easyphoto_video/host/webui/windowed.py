"""How a clip goes through a UNet of a host: in windows, with pictures held. Knows no host's calls.

A facade orders the rows of its host's call into clips, and asks the host for each window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from easyphoto_video.errors import NoEffect
from easyphoto_video.host.calls import Calls
from easyphoto_video.motion.windows import Window, fused
from easyphoto_video.unet.attachment import REPORT

MANY = 32
"""Frames in a call from which on its conditions go one after the other."""
Cut = Callable[[Tensor], Tensor]
"""Any tensor with the rows of a call -> those that are asked for now."""
Ask = Callable[[Cut], Tensor]
"""What the host's UNet foretells for these rows."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Pictures that frames are kept to, wholly or in parts, some until a later step.

    What the UNet foretells is mixed with them, so that the sampler itself leads there. That is
    linear, so it may be done for every condition before the host weighs them.
    """

    latents: Tensor
    """(F, C, h, w)."""
    free: Callable[[int], Tensor]
    """(F, 1, h, w) or (F, 1, 1, 1), 0..1: what may change at a step."""
    shares: Tensor | None
    """(1000,) alphas_cumprod where the sampler's model foretells the noise, by diffusion time;
    None where it foretells the picture."""

    def held(self, foretold: Tensor, x: Tensor, time: Tensor, step: int) -> Tensor:
        """What is foretold of x (k*F, C, h, w), clip after clip, with the pictures held."""
        clips = len(x) // len(self.latents)
        kept = self.latents.to(x).repeat(clips, 1, 1, 1)
        if self.shares is not None:
            left = self.shares.to(x)[time.long()].view(-1, 1, 1, 1)
            kept = (x - left.sqrt() * kept) / (1 - left).sqrt()
        return torch.lerp(kept, foretold, self.free(step).to(x).repeat(clips, 1, 1, 1))


@dataclass
class Asked:
    """How often a run came by, to be sure that nothing was left out in silence."""

    windows: int = 0
    """Windows that went through the UNet."""
    holds: int = 0
    """Times that pictures were held."""

    def check(self, unet_calls: int, *, holds: bool) -> None:
        """Raise NoEffect unless windows were asked, and pictures held where `holds` says so.

        `unet_calls` is how often the UNet ran meanwhile.
        """
        if not unet_calls:
            raise NoEffect("The clip", "the WebUI's sampler never called its UNet", REPORT)
        if holds and not self.holds:
            raise NoEffect("The start picture", "the WebUI's sampler never asked for it", REPORT)
        if not self.windows:
            raise NoEffect("Windows", "the WebUI's sampler calls its UNet past them", REPORT)


@dataclass(frozen=True, kw_only=True)
class ClipPlan:
    """How a clip goes through the UNet."""

    frames: int
    parts: int
    """Conditions of each frame, which AND joins in a prompt."""
    calls: Calls
    step: Callable[[], int]
    """Which of the shot's steps the sampler is at."""
    one_by_one: bool
    """Whether the conditions go through the UNet one after the other, which takes less memory."""
    tell: Callable[[float], None]
    """Called with the share 0..1 of the step's windows that are seen, before each."""
    hold: Hold | None = None
    asked: Asked = field(default_factory=Asked)

    def foretold(self, ask: Ask, x: Tensor, time: Tensor) -> Tensor:
        """What the UNet says of x (k*F, C, h, w), clip after clip, in windows and held: as x.

        `time` (k*F,) is the noise or the diffusion time of each row.
        """
        step = self.step()
        windows = self.calls.windows(step)
        numbers = {window: i for i, window in enumerate(windows)}

        def see(seen: Tensor, window: Window) -> Tensor:
            self.tell(numbers[window] / len(windows))
            self.asked.windows += 1
            with self.calls.seeing(window, step):
                return self._seen(ask, len(seen), window)

        made = fused(see, x, windows)
        if self.hold is None:
            return made
        self.asked.holds += 1
        return self.hold.held(made, x, time, step)

    def _seen(self, ask: Ask, count: int, window: Window) -> Tensor:
        """The `count` rows of a window, all at once or condition by condition."""
        frames = len(window.frames)
        rows = frames if self.one_by_one or frames > MANY else count

        def cut(start: int) -> Cut:
            return lambda all_rows: window.rows(all_rows, self.frames)[start : start + rows]

        return torch.cat([ask(cut(start)) for start in range(0, count, rows)])
