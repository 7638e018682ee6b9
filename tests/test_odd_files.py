"""Pipes in the place of files: every reader refuses them by a look, and none waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easyphoto_video.embeddings import is_kept, kept_embeddings
from easyphoto_video.errors import BadFile, EasyPhotoError, Missing
from easyphoto_video.faces.insight import PackRecogniser, is_installed
from easyphoto_video.host.checkpoint.facts import facts_beside
from easyphoto_video.host.library import LORAS, Library
from easyphoto_video.host.standalone.train.album import digest, photo_files
from easyphoto_video.identity import REFERENCE, People, UserId
from easyphoto_video.lora_base import lora_base
from easyphoto_video.motion.read import read_motion
from easyphoto_video.people import write_jpeg
from easyphoto_video.people_zip import bring
from easyphoto_video.tensors import load_state_dict, read_metadata
from easyphoto_video.video.note import read_note
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import read_picture
from tests.odd import fifo

READERS: dict[str, Callable[[Path], Any]] = {
    "LoRA": lora_base,
    "tensors": load_state_dict,
    "notes of tensors": read_metadata,
    "motion module": read_motion,
    "picture": read_picture,
    "film": open_video,
    "note": read_note,
    "photo": lambda path: write_jpeg(path, path.with_name("new.jpg")),
    "zip": lambda path: bring(People(path.parent), path),
    "yaml": lambda path: facts_beside(path.with_suffix(".safetensors"), {}),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt", ".png", ".mp4", ".zip"])
@pytest.mark.parametrize("reader", [name for name in READERS if name != "yaml"])
def test_a_pipe_is_refused(reader: str, suffix: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no file but a pipe"):
        READERS[reader](fifo(tmp_path / f"p{suffix}"))


def test_a_yaml_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    fifo(tmp_path / "p.yaml")
    with pytest.raises(BadFile, match="no file but a pipe"):
        READERS["yaml"](tmp_path / "p.ckpt")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "name", ["x" * 300, "a\0b", "y/" * 4000 + "x"], ids=["long", "NUL", "deep"]
)
def test_a_name_that_cannot_be_is_refused(reader: str, name: str, tmp_path: Path) -> None:
    with pytest.raises((BadFile, Missing)):
        READERS[reader](tmp_path / f"{name}.yaml")


def test_a_pipe_in_a_folder_of_pictures(tmp_path: Path) -> None:
    fifo(tmp_path / "a.png")
    for read in (open_video, read_note):
        with pytest.raises(BadFile, match="no file but a pipe"):
            read(tmp_path)


def test_a_pipe_among_loras_is_named_and_refused(tmp_path: Path) -> None:
    fifo(tmp_path / "models" / "Lora" / "p.safetensors")
    with pytest.raises(BadFile, match="pipe"):
        lora_base(Library(tmp_path).find(LORAS, "p"))


def test_pipes_among_photos_and_beside_a_person_are_passed_over(tmp_path: Path) -> None:
    fifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"b")
    assert len(digest(photo_files(tmp_path))) == 1
    kept = fifo(tmp_path / "reference_embedding_x.json")
    assert is_kept(kept)
    (tmp_path / REFERENCE).write_bytes(b"x")
    assert list(kept_embeddings(UserId("ada", tmp_path / REFERENCE))) == []


@pytest.mark.skipif(not is_installed(), reason="needs insightface and onnxruntime")
def test_a_pipe_in_a_face_pack(tmp_path: Path) -> None:
    fifo(tmp_path / "w.onnx")
    with pytest.raises(BadFile, match="pipe"):
        PackRecogniser(tmp_path)


@pytest.mark.parametrize("word", ["[", '{"a":'])
def test_a_header_nested_without_end_is_refused(word: str, tmp_path: Path) -> None:
    header = b"{" + word.encode() * 200_000
    for suffix in (".safetensors", ".ckpt"):
        file = tmp_path / f"deep{suffix}"
        file.write_bytes(len(header).to_bytes(8, "little") + header)
        for read in (lora_base, load_state_dict):
            with pytest.raises(EasyPhotoError):
                read(file)


def test_a_header_that_would_fill_the_memory_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easyphoto_video.headers.LONGEST", 1000)
    monkeypatch.setattr("easyphoto_video.headers.parsed", lambda text: pytest.fail("it was read"))
    header = b'{"a":[' + b"[]," * 5000 + b"[]]}"
    file = tmp_path / "large.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(BadFile):
        lora_base(file)
