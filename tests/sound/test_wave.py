"""Any file's sound: right samples, right length, and files that have none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video.errors import BadFile, Stopped
from easyphoto_video.sound.wave import RATE, read_wave
from easyphoto_video.video.ffmpeg import named, run


def made(path: Path, source: str, *encoding: str) -> Path:
    run(["-f", "lavfi", "-i", source, *encoding, named(path)])
    return path


def test_a_tone_comes_as_it_is(tmp_path: Path) -> None:
    source = f"sine=frequency=440:sample_rate={RATE}:duration=2"
    wave = read_wave(made(tmp_path / "tone.wav", source))
    assert wave.dtype == np.float32
    assert wave.shape == (2 * RATE,)
    exact = np.sin(2 * math.pi * 440 * np.arange(2 * RATE) / RATE) / 8  # lavfi's amplitude
    assert np.abs(wave - exact).max() < 2e-4


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("a.m4a", ("-c:a", "aac")), ("a.mp3", ()), ("a.ogg", ()), ("a.flac", ()), ("a.mov", ())],
)
def test_any_format_channels_and_rate(name: str, encoding: tuple[str, ...], tmp_path: Path) -> None:
    source = "sine=frequency=300:sample_rate=44100:duration=1,aformat=channel_layouts=stereo"
    wave = read_wave(made(tmp_path / name, source, *encoding))
    assert abs(len(wave) / RATE - 1) < 0.1
    spectrum = np.abs(np.fft.rfft(wave[2000:14000]))
    assert abs(np.argmax(spectrum) * RATE / 12000 - 300) < 3


def test_only_the_first_seconds_are_read(tmp_path: Path) -> None:
    path = made(tmp_path / "tone.wav", "sine=duration=3")
    whole = read_wave(path)
    part = read_wave(path, seconds=1.25)
    assert len(part) == RATE * 5 // 4
    assert np.array_equal(part[:-50], whole[: len(part) - 50])


def test_a_film_gives_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    run(["-f", "lavfi", "-i", "color=size=32x32:duration=1", "-f", "lavfi", "-i",
         "sine=duration=1", "-shortest", named(path)])  # fmt: skip
    assert len(read_wave(path)) > 0.9 * RATE


def test_files_without_sound_say_so(tmp_path: Path) -> None:
    silent = made(tmp_path / "film.mp4", "color=size=32x32:duration=0.2")
    words = tmp_path / "words.wav"
    words.write_text("no sound")
    for path in (silent, words):
        with pytest.raises(BadFile, match=r"no sound track.*Give a file with sound"):
            read_wave(path)


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    def tick() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        read_wave(made(tmp_path / "tone.wav", "sine=duration=1"), tick=tick)
