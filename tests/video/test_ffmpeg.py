"""Finding ffmpeg, and ending it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from easyphoto_video.errors import HostFailed, Missing, Stopped
from easyphoto_video.video.ffmpeg import Ffmpeg, find, run

ENDLESS = ["-f", "lavfi", "-i", "color=s=16x16:r=8", "-f", "null", "-"]


def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_the_package_comes_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / ("ffmpeg.exe" if sys.platform == "win32" else "ffmpeg")
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() == Path(imageio_ffmpeg.get_ffmpeg_exe())
    without_package(monkeypatch)
    assert find() == program
    assert find(Path(sys.executable)) == Path(sys.executable)


def test_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"none.*pip install imageio-ffmpeg==0\.6\.0"):
        find(tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    without_package(monkeypatch)
    with pytest.raises(Missing, match=r"pip install imageio-ffmpeg==0\.6\.0.*PATH"):
        find()


def test_a_package_without_its_program_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", refuse)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing):
        find()


def test_a_failure_repeats_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(HostFailed, match=r"exit code \d+: .*none\.mp4.*No such file"):
        run(["-i", f"file:{tmp_path / 'none.mp4'}", "-f", "null", "-"])


def test_a_tick_that_raises_ends_what_would_never_end() -> None:
    ticks = iter([None] * 3)

    def stop() -> None:
        if next(ticks, stop) is stop:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(ENDLESS, stop)


def test_leaving_ends_it() -> None:
    with pytest.raises(RuntimeError, match="ours"), Ffmpeg(ENDLESS) as process:
        raise RuntimeError("ours")
    assert process._process.poll() is not None


def test_frames_after_its_end_are_refused() -> None:
    frames = np.zeros((64, 64, 64, 3), np.uint8)
    with (
        pytest.raises(HostFailed, match="No such file"),
        Ffmpeg(["-i", "file:none.mp4", "-f", "null", "-"]) as process,
    ):
        process.feed(frames)
