"""Sound: copied when the container takes it, encoded when not, never longer than the film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from easyphoto_video.errors import BadFile
from easyphoto_video.video.ffmpeg import look, named, run
from easyphoto_video.video.note import read_note
from easyphoto_video.video.sound import sound_codec
from tests.clips import Clip, write

TONES = {
    "aac": ("tone.m4a", "aac"),
    "mp3": ("tone.mp3", "libmp3lame"),
    "opus": ("tone.ogg", "libopus"),
    "vorbis": ("vorbis.ogg", "libvorbis"),
    "pcm_s16le": ("tone.wav", "pcm_s16le"),
    "flac": ("tone.flac", "flac"),
}
COPIED = {"mp4": {"aac", "mp3", "opus", "flac"}, "webm": {"opus", "vorbis"}}
INSTEAD = {"mp4": "aac", "webm": "opus"}


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three seconds of a tone by the name of their codec."""
    folder = tmp_path_factory.mktemp("tones")
    source = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=3")
    for name, encoder in TONES.values():
        run([*source, "-c:a", encoder, named(folder / name)])
    return {codec: folder / name for codec, (name, _) in TONES.items()}


def packets(path: Path) -> list[tuple[int, str]]:
    """Size and checksum of every packet of the first sound track."""
    listed = look(path, "-map", "0:a:0", "-c", "copy", "-f", "framecrc", "-").stdout.decode()
    rows = [line.split(",") for line in listed.splitlines() if not line.startswith("#")]
    return [(int(row[4]), row[5].strip()) for row in rows]


def seconds(path: Path, stream: str) -> float:
    listed = look(path, "-map", stream, "-c", "copy", "-f", "framecrc", "-").stdout.decode()
    lines = listed.splitlines()
    base = Fraction(next(line for line in lines if line.startswith("#tb 0")).split()[-1])
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    return float(base * max(int(row[2]) + int(row[3]) for row in rows))


@pytest.mark.parametrize("format", ["mp4", "webm"])
@pytest.mark.parametrize("codec", TONES)
def test_sound_goes_along(
    codec: str, format: str, tones: dict[str, Path], tmp_path: Path, smooth: Any, times: Any
) -> None:
    frames, fps = smooth(25, 32, 32), Fraction(25, 2)
    clip = Clip(frames=frames, fps=fps, sound=tones[codec])
    path = write(clip, tmp_path / f"clip.{format}", note="kept; as it was\n")
    copied = codec in COPIED[format]
    assert sound_codec(path) == (codec if copied else INSTEAD[format])
    if copied:
        was, now = packets(tones[codec]), packets(path)
        assert now == was[: len(now)]
    assert seconds(path, "0:a:0") == pytest.approx(2.0, abs=0.08)
    assert len(times(path)) == 26
    if format == "mp4":
        assert times(path) == [frame / fps for frame in range(26)]
    assert read_note(path) == "kept; as it was\n"


def test_short_sound_ends_before_the_film(
    tones: dict[str, Path], tmp_path: Path, smooth: Any, times: Any
) -> None:
    fps = Fraction(5)
    clip = Clip(frames=smooth(25, 32, 32), fps=fps, sound=tones["aac"])
    path = write(clip, tmp_path / "clip.mp4")
    assert packets(path) == packets(tones["aac"])
    assert times(path)[-1] == 5
    assert seconds(path, "0:a:0") == pytest.approx(3.0, abs=0.05)


def test_silent_formats_leave_it_out(tones: dict[str, Path], tmp_path: Path, smooth: Any) -> None:
    clip = Clip(frames=smooth(2, 32, 32), fps=Fraction(8), sound=tones["aac"])
    for format in ("gif", "webp", "png"):
        write(clip, tmp_path / f"clip.{format}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip", "clip.gif", "clip.webp"]


def test_a_file_without_sound_is_refused_before_any_work(tmp_path: Path, smooth: Any) -> None:
    mute = write(
        Clip(frames=smooth(2, 32, 32), fps=Fraction(8)),
        tmp_path / "mute.mp4",
        note="\n  Stream #0:1: Audio: aac\n  Stream #0:2(und): Audio: aac",
    )
    told: list[float] = []
    for sound in (mute, tmp_path / "none.wav"):
        clip = Clip(frames=smooth(2, 32, 32), fps=Fraction(8), sound=sound)
        with pytest.raises(BadFile, match=r"no sound track.*leave the sound out"):
            write(clip, tmp_path / "clip.mp4", watch=lambda stage, at: told.append(at))
    assert told == []
    assert [path.name for path in tmp_path.iterdir()] == ["mute.mp4"]
