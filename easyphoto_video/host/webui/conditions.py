"""What the host's UNet is told of each frame: the host's own conditions, blended between keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.webui.facade import here
from easyphoto_video.schedule import Schedule

Steps = list[Any]
"""ScheduledPromptConditioning objects: until which step (end_at_step) which condition (cond)."""
Around = tuple[int, int, float]
"""What Schedule.around says of a frame: the keys on both sides, and how far between them it is."""
T = TypeVar("T")


def parsed(prompts: Schedule[str]) -> tuple[Schedule[str], dict[str, list[Any]]]:
    """The prompts without extra networks, and those of all keys, each once.

    The host itself heeds only those of the first picture of a batch.
    """
    both = prompts.map(here().parse)
    networks: dict[str, list[Any]] = {}
    for _, found in both.values:
        for kind, uses in found.items():
            there = [use.items for use in networks.setdefault(kind, [])]
            networks[kind] += [use for use in uses if use.items not in there]
    return both.map(lambda pair: pair[0]), networks


def parts_of(prompts: Schedule[str]) -> int:
    """How many conditions AND joins in each prompt. Raises BadRequest when keys differ in it."""
    counts = [here().parts(text) for text in prompts.values]
    if len(set(counts)) > 1:
        raise BadRequest(
            "Prompt",
            prompts.values[0],
            f"has key frames with {sorted(set(counts))} parts joined by AND",
            "Give every key frame as many parts, or leave AND out.",
        )
    return counts[0]


def spread(keys: Sequence[Steps], frames: Sequence[Around], empty: Tensor) -> list[Steps]:
    """The steps of each frame from those of each key; between keys they blend evenly.

    `empty` is the condition of an empty prompt (1, 77, width), with which shorter ones are filled
    up as the host does, so that all are of one length.
    """
    longest = max(step.cond.shape[0] for steps in keys for step in steps)
    even = [[_filled(step, longest, empty) for step in steps] for steps in keys]
    return [_between(even, *around) for around in frames]


def spread_composed(
    keys: Any, frames: Sequence[Around], empty: Tensor, shares: Sequence[float] = ()
) -> Any:
    """The same for the host's MulticondLearnedConditioning, whose prompts have several parts.

    `shares` are factors on the guidance of each frame.
    """
    columns = []
    for part in range(len(keys.batch[0])):
        rows = [key[part] for key in keys.batch]
        steps = spread([row.schedules for row in rows], frames, empty)
        weights = [
            _mixed(rows, *around) * share
            for around, share in zip(frames, shares or [1.0] * len(frames), strict=True)
        ]
        columns.append(
            [
                here().conditions.ComposableScheduledPromptConditioning(one, weight)
                for one, weight in zip(steps, weights, strict=True)
            ]
        )
    batch = [list(parts) for parts in zip(*columns, strict=True)]
    return here().conditions.MulticondLearnedConditioning(shape=(len(frames),), batch=batch)


def _mixed(rows: Sequence[Any], left: int, right: int, share: float) -> float:
    return rows[left].weight + (rows[right].weight - rows[left].weight) * share


def _between(keys: Sequence[Steps], left: int, right: int, share: float) -> Steps:
    if left == right or share == 0:
        return keys[left]
    ends = sorted({step.end_at_step for key in (left, right) for step in keys[key]})
    return [
        here().conditions.ScheduledPromptConditioning(
            end, torch.lerp(_at(keys[left], end), _at(keys[right], end), share)
        )
        for end in ends
    ]


def _at(steps: Steps, end: int) -> Tensor:
    """The condition that holds at a step; behind all ends the first, as in the host."""
    return next((step.cond for step in steps if end <= step.end_at_step), steps[0].cond)


def _filled(step: Any, tokens: int, empty: Tensor) -> Any:
    lacking = (tokens - step.cond.shape[0]) // empty.shape[1]
    if lacking <= 0:
        return step
    more = empty[0].to(step.cond).repeat(lacking, 1)
    return here().conditions.ScheduledPromptConditioning(
        step.end_at_step, torch.cat([step.cond, more])
    )
