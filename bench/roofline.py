"""The least time a step can take on this machine, from what it computes and moves.

Williams et al., Roofline, 2009 (doi 10.1145/1498765.1498785). The ceilings are measured: a large
matrix product, and a copy. Bytes are those of an eager run: what each operation reads and writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bench.measure import Row, alone, in_turn
from bench.models import subject
from bench.plan import Plan
from bench.steps import our_latents
from easyphoto_video.host.standalone.device import DTYPES

SIDE = {"cpu": 2048, "cuda": 8192}
"""Of the matrices."""
COPIED = {"cpu": 2**28, "cuda": 2**31}
"""Bytes."""


class Traffic(TorchDispatchMode):
    """Counts the bytes that operations read and write; views move none."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor)]
            self.bytes += sum(x.numel() * x.element_size() for x in tensors)
        return out


def roofline(plan: Plan, dtype: str) -> Iterator[Row]:
    """The step of each subject against its floor."""
    for name in plan.subjects:
        yield from alone(_roofline, plan, name, dtype)


def ceilings(device: torch.device, dtype: torch.dtype, repeats: int) -> tuple[float, float]:
    """FLOP/s of a matrix product in that dtype, and bytes/s read and written by a copy."""
    side, count = SIDE[device.type], COPIED[device.type]
    a = torch.randn(side, side, device=device, dtype=dtype)
    source = torch.zeros(count, dtype=torch.uint8, device=device)
    there = torch.empty_like(source)
    calls = {"product": partial(torch.mm, a, a), "copy": partial(there.copy_, source)}
    for call in calls.values():
        call()
    spent = in_turn(calls, repeats, device)
    return 2 * side**3 / spent["product"], 2 * count / spent["copy"]


@torch.no_grad()
def _roofline(plan: Plan, name: str, dtype: str) -> list[Row]:
    model = subject(name, dtype, plan.device)
    step = partial(our_latents, model, model.inputs(plan.frames, plan.px), 1)
    with FlopCounterMode(display=False) as flops:
        step()
    with Traffic() as traffic:
        step()
    speed, width = ceilings(model.target.device, DTYPES[dtype], plan.repeats)
    computing, moving = flops.get_total_flops() / speed, traffic.bytes / width
    spent = in_turn({"step": step}, plan.repeats, model.target.device, plan.clock)["step"]
    what = f"{name} {dtype}, {plan.frames} frames {plan.px}x{plan.px}"
    row = partial(Row, case="roofline", samples=plan.repeats)
    return [
        row(what=f"{what}, GEMM", unit="TFLOP/s", ours=speed / 1e12),
        row(what=f"{what}, copy", unit="GB/s", ours=width / 1e9),
        row(what=f"{what}, computed", unit="TFLOP", ours=flops.get_total_flops() / 1e12),
        row(what=f"{what}, moved", unit="GB", ours=traffic.bytes / 1e9),
        row(
            what=f"{what}, step",
            unit="s",
            ours=spent,
            theirs=max(computing, moving),
            against="floor by " + ("computing" if computing > moving else "moving"),
        ),
    ]
