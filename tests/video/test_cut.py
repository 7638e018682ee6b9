"""A cut shows what was on screen, lasts as long as it should, and brings its sound in step."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.video import decode, probe
from easyphoto_video.video.cut import Cut, cut_of
from easyphoto_video.video.ffmpeg import named
from easyphoto_video.video.read import open_video
from tests.video.conftest import barcodes, ffmpeg, filmed, number_of

MEDIA = Path(__file__).parents[3] / "shared" / "media"
RATES = [Fraction(rate) for rate in (8, 12, 25, 30, 60)]
RATES += [Fraction(24000, 1001), Fraction(30000, 1001)]
COUNT = 60
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-crf", "10")
TONE = ("-f", "lavfi", "-i", "sine=duration=3")
UNEVEN = ("-vf", "select='not(eq(mod(n,7),3)+eq(mod(n,7),4))'", "-fps_mode", "passthrough")
"""Without frames 3, 4, 10, 11 and so on, whose time the frames before them keep."""

Make = Callable[[Path], Path]


def of(name: str, fps: str, *arguments: str, width: int = 64, height: int = 48) -> Make:
    return lambda folder: filmed(folder / name, barcodes(COUNT, width, height), fps, *arguments)


FILMS: dict[str, Make] = {
    "plain": of("a.mp4", "30", *X264),
    "ntsc": of("a.mp4", "24000/1001", *X264),
    "b-frames": of("a.mp4", "30", *X264, "-bf", "3", "-b_strategy", "0", "-g", "20"),
    "odd size": of("a.mkv", "25", *X264, "-pix_fmt", "yuv444p", width=65, height=47),
    "10 bit": of("a.mp4", "25", *X264, "-pix_fmt", "yuv420p10le", "-profile:v", "high10"),
    "unicode": of("ein Film: 映画 & 'a'.mp4", "30", *X264),
    "milliseconds": of("a.webm", "30000/1001", "-c:v", "libvpx", "-b:v", "1M"),
    "avi": of("a.avi", "30", "-c:v", "mpeg4", "-bf", "2", "-q:v", "2"),
    "raw": of("a.h264", "30", *X264, "-bf", "2", "-b_strategy", "0"),
    "uneven": of("a.mp4", "30", *X264, *UNEVEN),
    "uneven milliseconds": of("a.mkv", "30", *X264, *UNEVEN),
    "gif": of("a.gif", "25"),
    "late sound": of("a.mp4", "30", "-itsoffset", "0.7", *TONE, *X264, "-c:a", "aac", "-t", "2"),
    "early sound": of("a.mkv", "30", *TONE, *X264, "-c:a", "aac", "-vf", "setpts=PTS+0.4/TB"),
}


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp("films")) for name, make in FILMS.items()}


def moments(name: str) -> tuple[list[int], Fraction]:
    """The numbers of the frames in a film of FILMS, and how many could be shown in a second."""
    rate = {"ntsc": "24000/1001", "milliseconds": "30000/1001"}.get(name, "30")
    rate = "25" if name in {"odd size", "10 bit", "gif"} else rate
    dropped = (3, 4) if name.startswith("uneven") else ()
    return [frame for frame in range(COUNT) if frame % 7 not in dropped], Fraction(rate)


def on_screen(name: str, start: float, count: int, fps: Fraction) -> list[int]:
    """The numbers that `count` frames from a start on should show."""
    kept, rate = moments(name)
    first = Fraction(start) + Fraction(1, 10**6)
    times = [int((first + frame / fps) * rate) for frame in range(count)]
    return [max(frame for frame in kept if frame <= at) for at in times]


@pytest.mark.parametrize("name", FILMS)
def test_each_frame_is_the_one_on_screen(name: str, films: dict[str, Path]) -> None:
    """For every rate, from the begin and from a moment within, read whole and in spans."""
    kept, rate = moments(name)
    video = open_video(films[name])
    for fps, (start, end) in product((None, *RATES), ((0, None), (0.5, 1.75))):
        cut = cut_of(video, start=start, end=end, fps=fps)
        length = Fraction(end or (kept[-1] + 1) / rate) - Fraction(start)
        assert abs(cut.count / cut.fps - length) <= 1 / cut.fps / 2
        found = [kept[cut.number(frame)] for frame in range(cut.count)]
        assert found == on_screen(name, start, cut.count, cut.fps), (fps, start)
    cut = cut_of(video, start=0.5, end=1.75, fps=Fraction(24000, 1001))
    wanted = on_screen(name, 0.5, 30, cut.fps)
    assert [number_of(frame) for frame in cut.frames()] == wanted
    assert [number_of(frame) for frame in cut.frames(9, 20)] == wanted[9:20]


@pytest.mark.parametrize("name", FILMS)
def test_a_jump_lands_on_its_frame(
    name: str, films: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "FAR", 8)
    kept, _ = moments(name)
    video = open_video(films[name])
    for start in (8, 29, len(kept) - 1):
        found = [number_of(frame) for frame in video.frames(start, start + 2)]
        assert found == kept[start : start + 2]


@pytest.mark.parametrize("name", ["plain", "b-frames", "odd size", "avi", "gif", "uneven"])
def test_its_own_rate_gives_every_frame_once(name: str, films: dict[str, Path]) -> None:
    video = open_video(films[name])
    cut = cut_of(video)
    assert cut.fps == video.fps
    assert cut.count == video.count
    if not name.startswith("uneven"):
        assert [cut.number(k) for k in range(cut.count)] == list(range(video.count))
        assert np.array_equal(list(cut.frames()), list(video.frames()))


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_a_real_film_lasts_as_long_at_any_rate(fps: Fraction) -> None:
    path = MEDIA / "d3.mp4"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    cut = cut_of(open_video(path), fps=fps)
    assert abs(cut.seconds - Fraction(354, 30)) <= 1 / fps
    assert [cut.number(k) for k in range(cut.count)] == [
        min(int(k * 30 / fps), 353) for k in range(cut.count)
    ]
    end = list(cut.frames(cut.count - 3))
    numbers = [cut.number(k) for k in range(cut.count - 3, cut.count)]
    source = list(cut.video.frames(numbers[0]))
    assert np.array_equal(end, [source[number - numbers[0]] for number in numbers])


def test_a_turned_film_is_cut_upright(films: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", named(films["plain"]), "-c", "copy", named(path))
    cut = cut_of(open_video(path), start=1, fps=Fraction(8))
    assert (cut.width, cut.height) == (48, 64)
    assert [number_of(np.rot90(frame, -1)) for frame in islice(cut.frames(), 3)] == [30, 33, 37]


@pytest.mark.parametrize(("shape", "width"), [("4/3", 85), ("1/2", 32), ("1/1", 64)])
def test_pixels_become_square(shape: str, width: int, tmp_path: Path) -> None:
    square = ("-vf", f"setsar={shape}")
    video = open_video(filmed(tmp_path / "a.mp4", barcodes(9), "9", *X264, *square))
    assert (video.width, video.height) == (width, 48)
    assert [number_of(frame) for frame in video.frames()] == list(range(9))


def test_what_an_edit_list_hides_is_not_there(films: dict[str, Path], tmp_path: Path) -> None:
    """A cut without encoding begins at a key frame, and tells players to begin later."""
    path = tmp_path / "part.mp4"
    ffmpeg("-ss", "0.9", "-i", named(films["b-frames"]), "-c", "copy", named(path))
    cut = cut_of(open_video(path))
    assert [number_of(frame) for frame in cut.frames()] == list(range(27, COUNT))


@pytest.mark.parametrize(
    ("name", "start", "begins", "lasts"),
    [
        ("late sound", 0, 0.7, 1.3),
        ("late sound", 0.5, 0.2, 1.3),
        ("late sound", 1.2, 0, 0.8),
        ("early sound", 0, 0, 2),
        ("early sound", 1.5, 0, 0.5),
        ("plain", 0, 0, 0),
    ],
)
def test_sound_is_in_step(
    name: str, start: float, begins: float, lasts: float, films: dict[str, Path]
) -> None:
    cut = cut_of(open_video(films[name]), start=start)
    assert float(cut.sound_start) == pytest.approx(begins, abs=0.05)
    assert float(cut.sound_seconds) == pytest.approx(lasts, abs=0.05)
    assert cut.has_sound == (lasts > 0) == (cut.sound is not None)


def test_sound_that_is_over_is_none(films: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "short.mkv"
    short = ("-f", "lavfi", "-i", "sine=duration=0.5", "-c:v", "copy")
    ffmpeg("-i", named(films["plain"]), *short, named(path))
    video = open_video(path)
    assert cut_of(video, end=1).has_sound
    assert cut_of(video, start=1).sound is None


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (2, None, "Start time: 2 lies outside the film: the film is 2.000 s long. Give a time"),
        (-1, None, "Start time: -1 lies outside"),
        (float("nan"), None, "Start time: nan is no time. Give seconds"),
        (float("inf"), None, "Start time: inf is no time"),
        (1, 1, "End time: 1 is not after the start at 1 s. Give a time after 1"),
        (1, 0.5, "End time: 0.5 is not after the start"),
        (0, 2.1, "End time: 2.1 lies beyond the film: the film is 2.000 s long. Give at most 2.0"),
    ],
)
def test_times_outside_the_film_are_refused(
    start: float, end: float | None, words: str, films: dict[str, Path]
) -> None:
    with pytest.raises(BadRequest, match=words):
        cut_of(open_video(films["plain"]), start=start, end=end)


def test_a_short_stretch_is_one_frame_and_a_limit_holds(films: dict[str, Path]) -> None:
    video = open_video(films["plain"])
    assert cut_of(video, start=1, end=1.001, fps=Fraction(8)).count == 1
    assert cut_of(video, frames=7).count == 7
    assert cut_of(video, frames=700).count == COUNT
    assert cut_of(video, end=2.004).count == COUNT


@pytest.mark.parametrize("span", [(-1, 2), (3, 2), (0, 61)])
def test_frames_outside_the_cut(span: tuple[int, int], films: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="frames run from 0 to 60"):
        next(cut_of(open_video(films["plain"])).frames(*span))


def test_a_film_that_breaks_off_holds_its_last_frame(
    films: dict[str, Path], tmp_path: Path
) -> None:
    whole = films["milliseconds"].read_bytes()
    path = tmp_path / "broken.webm"
    path.write_bytes(whole)
    cut = cut_of(open_video(path))
    path.write_bytes(whole[: len(whole) // 2])
    numbers = [number_of(frame) for frame in cut.frames()]
    assert len(numbers) == COUNT
    last = max(numbers)
    assert 5 < last < 50
    assert numbers == [min(frame, last) for frame in range(COUNT)]


def test_a_film_that_is_gone_is_refused(films: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(films["plain"].read_bytes())
    cut = cut_of(open_video(path))
    path.unlink()
    with pytest.raises(BadFile, match="No such file"):
        next(cut.frames())


def test_closing_ends_the_program(films: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def record(*arguments: Any, **options: Any) -> Any:
        started.append(popen(*arguments, **options))  # type: ignore[arg-type]
        return started[-1]

    cut = cut_of(open_video(films["plain"]), fps=Fraction(8))
    monkeypatch.setattr(decode.subprocess, "Popen", record)
    frames = cut.frames()
    next(frames)
    frames.close()
    assert [process.returncode is not None for process in started] == [True]


ALPHA = {
    "a.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "b.webm": ("-c:v", "libvpx", "-auto-alt-ref", "0"),
    "a.mov": ("-c:v", "prores_ks", "-profile:v", "4444"),
    "b.mov": ("-c:v", "qtrle"),
    "a.png": ("-frames:v", "1"),
    "a.gif": ("-frames:v", "1"),
    "a.apng": (),
}


@pytest.mark.parametrize("name", ALPHA)
def test_what_is_transparent_is_white(name: str, tmp_path: Path) -> None:
    """Green lies hidden below the left half, and is shown on the right."""
    seen = "color=c=0x20c040:s=64x48:r=10:d=0.4,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)'"
    hidden = f"{seen}:a='255*gte(X,32)'"
    path = tmp_path / name
    formats = {"a.webm": "yuva420p", "b.webm": "yuva420p", "a.mov": "yuva444p10le", "b.mov": "argb"}
    pixels = ("-pix_fmt", formats[name]) if name in formats else ()
    if name == "a.gif":
        hidden += ",split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"
    ffmpeg("-f", "lavfi", "-i", hidden, *ALPHA[name], *pixels, named(path))
    video = open_video(path)
    for frame in video.frames():
        assert np.abs(frame[:, :28].astype(int) - 255).max() <= 4
        assert np.abs(frame[:, 36:].astype(int) - (32, 192, 64)).max() <= 12
    assert next(video.layers()).shape == (48, 64, 4)


def hdr(path: Path, transfer: str) -> Path:
    tags = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:log-level=none"
    # Without a seed it is all black now and then.
    line = "x0=0:y0=24:x1=64:y1=24:speed=0.00001:seed=1"
    ramp = f"gradients=s=64x48:r=10:d=0.3:c0=black:c1=white:{line}"
    ffmpeg(
        *("-f", "lavfi", "-i", ramp, "-pix_fmt", "yuv420p10le"),
        *("-c:v", "libx265", "-x265-params", tags, named(path)),
    )
    return path


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_mapped(transfer: str, tmp_path: Path) -> None:
    """Grey stays grey, brighter stays brighter, and what is far brighter than white is not cut."""
    video = open_video(hdr(tmp_path / "a.mp4", transfer))
    row = next(video.frames())[24].astype(int)
    assert np.ptp(row, axis=1).max() <= 6
    assert (np.diff(row.mean(-1)) >= -3).all()
    assert row[0].max() < 20
    assert row[-2].min() > 225


def test_hdr_that_cannot_be_mapped_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hdr(tmp_path / "a.mp4", "smpte2084")
    monkeypatch.setattr(probe, "_filters", lambda: frozenset({"scale"}))
    with pytest.raises(BadFile, match=r"HDR \(smpte2084\).*no zscale.*Convert it.*ffmpeg -i INPUT"):
        open_video(path)


def test_pictures_in_a_folder_are_a_film_at_the_rate_that_is_asked(tmp_path: Path) -> None:
    filmed(tmp_path / "%02d.png", barcodes(10), "10")
    video = open_video(tmp_path)
    with pytest.raises(BadRequest, match=r"Frames per second: 0 is not.*Give the rate"):
        cut_of(video)
    cut = cut_of(video, start=0.5, fps=Fraction(4))
    assert [number_of(frame) for frame in cut.frames()] == list(range(2, 10))


def test_a_still_is_a_film_of_one_frame(tmp_path: Path) -> None:
    path = filmed(tmp_path / "a.png", barcodes(6)[5:], "1")
    cut: Cut = cut_of(open_video(path))
    assert [number_of(frame) for frame in cut.frames()] == [5]
