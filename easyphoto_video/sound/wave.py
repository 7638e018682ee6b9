"""Any file's sound as one wave, decoded by ffmpeg."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from easyphoto_video.errors import BadFile
from easyphoto_video.video.ffmpeg import NO_WINDOW, Tick, find, given, idle, quoted
from easyphoto_video.video.sound import sound_codec

RATE = 16_000
"""Samples a second that Whisper hears."""

BLOCK = 1 << 20
FULL = 32_768.0

Wave = NDArray[np.float32]
"""(samples,) float32 in -1..1, mono, at RATE."""

GIVE_ANOTHER = "Give a file with sound."


def read_wave(path: Path, *, seconds: float | None = None, tick: Tick = idle) -> Wave:
    """The first sound track of a file, at most the first `seconds` of it, as Whisper takes it.

    ffmpeg mixes the channels and resamples to 16 bits, as openai/whisper's load_audio has it do.
    `tick` is called for each MB; what it raises ends the reading. Raises Missing without ffmpeg,
    and BadFile when the file has no sound track or one that cannot be read.
    """
    sound_codec(path)  # says what is the matter with a file that has none
    length = () if seconds is None else ("-t", f"{seconds:.6f}")
    arguments = (
        *("-hide_banner", "-nostats", "-loglevel", "error"),
        *given(path),
        *("-map", "0:a:0", *length, "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"),
    )
    with ExitStack() as stack:
        words = stack.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(
            [str(find()), *arguments],
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
        blocks = []
        while block := process.stdout.read(BLOCK):
            blocks.append(block)
            tick()
        if process.wait() != 0 or not blocks:
            words.seek(0)
            reason = f"its sound cannot be read ({quoted(words.read())})"
            raise BadFile(path, reason, GIVE_ANOTHER)
    return np.frombuffer(b"".join(blocks), "<i2").astype(np.float32) / FULL
