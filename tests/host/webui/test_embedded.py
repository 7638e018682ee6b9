"""The embedded model as the WebUI can load it, and CLIP's tokenizer as a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors import safe_open
from transformers import CLIPTokenizer

from easyphoto_video.host.checkpoint.facts import facts_beside
from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.host.standalone.prompt.tokens import text_ids
from easyphoto_video.host.webui import clip_folder
from easyphoto_video.host.webui.embedded import laid_out
from tools.models import TEXT_HEADS, TEXT_LAYERS

TEXT_KEYS = "cond_stage_model.transformer.text_model."


def test_the_tokenizer_reads_as_the_one_made_in_memory(tmp_path: Path) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(clip_folder.write(tmp_path))
    for text in ("a photo of a cat", "Über 12 großen, 中文 😀", "don't   stop!"):
        assert tokenizer(text, add_special_tokens=False).input_ids == text_ids(text)
    assert tokenizer("a").input_ids == [49406, 320, 49407]
    # The sizes of the files that the publisher of SD1.x's text encoder has.
    sizes = [(tmp_path / name).stat().st_size for name in ("vocab.json", "merges.txt")]
    assert sizes == [961143, 524619]


def test_the_embedded_model_names_its_own_text_encoder(tmp_path: Path) -> None:
    checkpoint = laid_out(tmp_path / "a folder")
    config = yaml.safe_load(checkpoint.with_suffix(".yaml").read_text())
    text = config["model"]["params"]["cond_stage_config"]
    assert text["target"] == "ldm.modules.encoders.modules.FrozenCLIPEmbedder"
    folder = Path(text["params"]["version"])
    assert folder.is_absolute()
    sizes = json.loads((folder / "config.json").read_text())
    opened: Any = safe_open(checkpoint, "pt")
    with opened as file:
        tokens = file.get_slice(f"{TEXT_KEYS}embeddings.token_embedding.weight").get_shape()
        fc1 = file.get_slice(f"{TEXT_KEYS}encoder.layers.0.mlp.fc1.weight").get_shape()
        layers = {key.split(".")[5] for key in file.keys() if f"{TEXT_KEYS}encoder" in key}  # noqa: SIM118
    assert tokens == [sizes["vocab_size"], sizes["hidden_size"]]
    assert fc1 == [sizes["intermediate_size"], sizes["hidden_size"]]
    assert len(layers) == sizes["num_hidden_layers"] == TEXT_LAYERS
    assert sizes["num_attention_heads"] == TEXT_HEADS

    # All else is as the yaml that came along says.
    own = EMBEDDED_FOLDER / "portrait.safetensors"
    assert facts_beside(checkpoint, {}) == facts_beside(own, {})


def test_it_is_made_once_and_again_after_an_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(OSError("other disk")))
    source = tmp_path / "from" / "portrait.safetensors"
    source.parent.mkdir()
    for suffix in (".safetensors", ".yaml"):
        here = EMBEDDED_FOLDER / f"portrait{suffix}"
        source.with_suffix(suffix).write_bytes(here.read_bytes())
    first = laid_out(tmp_path / "to", source)
    made = first.stat().st_mtime_ns
    assert laid_out(tmp_path / "to", source) == first
    assert first.stat().st_mtime_ns == made
    os.utime(source, (1, 1))
    assert laid_out(tmp_path / "to", source) != first
