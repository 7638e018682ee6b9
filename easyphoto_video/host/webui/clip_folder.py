"""CLIP's tokenizer and a text encoder's config as a folder that the WebUI's transformers can open.

The WebUI takes both from the hub's cache unless a checkpoint's yaml names a folder
(`cond_stage_config.params.version`). The files equal those of openai/clip-vit-large-patch14.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "standalone" / "clip_bpe" / "bpe_simple_vocab_16e6.txt.gz"
TOKENS = 49408
BEGIN, END = "<|startoftext|>", "<|endoftext|>"

LARGE: Mapping[str, Any] = {
    "vocab_size": TOKENS,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "projection_dim": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-05,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
"""SD1.x's text encoder, as its publisher's config says it."""


def write(folder: Path, **sizes: int) -> Path:
    """Writes config.json and the tokenizer's four files; `sizes` replaces values of LARGE."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces, merges = _table()
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    contents = {
        "config.json": _json({"model_type": "clip_text_model", **LARGE, **sizes}),
        "tokenizer_config.json": _json(_tokenizer()),
        "special_tokens_map.json": _json(_marks()),
        "merges.txt": "\n".join(["#version: 0.2", *merges, ""]),
        "vocab.json": json.dumps(vocabulary, ensure_ascii=False),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


def _table() -> tuple[list[str], list[str]]:
    """Pieces in the order of their ids: bytes, bytes that end a word, merges, two marks."""
    lines = gzip.decompress(TABLE.read_bytes()).decode("utf-8").split("\n")
    letters = list(_letters())
    merges = lines[1 : 1 + TOKENS - 2 * len(letters) - 2]
    joined = ("".join(merge.split()) for merge in merges)
    return [*letters, *(f"{letter}</w>" for letter in letters), *joined, BEGIN, END], merges


def _letters() -> Iterator[str]:
    """A printable letter for each byte: itself where it is one, the next free one from 256 on."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    shown += range(ord("®"), ord("ÿ") + 1)
    yield from map(chr, shown)
    yield from (chr(256 + i) for i in range(256 - len(shown)))


def _tokenizer() -> dict[str, Any]:
    return {
        "tokenizer_class": "CLIPTokenizer",
        "add_prefix_space": False,
        "do_lower_case": True,
        "model_max_length": 77,
        **_marks(),
    }


def _marks() -> dict[str, str]:
    """GPT-2's names for the marks; CLIP pads with the end."""
    return {"bos_token": BEGIN, "eos_token": END, "pad_token": END, "unk_token": END}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
