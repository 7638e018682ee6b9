"""Textual inversion embeddings, by name and from every kind of file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.prompt.embeddings import Embeddings, read_embedding
from easyphoto_video.host.standalone.prompt.tokens import text_ids
from tests.host.standalone.small import kohya, save

WIDTH = 64


def vectors(count: int) -> Tensor:
    return torch.arange(float(count * WIDTH)).view(count, WIDTH)


@pytest.mark.parametrize(
    ("suffix", "content", "count"),
    [
        (".safetensors", {"emb_params": vectors(2)}, 2),
        (
            ".pt",
            {"string_to_param": {"*": vectors(3)}, "name": "x", "step": 1},
            3,
        ),
        (".bin", {"<x>": vectors(1)[0]}, 1),
        (".bin", {"<x>": vectors(2).half()}, 2),
    ],
    ids=["safetensors", "WebUI", "diffusers", "several in half"],
)
def test_files(suffix: str, content: dict[str, Tensor], count: int, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    if suffix == ".safetensors":
        save(path, content)
    else:
        torch.save(content, path)
    found = read_embedding(path, WIDTH)
    assert found.dtype == torch.float32
    assert torch.allclose(found, vectors(count), rtol=1e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"emb_params": torch.ones(2, 32)}, r"\(2, 32\) are not 64 wide"),
        ({"clip_g": torch.ones(1, 80), "clip_l": torch.ones(1, WIDTH)}, "an SDXL embedding"),
        ({"a": torch.ones(1), "b": torch.ones(1)}, "this holds 2 tensors"),
        (kohya(), "a LoRA for pictures, not an embedding"),
    ],
    ids=["width", "SDXL", "several", "LoRA"],
)
def test_others_are_refused(content: dict[str, Tensor], words: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=words):
        read_embedding(save(tmp_path / "x.safetensors", content), WIDTH)


def test_the_longest_name_wins_and_other_files_stay_closed(tmp_path: Path) -> None:
    folder = tmp_path / "embeddings"
    save(folder / "my style.safetensors", {"emb_params": vectors(1)})
    save(folder / "sub" / "my style two.safetensors", {"emb_params": vectors(2)})
    (folder / "broken.safetensors").write_bytes(b"no tensors")
    embeddings = Embeddings(Library(tmp_path), WIDTH)
    ids = text_ids("a My Style two")
    assert embeddings.at(ids, 0) is None
    found = embeddings.at(ids, 1)
    assert found is not None
    assert (found[0], len(found[1])) == (3, 2)
    with pytest.raises(BadFile, match=r"broken\.safetensors"):
        embeddings.at(text_ids("broken"), 0)
