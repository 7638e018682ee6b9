"""Sound beside pictures: copied when the container takes it as it is, else encoded again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from easyphoto_video.errors import BadFile
from easyphoto_video.video.ffmpeg import given, look, named, quoted
from easyphoto_video.video.order import ORDERS

TAKEN = {
    "mp4": {"aac", "mp3", "opus", "flac", "alac", "ac3", "eac3"},
    "webm": {"opus", "vorbis"},
}
"""Codecs that each container carries as they are."""
ENCODED = {"mp4": ("aac", "-b:a", "192k"), "webm": ("libopus", "-b:a", "160k")}
AUDIO = re.compile(rb"^\s+Stream #0:\d+[^:\n]*: Audio: (\w+)", re.MULTILINE)
WHOLE = Fraction(1, 20)
"""Seconds up to which a start cuts nothing off: what a codec needs before the first sound, and what
a container's rounding leaves, is less."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The first sound track of a file, and which part of it goes with a film."""

    path: Path
    start: Fraction = Fraction(0)
    """Seconds on the file's own clock at which the film begins; below 0 the sound begins later."""
    spare: Fraction = Fraction(0)
    """Seconds that it may go on behind the film's last picture."""
    order: str = "forward"
    """The order of the film's frames, one of ORDERS; what runs backward is encoded again."""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"no such order: {self.order}")


def sound_codec(path: Path) -> str:
    """ffmpeg's name for the codec of the first sound track. Raises BadFile when there is none."""
    said = look(path).stderr
    match = AUDIO.search(said)
    if match is None:
        reason = f"it has no sound track that can be read ({quoted(said)})"
        raise BadFile(path, reason, "Give a file with sound, or leave the sound out.")
    return match[1].decode("ascii")


def beside(video: Path, sound: Sound, codec: str, format: str, seconds: Fraction) -> Sequence[str]:
    """Arguments for ffmpeg: the pictures of one file with the first sound of another, cut to
    `seconds` and what it has to spare. A copied sound begins with the first whole packet at or
    after its start, and ends with a whole one: both up to 0.03 s later; each is heard at its own
    time."""
    copied = codec in TAKEN[format]
    maps = ("-map", "0:v", "-map", "1:a:0", "-map_metadata", "0", "-map_chapters", "-1")
    cut = ("-copypriorss", "0") if copied and sound.start >= WHOLE else ()
    encoding = ("copy", *cut) if copied else ENCODED[format]
    return ("-i", named(video), *part_of(sound, seconds), *maps, "-c:v", "copy", "-c:a", *encoding)


def part_of(sound: Sound, seconds: Fraction) -> Sequence[str]:
    """Arguments for ffmpeg: a sound as an input that begins at its start."""
    # -vn keeps a seek from landing at a key frame of the pictures, long before.
    length = ("-t", f"{float(seconds + sound.spare):.6f}")
    return ("-vn", *_shifted(sound.start), *length, *given(sound.path))


def _shifted(start: Fraction) -> Sequence[str]:
    if start >= WHOLE:
        return ("-ss", f"{float(start):.6f}")
    return ("-itsoffset", f"{float(-start):.6f}") if start else ()
