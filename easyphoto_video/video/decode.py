"""Frames out of a running ffmpeg, one at a time."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.video.ffmpeg import (
    LARGEST,
    NO_WINDOW,
    find,
    given,
    look,
    too_large,
    unreadable,
)
from easyphoto_video.video.probe import FIRST, Facts

SIZE, FRAME = (
    re.compile(rb"^#dimensions 0: (\d+)x(\d+)", re.MULTILINE),
    re.compile(rb"^0,", re.MULTILINE),
)
"""Lines of framecrc's: of a stream's pictures, and of each of its frames."""
FAR = 48
"""Frames before the start from which on a seek is worth it."""


def size_of(path: Path, facts: Facts) -> tuple[int, int]:
    """(width, height) px of a decoded frame, since ffmpeg turns it as the file says.

    The frame itself stays with ffmpeg. Raises BadFile when none can be decoded, or a too large one.
    """
    chain = ("-vf", facts.filters) if facts.filters else ()
    arguments = ("-frames:v", "1", "-f", "framecrc", "-")
    first = look(path, *FIRST, *chain, *arguments, before=_decoder(facts))
    size = SIZE.search(first.stdout)
    if size is None or not FRAME.search(first.stdout):
        raise unreadable(path, first.stderr)
    width, height = int(size[1]), int(size[2])
    if width * height > LARGEST:
        raise too_large(path, f"{width}x{height}")
    return width, height


def of_ffmpeg(
    path: Path, facts: Facts, shape: tuple[int, int, int], start: int, stop: int | None
) -> Generator[Frames, None, None]:
    """Frames of a shape (H, W, 3 or 4) as ffmpeg decodes them. Raises BadFile."""
    jump, skipped = _jump(facts, start)
    last = "" if stop is None else f":end_frame={stop - skipped}"
    chain = f"trim=start_frame={start - skipped}{last}"
    chain += f",{facts.filters}" if facts.filters else ""
    arguments = (
        *jump,
        *_decoder(facts),
        *(*given(path), *FIRST, "-vf", chain),
        *("-fps_mode", "passthrough", "-sws_flags", "bicubic+accurate_rnd+full_chroma_int"),
        *("-f", "rawvideo", "-pix_fmt", "rgba" if shape[2] == 4 else "rgb24", "-"),
    )
    with ExitStack() as stack:
        words = stack.enter_context(tempfile.TemporaryFile())
        process = _started(arguments, words, stack)
        assert process.stdout is not None
        while (frame := _next(process.stdout, shape)) is not None:
            yield frame
        if process.wait() != 0:
            words.seek(0)
            raise unreadable(path, words.read(), "it cannot be read to its end")


def _decoder(facts: Facts) -> tuple[str, ...]:
    return ("-c:v", facts.decoder) if facts.decoder else ()


def _jump(facts: Facts, start: int) -> tuple[tuple[str, ...], int]:
    """Arguments that seek to a frame, and how many frames that skips."""
    starts = facts.timing.starts
    if not facts.is_seekable or not FAR <= start < len(starts):
        return (), 0
    # Between two frames, so that no rounding decides which is the first.
    middle = facts.offset + int(starts[start - 1] + starts[start]) * facts.timing.tick / 2
    return ("-ss", f"{float(middle):.6f}"), start


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
