"""In which precision a device multiplies best what is stored in another."""

from __future__ import annotations

from functools import cache

import torch

FEATURES = {
    torch.bfloat16: ("avx512_bf16", "amx_bf16", "bf16"),
    torch.float16: ("avx512_fp16", "amx_fp16", "fp16"),
}
"""What a processor calls its own products of a type: x86's two ways, and ARM's."""


def multiplied(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """The dtype to multiply in: float32 on a CPU that knows no products of a half precision.

    There such products are imitated in a quarter of the speed, and round more often.
    """
    if device.type != "cpu" or dtype not in FEATURES or _has(FEATURES[dtype]):
        return dtype
    return torch.float32


@cache
def _has(features: tuple[str, ...]) -> bool:
    """A host's older torch does not tell, and is left to itself."""
    tell = getattr(torch.cpu, "get_capabilities", None)
    return tell is None or any(tell().get(feature, False) for feature in features)
