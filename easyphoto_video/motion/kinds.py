"""What a file of tensors is, told by its keys and shapes.

Every kind that people mistake for a motion module has a name, what it is for, and where it goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

MOTION_KEY = re.compile(r"(?:motion_modules|temporal_attentions)\.\d+\.")
MOTION_IN_LORA = re.compile(r"motion_modules|temporal")
LORA_KEY = re.compile(
    r"lora_(down|up|A|B|linear_layer)\b|_lora\.(down|up)\b|\blora\.(down|up)\b|\bhada_|\blokr_"
)


@dataclass(frozen=True)
class Kind:
    """One kind of file: what to call it, and what to do with it or take instead."""

    name: str
    """A noun phrase that fits behind "this is"."""
    advice: str
    """A sentence for somebody who gave it where a motion module or a motion LoRA belongs."""


TAKE_ANOTHER = "Choose a motion module such as v3_sd15_mm or mm_sd_v15_v2."
AS_LORA = "Put it into models/Lora and name it as a LoRA of the prompt."

MOTION = Kind("a motion module", "Put it into models/AnimateDiff and name it as motion module.")
MOTION_LORA = Kind(
    "a motion LoRA", "Name it as motion LoRA, beside a motion module of the kind it was made for."
)
SPARSECTRL_RGB = Kind("SparseCtrl rgb, a ControlNet for key pictures not used yet", TAKE_ANOTHER)
SPARSECTRL_SCRIBBLE = Kind(
    "SparseCtrl scribble, a ControlNet for key drawings not used yet", TAKE_ANOTHER
)
PIA = Kind("PIA, which needs a first picture and a UNet of nine channels", TAKE_ANOTHER)
ANIMATELCM_I2V = Kind(
    "AnimateLCM-I2V, whose picture encoder is not used yet",
    "Choose AnimateLCM_sd15_t2v or another motion module.",
)
CAMERACTRL = Kind("CameraCtrl, which needs a path of the camera", TAKE_ANOTHER)
MOTIONCTRL = Kind("MotionCtrl, which needs a path of the camera", TAKE_ANOTHER)
FANCYVIDEO = Kind("FancyVideo, which needs a first picture", TAKE_ANOTHER)
ADAPTER = Kind("the v3 domain adapter, a LoRA for pictures", AS_LORA)
LORA = Kind("a LoRA for pictures", AS_LORA)
CONTROLNET = Kind("a ControlNet", TAKE_ANOTHER)
CHECKPOINT = Kind("a whole checkpoint", "Put it into models/Stable-diffusion as the checkpoint.")
UNET = Kind("a UNet without motion", TAKE_ANOTHER)
VAE = Kind("a VAE", "Put it into models/VAE and name it as the VAE.")
TEXT_ENCODER = Kind("a text encoder", TAKE_ANOTHER)
EMBEDDING = Kind("a textual inversion embedding", "Put it into embeddings and name it in a prompt.")
UNKNOWN = Kind("of no kind known here", TAKE_ANOTHER)


def kind_of(tensors: Mapping[str, Tensor]) -> Kind:
    """The kind of file that holds these tensors; UNKNOWN when none fits."""
    return next((kind for kind, fits in _RULES if fits(tensors)), UNKNOWN)


Rule = Callable[[Mapping[str, Tensor]], bool]


def _has(pattern: str) -> Rule:
    """Some key matches."""
    search = re.compile(pattern).search
    return lambda tensors: any(map(search, tensors))


def _inputs(pattern: str, channels: int) -> Rule:
    """Some convolution whose key matches takes that many channels."""
    search = re.compile(pattern).search
    return lambda tensors: any(
        search(key) and t.ndim == 4 and t.shape[1] == channels for key, t in tensors.items()
    )


def _is_motion_lora(tensors: Mapping[str, Tensor]) -> bool:
    return all(MOTION_IN_LORA.search(key) for key in tensors if LORA_KEY.search(key))


_is_lora = _has(LORA_KEY.pattern)

# The first that fits decides: what only one kind has comes before what many have.
_RULES: tuple[tuple[Kind, Rule], ...] = (
    (CAMERACTRL, _has(r"\bqkv_merge\.")),
    (MOTIONCTRL, _has(r"\bcc_projection\.")),
    (FANCYVIDEO, _has(r"\b(fps_embedding|motion_embedding)\.")),
    (SPARSECTRL_RGB, _inputs(r"\bcontrolnet_cond_embedding\.weight$", 5)),
    (SPARSECTRL_SCRIBBLE, _inputs(r"\bcontrolnet_cond_embedding\.conv_in\.weight$", 4)),
    (ANIMATELCM_I2V, _has(r"\bimg_encoder\.")),
    (MOTION_LORA, lambda tensors: _is_lora(tensors) and _is_motion_lora(tensors)),
    (ADAPTER, _has(r"\.attn[12]\.processor\.to_\w+_lora\.(down|up)\.")),
    (LORA, _is_lora),
    (PIA, lambda t: _inputs(r"\bconv_in\.weight$", 9)(t) and _has(MOTION_KEY.pattern)(t)),
    (MOTION, _has(MOTION_KEY.pattern)),
    (
        CONTROLNET,
        _has(r"\bcontrol_model\.|\bcontrolnet_(cond_embedding|down_blocks)\.|zero_convs\."),
    ),
    (CHECKPOINT, _has(r"^model\.diffusion_model\.")),
    (VAE, _has(r"^(first_stage_model\.)?(encoder|decoder)\.(conv_in|down|mid|up)")),
    (UNET, _has(r"\b(input|down)_blocks\.\d+\.")),
    (TEXT_ENCODER, _has(r"\btext_model\.")),
    (EMBEDDING, _has(r"^(emb_params|clip_[lg]|\*)$")),
)
