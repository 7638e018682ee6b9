"""What the user wants: one frozen type for each mode, each field declared once.

A request checks itself when it is made, goes to plain JSON values and comes back equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.basics import OF_A_PICTURE, PROMPT, SAMPLERS, Basics, prompted
from easyphoto_video.curve import Curve, parse_curve
from easyphoto_video.errors import BadRequest
from easyphoto_video.face_settings import AUTO, NONE, FaceSettings
from easyphoto_video.identity import lora_of
from easyphoto_video.motion_settings import MotionSettings
from easyphoto_video.output_settings import FORMATS, OutputSettings
from easyphoto_video.schedule import Schedule, check_text, parse_text
from easyphoto_video.setting import FILM, PICTURE, Setting, declared, settings
from easyphoto_video.values import FRACTION, READERS, Lora, plain, typed

__all__ = ["AUTO", "FORMATS", "FRACTION", "NONE", "PROMPT", "READERS", "SAMPLERS", "Lora"]

FITS = ("cover", "contain", "stretch")
HOLDS = ("steady", "easyphoto", "animatediff")
LIMITS = {
    "cfg_schedule": (1.0, 30.0),
    "lora_schedule": (-10.0, 10.0),
    "motion_schedule": (0.0, 2.0),
    "strength_schedule": (0.0, 1.0),
    "redraw_schedule": (0.0, 1.0),
    "face_schedule": (0.0, 1.0),
}
"""What a schedule's values must lie in."""
LONGEST = 1_000_000
"""Frames of a clip."""
EIGHT = Fraction(8)


def _side(label: str, auto: str, least: int = 64, most: int = 2048, step: int = 8) -> int:
    text = f"{label} of the clip; automatic is {auto}."
    return declared(
        0, Setting(label=label, unit="px", low=least, high=most, step=step, auto=0, help=text)
    )


def _frames(default: int, help: str, auto: int | None = None) -> int:
    setting = Setting(
        label="Frames", unit="frames", low=1, high=LONGEST, step=1, auto=auto, help=help
    )
    return declared(default, setting)


def _fps(help: str, low: float = 1, high: float = 120, auto: int | None = None) -> Setting:
    return Setting(label="Frames per second", unit="1/s", low=low, high=high, auto=auto, help=help)


def _share(label: str, default: float, help: str) -> float:
    return declared(default, Setting(label=label, low=0, high=1, help=help))


def _power(label: str) -> float:
    text = "With hold animatediff: the power of the frame number by which a picture fades."
    return declared(1.0, Setting(label=label, low=0.1, high=10, help=text))


def _scale(label: str) -> float:
    text = "With hold animatediff: in how many frames, to that power, a picture fades."
    return declared(32.0, Setting(label=label, low=1, high=10_000, help=text))


@dataclass(frozen=True, kw_only=True)
class Request(FaceSettings, OutputSettings, MotionSettings, Basics):
    """What every mode asks."""

    width: int = _side("Width", "the checkpoint's own")
    height: int = _side("Height", "the checkpoint's own")
    frames: int = _frames(16, "How many frames to make.")
    fps: Fraction = declared(
        EIGHT, _fps("How fast they play; exact fractions such as 30000/1001 too.")
    )

    def __post_init__(self) -> None:
        for field, setting in settings(self):
            value = typed(field.type, getattr(self, field.name), setting)
            setting.check(value)
            object.__setattr__(self, field.name, value)
        for name in ("prompt", "negative"):
            self._check_schedule(name)
        for name in LIMITS.keys() & {field.name for field, _ in settings(self)}:
            self._curve(name)
        _check_below("Context overlap", self.overlap, "context length", self.context)
        _check_below("Span overlap", self.span_overlap, "half of the span", self.span // 2 + 1)

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
        """Everybody whose face the clip gets, the first first."""
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

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values; `request_from` reads them back to an equal request."""
        values = {field.name: plain(getattr(self, field.name)) for field, _ in settings(self)}
        return {"mode": mode_of(self), **values}

    def over_frames(self, name: str, rows: range) -> tuple[float, ...]:
        """What a schedule (`cfg_schedule`, ...) says of these frames.

        Empty when nothing is scheduled. Raises BadRequest where it is no number or out of range.
        """
        curve = self._curve(name)
        if curve is None:
            return ()
        try:
            found = curve.values(rows, self.frames, max(self.seed, 0))
        except ValueError as error:
            raise self._unreadable(name, error) from error
        low, high = LIMITS[name]
        for frame, value in zip(rows, found, strict=True):
            if not low <= value <= high:
                reason = f"it is {value:.4g} at frame {frame}, outside of {low:g} to {high:g}"
                raise self._unreadable(name, ValueError(reason))
        return tuple(map(float, found))

    def _curve(self, name: str) -> Curve | None:
        text = getattr(self, name)
        if not text.strip():
            return None
        try:
            return parse_curve(text)
        except ValueError as error:
            raise self._unreadable(name, error) from error

    def _schedule(self, name: str) -> Schedule[str]:
        text = getattr(self, name)
        try:
            return parse_text(text, self.frames)
        except ValueError as error:
            raise self._unreadable(name, error) from error

    def _check_schedule(self, name: str) -> None:
        """As far as it can be, while the number of frames may still be open."""
        try:
            if self.frames:
                parse_text(getattr(self, name), self.frames)
            else:
                check_text(getattr(self, name))
        except ValueError as error:
            raise self._unreadable(name, error) from error

    def _unreadable(self, name: str, error: ValueError) -> BadRequest:
        setting = next(setting for field, setting in settings(self) if field.name == name)
        return BadRequest(setting.label, getattr(self, name), str(error), "See docs/schedules.md.")


@dataclass(frozen=True, kw_only=True)
class Text2Video(Request):
    """A clip from words."""


@dataclass(frozen=True, kw_only=True)
class Image2Video(Request):
    """A clip from a picture that comes alive, or from the first and the last picture."""

    prompt: str = prompted(OF_A_PICTURE)
    user_id: str = declared(
        NONE,
        Setting(
            label="User id",
            help="The trained person whose face the clip gets; none leaves the picture's own.",
        ),
    )
    image: str = declared(
        "", Setting(label="Image", file=PICTURE, help="The picture that the clip begins with.")
    )
    last_image: str = declared(
        "",
        Setting(
            label="Last image",
            file=PICTURE,
            help="The picture that the clip ends with; empty lets it end as it will.",
        ),
    )
    fit: str = declared(
        "cover",
        Setting(
            label="Fit",
            choices=FITS,
            help="How a picture of another shape fills the clip: cover crops it about its "
            "middle, contain puts bars around it, stretch distorts it.",
        ),
    )
    hold: str = declared(
        HOLDS[0],
        Setting(
            label="Hold",
            choices=HOLDS,
            help="How the pictures hold over the frames: steady keeps the given ones and lets "
            "the others go further and further; easyphoto and animatediff mix their latents.",
        ),
    )
    strength: float = _share("Strength", 0.75, "How much of each frame may change; 0 is a still.")
    strength_schedule: str = declared(
        "",
        Setting(
            label="Strength schedule",
            lines=2,
            help="Strength over frames, such as 0:(0), 8:(0.8); empty leaves it to strength and "
            "hold.",
        ),
    )
    latent_power: float = _power("Latent power")
    latent_scale: float = _scale("Latent scale")
    latent_power_last: float = _power("Latent power of the last image")
    latent_scale_last: float = _scale("Latent scale of the last image")
    width: int = _side("Width", "the picture's, at the checkpoint's own size")
    height: int = _side("Height", "the picture's, at the checkpoint's own size")


@dataclass(frozen=True, kw_only=True)
class Video2Video(Request):
    """A film whose face, or whole picture, is drawn anew; the rest and the sound stay."""

    prompt: str = prompted(OF_A_PICTURE)
    video: str = declared(
        "", Setting(label="Video", file=FILM, help="The film to begin from; animations too.")
    )
    start_time: float = declared(
        0.0,
        Setting(label="Start time", unit="s", low=0, high=1e6, help="Where in the film to begin."),
    )
    end_time: float = declared(
        0.0,
        Setting(
            label="End time", unit="s", low=0, high=1e6, help="Where to end; 0 is the film's end."
        ),
    )
    mask_video: str = declared(
        "",
        Setting(
            label="Mask video",
            file=FILM,
            help="A film or picture that is white where the clip may change; empty is everywhere.",
        ),
    )
    redraw: float = _share(
        "Redraw", 0.0, "How much of the whole picture to draw anew before the face; 0 is nothing."
    )
    redraw_schedule: str = declared(
        "",
        Setting(
            label="Redraw schedule",
            lines=2,
            help="Redraw over frames, such as 0:(0.2), 30:(0.6); empty keeps the one value.",
        ),
    )
    width: int = _side("Width", "the film's", least=8, most=8192, step=1)
    height: int = _side("Height", "the film's", least=8, most=8192, step=1)
    frames: int = _frames(0, "How many frames to take; automatic is all.", auto=0)
    fps: Fraction = declared(
        Fraction(0),
        _fps("Frames in a second to make of the film; automatic is the film's.", 0.01, 1000, 0),
    )

    @property
    def redraws(self) -> bool:
        """Whether the whole picture is drawn anew."""
        return self.redraw > 0 or bool(self.redraw_schedule.strip())

    @property
    def rendered_pixels(self) -> int:
        """See Request."""
        return self.width * self.height if self.redraws else 0


MODES: Mapping[str, type[Request]] = {
    "text2video": Text2Video,
    "image2video": Image2Video,
    "video2video": Video2Video,
}
"""Every mode, by the name that the command line and the API use."""


def mode_of(request: Request) -> str:
    """The name of the request's mode."""
    return next(name for name, kind in MODES.items() if kind is type(request))


def request_from(values: Mapping[str, Any]) -> Request:
    """A request from plain JSON values as `to_json` gives them. Raises BadRequest."""
    rest = dict(values)
    mode = rest.pop("mode", None)
    if not isinstance(mode, str) or mode not in MODES:
        raise BadRequest("Mode", mode, "is not known", f"Choose one of: {', '.join(MODES)}.")
    known = {field.name for field, _ in settings(MODES[mode])}
    for name in rest:
        if name not in known:
            raise BadRequest(
                name, rest[name], "is no field", f"Fields: {', '.join(sorted(known))}."
            )
    return MODES[mode](**rest)


def _check_below(label: str, value: int, other: str, most: int) -> None:
    if value >= most:
        reason = f"is not below the {other} of {most}"
        raise BadRequest(label, value, reason, f"Give at most {most - 1}.")
