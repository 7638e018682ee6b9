"""What to compute on, in which precision, and what to lower when memory runs out."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from easyphoto_video.errors import BadRequest

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}

LATENT_PIXELS_AT_ONCE = {"cpu": 16 * 64 * 64, "mps": 16 * 64 * 64, "cuda": 32 * 64 * 64}
"""Most pixels of latents in one call of the UNet: 32 frames of 512x512 px on CUDA."""

LESS = (
    "Give a smaller Width and Height, a shorter Span, the alternating Windows, or --precision fp16 "
    "(bf16 on a CPU)."
)


@dataclass(frozen=True)
class Target:
    """Where the models live and in what precision they compute."""

    device: torch.device
    dtype: torch.dtype

    @property
    def latent_pixels_at_once(self) -> int:
        """See LATENT_PIXELS_AT_ONCE."""
        return LATENT_PIXELS_AT_ONCE[self.device.type]


def target(device: str = "auto", precision: str = "auto") -> Target:
    """The device and the precision that were asked for; auto is the best there is.

    `device` is auto, cpu, cuda or mps; `precision` auto, fp32, fp16 or bf16, where auto is fp32 on
    a CPU and else fp16. Raises BadRequest when this machine has no such device.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    found = [name for name, has in there.items() if has]
    if device != "auto" and device not in found:
        raise BadRequest(
            "Device", device, "is not on this machine", f"Choose auto or {' or '.join(found)}."
        )
    kind = found[0] if device == "auto" else device
    if precision != "auto" and precision not in DTYPES:
        raise BadRequest(
            "Precision", precision, "is not known", f"Choose auto or one of {', '.join(DTYPES)}."
        )
    usual = "fp32" if kind == "cpu" else "fp16"
    return Target(torch.device(kind), DTYPES[usual if precision == "auto" else precision])
