"""Time and memory: calls in turn, medians, peaks, and a process of its own for what needs one."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")
MIB = 2**20
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
CPU = torch.device("cpu")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""The second counts what this process computes, in all threads, so that it can be compared on a
machine that is shared with others."""
NEW_PEAK = "5"
"""What Linux takes in clear_refs for a peak that begins anew (proc(5))."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; times are medians."""

    case: str
    what: str
    unit: str
    ours: float
    theirs: float | None = None
    """Of whom `against` says; None where nobody is measured beside."""
    against: str = ""
    error: float | None = None
    """How far the two results are apart: see `what`, else relative L2."""
    peak_mb: float | None = None
    """Most memory that the process held, in MB of 2^20 bytes."""
    samples: int = 1

    @property
    def ratio(self) -> float | None:
        """Ours divided by theirs."""
        return self.ours / self.theirs if self.theirs else None


def in_turn(
    calls: Mapping[str, Callable[[], object]],
    repeats: int,
    device: torch.device = CPU,
    clock: str = "wall",
) -> dict[str, float]:
    """Seconds of each call, the median of `repeats`: one of each, then again.

    Each must have run before, since a first run prepares what later ones find. `clock` is one of
    CLOCKS.
    """
    now = CLOCKS[clock]
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            _settled(device)
            began = now()
            call()
            _settled(device)
            spent[name].append(now() - began)
    return {name: statistics.median(times) for name, times in spent.items()}


def _settled(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def alone(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result from a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def added_mb(call: Callable[[], object], device: torch.device) -> float:
    """Most memory that the call held beyond what there was before, in MB of 2^20 bytes.

    On a CPU from Linux's resident set; it is exact only for the first call of a process, since an
    allocator keeps what it had. Raises OSError where there is no /proc.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return (torch.cuda.max_memory_allocated(device) - before) / MIB
    CLEAR.write_text(NEW_PEAK)
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def peak_mb() -> float | None:
    """Most memory that this process held since it began or since `added_mb`; None off Linux."""
    return _status("VmHWM") if sys.platform == "linux" else None


def _status(name: str) -> float:
    words = STATUS.read_text().split()
    return int(words[words.index(f"{name}:") + 1]) / 1024


def error_of(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Relative L2 distance."""
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    head = ("case", "what", "ours", "theirs", "ratio", "unit", "error", "peak MB", "n")
    lines = [head, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return (
        row.case,
        row.what + (f" / {row.against}" if row.against else ""),
        number(row.ours, ".4g"),
        number(row.theirs, ".4g"),
        number(row.ratio, ".3f"),
        row.unit,
        number(row.error, ".1e"),
        number(row.peak_mb, ".0f"),
        str(row.samples),
    )


def plain(row: Row) -> dict[str, Any]:
    """For JSON."""
    return {**vars(row), "ratio": row.ratio}
