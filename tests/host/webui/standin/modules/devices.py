"""Where the host computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

cpu = device = torch.device("cpu")
dtype_unet = dtype_vae = torch.float32


class NansException(Exception):
    """A picture of no numbers."""


def autocast() -> AbstractContextManager[None]:
    """Nothing on a CPU."""
    return nullcontext()


def test_for_nans(x: Any, where: str) -> None:
    """Looks at one element only, as the host."""
    if torch.isnan(x.flatten()[0]):
        raise NansException(f"A tensor with NaNs was produced in {where}")
