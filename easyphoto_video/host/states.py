"""What can be said of a job: its state, its progress, and that too many wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from easyphoto_video.errors import BadRequest


class State(str, Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    def __str__(self) -> str:
        return self.value  # what str() and f-strings of such enums give differs between Pythons

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.FAILED, State.STOPPED)


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    stage: str = ""
    """As the watch names it: loading, encoding, denoising, decoding, writing."""
    fraction: float = 0.0
    """Of the stage, 0..1; within a stage it never falls."""
    eta: float | None = None
    """Seconds until the stage ends, None before there is a guess."""


class QueueFull(BadRequest):
    """Too many jobs wait."""

    def __init__(self, waiting: int) -> None:
        super().__init__("Queue", waiting, "jobs wait already", "Try again later.")
