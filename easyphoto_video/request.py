"""What the user wants: a frozen type for each mode, put together from groups of fields.

A request checks itself when it is made, goes to plain JSON values and comes back equal. The modes'
own types stand with the modes, in modes/.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

from easyphoto_video.basics import PROMPT, SAMPLERS, Basics
from easyphoto_video.errors import BadRequest
from easyphoto_video.face_settings import FaceSettings
from easyphoto_video.family import SD1
from easyphoto_video.identity import lora_of
from easyphoto_video.motion_settings import MotionSettings
from easyphoto_video.output_settings import FORMATS, OutputSettings
from easyphoto_video.schedule import Schedule
from easyphoto_video.setting import CurveOverFrames, PromptOverFrames, Setting, declared, settings
from easyphoto_video.setting.declaration import check_fields, check_over, plain_fields
from easyphoto_video.setting.several import Lora
from easyphoto_video.setting.text import AUTO, NONE

__all__ = ["AUTO", "FORMATS", "NONE", "PROMPT", "SAMPLERS", "Lora"]

LONGEST = 1_000_000
"""Frames of a clip."""
EIGHT = Fraction(8)


def side_field(
    label: str, auto: str, least: int = 64, most: int = 2048, step: int = SD1.factor
) -> int:
    text = f"{label} of the clip; automatic is {auto}."
    return declared(
        0, Setting(label=label, unit="px", low=least, high=most, step=step, auto=0, help=text)
    )


def frames_field(default: int, help: str, auto: int | None = None) -> int:
    setting = Setting(
        label="Frames", unit="frames", low=1, high=LONGEST, step=1, auto=auto, help=help
    )
    return declared(default, setting)


def fps_setting(help: str, low: float = 1, high: float = 120, auto: int | None = None) -> Setting:
    return Setting(label="Frames per second", unit="1/s", low=low, high=high, auto=auto, help=help)


@dataclass(frozen=True, kw_only=True)
class ClipSize:
    """How large and how long a clip is."""

    width: int = side_field("Width", "the checkpoint's own")
    height: int = side_field("Height", "the checkpoint's own")
    frames: int = frames_field(16, "How many frames to make.")
    fps: Fraction = declared(
        EIGHT, fps_setting("How fast they play; exact fractions such as 30000/1001 too.")
    )


@dataclass(frozen=True, kw_only=True)
class Request(ClipSize, OutputSettings):
    """What every mode asks."""

    mode: ClassVar[str] = ""
    """The name of the mode whose type it is."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_over(self, self.frames)

    @property
    def is_loop(self) -> bool:
        """Whether the last frame leads on to the first."""
        return False

    @property
    def mark(self) -> str:
        """What a file's name tells of it, such as the seed; may be empty."""
        return ""

    @property
    def chance(self) -> int:
        """What random numbers in schedules begin from."""
        return 0

    @property
    def is_unseeded(self) -> bool:
        """Whether it leaves chance to us, so that any clip of its kind will do."""
        return False

    def seeded_as(self, other: Request) -> Request:
        """The same with the chance of another."""
        return self

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whose face the clip gets, the first first."""
        return ()

    @property
    def kept_pixels(self) -> int:
        """Of each frame, those of all pictures that wait on disk until the clip is written."""
        return self.width * self.height

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values; `request_from` reads them back to an equal request."""
        return {"mode": self.mode, **plain_fields(self)}

    def over_frames(self, name: str, rows: range) -> tuple[float, ...]:
        """What a schedule (`cfg_schedule`, ...) says of these frames.

        Empty when nothing is scheduled. Raises BadRequest where it is no number or out of range.
        """
        setting = self._setting(name)
        assert isinstance(setting.kind, CurveOverFrames)
        text = getattr(self, name)
        return setting.kind.numbers(text, setting, rows, self.frames, self.chance)

    def _setting(self, name: str) -> Setting:
        return next(setting for field, setting in settings(self) if field.name == name)


@dataclass(frozen=True, kw_only=True)
class Sampled(FaceSettings, Request, MotionSettings, Basics):
    """What every mode asks that draws by denoising."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_below("Context overlap", self.overlap, "context length", self.context)
        _check_below("Span overlap", self.span_overlap, "half of the span", self.span // 2 + 1)

    @property
    def is_loop(self) -> bool:
        """See Request."""
        return self.closed_loop

    @property
    def mark(self) -> str:
        """See Request."""
        return str(self.seed)

    @property
    def chance(self) -> int:
        """See Request."""
        return max(self.seed, 0)

    @property
    def is_unseeded(self) -> bool:
        """See Request."""
        return self.seed == -1

    def seeded_as(self, other: Request) -> Request:
        """See Request."""
        return replace(self, seed=other.seed) if isinstance(other, Sampled) else self

    @property
    def kept_pixels(self) -> int:
        """See Request."""
        faces = len(self.people) * self.face_size**2 if self.face_pass else 0
        # Beside what goes back into the clip lies what the next span leans on.
        return 2 * faces + self.rendered_pixels

    @property
    def prompts(self) -> Schedule[str]:
        """The prompt over frames."""
        return self._schedule("prompt")

    @property
    def negatives(self) -> Schedule[str]:
        """The negative prompt over frames."""
        return self._schedule("negative")

    @property
    def people(self) -> tuple[str, ...]:
        """See Request."""
        nobody = ("", AUTO, NONE)
        return tuple(name for name in (self.user_id, *self.more_user_ids) if name not in nobody)

    @property
    def rendered_pixels(self) -> int:
        """Of each frame that is rendered as a whole; 0 where none is."""
        return self.width * self.height

    @property
    def scene_loras(self) -> tuple[Lora, ...]:
        """The LoRAs that the clip is made with."""
        of = [Lora(lora_of(name), self.scene_weight) for name in self.people if self.scene_weight]
        return (*self.loras, *of)

    def face_loras(self, person: str) -> tuple[Lora, ...]:
        """The LoRAs that a person's face is redrawn with."""
        return (
            *self.loras,
            *([Lora(lora_of(person), self.user_weight)] if self.user_weight else []),
        )

    def _schedule(self, name: str) -> Schedule[str]:
        setting = self._setting(name)
        assert isinstance(setting.kind, PromptOverFrames)
        return setting.kind.schedule(getattr(self, name), setting, self.frames)


def _check_below(label: str, value: int, other: str, most: int) -> None:
    if value >= most:
        reason = f"is not below the {other} of {most}"
        raise BadRequest(label, value, reason, f"Give at most {most - 1}.")
