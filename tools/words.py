"""Captions as CLIP's token ids, and the few ids that the world uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch

from easyphoto_video.host.standalone.prompt.tokens import BEGIN, END, text_ids
from tools.world import vocabulary

LENGTH = 77
UNKNOWN = 2
"""The cut-down id of every token that the world does not know, after begin and end."""


def clip_ids(caption: str) -> list[int]:
    """77 CLIP ids: begin, text, and end as padding, as SD1.x does it."""
    ids = [BEGIN, *text_ids(caption)[: LENGTH - 2]]
    return ids + [END] * (LENGTH - len(ids))


@cache
def small_rows() -> dict[int, int]:
    """CLIP's id of each row of the cut-down vocabulary but the unknown one."""
    used = sorted({i for words in (*vocabulary(), ",") for i in text_ids(words)})
    return {0: BEGIN, 1: END, **{UNKNOWN + 1 + i: token for i, token in enumerate(used)}}


def small_size() -> int:
    """How many ids the cut-down vocabulary has."""
    return len(small_rows()) + 1


def small_ids(captions: Sequence[str]) -> torch.Tensor:
    """(B, 77) int64 ids of the cut-down vocabulary."""
    places = _places()
    return torch.tensor(
        [[places.get(i, UNKNOWN) for i in clip_ids(caption)] for caption in captions]
    )


@cache
def _places() -> dict[int, int]:
    return {token: row for row, token in small_rows().items()}
