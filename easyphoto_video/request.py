"""What the user wants: one frozen type for each mode, each field declared once.

A request checks itself when it is made, goes to plain JSON values and comes back equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.schedule import Schedule, parse_text
from easyphoto_video.setting import Setting, declared, settings

SAMPLERS = (
    "DDIM",
    "Euler",
    "Euler Karras",
    "Euler a",
    "Euler a Karras",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "LCM",
)
"""The WebUI's names."""

FORMATS = ("mp4", "gif", "webp", "webm", "png")
AUTO, NONE = "auto", "none"
PROMPT = (
    "1girl, long hair, red hair, blue eyes, fair skin, smile, blinking, turning head, "
    "green sweater, purple background"
)
"""What the first command shows, in words that the embedded model knows."""

EIGHT = Fraction(8)
FINEST = 1_001_000
"""The largest numerator and denominator of a frame rate that ffmpeg takes as they are."""
FRACTION = r"[+-]?[0-9]{0,9}\.?[0-9]{0,9}(/[0-9]{1,9})?"
"""How a frame rate may be written."""


@dataclass(frozen=True)
class Lora:
    """A LoRA file by its name in the folder (no suffix needed) and its weight; 1 is as trained."""

    name: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Lora:
        """`NAME:WEIGHT`, or `NAME` for weight 1. Raises ValueError."""
        name, colon, weight = text.rpartition(":")
        lora = cls(name, float(weight)) if colon else cls(text)
        if not lora.name.strip() or not abs(lora.weight) <= 10:
            raise ValueError("give NAME or NAME:WEIGHT with a weight from -10 to 10")
        return lora

    def __str__(self) -> str:
        return f"{self.name}:{self.weight:g}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every mode asks: prompt, models, sampler, motion and output."""

    prompt: str = declared(
        PROMPT,
        Setting(label="Prompt", lines=3, help="What to show; the WebUI's weights and breaks."),
    )
    user_id: str = declared(
        "",
        Setting(label="User id", help="A trained person, whose LoRA is added; empty is nobody."),
    )
    user_weight: float = declared(
        0.9,
        Setting(
            label="User LoRA weight",
            low=-2,
            high=2,
            help="How much of the user id's LoRA to add; 1 is as trained, 0 none.",
        ),
    )
    negative: str = declared(
        "", Setting(label="Negative prompt", lines=2, help="What to keep out of the picture.")
    )
    steps: int = declared(
        20, Setting(label="Steps", low=1, high=150, step=1, help="Denoising steps of the sampler.")
    )
    cfg: float = declared(
        0.0,
        Setting(
            label="CFG scale",
            low=1,
            high=30,
            auto=0,
            help="How closely to follow the prompt; 1 is off, automatic the checkpoint's own.",
        ),
    )
    sampler: str = declared(
        "DPM++ 2M Karras",
        Setting(label="Sampler", help="The method that takes the noise away, by the WebUI's name."),
    )
    seed: int = declared(
        -1,
        Setting(
            label="Seed",
            low=0,
            high=2**32 - 1,
            step=1,
            auto=-1,
            help="The same seed gives the same clip.",
        ),
    )
    checkpoint: str = declared(
        AUTO,
        Setting(
            label="Checkpoint",
            help="A file in models/Stable-diffusion, or embedded, the small model that comes "
            "along; auto is the WebUI's current one, stand-alone embedded.",
        ),
    )
    vae: str = declared(
        AUTO,
        Setting(label="VAE", help="A file in models/VAE; auto is the one inside the checkpoint."),
    )
    clip_skip: int = declared(
        1,
        Setting(
            label="Clip skip",
            low=1,
            high=12,
            step=1,
            help="Which of the text encoder's last layers to read; 1 is the last.",
        ),
    )
    loras: tuple[Lora, ...] = declared(
        (),
        Setting(label="LoRA", help="Files in models/Lora, as NAME:WEIGHT; several may be given."),
    )
    motion: str = declared(
        AUTO,
        Setting(
            label="Motion module",
            help="A file in models/AnimateDiff; auto takes one that fits, none renders stills.",
        ),
    )
    motion_loras: tuple[Lora, ...] = declared(
        (), Setting(label="Motion LoRA", help="Files in models/AnimateDiff, as NAME:WEIGHT.")
    )
    context: int = declared(
        16,
        Setting(
            label="Context length",
            unit="frames",
            low=1,
            high=64,
            step=1,
            help="How many frames the motion module sees at once; longer clips go in windows.",
        ),
    )
    overlap: int = declared(
        4,
        Setting(
            label="Context overlap",
            unit="frames",
            low=0,
            high=63,
            step=1,
            help="How many frames neighbouring windows share.",
        ),
    )
    format: str = declared(
        "mp4", Setting(label="Format", choices=FORMATS, help="The kind of file to write.")
    )

    def __post_init__(self) -> None:
        for field, setting in settings(self):
            value = _typed(field.type, getattr(self, field.name), setting)
            setting.check(value)
            object.__setattr__(self, field.name, value)
        for name in ("prompt", "negative"):
            self._schedule(name)
        if self.overlap >= self.context:
            raise BadRequest(
                "Context overlap",
                self.overlap,
                f"is not below the context length of {self.context}",
                f"Give at most {self.context - 1}.",
            )

    @property
    def prompts(self) -> Schedule[str]:
        """The prompt over frames."""
        return self._schedule("prompt")

    @property
    def negatives(self) -> Schedule[str]:
        """The negative prompt over frames."""
        return self._schedule("negative")

    @property
    def all_loras(self) -> tuple[Lora, ...]:
        """Those named, and the user's, whose file has the user's name."""
        return (*self.loras, *([Lora(self.user_id, self.user_weight)] if self.user_id else []))

    def to_json(self) -> dict[str, Any]:
        """The request as plain JSON values; `request_from` reads them back to an equal request."""
        values = {field.name: _plain(getattr(self, field.name)) for field, _ in settings(self)}
        return {"mode": mode_of(self), **values}

    def _schedule(self, name: str) -> Schedule[str]:
        text = getattr(self, name)
        try:
            return parse_text(text)
        except ValueError as error:
            label = "Prompt" if name == "prompt" else "Negative prompt"
            raise BadRequest(label, text, str(error), "Write key frames in order.") from error


@dataclass(frozen=True, kw_only=True)
class Text2Video(Request):
    """A clip from words."""

    width: int = declared(
        0,
        Setting(
            label="Width", unit="px", low=64, high=2048, step=8, auto=0, help="Width of the clip."
        ),
    )
    height: int = declared(
        0,
        Setting(
            label="Height", unit="px", low=64, high=2048, step=8, auto=0, help="Height of the clip."
        ),
    )
    frames: int = declared(
        16,
        Setting(
            label="Frames",
            unit="frames",
            low=1,
            high=4096,
            step=1,
            help="How many frames to make.",
        ),
    )
    fps: Fraction = declared(
        EIGHT,
        Setting(
            label="Frames per second",
            unit="1/s",
            low=1,
            high=120,
            help="How fast they play; exact fractions such as 30000/1001 too.",
        ),
    )


MODES: Mapping[str, type[Text2Video]] = {"text2video": Text2Video}
"""Every mode that exists, by the name that the command line and the API use."""


def mode_of(request: Request) -> str:
    """The name of the request's mode."""
    return next(name for name, kind in MODES.items() if kind is type(request))


def request_from(values: Mapping[str, Any]) -> Text2Video:
    """A request from plain JSON values as `to_json` gives them. Raises BadRequest."""
    rest = dict(values)
    mode = rest.pop("mode", None)
    if mode not in MODES:
        raise BadRequest("Mode", mode, "is not known", f"Choose one of: {', '.join(MODES)}.")
    known = {field.name for field, _ in settings(MODES[mode])}
    for name in rest:
        if name not in known:
            raise BadRequest(
                name, rest[name], "is no field", f"Fields: {', '.join(sorted(known))}."
            )
    return MODES[mode](**rest)


def _loras(value: Any) -> tuple[Lora, ...]:
    items = [value] if isinstance(value, str) else list(value)
    return tuple(item if isinstance(item, Lora) else Lora.parse(str(item)) for item in items)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError("not a whole number")
    return int(value)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, str) and not re.fullmatch(FRACTION, value.strip()):
        raise ValueError("1e999999999 would be worked out to its last digit")
    exact = Fraction(value).limit_denominator(1001) if isinstance(value, float) else Fraction(value)
    if max(exact.numerator, exact.denominator) > FINEST:
        raise ValueError("too fine a fraction for a file")
    return exact


READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "str": (_text, "a text"),
    "int": (_whole, "a whole number"),
    "float": (float, "a number"),
    "Fraction": (_fraction, f"a number or a fraction of whole numbers up to {FINEST}"),
    "tuple[Lora, ...]": (_loras, "NAME:WEIGHT"),
}
"""For each annotation of a field: how to read a value of it, and what to call it."""


def _typed(annotation: Any, value: Any, setting: Setting) -> Any:
    read, name = READERS[annotation]
    try:
        return read(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        allowed = f" {setting.range}" if setting.range else ""
        raise BadRequest(
            setting.label, value, f"is not {name}", f"Give {name}{allowed}."
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value
