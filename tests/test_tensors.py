"""Files of tensors: whole ones are read, others are refused with what is wrong."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.tensors import ENVELOPES, load_state_dict, read_metadata

STATE = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(4, dtype=torch.half)}


def same(path: Path) -> bool:
    read = load_state_dict(path)
    return read.keys() == STATE.keys() and all(torch.equal(read[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize("name", ["a.safetensors", "a.ckpt", "a"])
def test_safetensors_are_known_by_their_bytes(tmp_path: Path, name: str) -> None:
    save_file(STATE, tmp_path / name, {"note": "here"})
    assert same(tmp_path / name)
    assert read_metadata(tmp_path / name) == {"note": "here"}


@pytest.mark.parametrize("pad", range(0, 256, 8))
def test_no_length_of_the_header_looks_like_a_pickle(tmp_path: Path, pad: int) -> None:
    save_file(STATE, tmp_path / "a", {"note": "x" * pad})
    assert same(tmp_path / "a")
    assert read_metadata(tmp_path / "a") == {"note": "x" * pad}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("envelope", [None, *ENVELOPES])
def test_pickles_are_read_out_of_their_envelopes(
    tmp_path: Path, envelope: str | None, zipped: bool
) -> None:
    path = tmp_path / "a.safetensors"  # a wrong name
    payload = {**STATE, "epoch": 3, "config": {"c": [1, 2]}}
    content = {"global_step": 7, envelope: payload} if envelope else payload
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert same(path)
    assert read_metadata(path) == {}


class Runs:
    """Whoever unpickles this runs a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, kind: str
) -> None:
    path, proof = tmp_path / "a.ckpt", tmp_path / "proof"
    content = {"state_dict": STATE, "x": Runs(proof)}
    if kind == "bare":
        path.write_bytes(pickle.dumps(Runs(proof), protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(
        BadFile, match=r"would run code when opened \(.*mkdir\).*Take the \.safetensors"
    ):
        load_state_dict(path)
    assert not proof.exists()


@pytest.mark.parametrize("protocol", [0, 3, 4, 5])
def test_pickles_of_other_protocols_are_not_opened_either(tmp_path: Path, protocol: int) -> None:
    path, proof = tmp_path / "a.ckpt", tmp_path / "proof"
    path.write_bytes(pickle.dumps(Runs(proof), protocol=protocol))
    with pytest.raises(BadFile):
        load_state_dict(path)
    assert not proof.exists()


@pytest.mark.parametrize("left", [0, 5, 40, 150, -1])
def test_a_cut_off_safetensors_says_so(tmp_path: Path, left: int) -> None:
    path = tmp_path / "a.safetensors"
    save_file(STATE, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    with pytest.raises(BadFile, match=r"cut off: \d+ of \d+ bytes|damaged") as refused:
        load_state_dict(path)
    assert "fetch NAME" in refused.value.next_step
    if left == -1:
        assert f"{len(whole) - 1} of {len(whole)} bytes" in str(refused.value)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("left", [20, -50])
def test_a_cut_off_pickle_is_refused(tmp_path: Path, zipped: bool, left: int) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(BadFile, match="damaged"):
        load_state_dict(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"hello, this is no model at all, only a text of some length", "no safetensors file"),
        (b"\x10\0\0\0\0\0\0\0{not json at all", "damaged"),
        (b"PK\x03\x04 and then nothing of a zip file", "damaged or no torch file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    for read in (load_state_dict, read_metadata)[: 1 if content.startswith(b"PK") else 2]:
        with pytest.raises(BadFile, match=told):
            read(path)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"a": 1}, tmp_path / "a.ckpt")
    with pytest.raises(BadFile, match="holds no tensors"):
        load_state_dict(tmp_path / "a.ckpt")
    torch.save([STATE["a"]], tmp_path / "b.ckpt")
    with pytest.raises(BadFile, match="holds a list"):
        load_state_dict(tmp_path / "b.ckpt")


def test_nothing_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"none\.ckpt is missing"):
        load_state_dict(tmp_path / "none.ckpt")
    with pytest.raises(BadFile, match="it is a folder"):
        load_state_dict(tmp_path)
