"""Films out of files: what a file holds, and its frames, one after the other."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.video import pictures
from easyphoto_video.video.ffmpeg import NO_WINDOW, find, look, named, quoted
from easyphoto_video.video.pictures import GIVE_ANOTHER

Source = Callable[[int, int | None], Generator[Frames, None, None]]
"""(start, stop) -> the frames (H, W, 3) uint8 RGB from `start` to before `stop`."""

FIRST = ("-map", "0:V:0")
"""The first pictures that are no cover of an album."""
SOUND = re.compile(r"^ *Stream #0:\d+.*: Audio: ", re.MULTILINE)
SEEKABLE = re.compile(r"^Input #0, (mov|matroska)", re.MULTILINE)
"""Containers with an index of all frames; in others a seek may land too late."""
FAR = 48
"""Frames before the start from which on a seek is worth it."""


@dataclass(frozen=True, kw_only=True)
class Video:
    """A film in a file; make it with `open_video`."""

    path: Path
    width: int
    """px as it is shown, turned as the file says."""
    height: int
    """px as it is shown."""
    fps: Fraction | None
    """Exact; the mean where frames last differently; None for a still and a folder of pictures."""
    count: int
    """Frames; a damaged file may give fewer."""
    has_sound: bool
    source: Source = field(repr=False)

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[Frames, None, None]:
        """(H, W, 3) uint8 RGB of each frame from `start` to before `stop`, to the end without.

        Nothing but the frame at hand is held; closing the iterator ends the program that reads.
        Raises BadFile with the reader's words.
        """
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(f"frames run from 0 on, not from {start} to {stop}")
        with closing(self.source(start, stop)) as frames:
            for frame in frames:
                if frame.shape != (self.height, self.width, 3):
                    size = f"{frame.shape[1]}x{frame.shape[0]}"
                    raise BadFile(self.path, f"it changes its size to {size}", GIVE_ANOTHER)
                yield frame


def open_video(path: Path | str) -> Video:
    """Look at a film: any that ffmpeg reads, a picture, animated or not, or a folder of .png files.

    Raises BadFile when there are no pictures in it, Missing without ffmpeg.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise BadFile(path, "there is no such file", GIVE_ANOTHER)
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise BadFile(path, f"it cannot be read ({error.strerror})", GIVE_ANOTHER) from error
    return _of_picture(path) if pictures.is_picture(head) else _of_film(path)


def _of_folder(path: Path) -> Video:
    count = len(pictures.pictures_in(path))
    return _silent(path, partial(pictures.of_folder, path), count, None)


def _of_picture(path: Path) -> Video:
    count, fps = pictures.pages(path)
    return _silent(path, partial(pictures.of_picture, path), count, fps)


def _silent(path: Path, source: Source, count: int, fps: Fraction | None) -> Video:
    height, width = next(source(0, 1)).shape[:2]
    return Video(
        path=path,
        width=width,
        height=height,
        fps=fps,
        count=count,
        has_sound=False,
        source=source,
    )


def _of_film(path: Path) -> Video:
    told = look(path, *FIRST, "-c", "copy", "-f", "framecrc", "-")
    starts, tick = _starts(told.stdout)
    first = look(path, *FIRST, "-frames:v", "1", "-f", "image2pipe", "-c:v", "ppm", "-")
    if not len(starts) or not first.stdout.startswith(b"P6"):
        words = quoted(told.stderr if told.returncode else first.stderr)
        raise BadFile(path, f"it is no video that can be read ({words})", GIVE_ANOTHER)
    # The size of a decoded frame, since the program turns it as the file says.
    width, height = map(int, first.stdout.split(maxsplit=3)[1:3])
    words = told.stderr.decode("utf-8", "replace").partition("Stream mapping:")[0]
    seconds = starts.astype(np.float64) * float(tick)
    seeks = seconds if SEEKABLE.search(words) else None
    return Video(
        path=path,
        width=width,
        height=height,
        fps=_rate(starts, tick),
        count=len(starts),
        has_sound=bool(SOUND.search(words)),
        source=partial(_of_ffmpeg, path, (height, width, 3), seeks),
    )


def _starts(packets: bytes) -> tuple[npt.NDArray[np.int64], Fraction]:
    """When each frame is shown, in ticks and in order, and a tick's seconds."""
    lines = packets.decode("ascii", "replace").splitlines()
    tick = next((line.split()[-1] for line in lines if line.startswith("#tb 0")), "1")
    times = [int(line.split(",")[2]) for line in lines if line and not line.startswith("#")]
    return np.sort(np.array(times, np.int64)), Fraction(tick)


def _rate(starts: npt.NDArray[np.int64], tick: Fraction) -> Fraction:
    """Frames in a second: the simplest rate that all moments, rounded to ticks, agree with."""
    length = int(starts[-1] - starts[0])
    if length == 0:
        return Fraction(1)
    mean = (len(starts) - 1) / (length * tick)
    whole = round(mean)
    for rate in (Fraction(whole), Fraction(round(mean * 1001 / 1000) * 1000, 1001)):
        if rate > 0 and _is_steady(starts - starts[0], rate * tick):
            return rate
    return mean.limit_denominator(1001)


def _is_steady(starts: npt.NDArray[np.int64], frames_per_tick: Fraction) -> bool:
    expected = np.arange(len(starts)) / float(frames_per_tick)
    return bool((np.abs(starts - expected) <= 1.0).all())


def _of_ffmpeg(
    path: Path,
    shape: tuple[int, int, int],
    seeks: npt.NDArray[np.float64] | None,
    start: int,
    stop: int | None,
) -> Generator[Frames, None, None]:
    """Frames as ffmpeg decodes them; `seeks` are their moments in seconds, if one may jump."""
    jump: tuple[str, ...] = ()
    skipped = 0
    if seeks is not None and FAR <= start < len(seeks):
        # Between two frames, so that no rounding decides which is the first.
        jump, skipped = ("-ss", f"{(seeks[start - 1] + seeks[start]) / 2:.6f}"), start
    last = "" if stop is None else f":end_frame={stop - skipped}"
    arguments = (
        *jump,
        *("-i", named(path), *FIRST, "-vf", f"trim=start_frame={start - skipped}{last}"),
        *("-fps_mode", "passthrough", "-sws_flags", "bicubic+accurate_rnd+full_chroma_int"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
    )
    with ExitStack() as stack:
        words = stack.enter_context(tempfile.TemporaryFile())
        process = _started(arguments, words, stack)
        assert process.stdout is not None
        while (frame := _next(process.stdout, shape)) is not None:
            yield frame
        if process.wait() != 0:
            words.seek(0)
            reason = f"it cannot be read to its end ({quoted(words.read())})"
            raise BadFile(path, reason, GIVE_ANOTHER)


def _started(
    arguments: tuple[str, ...], words: IO[bytes], stack: ExitStack
) -> subprocess.Popen[bytes]:
    """A running ffmpeg that ends with the stack; Ctrl+C reaches us alone."""
    process = subprocess.Popen(
        [str(find()), "-hide_banner", "-nostats", "-loglevel", "error", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=words,
        start_new_session=sys.platform != "win32",
        creationflags=NO_WINDOW,
    )
    assert process.stdout is not None
    stack.callback(process.stdout.close)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _next(pipe: IO[bytes], shape: tuple[int, int, int]) -> Frames | None:
    """The next frame out of the pipe; None at its end, also in the middle of a frame."""
    frame = np.empty(shape, np.uint8)
    given = pipe.readinto(memoryview(frame).cast("B"))  # type: ignore[attr-defined]
    return frame if given == frame.nbytes else None
