"""Sound beside pictures: copied when the container takes it as it is, else encoded again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from easyphoto_video.errors import BadFile
from easyphoto_video.video.ffmpeg import look, named, quoted

TAKEN = {
    "mp4": {"aac", "mp3", "opus", "flac", "alac", "ac3", "eac3"},
    "webm": {"opus", "vorbis"},
}
"""Codecs that each container carries as they are."""
ENCODED = {"mp4": ("aac", "-b:a", "192k"), "webm": ("libopus", "-b:a", "160k")}
AUDIO = re.compile(rb"^\s+Stream #0:\d+[^:\n]*: Audio: (\w+)", re.MULTILINE)


def sound_codec(path: Path) -> str:
    """ffmpeg's name for the codec of the first sound track. Raises BadFile when there is none."""
    said = look(path).stderr
    match = AUDIO.search(said)
    if match is None:
        reason = f"it has no sound track that can be read ({quoted(said)})"
        raise BadFile(path, reason, "Give a file with sound, or leave the sound out.")
    return match[1].decode("ascii")


def beside(video: Path, sound: Path, codec: str, format: str, seconds: Fraction) -> Sequence[str]:
    """Arguments for ffmpeg: the pictures of one file with the first sound of another, cut to
    `seconds`. A copied sound ends with a whole packet, so up to 0.03 s later."""
    encoding = ("copy",) if codec in TAKEN[format] else ENCODED[format]
    inputs = ("-i", named(video), "-t", f"{float(seconds):.6f}", "-i", named(sound))
    maps = ("-map", "0:v", "-map", "1:a:0", "-map_metadata", "0", "-map_chapters", "-1")
    return (*inputs, *maps, "-c:v", "copy", "-c:a", *encoding)
