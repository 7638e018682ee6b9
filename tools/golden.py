"""A folder of tensors that the official AnimateDiff computed from small random weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.motion.lora import read_motion_lora, with_lora
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import betas
from easyphoto_video.motion.read import read_motion
from easyphoto_video.tensors import load_state_dict

INPUTS = ("latents", "cond", "uncond")
AGAIN = "Make the folder again."
BETAS = re.compile(r"(\w+) +(\d\S*?)\.\.(\d\S*), *(\d+) steps")
"""Such as "linear 0.00085..0.012, 1000 steps"."""


@dataclass(frozen=True, kw_only=True)
class Meta:
    """How the tensors of a folder were made."""

    heads: int
    guidance: float
    steps: int
    timesteps: tuple[int, ...]
    betas: Tensor
    """(training steps,) float64."""
    end_at_one: bool
    """Whether the last step ends in no noise at all, else at the first of the training steps."""
    clip_sample: bool
    lora_strength: float


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One folder, in float32."""

    folder: Path
    meta: Meta
    unet: dict[str, Tensor]
    """LDM names without prefix."""
    motion: Motion
    """With the motion LoRA in it, where there is one."""
    inputs: dict[str, Tensor]
    """latents (1, 4, F, h, w), cond and uncond (1, tokens, C)."""
    expected: dict[str, Tensor]
    """(B, 4, F, h, w) by name."""

    def input(self, name: str) -> Tensor:
        """One of the inputs. Raises BadFile when the folder has none of that name."""
        if name not in self.inputs:
            raise BadFile(self.folder, f"tensors.safetensors has no {name}", AGAIN)
        return self.inputs[name]


def read_golden(folder: Path) -> Golden:
    """Reads a folder. Raises Missing where a file is not there and BadFile where one is wrong."""
    if not folder.is_dir():
        raise Missing(f"the folder {folder}", "Give a folder of golden tensors.")
    meta = _meta(folder / "meta.json")
    motion = read_motion(folder / "motion_module.safetensors").float()
    if (folder / "motion_lora.safetensors").exists():
        lora = read_motion_lora(folder / "motion_lora.safetensors")
        motion = with_lora(motion, lora, meta.lora_strength)
    unet = load_state_dict(folder / "unet_ldm.safetensors")
    tensors = load_state_dict(folder / "tensors.safetensors")
    golden = Golden(
        folder=folder,
        meta=meta,
        unet={k.removeprefix("model.diffusion_model."): t.float() for k, t in unet.items()},
        motion=motion,
        inputs={name: t.float() for name, t in tensors.items() if name in INPUTS},
        expected={name: t.float() for name, t in tensors.items() if name not in INPUTS},
    )
    _check(golden)
    return golden


def _check(golden: Golden) -> None:
    latents, levels = golden.input("latents").shape, len(golden.motion.spec.channels)
    texts = [golden.inputs[name].shape for name in ("cond", "uncond") if name in golden.inputs]
    least = 2 ** (levels - 1)
    fine = len(latents) == 5 and not latents[3] % least and not latents[4] % least
    if not fine or latents[0] != 1 or any(len(text) != 3 or text[0] != 1 for text in texts):
        raise BadFile(
            golden.folder,
            f"latents {tuple(latents)}, cond and uncond {[tuple(text) for text in texts]} should "
            f"be (1, 4, F, h, w), sides multiples of {least}, and (1, tokens, C)",
            AGAIN,
        )


def _meta(path: Path) -> Meta:
    if not path.exists():
        raise Missing(str(path), "Give a folder of golden tensors.")
    try:
        return _parsed(json.loads(path.read_text("utf-8")))
    except KeyError as error:
        raise BadFile(path, f"this has no entry {error}", AGAIN) from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadFile(path, f"this cannot be used ({error})", AGAIN) from error


def _parsed(meta: Mapping[str, Any]) -> Meta:
    schedule = BETAS.fullmatch(meta["betas"])
    if schedule is None:
        raise ValueError(f'betas {meta["betas"]!r}, not like "linear 0.00085..0.012, 1000 steps"')
    name, start, end, count = schedule.groups()
    timesteps = tuple(int(t) for t in meta["timesteps"])
    if not all(0 <= t < int(count) for t in timesteps):
        raise ValueError(f"timesteps {timesteps}, not all below {count}")
    return Meta(
        heads=int(meta.get("attention_heads", 8)),
        guidance=float(meta["guidance"]),
        steps=int(meta["steps"]),
        timesteps=timesteps,
        betas=betas(name, float(start), float(end), int(count)),
        end_at_one=bool(meta.get("set_alpha_to_one", True)),
        clip_sample=bool(meta.get("clip_sample", False)),
        lora_strength=float(meta.get("motion_lora_strength", 1.0)),
    )
