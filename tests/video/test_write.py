"""Out and back: what a player sees is what was written, at the times that were meant."""

from __future__ import annotations

import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, HostFailed, Stopped
from easyphoto_video.request import FORMATS
from easyphoto_video.video import ffmpeg
from easyphoto_video.video.place import SUFFIXES
from easyphoto_video.video.write import Writer
from tests.clips import Clip, write

EIGHT = Fraction(8)
NTSC = Fraction(30000, 1001)
RATES = [EIGHT, NTSC, Fraction(24000, 1001), Fraction(25, 2), Fraction(60), Fraction(1)]
LEAST_DB = {"mp4": 35, "webm": 35, "gif": 26, "webp": 35, "png": np.inf}


def psnr(a: Frames, b: Frames) -> float:
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def durations(path: Path) -> list[int]:
    """Milliseconds of each page of a GIF or WEBP."""
    found = []
    with Image.open(path) as picture:
        for page in range(picture.n_frames):  # type: ignore[attr-defined]
            picture.seek(page)
            picture.load()
            found.append(int(picture.info["duration"]))
    return found


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_format_of_a_request_can_be_written() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_frames_come_back(format: str, tmp_path: Path, smooth: Any, decode: Any) -> None:
    frames = smooth(19, 96, 64)
    path = write(Clip(frames=frames, fps=EIGHT), tmp_path / f"clip.{format}")
    back = decode(path)
    assert back.shape == frames.shape
    assert psnr(back, frames) >= LEAST_DB[format]
    assert leftovers(tmp_path) == [path.name]


@pytest.mark.parametrize("format", FORMATS)
def test_one_frame_is_a_clip(format: str, tmp_path: Path, smooth: Any, decode: Any) -> None:
    frames = smooth(1, 32, 48)
    path = write(Clip(frames=frames, fps=NTSC), tmp_path / f"clip.{format}", note="n")
    back = decode(path)
    assert back.shape == frames.shape
    assert psnr(back, frames) >= LEAST_DB[format]


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_mp4_times_are_exact(fps: Fraction, tmp_path: Path, smooth: Any, times: Any) -> None:
    path = write(Clip(frames=smooth(40, 32, 32), fps=fps), tmp_path / "clip.mp4")
    assert times(path) == [frame / fps for frame in range(41)]


def test_webm_times_are_exact_to_its_millisecond(tmp_path: Path, smooth: Any, times: Any) -> None:
    path = write(Clip(frames=smooth(40, 32, 32), fps=NTSC), tmp_path / "clip.webm")
    shown = times(path)
    assert len(shown) == 41
    for frame, moment in enumerate(shown):
        assert abs(moment - frame / NTSC) <= Fraction(1, 1000)


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("format", ["gif", "webp"])
def test_rounded_delays_add_up(format: str, fps: Fraction, tmp_path: Path, smooth: Any) -> None:
    path = write(Clip(frames=smooth(21, 32, 32), fps=fps), tmp_path / f"clip.{format}")
    delays = durations(path)
    unit = 10 if format == "gif" else 1
    every = 2 if format == "gif" and fps > 50 else 1
    assert len(delays) == len(range(0, 21, every))
    shown = np.cumsum([0, *delays[:-1]])
    meant = [float(1000 * frame / fps) for frame in range(0, 21, every)]
    assert np.abs(shown - meant).max() <= unit
    assert abs(sum(delays) - float(21000 / fps)) <= 2 * unit


def test_gif_at_8_fps_takes_turns(tmp_path: Path, smooth: Any) -> None:
    path = write(Clip(frames=smooth(4, 32, 32), fps=EIGHT), tmp_path / "clip.gif")
    assert durations(path) == [130, 120, 130, 120]


@pytest.mark.parametrize(("format", "least"), [("gif", 20), ("webp", 11)])
def test_no_delay_is_so_short_that_browsers_slow_it(
    format: str, least: int, tmp_path: Path, smooth: Any
) -> None:
    path = write(Clip(frames=smooth(9, 32, 32), fps=Fraction(120)), tmp_path / f"clip.{format}")
    assert min(durations(path)) >= least


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_frames_that_repeat_keep_their_time(format: str, tmp_path: Path, smooth: Any) -> None:
    frames = smooth(4, 32, 32)[[0, 1, 1, 1, 2, 3, 3]]
    path = write(Clip(frames=frames, fps=Fraction(10)), tmp_path / f"clip.{format}")
    assert sum(durations(path)) == 700


def test_animations_loop_for_ever(tmp_path: Path, smooth: Any) -> None:
    for format in ("gif", "webp"):
        path = write(Clip(frames=smooth(3, 32, 32), fps=EIGHT), tmp_path / f"clip.{format}")
        with Image.open(path) as picture:
            assert picture.info["loop"] == 0


@pytest.mark.parametrize("format", ["mp4", "webm"])
def test_colours_keep_their_place(format: str, tmp_path: Path, decode: Any) -> None:
    levels = (0, 85, 170, 255)
    colours = np.array([(r, g, b) for r in levels for g in levels for b in levels], np.uint8)
    patches = colours.reshape(8, 8, 3).repeat(32, 0).repeat(32, 1)
    path = write(Clip(frames=np.stack([patches] * 3), fps=EIGHT), tmp_path / f"clip.{format}")
    middles = decode(path)[:, 16::32, 16::32].astype(int)
    assert np.abs(middles - patches[16::32, 16::32]).max() <= 3


@pytest.mark.parametrize("format", ["mp4", "webm"])
def test_the_colour_matrix_is_told(format: str, tmp_path: Path, smooth: Any) -> None:
    path = write(Clip(frames=smooth(2, 32, 32), fps=EIGHT), tmp_path / f"clip.{format}")
    said = ffmpeg.look(path).stderr.decode()
    assert "yuv420p(tv, bt709" in said
    assert {"mp4": "h264", "webm": "vp9"}[format] in said


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [(63, 48), (64, 47), (33, 35)])
def test_odd_sizes(
    format: str, size: tuple[int, int], tmp_path: Path, smooth: Any, decode: Any
) -> None:
    width, height = size
    frames = smooth(3, width, height)
    back = decode(write(Clip(frames=frames, fps=EIGHT), tmp_path / f"clip.{format}"))
    more = 2 if format == "mp4" else 1
    assert back.shape[1:3] == (height + height % more, width + width % more)
    assert psnr(back[:, :height, :width], frames) >= min(LEAST_DB[format], 60)
    edge = np.abs(back[:, :height, -1].astype(int) - frames[:, :, -1])
    assert edge.mean() < 12


def test_spans_make_the_same_file_as_the_whole(tmp_path: Path, smooth: Any) -> None:
    frames = smooth(23, 32, 32)
    for format in ("mp4", "webm", "gif", "webp"):
        whole = write(Clip(frames=frames, fps=Fraction(60)), tmp_path / f"whole.{format}")
        spans = tmp_path / f"spans.{format}"
        with Writer(spans, width=32, height=32, fps=Fraction(60)) as out:
            for start in range(0, 23, 5):
                out.add(frames[start : start + 5])
        assert out.path == spans
        assert frames_of(spans) == frames_of(whole)


def frames_of(path: Path) -> bytes:
    return ffmpeg.look(path, "-c", "copy", "-f", "framecrc", "-").stdout or path.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("told", [1, 3, 4])
def test_stopped_leaves_nothing(format: str, told: int, tmp_path: Path, smooth: Any) -> None:
    seen: list[float] = []

    def watch(stage: str, fraction: float) -> None:
        assert stage == "writing"
        assert all(name.startswith(".") for name in leftovers(tmp_path))
        seen.append(fraction)
        if len(seen) == told:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        write(Clip(frames=smooth(17, 32, 32), fps=EIGHT), tmp_path / f"a.{format}", watch=watch)
    assert leftovers(tmp_path) == []
    assert seen == [0.0, 8 / 17, 16 / 17, 1.0][:told]


@pytest.mark.parametrize("format", FORMATS)
def test_a_failure_keeps_what_was_there(format: str, tmp_path: Path, smooth: Any) -> None:
    path = tmp_path / f"clip.{format}"
    first = write(Clip(frames=smooth(2, 32, 32), fps=EIGHT), path)
    before = frames_of(first) if first.is_file() else leftovers(first)
    with (
        pytest.raises((RuntimeError, BadRequest)),
        Writer(path, width=8, height=8, fps=EIGHT) as out,
    ):
        out.add(smooth(1, 8, 8))
        raise RuntimeError("the engine broke")
    assert leftovers(tmp_path) == [first.name]
    assert before == (frames_of(first) if first.is_file() else leftovers(first))


@pytest.mark.parametrize("format", ["mp4", "gif", "webp"])
def test_a_broken_ffmpeg_is_told_in_its_words(
    format: str, tmp_path: Path, smooth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho 'Unknown encoder' >&2\nexit 8\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "find", lambda: program)
    folder = tmp_path / "out"
    frames = smooth(17, 64, 64)
    with pytest.raises(HostFailed, match=r"exit code 8: Unknown encoder.*another format"):
        write(Clip(frames=frames, fps=EIGHT), folder / f"clip.{format}")
    assert leftovers(folder) == []


def test_wrong_frames_are_refused(tmp_path: Path, smooth: Any) -> None:
    for frames in (smooth(1, 8, 9), smooth(1, 8, 8).astype(np.float32), smooth(1, 8, 8)[0]):
        with (
            pytest.raises(ValueError, match=r"a span holds \(n, 8, 8, 3\) uint8"),
            Writer(tmp_path / "clip.mp4", width=8, height=8, fps=EIGHT) as out,
        ):
            out.add(frames)
    with (
        pytest.raises(ValueError, match="at least one frame"),
        Writer(tmp_path / "clip.mp4", width=8, height=8, fps=EIGHT),
    ):
        pass
    assert leftovers(tmp_path) == []


def test_a_rate_that_would_be_rounded_is_refused(tmp_path: Path) -> None:
    fps = Fraction(30_000_001, 1_001_001)
    with pytest.raises(BadRequest, match=r"Frames per second.*30000/1001"):
        Writer(tmp_path / "clip.mp4", width=8, height=8, fps=fps)


def test_an_unnumbered_file_is_replaced(tmp_path: Path, smooth: Any, decode: Any) -> None:
    path = tmp_path / "clip.mp4"
    for count in (2, 5):
        assert write(Clip(frames=smooth(count, 32, 32), fps=EIGHT), path) == path
        assert len(decode(path)) == count


@pytest.mark.parametrize("format", ["mp4", "png"])
def test_a_numbered_name_goes_to_one_alone(format: str, tmp_path: Path, smooth: Any) -> None:
    clip = Clip(frames=smooth(2, 32, 32), fps=EIGHT)
    path = tmp_path / ("00001-7" + ("" if format == "png" else ".mp4"))
    together = threading.Barrier(3)

    def one() -> None:
        together.wait()
        write(clip, path)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leftovers(tmp_path) == [f"0000{number}-7{path.suffix}" for number in (1, 2, 3)]


MEASURE = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from easyphoto_video.video.write import Writer
path, count = Path(sys.argv[1]), int(sys.argv[2])
ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (8, 256, 256, 3))
with Writer(path, width=256, height=256, fps=Fraction(8)) as out:
    for start in range(0, count, 8):
        out.add(np.roll(ramp, start, axis=1))
status = Path("/proc/self/status").read_text().split()
own = int(status[status.index("VmHWM:") + 1])
print(own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
@pytest.mark.parametrize(
    "format", ["mp4", pytest.param("gif", marks=pytest.mark.slow(reason="counts 576 palettes"))]
)
def test_memory_holds_a_span(format: str, tmp_path: Path) -> None:
    def peak_kb(count: int) -> int:
        command = [sys.executable, "-c", MEASURE, str(tmp_path / f"{count}.{format}"), str(count)]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    film = 448 * 256 * 256 * 3 // 1024  # kB that 512 frames are larger than 64
    assert peak_kb(512) - peak_kb(64) < film // 4
