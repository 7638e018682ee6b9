"""Films as large as pictures may be: refused before a frame is made, whoever tells of its size."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from easyphoto_video.errors import BadFile
from easyphoto_video.video import decode, probe
from easyphoto_video.video.ffmpeg import LARGEST, find
from easyphoto_video.video.read import open_video

SIDE, HUGE = 64, 16_000


def made(path: Path, *arguments: str) -> Path:
    source = ("-f", "lavfi", "-i", f"testsrc=s={SIDE}x{SIDE}:r=5", "-frames:v", "4")
    subprocess.run([str(find()), "-v", "error", *source, *arguments, str(path)], check=True)
    return path


def grown(path: Path, first: int, *, told: bool) -> Path:
    """A film of PNGs that say, from the `first` on, that they are huge; the file does if `told`."""
    data = bytearray(path.read_bytes())
    places = [match.end() for match in re.finditer(rb"IHDR", data)]
    assert len(places) == 4
    for place in places[first:]:
        data[place : place + 8] = struct.pack(">II", HUGE, HUGE)
    if told:
        header = data.index(b"strf") + 8
        data[header + 4 : header + 12] = struct.pack("<ii", HUGE, HUGE)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("told", [True, False], ids=["the file tells", "the decoder finds out"])
def test_huge_frames_are_refused_before_they_are_made(told: bool, tmp_path: Path) -> None:
    film = made(tmp_path / "film.avi", "-c:v", "png")
    assert HUGE * HUGE > LARGEST
    with pytest.raises(BadFile, match=r"too large.*at most 128 megapixels") as raised:
        open_video(grown(film, 0, told=told))
    assert "film" in raised.value.public


def test_frames_that_become_huge_are_not_made(tmp_path: Path) -> None:
    film = open_video(made(tmp_path / "film.avi", "-c:v", "png"))
    grown(film.path, 2, told=False)
    try:
        shapes = {frame.shape for frame in film.frames()}
    except BadFile:
        return
    assert shapes == {(SIDE, SIDE, 3)}


def test_wide_pixels_count_as_they_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = made(tmp_path / "film.mkv", "-c:v", "ffv1", "-vf", "setsar=3/1")
    assert (open_video(film).width, open_video(film).height) == (3 * SIDE, SIDE)
    monkeypatch.setattr(probe, "LARGEST", 2 * SIDE * SIDE)
    with pytest.raises(BadFile, match=rf"{SIDE}x{SIDE} px"):
        open_video(film)
    monkeypatch.setattr(probe, "LARGEST", LARGEST)
    monkeypatch.setattr(decode, "LARGEST", 2 * SIDE * SIDE)
    with pytest.raises(BadFile, match=rf"{3 * SIDE}x{SIDE} px"):
        open_video(film)


def test_others_are_read_as_ever(tmp_path: Path) -> None:
    film = open_video(made(tmp_path / "film.avi", "-c:v", "png"))
    assert (film.width, film.height, len(list(film.frames()))) == (SIDE, SIDE, 4)
