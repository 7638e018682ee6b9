"""Notes go into every format and come back as they were."""

from __future__ import annotations

import json
import random
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from easyphoto_video.errors import BadFile
from easyphoto_video.request import FORMATS
from easyphoto_video.video.ffmpeg import find, named
from easyphoto_video.video.note import read_note
from easyphoto_video.video.stamp import ffmetadata, storable
from tests.clips import Clip, write

WAVE = np.sin(np.arange(3 * 16 * 16 * 3) / 40).reshape(3, 16, 16, 3)
MOVING = Clip(frames=(127 + 100 * WAVE).astype(np.uint8), fps=Fraction(8))
STILL = Clip(frames=MOVING.frames[:1], fps=Fraction(8))
NASTY = "=;#\\\n\r\t\"' \x00\x01\x7f\x85\u2028\ufeff\ufffe\U0001f600\u6f22\ud800[]%a"


def check(note: str, format: str, clip: Clip, folder: Path) -> None:
    path = write(clip, folder / f"clip.{format}", note=note)
    assert read_note(path) == storable(note)
    if path.is_dir():
        for picture in path.iterdir():
            assert read_note(picture) == storable(note)
            picture.unlink()


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=12, deadline=None)
@given(note=st.text(st.one_of(st.sampled_from(NASTY), st.characters()), min_size=1, max_size=300))
@example(NASTY)
@example("\\")
@example("ends in a backslash and a line\\\n")
@example(" \n spaces around \n ")
@example("\ufeffmark")
@example("odd")
@example(NASTY * 2000)
def test_notes_come_back(tmp_path_factory: pytest.TempPathFactory, format: str, note: str) -> None:
    check(note, format, STILL, tmp_path_factory.mktemp("notes"))


@pytest.mark.parametrize("format", FORMATS)
def test_moving_pictures_carry_notes_too(format: str, tmp_path: Path, decode: Any) -> None:
    note = json.dumps({"prompt": "a girl; 'hair' = \"red\"\n漢字 😀 \\ #1"}, ensure_ascii=False)
    check(note, format, MOVING, tmp_path)
    silent = write(MOVING, tmp_path / f"silent.{format}")
    noted = write(MOVING, tmp_path / f"noted.{format}", note=note)
    assert np.array_equal(decode(noted), decode(silent))


@given(st.text(st.characters()))
def test_what_is_storable_means_the_same_as_json(text: str) -> None:
    note = json.dumps({"prompt": text}, ensure_ascii=False)
    assert json.loads(storable(note)) == {"prompt": text}
    assert storable(storable(note)) == storable(note)


def test_a_plain_note_is_the_usual_tag(tmp_path: Path) -> None:
    """Other programs find it where they look for comments."""
    for format in ("png", "gif"):
        path = write(STILL, tmp_path / f"clip.{format}", note="hello")
        with Image.open(path / "00000.png" if path.is_dir() else path) as picture:
            assert picture.info.get("Comment", picture.info.get("comment")) in ("hello", b"hello")
    with Image.open(write(STILL, tmp_path / "clip.webp", note="hello")) as picture:
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
    assert comment == b"UNICODE\0" + "hello".encode("utf-16-be")


def test_the_comment_of_a_chapter_is_not_the_note(tmp_path: Path) -> None:
    metadata = tmp_path / "n.txt"
    metadata.write_bytes(
        ffmetadata("x").replace(b"comment=x", b"title=a\\\ncomment\\=no\n[CHAPTER]\nSTART=0\nEND=9")
        + b"\ncomment=chapter\n"
    )
    command = [str(find()), "-loglevel", "error", "-f", "lavfi", "-i", "color=s=16x16:d=1:r=8"]
    path = tmp_path / "clip.webm"
    subprocess.run(
        [*command, "-f", "ffmetadata", "-i", named(metadata), "-map_metadata", "1", named(path)],
        check=True,
    )
    with pytest.raises(BadFile, match="carries no note"):
        read_note(path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_without_a_note_says_so(format: str, tmp_path: Path) -> None:
    path = write(STILL, tmp_path / f"clip.{format}")
    with pytest.raises(BadFile, match=r"carries no note.*this program wrote") as refused:
        read_note(path)
    assert refused.value.exit_code == 2


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a film")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "-i.mp4").write_bytes(bytes(100))
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    for name in ("text.mp4", "empty.mp4", "-i.mp4", "cut.png", "none.mp4", "a\0b.mp4"):
        with pytest.raises(BadFile, match=r"\.mp4|\.png"):
            read_note(tmp_path / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadFile, match=r"no \.png files"):
        read_note(tmp_path / "folder")


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files_give_a_note_or_our_error(format: str, tmp_path: Path) -> None:
    path = write(MOVING, tmp_path / f"clip.{format}", note="n" * 400)
    whole = (path / "00000.png" if path.is_dir() else path).read_bytes()
    damaged = tmp_path / f"damaged.{format}"
    rng = random.Random(format)
    for _ in range(12):
        length = rng.randrange(1, len(whole)) if rng.random() < 0.4 else len(whole)
        content = bytearray(whole[:length])
        for _ in range(rng.randrange(1, 20)):
            content[rng.randrange(min(length, 800))] = rng.randrange(256)
        damaged.write_bytes(content)
        try:
            assert isinstance(read_note(damaged), str)
        except BadFile as error:
            assert str(damaged) in str(error)
