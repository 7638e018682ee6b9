"""The seam: an engine renders a shot to frames. Every mode is prose over this one verb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.motion_settings import ALTERNATING
from easyphoto_video.request import Lora, Request
from easyphoto_video.schedule import Schedule
from easyphoto_video.watch import Watch, unwatched

Mask = npt.NDArray[np.float32]
"""(F, H, W) float32, 0 keeps and 1 redraws."""
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Mix:
    """How the latents of key pictures and noise make up those of the frames."""

    weights: Weights
    """(F, K): of each picture in each frame."""
    noise: Weights
    """(F,): of fresh noise of standard deviation 1."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Where denoising begins if not from noise."""

    frames: Frames
    """(F, H, W, 3) uint8 RGB, as many and as large as the shot's; with a mix, its K pictures."""

    strength: float | tuple[float, ...]
    """Share of the denoising that is done, 0..1, of all frames or of each: 0 gives the frame back,
    1 begins from noise."""

    mask: Mask | None = None
    """What may change; None is everything."""

    mix: Mix | None = None
    """Without it each frame begins from its own picture."""

    def __post_init__(self) -> None:
        for share in self.strengths(1):
            if not 0 <= share <= 1:
                raise ValueError(f"strength is a share from 0 to 1, not {share}")
        if self.mask is not None and self.mask.shape != self._shown:
            raise ValueError(f"mask {self.mask.shape} does not match {self._shown}")
        if self.mix is not None and self.mix.weights.shape[1] != len(self.frames):
            raise ValueError(f"a mix of {self.mix.weights.shape[1]} is not of {len(self.frames)}")

    @property
    def count(self) -> int:
        """Frames that begin from here."""
        return len(self.frames) if self.mix is None else len(self.mix.weights)

    def strengths(self, frames: int) -> tuple[float, ...]:
        """The strength of each of so many frames."""
        return self.strength if isinstance(self.strength, tuple) else (self.strength,) * frames

    @property
    def _shown(self) -> tuple[int, ...]:
        return (self.count, *self.frames.shape[1:3])


@dataclass(frozen=True, kw_only=True)
class FreeInit:
    """Rendering again and again, each time from the slow changes of the time before."""

    passes: int
    """1 is off."""
    filter: str
    space: float
    """Share 0..1 of the spatial frequencies that is kept."""
    time: float
    """Share 0..1 of the temporal frequencies that is kept."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One run of the sampler, with nothing left open: sizes, seed and files are chosen.

    What may change over frames is a tuple with a number for each; empty, it is constant.
    """

    prompt: Schedule[str]
    """By frames of the whole clip."""
    negative: Schedule[str]
    width: int
    """px, a multiple of 8."""
    height: int
    """px, a multiple of 8."""
    frames: int
    first: int = 0
    """The number in the whole clip of the first frame."""
    steps: int
    cfg: float
    """Guidance scale; 1 renders without the negative prompt."""
    cfgs: tuple[float, ...] = ()
    """Guidance scale of each frame."""
    sampler: str
    """The WebUI's name."""
    seed: int
    """Frame i of the clip begins from the noise of seed + i, as images of a batch do."""
    checkpoint: str
    vae: str
    clip_skip: int
    loras: tuple[Lora, ...]
    lora_shares: tuple[float, ...] = ()
    """For each frame, a factor on the weight of every LoRA."""
    lora_mean: float = 1.0
    """Their mean over the whole clip, for the text encoder, which knows no frames."""
    motion: str
    """A motion module by name, or `none`: then every frame stands alone."""
    motion_loras: tuple[Lora, ...]
    motion_shares: tuple[float, ...] = ()
    """For each frame, a factor on what the motion module adds."""
    context: int
    """Frames that the motion module sees at once."""
    overlap: int
    """Frames that neighbouring windows share."""
    stride: int = 1
    """Windows also of every 2nd, 4th .. frame, up to this."""
    windows: str = "uniform"
    """How a clip is cut into windows, and how these are averaged, by known names."""
    fuse: str = "pyramid"
    is_closed: bool = False
    """The last frame leads on to the first."""
    loop: int | None = None
    """In a clip whose prompts go from the last key back to the first: its frames."""
    free_noise: bool = False
    free_init: FreeInit | None = None
    step_cache: int = 1
    """The UNet's deep layers are computed in every so many-th step; 1 is exact."""
    start: Start | None = None

    def __post_init__(self) -> None:
        if self.cfg < 1 or self.seed < 0 or self.frames < 1 or not self.width or not self.height:
            raise ValueError("a shot has nothing left open: settle the request first")
        for name in ("cfgs", "lora_shares", "motion_shares"):
            if len(getattr(self, name)) not in (0, self.frames):
                raise ValueError(f"{name} has a number for each of {self.frames} frames")

    @property
    def numbers(self) -> range:
        """The numbers of the frames in the whole clip."""
        return range(self.first, self.first + self.frames)

    @classmethod
    def of(cls, job: Request, start: Start | None = None, rows: range | None = None) -> Shot:
        """The shot of these frames of the clip that a request asks for, by default of all."""
        rows = range(job.frames) if rows is None else rows
        return cls(
            prompt=job.prompts,
            negative=job.negatives,
            width=job.width,
            height=job.height,
            steps=job.steps,
            cfg=job.cfg,
            sampler=job.sampler,
            seed=job.seed,
            checkpoint=job.checkpoint,
            vae=job.vae,
            clip_skip=job.clip_skip,
            loras=job.scene_loras,
            motion=job.motion,
            motion_loras=job.motion_loras,
            context=job.context,
            stride=job.stride,
            windows=job.windows,
            fuse=job.fuse,
            free_noise=job.free_noise,
            step_cache=job.step_cache,
            first=rows.start,
            frames=len(rows),
            cfgs=job.over_frames("cfg_schedule", rows),
            overlap=job.overlap if job.overlap >= 0 else _overlap(job),
            lora_shares=job.over_frames("lora_schedule", rows),
            lora_mean=_lora_mean(job),
            motion_shares=_motion_shares(job, rows),
            # A clip in several shots is closed by what its last shot ends with instead.
            is_closed=job.closed_loop and len(rows) == job.frames,
            loop=job.frames if job.closed_loop else None,
            free_init=_free_init(job),
            start=start,
        )

    @classmethod
    def of_face(cls, job: Request, person: str, rows: range, start: Start) -> Shot:
        """The shot that redraws a person's face in square crops of these frames."""
        height, width = start.frames.shape[1:3]
        return replace(
            cls.of(job, start, rows),
            prompt=Schedule.constant(job.face_prompt),
            loras=job.face_loras(person),
            width=width,
            height=height,
            steps=job.face_steps or job.steps,
            free_init=None,
            step_cache=1,
            is_closed=False,
        )


def _motion_shares(job: Request, rows: range) -> tuple[float, ...]:
    scheduled = job.over_frames("motion_schedule", rows)
    return scheduled or (() if job.motion_amount == 1 else (job.motion_amount,) * len(rows))


def _overlap(job: Request) -> int:
    return min(1, job.context - 1) if job.windows == ALTERNATING else job.context // 4


@lru_cache(maxsize=4)
def _lora_mean(job: Request) -> float:
    """Of the whole clip, which every span asks for again."""
    shares = job.over_frames("lora_schedule", range(job.frames))
    return sum(shares) / len(shares) if shares else 1.0


def _free_init(job: Request) -> FreeInit | None:
    if job.free_init < 2:
        return None
    return FreeInit(
        passes=job.free_init,
        filter=job.free_init_filter,
        space=job.free_init_space,
        time=job.free_init_time,
    )


class Engine(Protocol):
    """Whatever can render: the WebUI, our stand-alone engine, a fake one of the tests."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """(F, H, W, 3) uint8 RGB with the shot's F, H and W.

        Raises BadRequest or BadFile before any work when the shot cannot be rendered, OutOfMemory,
        and Stopped when the watch raises it.
        """
        ...
