"""One or two processes that train one model together, and come to the same model either way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

PARTS = 2
"""A step's batch is drawn in so many parts: one process takes them in turn, two take one each."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Who this process is, where it writes, what it computes on, its share of the budget."""

    out: Path
    rank: int = 0
    workers: int = 1
    device: str = "cpu"
    scale: float = 1.0
    now: bool = False
    """Whether to take every stage as its checkpoint has it, and train none."""

    @property
    def leads(self) -> bool:
        """True for the one process that writes files and reports."""
        return self.rank == 0

    @property
    def parts(self) -> range:
        """Which parts of a batch this process draws."""
        return range(self.rank, PARTS, self.workers)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients, sums over its parts, the mean over all parts."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        if self.workers > 1:
            dist.all_reduce(flat)
        flat /= PARTS
        for gradient, mean in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.workers > 1:
            dist.barrier()
