"""CLIP's tokenizer, made in memory from its table of byte pairs (clip_bpe/)."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

TABLE = Path(__file__).parents[1] / "clip_bpe" / "bpe_simple_vocab_16e6.txt.gz"
TOKENS = 49408
BEGIN, END, COMMA = 49406, 49407, 267
"""Ids: what begins a chunk, what ends and fills it, and the comma."""


def text_ids(text: str) -> list[int]:
    """The token ids of a text, without begin and end."""
    return _tokenizer()(text, add_special_tokens=False, verbose=False).input_ids


@cache
def _tokenizer() -> CLIPTokenizer:
    """Ids are in the order of OpenAI's CLIP: bytes, bytes that end a word, merges, two marks."""
    lines = gzip.decompress(TABLE.read_bytes()).decode("utf-8").split("\n")
    letters = list(bytes_to_unicode().values())
    marks = ["<|startoftext|>", "<|endoftext|>"]
    count = TOKENS - 2 * len(letters) - len(marks)
    merges: Any = [tuple(line.split()) for line in lines[1 : 1 + count]]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    pieces += [*map("".join, merges), *marks]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges)
