"""What every request asks of the picture: prompt, models, sampler."""

from __future__ import annotations

from dataclasses import dataclass

from easyphoto_video.face_settings import AUTO
from easyphoto_video.setting import CurveOverFrames, PromptOverFrames, Setting, declared
from easyphoto_video.setting.several import Lora

SAMPLERS = (
    "DDIM",
    "Euler",
    "Euler Karras",
    "Euler SGM Uniform",
    "Euler a",
    "Euler a Karras",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Karras",
    "LCM",
)
"""The WebUI's names."""

PROMPT = (
    "1girl, long hair, red hair, blue eyes, fair skin, smile, blinking, turning head, "
    "green sweater, purple background"
)
"""What the first command shows, in words that the embedded model knows."""
OF_A_PICTURE = "1girl, blinking, turning head"
"""What a given picture does. How it looks is seen in it, and other words would change that."""


def prompted(default: str) -> str:
    """The field for the prompt."""
    setting = Setting(
        label="Prompt",
        kind=PromptOverFrames(lines=3),
        help="What to show; the WebUI's weights and breaks.",
    )
    return declared(default, setting)


@dataclass(frozen=True, kw_only=True)
class Basics:
    """Fields that every mode has."""

    prompt: str = prompted(PROMPT)
    negative: str = declared(
        "",
        Setting(
            label="Negative prompt",
            kind=PromptOverFrames(),
            help="What to keep out of the picture.",
        ),
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
    cfg_schedule: str = declared(
        "",
        Setting(
            label="CFG schedule",
            kind=CurveOverFrames(low=1.0, high=30.0),
            help="CFG scale over frames, such as 0:(7), 30:(4); empty keeps the CFG scale.",
        ),
    )
    sampler: str = declared(
        "DPM++ 2M Karras",
        Setting(label="Sampler", help="The method that takes the noise away, by the WebUI's name."),
    )
    step_cache: int = declared(
        1,
        Setting(
            label="Step cache",
            unit="steps",
            low=1,
            high=10,
            step=1,
            help="The UNet's deep layers are computed in every so many-th step and recalled in "
            "between: faster and a little off. 1 is exact. Faces are always redrawn exactly.",
        ),
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
        Setting(
            label="VAE",
            help="A file in models/VAE; auto is the one that the WebUI's Settings choose, "
            "stand-alone the one inside the checkpoint. In the WebUI, none is the one inside.",
        ),
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
    lora_schedule: str = declared(
        "",
        Setting(
            label="LoRA schedule",
            kind=CurveOverFrames(low=-10.0, high=10.0),
            help="Factor over frames on the weight of every LoRA, such as 0:(0), 16:(1); empty "
            "is 1 throughout.",
        ),
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
