"""The one training loop: every stage brings its loss and its score, the loop brings the rest.

What a step draws depends on the stage's seed, the step and the part of the batch alone, and the
optimiser's state is saved with the weights. So a run that was stopped goes on as if it had not
been, and one process comes to the same weights as two.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tools.train.fleet import PARTS, Fleet

_SAVE_SECONDS = 180.0
_WARM_UP_STEPS = 50


@dataclass(frozen=True)
class Draw:
    """The randomness of one part of a step's batch."""

    numpy: np.random.Generator
    torch: torch.Generator
    progress: float

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal noise on the CPU."""
        return torch.randn(shape, generator=self.torch)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Even in 0..1, on the CPU."""
        return torch.rand(shape, generator=self.torch)


@dataclass(frozen=True)
class Budget:
    """How long a stage lasts and how fast it learns; its checkpoint has its name."""

    name: str
    samples: int
    rate: float
    """The highest learning rate."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a stage trains: `loss` sees `model` as it is, `score` its average over time."""

    budget: Budget
    model: nn.Module
    loss: Callable[[Draw], torch.Tensor]
    score: Callable[[nn.Module], str]
    batch: int
    """Samples in one part of a step's batch."""
    decay: float = 0.998
    betas: tuple[float, float] = (0.9, 0.99)


def train(course: Course, fleet: Fleet) -> nn.Module:
    """Train until the budget is spent, from the stage's checkpoint if there is one.

    Returns the model averaged over time.
    """
    trainer = _Trainer(course, fleet)
    trainer.resume()
    if fleet.now:
        return trainer.average
    saved, losses = time.monotonic(), []
    while trainer.seen < trainer.total:
        losses.append(trainer.step())
        if time.monotonic() - saved > _SAVE_SECONDS:
            trainer.save()
            trainer.report(losses)
            saved, losses = time.monotonic(), []
    trainer.save()
    trainer.report(losses)
    return trainer.average


def state_path(fleet: Fleet, budget: Budget) -> Path:
    """Where a stage keeps its checkpoint."""
    return fleet.out / f"{budget.name}.state.pt"


class _Trainer:
    def __init__(self, course: Course, fleet: Fleet) -> None:
        self.course, self.fleet = course, fleet
        self.average = copy.deepcopy(course.model).requires_grad_(False).eval()
        self.parameters = [p for p in course.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=course.budget.rate,
            betas=course.betas,
            weight_decay=1e-3,
            fused=True,
        )
        self.seen = self.steps = 0
        self.total = round(course.budget.samples * fleet.scale)
        self.started = time.monotonic()

    @property
    def path(self) -> Path:
        return state_path(self.fleet, self.course.budget)

    def resume(self) -> None:
        if not self.path.exists():
            return
        state: dict[str, Any] = torch.load(self.path, map_location=self.fleet.device)
        self.course.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.seen, self.steps = state["seen"], state["steps"]

    def save(self) -> None:
        if not self.fleet.leads:
            return
        state = {
            "model": self.course.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "steps": self.steps,
        }
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.path)

    def report(self, losses: list[float]) -> None:
        if self.fleet.leads and losses:
            print(
                f"{self.course.budget.name}: {self.seen}/{self.total} samples, step {self.steps}, "
                f"{time.monotonic() - self.started:.0f} s, loss {np.mean(losses):.4f}, "
                f"{self.course.score(self.average)}",
                flush=True,
            )

    def step(self) -> float:
        progress = self.seen / self.total
        factor = min(1.0, (self.steps + 1) / _WARM_UP_STEPS) * _cosine(progress)
        for group in self.optimiser.param_groups:
            group["lr"] = self.course.budget.rate * factor
        self.optimiser.zero_grad(set_to_none=True)
        losses = []
        for part in self.fleet.parts:
            loss = self.course.loss(_draw(self.course.budget.seed, self.steps, part, progress))
            loss.backward()
            losses.append(loss.item())
        self.fleet.average(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.steps += 1
        self.seen += self.course.batch * PARTS
        self._follow()
        return float(np.mean(losses))

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.course.decay, (1 + self.steps) / (10 + self.steps))
        mine, theirs = (
            [p.data for p in module.parameters()] for module in (self.average, self.course.model)
        )
        torch._foreach_lerp_(mine, theirs, 1 - decay)
        # What batch norms have counted belongs to the weights.
        pairs = zip(self.average.buffers(), self.course.model.buffers(), strict=True)
        for own, counted in pairs:
            if own.is_floating_point():
                own.lerp_(counted, 1 - decay)
            else:
                own.copy_(counted)


def _cosine(progress: float) -> float:
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def _draw(seed: int, step: int, part: int, progress: float) -> Draw:
    numbers = np.random.default_rng((seed, step, part))
    generator = torch.Generator().manual_seed(int(numbers.integers(2**62)))
    return Draw(numbers, generator, progress)
