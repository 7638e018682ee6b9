"""What surrounds each call of the UNet: which frames it holds, and what they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch

from easyphoto_video.engine import Shot
from easyphoto_video.host.shots import viewing_of
from easyphoto_video.motion.attach import Handle, nowhere
from easyphoto_video.motion.fading import FadeHandle, Weights
from easyphoto_video.motion.recall import Recall
from easyphoto_video.motion.viewing import plan
from easyphoto_video.motion.windows import Window, apart

Seen = Callable[[int], Sequence[Window]]
"""The windows of a step of the sampler."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """The calls of one run of the sampler."""

    windows: Seen
    """A call for each."""
    views: Seen = lambda step: ()
    """Windows inside the temporal layers."""
    handle: Handle | None = None
    """The motion inside the UNet; None when every frame stands alone."""
    motion_shares: tuple[float, ...] = ()
    """For each frame, a factor on what the motion adds."""
    fades: FadeHandle | None = None
    """LoRAs whose weight changes over frames."""
    recall: Recall | None = None
    """Deep layers that are not computed in every step."""

    @classmethod
    def of(
        cls, shot: Shot, handle: Handle | None, fades: FadeHandle | None, recall: Recall | None
    ) -> Calls:
        """Those of a shot."""
        if handle is None:
            alone = apart(shot.frames, shot.context)
            return cls(windows=lambda step: alone, fades=fades, recall=recall)
        seen = plan(shot.frames, viewing_of(shot))
        return cls(
            windows=seen.at,
            views=seen.views,
            handle=handle,
            motion_shares=shot.motion_shares,
            fades=fades,
            recall=recall,
        )

    @contextmanager
    def seeing(self, window: Window, step: int) -> Iterator[None]:
        """Inside, calls of the UNet hold the frames of the window, clip after clip.

        The calls of one step and window, for one condition after the other, come in one `with`.
        """
        with ExitStack() as held:
            rests = nowhere
            if self.recall is not None:
                held.enter_context(self.recall.seeing(window.frames, step))
                rests = self.recall.rests
            if self.handle is not None:
                shares = [self.motion_shares[i] for i in window.frames if self.motion_shares]
                seen = self.handle.frames(
                    len(window.frames), views=self.views(step), shares=shares, rests=rests
                )
                held.enter_context(seen)
            if self.fades is not None:
                held.enter_context(self.fades.frames(window.frames))
            yield


def lora_weights(shot: Shot) -> Weights:
    """The factor on every LoRA at some frames of the shot, which has such factors."""
    return lambda frames: torch.tensor([shot.lora_shares[frame] for frame in frames])
