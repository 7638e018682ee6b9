"""What a checkpoint's shapes do not tell, from the yaml beside it (the WebUI's convention).

Without a yaml, or where it is silent, SD1.5's values hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from easyphoto_video.errors import BadFile
from easyphoto_video.family import SD1, Family
from easyphoto_video.files import NOBODY, check_file, trouble_with

STEPS = 1000
"""Diffusion steps that every Stable Diffusion was trained with."""

PREDICTIONS = {"eps": "epsilon", "v": "v_prediction"}
"""LDM's `parameterization`, and diffusers' name for it."""

BETAS = {"linear": "scaled_linear", "sqrt_linear": "linear"}
"""LDM's `beta_schedule`, and diffusers' name for it: their "linear" are not the same."""

LEVEL = re.compile(r"first_stage_model\.encoder\.down\.(\d+)\.")
"""A level of the VAE; each but the last halves the picture."""
OUTPUT = "model.diffusion_model.out.2.weight"
CROSSED = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight"
"""Tensors of the UNet that tell the latents' channels, and the width of the text."""

MEND = "Mend it or take it away; without one, the values of SD1.5 hold."


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Defaults are SD1.5's."""

    family: Family = SD1
    """Latents, side and prediction, as this checkpoint has them."""
    betas: tuple[str, float, float] = ("scaled_linear", 0.00085, 0.012)
    """The noise schedule as `motion.noise.betas` takes it."""
    zero_snr: bool = False
    """Whether the last diffusion step is noise alone (arXiv 2305.08891)."""
    heads: int = 8
    """Of each attention of the UNet."""
    head_width: int | None = None
    """Channels of a head; where it is given, it rules and `heads` does not."""
    text_heads: int | None = None
    """Of the text encoder; None follows from its width."""
    text_activation: str = "quick_gelu"
    cfg: float = 7.0
    """The guidance scale that suits it; our own part of the yaml, `easyphoto_video: {cfg: 7}`."""


def facts_beside(checkpoint: Path, keys: Mapping[str, Any]) -> Facts:
    """The facts in `NAME.yaml` beside `NAME.safetensors`, and those that stand in the keys.

    Keys `v_pred` and `ztsnr` are marks that some fine-tunes carry. Raises BadFile, about the yaml.
    """
    path = checkpoint.with_suffix(".yaml")
    content = {} if trouble_with(path) == NOBODY else _content(path)
    params = _params(content, path) if content else {}
    unet, text = (_part(params, f"{part}_config") for part in ("unet", "cond_stage"))
    usual = Facts()
    try:
        return Facts(
            family=_family(keys, params),
            betas=(
                _named(BETAS, params, "beta_schedule", "linear"),
                float(params.get("linear_start", usual.betas[1])),
                float(params.get("linear_end", usual.betas[2])),
            ),
            zero_snr="ztsnr" in keys,
            heads=_count(unet, "num_heads", usual.heads),
            head_width=_count(unet, "num_head_channels", None),
            text_heads=_count(text, "num_attention_heads", None),
            text_activation=_word(text, "hidden_act", usual.text_activation),
            cfg=_cfg(content, usual.cfg),
        )
    except (TypeError, ValueError) as error:
        raise BadFile(path, f"this cannot be used ({error})", MEND) from error


def _family(keys: Mapping[str, Any], params: Mapping[str, Any]) -> Family:
    """SD1.x as these tensors, and the yaml, have it."""
    levels = {found[1] for key in keys if (found := LEVEL.match(key))}
    factor = 2 ** (len(levels) - 1) if levels else SD1.factor
    channels, width = _dimension(keys, OUTPUT, 0), _dimension(keys, CROSSED, 1)
    return replace(
        SD1,
        channels=channels or SD1.channels,
        factor=factor,
        scale=float(params.get("scale_factor", SD1.scale)),
        text_widths=(width,) if width else SD1.text_widths,
        side=factor * (_count(params, "image_size", None) or SD1.side // SD1.factor),
        prediction=_named(PREDICTIONS, params, "parameterization", _default(keys)),
    )


def _dimension(keys: Mapping[str, Any], name: str, axis: int) -> int:
    """Of a tensor among the keys; 0 where it is not there."""
    shape = keys[name].shape if name in keys else ()
    return int(shape[axis]) if len(shape) > axis else 0


def _default(keys: Mapping[str, Any]) -> str:
    return "v" if "v_pred" in keys else "eps"


def _content(path: Path) -> dict[str, Any]:
    check_file(path, MEND)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadFile(path, f"this cannot be read as yaml ({error})", MEND) from error
    return content if isinstance(content, dict) else {"model": None}


def _params(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    model = content.get("model")
    params = model.get("params") if isinstance(model, dict) else None
    if not isinstance(params, dict):
        raise BadFile(path, "this has no model.params", MEND)
    return params


def _part(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = params.get(name)
    inner = part.get("params") if isinstance(part, dict) else None
    return inner if isinstance(inner, dict) else {}


def _cfg(content: Mapping[str, Any], usual: float) -> float:
    own = content.get("easyphoto_video")
    given = float(own.get("cfg", usual)) if isinstance(own, dict) else usual
    if not 1 <= given <= 30:
        raise ValueError(f"cfg {given} is not from 1 to 30")
    return given


def _named(names: Mapping[str, str], params: Mapping[str, Any], key: str, usual: str) -> str:
    given = params.get(key, usual)
    if given not in names:
        raise ValueError(f"{key} {given!r} is not one of {', '.join(names)}")
    return names[given]


def _word(params: Mapping[str, Any], key: str, usual: str) -> str:
    given = params.get(key, usual)
    if not isinstance(given, str):  # a few lines of yaml can be gigabytes once they are told
        raise ValueError(f"{key} is no word")
    return given


def _count(params: Mapping[str, Any], key: str, usual: Any) -> Any:
    """A whole number from 1, or what is usual where nothing, or -1, is said."""
    given = params.get(key)
    if given is None or given == -1:
        return usual
    if int(given) < 1:
        raise ValueError(f"{key} {given} is not from 1")
    return int(given)
