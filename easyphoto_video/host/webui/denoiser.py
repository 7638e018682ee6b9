"""Stands between the host's sampler and its UNet: orders the rows of a call into clips, lets the
UNet see them window by window, and tells how far the sampler is.

Belongs to one sampler object of ours, so nobody else's run meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.calls import Calls
from easyphoto_video.motion.windows import Window, fused

MANY = 32
"""Frames in a call from which on its conditions go one after the other."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Pictures that frames are kept to, wholly or in parts, some until a later step.

    What the UNet foretells is mixed with them, so that the sampler itself leads there. That is
    linear, so it may be done for every condition before the host weighs them.
    """

    latents: Tensor
    """(F, 4, h, w)."""
    free: Callable[[int], Tensor]
    """(F, 1, h, w) or (F, 1, 1, 1), 0..1: what may change at a step."""
    shares: Tensor | None
    """(1000,) alphas_cumprod where the sampler's model foretells the noise, by diffusion time;
    None where it foretells the picture."""

    def held(self, foretold: Tensor, x: Tensor, time: Tensor, step: int) -> Tensor:
        """What is foretold of x (k*F, 4, h, w), clip after clip, with the pictures held."""
        clips = len(x) // len(self.latents)
        kept = self.latents.to(x).repeat(clips, 1, 1, 1)
        if self.shares is not None:
            left = self.shares.to(x)[time.long()].view(-1, 1, 1, 1)
            kept = (x - left.sqrt() * kept) / (1 - left).sqrt()
        return torch.lerp(kept, foretold, self.free(step).to(x).repeat(clips, 1, 1, 1))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a clip goes through the UNet."""

    frames: int
    parts: int
    """Conditions of each frame, which AND joins in a prompt."""
    calls: Calls
    step: Callable[[], int]
    """Which of the shot's steps the sampler is at."""
    one_by_one: bool
    """Whether the conditions go through the UNet one after the other, which takes less memory."""
    tell: Callable[[float], None]
    """Called with the share 0..1 of the step's windows that are seen, before each."""
    hold: Hold | None = None


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

    def __init__(self, inner: nn.Module, plan: Plan) -> None:
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
        plan = self.plan
        order = torch.tensor(clip_order(len(x), plan.frames, plan.parts), device=x.device)
        clips = _each(cond, lambda rows: rows[order])
        times = sigma[order]
        step = plan.step()
        windows = plan.calls.windows(step)
        numbers = {window: i for i, window in enumerate(windows)}

        def call(seen: Tensor, window: Window) -> Tensor:
            plan.tell(numbers[window] / len(windows))

            def cut(rows: Tensor) -> Tensor:
                return window.rows(rows, plan.frames)

            with plan.calls.seeing(window, step):
                return self._asked(seen, cut(times), _each(clips, cut), len(window.frames))

        foretold = fused(call, x[order], windows)
        if plan.hold is not None:
            foretold = plan.hold.held(foretold, x[order], times, step)
        return foretold[torch.argsort(order)]

    def _asked(self, x: Tensor, sigma: Tensor, cond: Any, frames: int) -> Tensor:
        rows = frames if self.plan.one_by_one or frames > MANY else len(x)
        done = [
            self.inner(x[i : i + rows], sigma[i : i + rows], cond=_each(cond, _slice(i, rows)))
            for i in range(0, len(x), rows)
        ]
        return torch.cat(done)


def _slice(start: int, count: int) -> Callable[[Tensor], Tensor]:
    return lambda rows: rows[start : start + count]


def _each(cond: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nest of dicts and lists with every tensor changed."""
    if isinstance(cond, Tensor):
        return change(cond)
    if isinstance(cond, dict):
        return {name: _each(value, change) for name, value in cond.items()}
    return [_each(value, change) for value in cond]
