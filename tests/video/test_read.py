"""Films come back frame by frame: out of every format that we write, and out of damaged files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.video import decode
from easyphoto_video.video.ffmpeg import named
from easyphoto_video.video.read import open_video
from tests.clips import Clip, write
from tests.video.conftest import Smooth, ffmpeg

COUNT, WIDTH, HEIGHT = 70, 64, 48


@pytest.fixture(scope="module")
def frames(smooth: Smooth) -> Frames:
    return smooth(COUNT, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def film(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = Clip(frames=frames, fps=Fraction(30000, 1001))
    return write(clip, tmp_path_factory.mktemp("film") / "film.mp4")


def psnr(one: Frames, other: Frames) -> float:
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize(
    ("name", "least"),
    [("a.mp4", 38), ("a.webm", 35), ("a.gif", 24), ("a.webp", 33), ("a.png", 90)],
)
def test_what_we_write_comes_back(name: str, least: float, frames: Frames, tmp_path: Path) -> None:
    clip = Clip(frames=frames[:12], fps=Fraction(10))
    video = open_video(write(clip, tmp_path / name))
    assert (video.width, video.height, video.count) == (WIDTH, HEIGHT, 12)
    assert video.fps == (None if name == "a.png" else 10)
    assert not video.has_sound
    back = np.stack(list(video.frames()))
    assert back.shape == clip.frames.shape and back.dtype == np.uint8
    assert psnr(back, clip.frames) > least
    part = list(video.frames(5, 8))
    assert np.array_equal(part, back[5:8])


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize(
    "fps", [Fraction(8), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]
)
def test_the_rate_is_exact(suffix: str, fps: Fraction, frames: Frames, tmp_path: Path) -> None:
    """Also where the file holds whole milliseconds."""
    path = write(Clip(frames=frames[:30], fps=fps), tmp_path / f"a{suffix}")
    assert open_video(path).fps == fps


@pytest.mark.parametrize("start", [0, 1, 47, 48, 49, 69, 70, 99])
def test_any_span_is_the_same_frames(start: int, film: Path) -> None:
    """Whether we read up to the start or jump there."""
    video = open_video(film)
    whole = np.stack(list(video.frames()))
    for stop in (None, start, start + 1, start + 9):
        span = list(video.frames(start, stop))
        assert np.array_equal(np.array(span).reshape(-1, HEIGHT, WIDTH, 3), whole[start:stop]), stop


def test_frames_run_from_nought_on(film: Path) -> None:
    with pytest.raises(ValueError, match="-1"):
        next(open_video(film).frames(-1))


def test_flat_colours_come_back(tmp_path: Path) -> None:
    colours = np.array([[200, 30, 40], [20, 180, 90], [30, 60, 220], [128, 128, 128]], np.uint8)
    flat = np.broadcast_to(colours[:, None, None], (4, 64, 64, 3)).copy()
    path = write(Clip(frames=flat, fps=Fraction(4)), tmp_path / "a.mp4")
    back = np.stack(list(open_video(path).frames()))
    assert np.abs(back.astype(int) - flat).max() <= 2


def test_closing_ends_the_program(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    popen = subprocess.Popen

    def record(*arguments: Any, **options: Any) -> Any:
        started.append(popen(*arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    video = open_video(film)
    monkeypatch.setattr(decode.subprocess, "Popen", record)
    iterator = video.frames()
    next(iterator)
    assert started[0].poll() is None
    iterator.close()
    assert started[0].returncode is not None


def test_a_turned_film_is_read_upright(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", named(film), "-c", "copy", named(path))
    video = open_video(path)
    assert (video.width, video.height) == (HEIGHT, WIDTH)
    upright = np.stack(list(islice(open_video(film).frames(), 3)))
    turned = np.stack(list(islice(video.frames(), 3)))
    assert psnr(np.rot90(upright, axes=(1, 2)), turned) > 40


def test_sound_is_told(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "loud.mkv"
    ffmpeg("-i", named(film), "-f", "lavfi", "-i", "sine=duration=1", "-c:v", "copy", named(path))
    assert open_video(path).has_sound
    assert open_video(path).count == COUNT


def test_a_still_is_one_frame_upright(frames: Frames, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    Image.fromarray(frames[0]).save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    video = open_video(tmp_path / "a.jpg")
    assert (video.count, video.fps) == (1, None)
    assert (video.width, video.height) == (HEIGHT, WIDTH)
    (still,) = video.frames()
    assert psnr(still, np.rot90(frames[0], -1)) > 30


def test_frames_that_last_differently_have_a_mean_rate(frames: Frames, tmp_path: Path) -> None:
    pages = [Image.fromarray(frame) for frame in frames[:4]]
    path = tmp_path / "a.gif"
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=[100, 100, 100, 500])
    assert open_video(path).fps == 5


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "a.gif", "a.webp", "a.png", "a.jpg"])
def test_a_damaged_file_is_refused(name: str, frames: Frames, tmp_path: Path) -> None:
    """Its head is whole, so that it is taken for what it was."""
    path = tmp_path / name
    if name.startswith("film"):
        write(Clip(frames=frames[:4], fps=Fraction(4)), path)
    else:
        Image.fromarray(frames[0]).save(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(BadFile, match=r"(?s)cannot be read \(|damaged.*Give a video"):
        open_video(path)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animation_cut_off_anywhere_is_refused_or_read(suffix: str, tmp_path: Path) -> None:
    pages = [Image.new("RGB", (8, 8), (40 * n, 90, 0)) for n in range(3)]
    whole, path = tmp_path / f"whole{suffix}", tmp_path / f"a{suffix}"
    pages[0].save(whole, save_all=True, append_images=pages[1:], duration=100)
    data, outcomes = whole.read_bytes(), set[str]()
    for size in range(12, len(data) + 1):
        path.write_bytes(data[:size])
        try:
            outcomes.add(f"{len(list(open_video(path).frames()))} frames")
        except BadFile:
            outcomes.add("refused")
    assert {"refused", "3 frames"} <= outcomes


def test_a_film_cut_off_gives_what_is_left(frames: Frames, tmp_path: Path) -> None:
    path = write(Clip(frames=frames, fps=Fraction(25)), tmp_path / "a.webm")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    video = open_video(path)
    assert 10 < len(list(video.frames())) <= video.count < COUNT


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "no .png files"),
        (lambda path: path.write_text("a page of text"), "no video that can be read"),
        (lambda path: path.write_bytes(b""), "no video that can be read"),
    ],
)
def test_what_is_no_film_is_refused(
    make: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    make(tmp_path / "a.mp4")
    with pytest.raises(BadFile, match=words):
        open_video(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "list_of"),
    [
        ("a.mp4", "ffconcat version 1.0\nfile film.mp4\n"),
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfilm.mp4\n#EXT-X-ENDLIST\n"),
    ],
)
def test_a_playlist_leads_to_no_other_file(
    name: str, list_of: str, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "film.mp4").write_bytes(film.read_bytes())
    (tmp_path / name).write_text(list_of)
    assert open_video(tmp_path / "film.mp4").count == COUNT
    with pytest.raises(BadFile, match="not on whitelist"):
        open_video(tmp_path / name)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", named(path))
    with pytest.raises(BadFile, match="no video that can be read"):
        open_video(path)


def test_pictures_of_two_sizes_are_no_film(frames: Frames, tmp_path: Path) -> None:
    Image.fromarray(frames[0]).save(tmp_path / "0.png")
    Image.fromarray(frames[0, :20]).save(tmp_path / "1.png")
    with pytest.raises(BadFile, match=r"1\.png: it has another size than 0\.png"):
        list(open_video(tmp_path).frames())
