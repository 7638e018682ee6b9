"""The sound of a cut is the source's, packet for packet and in step; run backward, it is turned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from easyphoto_video.video.cut import Cut, cut_of
from easyphoto_video.video.ffmpeg import look, named
from easyphoto_video.video.film import Extras
from easyphoto_video.video.note import read_note
from easyphoto_video.video.order import length, spans
from easyphoto_video.video.read import open_video
from easyphoto_video.video.write import Writer
from tests.video.conftest import barcodes, ffmpeg, filmed, number_of

MEDIA = Path(__file__).parents[3] / "shared" / "media"
CLICK = Fraction(4, 5)
"""Seconds at which the source clicks, besides a tone that rises."""
SWEEP = f"aevalsrc='0.2*sin(2*PI*(200+300*t)*t)+0.7*between(t,{float(CLICK)},{float(CLICK)}+0.01)'"
TONE = ("-f", "lavfi", "-i", f"{SWEEP}:s=44100:d=2.3")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-bf", "2", "-pix_fmt", "yuv420p")
VP8 = ("-c:v", "libvpx", "-b:v", "1M", "-g", "20")
SOURCES = {
    "aac.mp4": (*TONE, *X264, "-c:a", "aac"),
    "aac.mkv": (*TONE, *X264, "-c:a", "aac"),
    "mp3.mp4": (*TONE, *X264, "-c:a", "libmp3lame"),
    "opus.webm": (*TONE, *VP8, "-c:a", "libopus"),
    "vorbis.webm": (*TONE, *VP8, "-c:a", "libvorbis"),
    "late.mp4": ("-itsoffset", "0.3", *TONE, *X264, "-c:a", "aac"),
    "short.mp4": (*TONE, *X264, "-c:a", "aac", "-filter:a", "atrim=end=1.2"),
}

NOTE = "kept; as it was"


@dataclass(frozen=True)
class Packet:
    """When it is heard, in seconds from the first picture, and what is in it."""

    at: float
    content: str


def packets(path: Path) -> list[Packet]:
    arguments = ("-map", "0:v:0", "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "-")
    lines = look(path, *arguments).stdout.decode().splitlines()
    ticks = {line[4]: Fraction(line.split()[-1]) for line in lines if line.startswith("#tb")}
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line[0] != "#"]
    begin = min(int(row[2]) for row in rows if row[0] == "0") * ticks["0"]
    return [
        Packet(float(int(row[2]) * ticks["1"] - begin), f"{row[4]} {row[5]}")
        for row in rows
        if row[0] == "1"
    ]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    frames = barcodes(50)
    return {name: filmed(folder / name, frames, "25", *how) for name, how in SOURCES.items()}


def copied(cut: Cut, path: Path, order: str = "forward") -> Path:
    """A cut's frames in an order, and its sound with them."""
    assert cut.sound is not None
    extras = Extras(sound=replace(cut.sound, order=order))
    frames = np.stack(list(cut.frames()))
    with Writer(
        path, width=cut.width, height=cut.height, fps=cut.fps, note=NOTE, extras=extras
    ) as out:
        for span in spans(cut.count, order):
            out.add(frames[list(span)])
    return out.path


@pytest.mark.parametrize("name", SOURCES)
def test_the_whole_sound_is_the_same_packets(
    name: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    format = "webm" if name.endswith("webm") else "mp4"
    cut = cut_of(open_video(sources[name]))
    was, now = packets(sources[name]), packets(copied(cut, tmp_path / f"a.{format}"))
    assert cut.sound is not None
    whole = [packet for packet in was if packet.at < cut.seconds + cut.sound.spare]
    assert [each.content for each in now] == [each.content for each in whole]
    shift = [after.at - before.at for after, before in zip(now, whole, strict=True)]
    assert np.abs(shift).max() <= 0.002


@pytest.mark.parametrize("start", [0.04, 0.777])
@pytest.mark.parametrize("name", SOURCES)
def test_a_cut_keeps_its_packets_in_step(
    name: str, start: float, sources: dict[str, Path], tmp_path: Path
) -> None:
    format = "webm" if name.endswith("webm") else "mp4"
    cut = cut_of(open_video(sources[name]), start=start, end=1.9)
    was, now = packets(sources[name]), packets(copied(cut, tmp_path / f"a.{format}"))
    first = next(i for i, packet in enumerate(was) if packet.content == now[0].content)
    run = was[first : first + len(now)]
    assert [each.content for each in now] == [each.content for each in run]
    shift = [after.at + start - before.at for after, before in zip(now, run, strict=True)]
    assert np.abs(shift).max() <= 0.003
    heard = now[0].at - float(cut.sound_start)
    assert -0.1 <= heard <= 0.03
    ends = float(cut.sound_start + cut.sound_seconds)
    assert ends - 0.06 <= now[-1].at <= ends


@pytest.mark.parametrize("fps", ["8", "12", "24000/1001", "25", "30000/1001", "30", "60"])
def test_a_real_films_sound_is_the_same_at_another_rate(fps: str, tmp_path: Path) -> None:
    path = MEDIA / "d3.mp4"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    was = [packet.content for packet in packets(path)]
    cut = cut_of(open_video(path), fps=Fraction(fps))
    frame = np.zeros((1, 64, 64, 3), np.uint8)
    extras = Extras(sound=cut.sound)
    with Writer(tmp_path / "a.mp4", width=64, height=64, fps=cut.fps, extras=extras) as out:
        for _ in range(cut.count):
            out.add(frame)
    assert [packet.content for packet in packets(out.path)] == was


def heard(path: Path) -> npt.NDArray[np.float32]:
    """(n,) mono samples at 8 kHz, from the first picture on."""
    arguments = ("-map", "0:a:0", "-af", "aresample=async=1:first_pts=0", "-ar", "8000")
    raw = ffmpeg("-i", named(path), *arguments, "-ac", "1", "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32)


def clicks(samples: npt.NDArray[np.float32]) -> list[float]:
    """Seconds at which it is loudest, each counted once."""
    loud = np.flatnonzero(np.abs(samples) > 0.6 * np.abs(samples).max()) / 8000
    return [at for at, before in zip(loud, [-1, *loud[:-1]], strict=True) if at - before > 0.1]


@pytest.mark.parametrize("format", ["mp4", "webm"])
@pytest.mark.parametrize("name", ["opus.webm", "late.mp4", "short.mp4"])
def test_sound_runs_as_the_frames_do(
    name: str, format: str, sources: dict[str, Path], tmp_path: Path
) -> None:
    cut = cut_of(open_video(sources[name]), start=0.4)
    click = float(CLICK) - 0.4 + (0.3 if name == "late.mp4" else 0)
    end = float(cut.seconds)
    wanted = {"reverse": [end - click], "ping-pong": [click, 2 * end - click - 0.04]}
    for order, times in wanted.items():
        path = copied(cut, tmp_path / f"{order}.{format}", order)
        assert clicks(heard(path)) == pytest.approx(times, abs=0.02)
        seconds = length(cut.count, order) / float(cut.fps)
        assert len(heard(path)) / 8000 == pytest.approx(seconds, abs=0.08)
        video = open_video(path)
        numbers = [number_of(frame) for frame in video.frames()]
        assert numbers == [cut.number(k) for k in chain(*spans(cut.count, order))]


def test_nothing_is_left_of_the_work(sources: dict[str, Path], tmp_path: Path) -> None:
    """And the note is there."""
    copied(cut_of(open_video(sources["aac.mp4"])), tmp_path / "a.mp4", "reverse")
    assert read_note(tmp_path / "a.mp4") == NOTE
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
