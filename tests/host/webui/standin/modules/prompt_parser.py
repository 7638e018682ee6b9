"""Prompts over steps, and AND."""

from __future__ import annotations

import re
from collections import namedtuple
from typing import Any

import torch
from torch import Tensor

ScheduledPromptConditioning = namedtuple("ScheduledPromptConditioning", ["end_at_step", "cond"])
re_AND = re.compile(r"\bAND\b")  # noqa: N816 - the host's name
WEIGHTED = re.compile(r"(.*?)(?:\s*:\s*([-+]?\d*\.?\d+))?\s*", re.DOTALL)
EDIT = re.compile(r"\[([^:\]]*):([^:\]]*):(\d+)\]")


class ComposableScheduledPromptConditioning:
    """One part of a prompt."""

    def __init__(self, schedules: list[Any], weight: float = 1.0) -> None:
        self.schedules, self.weight = schedules, weight


class MulticondLearnedConditioning:
    """The parts of every prompt."""

    def __init__(self, shape: tuple[int, ...], batch: list[list[Any]]) -> None:
        self.shape, self.batch = shape, batch


def get_learned_conditioning(model: Any, prompts: list[str], steps: int) -> list[list[Any]]:
    """For each prompt its conditions and until which step they hold."""
    return [
        [
            ScheduledPromptConditioning(end, model.get_learned_conditioning([text])[0])
            for end, text in _edited(prompt, steps)
        ]
        for prompt in prompts
    ]


def get_multicond_learned_conditioning(model: Any, prompts: list[str], steps: int) -> Any:
    """The same for prompts with AND."""
    batch = []
    for prompt in prompts:
        cut = [match.groups() for match in map(WEIGHTED.fullmatch, re_AND.split(prompt)) if match]
        batch.append(
            [
                ComposableScheduledPromptConditioning(
                    get_learned_conditioning(model, [text], steps)[0], float(weight or 1)
                )
                for text, weight in cut
            ]
        )
    return MulticondLearnedConditioning(shape=(len(prompts),), batch=batch)


def at(schedule: list[Any], step: int) -> Tensor:
    """The condition of a step."""
    return next((one.cond for one in schedule if step <= one.end_at_step), schedule[0].cond)


def reconstruct_cond_batch(conds: list[list[Any]], step: int) -> Tensor:
    """Of every picture; they must be of one length, as in the host."""
    rows = [at(schedule, step) for schedule in conds]
    if len({row.shape for row in rows}) > 1:
        raise RuntimeError("The expanded size of the tensor must match the existing size")
    return torch.stack(rows)


def _edited(prompt: str, steps: int) -> list[tuple[int, str]]:
    match = EDIT.search(prompt)
    if match is None:
        return [(steps, prompt)]
    before, after = (EDIT.sub(lambda m, i=i: m[i], prompt, count=1) for i in (1, 2))
    return [(int(match[3]), before), (steps, after)]
