"""One or two processes that train one model together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Who this process is, where it writes, what it computes on, its share of the budget."""

    out: Path
    rank: int = 0
    workers: int = 1
    device: str = "cpu"
    scale: float = 1.0
    start: Path | None = None
    """Folder of exported files to go on from; without it everything is made from nothing."""
    after: int = 1
    """How many rounds made those files."""
    now: bool = False
    """Whether to take every stage as its checkpoint has it, and train none."""

    @property
    def leads(self) -> bool:
        """True for the one process that writes files and reports."""
        return self.rank == 0

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients the mean over all processes."""
        if self.workers == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.workers
        for gradient, mean in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.workers > 1:
            dist.barrier()
