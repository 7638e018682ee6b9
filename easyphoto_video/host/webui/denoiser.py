"""Stands between A1111's sampler and its UNet, in the shape of its calls; see windowed.py.

Belongs to one sampler object of ours, so nobody else's run meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.webui.windowed import ClipPlan, Cut


def clip_order(rows: int, frames: int, parts: int) -> list[int]:
    """The numbers of a call's rows, clip after clip.

    The host's rows are frame 0 with all its conditions, frame 1 with all of its, and so on, then
    every frame without condition, or the last alone. Raises BadRequest for any other number.
    """
    together = parts * frames
    if rows == frames:
        return list(range(frames))
    if rows not in (together, together + frames):
        raise BadRequest(
            "Prompt",
            rows,
            f"rows came to the UNet in one call, which are no whole clips of {frames} frames with "
            f"{parts} conditions each",
            "Leave out AND, or switch off the extension that changes prompts while sampling.",
        )
    composed = [frame * parts + part for part in range(parts) for frame in range(frames)]
    return [*composed, *range(together, rows)]


class WindowedDenoiser(nn.Module):
    """The host's denoiser (k-diffusion's or that of the timestep samplers), seen in windows."""

    def __init__(self, inner: nn.Module, plan: ClipPlan) -> None:
        super().__init__()
        self.inner = inner
        self.plan = plan

    def __getattr__(self, name: str) -> Any:
        """What else the sampler asks for (sigmas, sigma_to_t, inner_model) is the inner one's."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, x: Tensor, sigma: Tensor, cond: Any) -> Tensor:
        """x (k*F, 4, h, w), sigma (k*F,) and conditions with as many rows -> x's shape."""
        rows = clip_order(len(x), self.plan.frames, self.plan.parts)
        order = torch.tensor(rows, device=x.device)
        told = _each((x, sigma, cond), lambda of_all: of_all[order])
        clips, times, _ = told

        def ask(cut: Cut) -> Tensor:
            seen, time, words = _each(told, cut)
            return self.inner(seen, time, cond=words)

        return self.plan.foretold(ask, clips, times)[torch.argsort(order)]


def _each(cond: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nest of dicts and lists with every tensor changed."""
    if isinstance(cond, Tensor):
        return change(cond)
    if isinstance(cond, dict):
        return {name: _each(value, change) for name, value in cond.items()}
    return [_each(value, change) for value in cond]
