"""The seam: an engine renders a shot to frames. Every mode is prose over this one verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.request import Lora, Text2Video
from easyphoto_video.schedule import Schedule
from easyphoto_video.watch import Watch, unwatched

Mask = npt.NDArray[np.float32]
"""(F, H, W) float32, 0 keeps and 1 redraws."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where denoising begins if not from noise."""

    frames: Frames
    """(F, H, W, 3) uint8 RGB, as many and as large as the shot's."""

    strength: float
    """Share of the denoising that is done, 0..1: 0 gives the frames back, 1 begins from noise."""

    mask: Mask | None = None
    """What may change; None is everything."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength is a share from 0 to 1, not {self.strength}")
        if self.mask is not None and self.mask.shape != self.frames.shape[:3]:
            raise ValueError(f"mask {self.mask.shape} does not match {self.frames.shape[:3]}")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One run of the sampler, with nothing left open: sizes, seed and files are chosen."""

    prompt: Schedule[str]
    negative: Schedule[str]
    width: int
    """px, a multiple of 8."""
    height: int
    """px, a multiple of 8."""
    frames: int
    steps: int
    cfg: float
    """Guidance scale; 1 renders without the negative prompt."""
    sampler: str
    """The WebUI's name."""
    seed: int
    """Frame i begins from the noise of seed + i, as images of a batch do in the WebUI."""
    checkpoint: str
    vae: str
    clip_skip: int
    loras: tuple[Lora, ...]
    motion: str
    """A motion module by name, or `none`: then every frame stands alone."""
    motion_loras: tuple[Lora, ...]
    context: int
    """Frames that the motion module sees at once."""
    overlap: int
    """Frames that neighbouring windows share."""
    start: Start | None = None

    def __post_init__(self) -> None:
        if self.cfg < 1 or self.seed < 0 or self.frames < 1 or not self.width or not self.height:
            raise ValueError("a shot has nothing left open: settle the request first")

    @classmethod
    def of(cls, job: Text2Video, start: Start | None = None) -> Shot:
        """The shot that a request asks for."""
        same = (
            "width height frames steps cfg sampler seed checkpoint vae clip_skip motion "
            "motion_loras context overlap"
        )
        values = {name: getattr(job, name) for name in same.split()}
        return cls(
            prompt=job.prompts, negative=job.negatives, loras=job.scene_loras, start=start, **values
        )

    @classmethod
    def of_face(cls, job: Text2Video, person: str, start: Start) -> Shot:
        """The shot that redraws a person's face in square crops."""
        count, height, width = start.frames.shape[:3]
        return replace(
            cls.of(job, start),
            prompt=Schedule.constant(job.face_prompt),
            loras=job.face_loras(person),
            width=width,
            height=height,
            frames=count,
            steps=job.face_steps or job.steps,
        )


class Engine(Protocol):
    """Whatever can render: the WebUI, our stand-alone engine, a fake."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """(F, H, W, 3) uint8 RGB with the shot's F, H and W.

        Raises BadRequest or BadFile before any work when the shot cannot be rendered, OutOfMemory,
        and Stopped when the watch raises it.
        """
        ...


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
