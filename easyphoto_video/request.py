"""What the user wants: one frozen type for each mode, each field declared once.

A request checks itself when it is made, goes to plain JSON values and comes back equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.face_settings import AUTO, NONE, FaceSettings
from easyphoto_video.identity import lora_of
from easyphoto_video.schedule import Schedule, parse_text
from easyphoto_video.setting import Setting, declared, settings
from easyphoto_video.values import FRACTION, READERS, Lora, plain, typed

__all__ = ["AUTO", "FRACTION", "NONE", "READERS", "Lora"]

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
PROMPT = (
    "1girl, long hair, red hair, blue eyes, fair skin, smile, blinking, turning head, "
    "green sweater, purple background"
)
"""What the first command shows, in words that the embedded model knows."""

EIGHT = Fraction(8)


@dataclass(frozen=True, kw_only=True)
class Basics:
    """Prompt, models, sampler, motion and output."""

    prompt: str = declared(
        PROMPT,
        Setting(label="Prompt", lines=3, help="What to show; the WebUI's weights and breaks."),
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


@dataclass(frozen=True, kw_only=True)
class Request(FaceSettings, Basics):
    """What every mode asks."""

    def __post_init__(self) -> None:
        for field, setting in settings(self):
            value = typed(field.type, getattr(self, field.name), setting)
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
    def people(self) -> tuple[str, ...]:
        """Everybody whose face the clip gets, the first first."""
        nobody = ("", AUTO, NONE)
        return tuple(name for name in (self.user_id, *self.more_user_ids) if name not in nobody)

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
