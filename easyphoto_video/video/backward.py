"""Sound in the order of frames that run backward. It waits on disk, so that memory holds a span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easyphoto_video.video.ffmpeg import Ffmpeg, Tick, named, run
from easyphoto_video.video.order import spans, taken
from easyphoto_video.video.sound import ENCODED, Sound, part_of

RATE, CHANNELS = 48000, 2
"""Samples in a second, and in each moment; other sound is converted."""
FLOAT = 4
"""Bytes."""
RAW = ("-f", "f32le", "-ar", str(RATE), "-ac", str(CHANNELS))
SPAN = 64
"""Frames whose sound is turned round at once."""

Samples = npt.NDArray[np.float32]
"""(n, CHANNELS) float32, -1..1."""


def reordered(
    video: Path, sound: Sound, played: tuple[int, Fraction], out: Sequence[str], tick: Tick
) -> None:
    """Join the pictures of one file with sound in the order of its frames.

    `played` is how many frames the film has and how many are played in a second; the last of `out`
    names the file. Raises HostFailed when ffmpeg gives up.
    """
    frames, fps = taken(played[0], sound.order), played[1]
    raw = video.with_suffix(".f32")
    heard = frames / fps
    # Silence before a late sound and after a short one keeps both ends of the film in step.
    filled = f"aresample={RATE}:async=1:first_pts=0,apad=whole_len={_sample(frames, fps)}"
    decoded = (*part_of(sound, heard), "-map", "0:a:0", "-af", filled)
    run([*decoded, "-t", f"{float(heard):.6f}", *RAW, named(raw)], tick)
    both = (*RAW, "-i", "pipe:0", "-i", named(video), "-map", "1:v", "-map", "0:a")
    noted = ("-map_metadata", "1", "-c:v", "copy", "-c:a", *ENCODED[out_format(out)])
    with Ffmpeg([*both, *noted, *out]) as process:
        for samples in _turned(raw, sound.order, frames, fps):
            tick()
            process.feed(samples.view(np.uint8))
        process.wait(tick)
    raw.unlink()


def out_format(out: Sequence[str]) -> str:
    """The suffix of the file that arguments end with."""
    return Path(out[-1]).suffix.removeprefix(".")


def _turned(raw: Path, order: str, frames: int, fps: Fraction) -> Iterator[Samples]:
    for span in spans(frames, order, SPAN):
        start, stop = _sample(min(span), fps), _sample(max(span) + 1, fps)
        # Read, not mapped: mapped pages stay in memory.
        part = np.fromfile(
            raw, np.float32, (stop - start) * CHANNELS, offset=start * CHANNELS * FLOAT
        )
        samples = part.reshape(-1, CHANNELS)
        yield np.ascontiguousarray(samples[::-1] if span.step < 0 else samples)


def _sample(frame: int, fps: Fraction) -> int:
    return round(frame * RATE / fps)
