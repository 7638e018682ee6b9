"""Settling a training: what was left to the checkpoint is chosen, and what to compute on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.cast import settled_model
from easyphoto_video.host.library import CHECKPOINTS, EMBEDDED, Library
from easyphoto_video.host.standalone.device import Target, target
from easyphoto_video.host.standalone.settle import read_base
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import AUTO

STEPS_A_PHOTO, MOST_STEPS = 200, 800
"""EasyPhoto's rule."""


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What suits a kind of checkpoint."""

    steps: int
    rank: int
    alpha: float
    learning_rate: float


FULL = Usual(steps=MOST_STEPS, rank=128, alpha=64.0, learning_rate=1e-4)
SMALL = Usual(steps=500, rank=16, alpha=16.0, learning_rate=4e-3)
SMALL_WIDTH = 256
"""Channels of a UNet's first level, below which it is a small model."""


def settled(request: TrainRequest, library: Library, photos: int) -> TrainRequest:
    """The request with nothing left open, for so many photos.

    Raises BadRequest, BadFile and Missing about checkpoint and face recognition.
    """
    path = checkpoint_of(request, library)
    listed = library.listed(CHECKPOINTS, path)
    base = read_base(path, listed)
    usual = SMALL if base.body.channels[0] < SMALL_WIDTH else FULL
    asked = Text2Video(face_model=request.face_model)
    rank = request.rank or usual.rank
    return replace(
        request,
        checkpoint=listed,
        steps=request.steps or min(usual.steps, max(1, STEPS_A_PHOTO * photos)),
        rank=rank,
        alpha=request.alpha or rank * usual.alpha / usual.rank,
        learning_rate=request.learning_rate or usual.learning_rate,
        face_model=settled_model(asked, library.data_dir, is_embedded=listed == EMBEDDED),
    )


def target_of(device: str, precision: str) -> Target:
    """What to train on; `precision` auto is bf16 where CUDA has it, else fp32.

    Raises BadRequest for fp16 and for a device that is not there.
    """
    if precision == "fp16":
        raise BadRequest(
            "Precision", precision, "loses small gradients", "Choose auto, bf16 or fp32 to train."
        )
    found = target(device, precision)
    if precision == "auto":
        fine = found.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return replace(found, dtype=torch.bfloat16 if fine else torch.float32)
    return found


def checkpoint_of(request: TrainRequest, library: Library) -> Path:
    """The file that is trained on; auto is the embedded one. Raises BadRequest and Missing."""
    name = EMBEDDED if request.checkpoint == AUTO else request.checkpoint
    return library.find(CHECKPOINTS, name)
