"""Captions as CLIP's token ids, and the few ids that the world uses."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from tools.world import vocabulary

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
CLIP_TOKENS = 49_408
LENGTH = 77
_BPE = (
    Path(__file__).parents[1]
    / "easyphoto_video/host/standalone/clip_bpe/bpe_simple_vocab_16e6.txt.gz"
)
_FIRST = (BEGIN, END)
_UNKNOWN = 2


@cache
def tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer from the byte pair file; the ids are OpenAI's."""
    lines = gzip.decompress(_BPE.read_bytes()).decode().split("\n")
    pairs: Any = [tuple(line.split()) for line in lines[1 : CLIP_TOKENS - 512 - 2 + 1]]
    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, pairs), *_FIRST]
    ids = {piece: i for i, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=ids, merges=pairs, model_max_length=LENGTH)


def clip_ids(captions: Sequence[str]) -> list[list[int]]:
    """(B, 77) CLIP ids: begin, text, and end as padding, as SD1.x does it."""
    return tokenizer()(
        list(captions), padding="max_length", truncation=True, max_length=LENGTH
    ).input_ids


@cache
def world_tokens() -> tuple[int, ...]:
    """CLIP's ids of begin, end, and then of all that captions can hold, in rising order."""
    begin, end = clip_ids([""])[0][:2]
    used = {i for row in clip_ids([*vocabulary(), ","]) for i in row} - {begin, end}
    return begin, end, *sorted(used)


@cache
def _places() -> dict[int, int]:
    begin, end, *rest = world_tokens()
    return {begin: 0, end: 1, **{token: i + _UNKNOWN + 1 for i, token in enumerate(rest)}}


def small_size() -> int:
    """How many ids the cut-down vocabulary has: begin, end, unknown, and the world's tokens."""
    return len(world_tokens()) + 1


def small_ids(captions: Sequence[str]) -> torch.Tensor:
    """(B, 77) int64 ids of the cut-down vocabulary; 2 is what the world does not know."""
    places = _places()
    return torch.tensor([[places.get(i, _UNKNOWN) for i in row] for row in clip_ids(captions)])


def small_rows() -> dict[int, int]:
    """CLIP's id of each trained row of the cut-down vocabulary."""
    return {row: token for token, row in _places().items()}
