"""An engine without a model, so that recipes are tested in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.watch import Watch, unwatched

Painter = Callable[[Shot, int], Frames]
"""`painter(shot, frame)` gives one frame, (H, W, 3) uint8 RGB."""


def plain(shot: Shot, frame: int) -> Frames:
    """A flat picture whose grey rises with the frame number."""
    grey = 255 * (frame + 1) // (shot.frames + 1)
    return np.full((shot.height, shot.width, 3), grey, np.uint8)


class FakeEngine:
    """An engine without a model: paints each frame with a function and remembers the shots."""

    def __init__(self, painter: Painter = plain) -> None:
        self.painter = painter
        self.shots: list[Shot] = []

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Engine."""
        self.shots.append(shot)
        frames = []
        for frame in range(shot.frames):
            watch("denoising", frame / shot.frames)
            frames.append(self.painter(shot, frame))
        watch("denoising", 1.0)
        return np.stack(frames)
