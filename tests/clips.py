"""Clips in memory, and into files in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.video.film import Extras
from easyphoto_video.video.sound import Sound
from easyphoto_video.video.write import Writer
from easyphoto_video.watch import Watch, unwatched

SPAN = 8
"""Frames handed over at once; the watch is told before each span."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A moving picture in memory."""

    frames: Frames
    """(F, H, W, 3) uint8 RGB, F >= 1."""
    fps: Fraction
    sound: Path | None = None
    """A file whose first sound track belongs to the clip."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def seconds(self) -> Fraction:
        return len(self) / self.fps


def write(
    clip: Clip,
    path: Path,
    *,
    note: str = "",
    extras: Extras | None = None,
    watch: Watch = unwatched,
) -> Path:
    """Write a clip in the format of the path's suffix and return where it lies.

    `extras` without a sound take the clip's.

    That is another path than the one given for pictures (`NAME.png` is the folder NAME) and when a
    numbered name was taken meanwhile. Raises what Writer raises, and Stopped when the watch does;
    then nothing is left behind.
    """
    size = {"width": clip.width, "height": clip.height}
    extras = extras or Extras()
    if clip.sound is not None and extras.sound is None:
        extras = replace(extras, sound=Sound(path=clip.sound))
    with Writer(path, **size, fps=clip.fps, note=note, extras=extras, watch=watch) as writer:
        for start in range(0, len(clip), SPAN):
            watch("writing", start / len(clip))
            writer.add(clip.frames[start : start + SPAN])
    return writer.path
