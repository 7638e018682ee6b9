"""Small videos and pictures of every kind that we read, for the fuzz to spoil."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.video.ffmpeg import find, named
from tests.clips import Clip, write

SIDE, COUNT = 64, 12
LARGEST = 2**20
"""Bytes of a file of the user's that is taken; larger ones only make it slow."""
SUFFIXES = {".mp4", ".webm", ".mov", ".mkv", ".gif", ".webp", ".png", ".jpg", ".jpeg"}
ENCODED = {
    "sound.mp4": "-c:v libx264 -c:a aac",
    "sound.mkv": "-c:v libx264 -c:a flac",
    "sound.webm": "-c:v libvpx-vp9 -c:a libopus",
    "deep.mp4": "-c:v libx264 -pix_fmt yuv420p10le -an",
    "alpha.mov": "-c:v png -pix_fmt rgba -an",
    "old.avi": "-c:v mpeg4 -c:a pcm_s16le",
    "stream.ts": "-c:v mpeg2video -c:a mp2",
    "wide.mp4": "-c:v libx264 -vf setsar=3/2 -an",
    "moving.png": "-c:v apng -f apng -an",
}
"""Arguments of ffmpeg for each."""


def make_samples(folder: Path, media: Path | None) -> None:
    """Make them in the folder, and put the user's beside."""
    frames = _frames()
    for name in ("own.mp4", "own.webm", "own.gif", "own.webp"):
        write(Clip(frames=frames, fps=Fraction(8)), folder / name, note='{"a": "note"}')
    for name, mode in (
        ("still.png", "RGBA"),
        ("still.jpg", "RGB"),
        ("still.webp", "RGB"),
        ("palette.png", "P"),
        ("still.bmp", "RGB"),
        ("still.gif", "P"),
        ("still.tif", "RGB"),
    ):
        Image.fromarray(frames[0]).convert(mode).save(folder / name)
    for name, arguments in ENCODED.items():
        _encode(folder / name, arguments.split())
    for file in sorted(media.iterdir()) if media else []:
        if file.suffix.lower() in SUFFIXES and file.stat().st_size <= LARGEST:
            (folder / f"given-{file.name}").write_bytes(file.read_bytes())


def _frames() -> Frames:
    """(COUNT, SIDE, SIDE, 3) a light that moves over noise."""
    noise = np.random.default_rng(0).integers(0, 60, (COUNT, SIDE, SIDE, 3), np.uint8)
    for number, frame in enumerate(noise):
        frame[8:24, 4 * number : 4 * number + 12] = 240
    return noise


def _encode(path: Path, arguments: list[str]) -> None:
    pictures = ("-f", "lavfi", "-i", f"testsrc=size={SIDE}x48:rate=12:duration=1")
    sound = ("-f", "lavfi", "-i", "sine=duration=1")
    told = [str(find()), "-y", "-loglevel", "error", *pictures, *sound, "-shortest"]
    subprocess.run([*told, *arguments, named(path)], check=True, stdin=subprocess.DEVNULL)
