"""Smooth frames to write, and what a player would see of a file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.video.ffmpeg import find, named

Decode = Callable[[Path], Frames]
Times = Callable[[Path], list[Fraction]]
Smooth = Callable[[int, int, int], Frames]


@pytest.fixture(scope="session")
def smooth() -> Smooth:
    """Frames without edges that change from one to the next: (count, width, height)."""

    def make(count: int, width: int, height: int) -> Frames:
        n, y, x = np.meshgrid(np.arange(count), np.arange(height), np.arange(width), indexing="ij")
        waves = [np.sin(x / 23 + n / 5), np.sin(y / 19 + n / 7), np.cos((x + y) / 31 - n / 6)]
        return (127.5 + 100 * np.stack(waves, -1)).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def decode() -> Decode:
    """Every frame of a file or folder as (F, H, W, 3) uint8 RGB."""

    def read(path: Path) -> Frames:
        if path.is_dir():
            return np.stack([np.asarray(Image.open(each)) for each in sorted(path.iterdir())])
        if path.suffix == ".webp":
            with Image.open(path) as picture:
                return np.stack([_page(picture, i) for i in range(picture.n_frames)])  # type: ignore[attr-defined]
        first = ffmpeg("-i", named(path), "-frames:v", "1", "-f", "image2pipe", "-c:v", "ppm", "-")
        width, height = map(int, first.split(maxsplit=3)[1:3])
        raw = ffmpeg(
            *("-i", named(path), "-fps_mode", "passthrough"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        )
        return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)

    return read


@pytest.fixture(scope="session")
def times() -> Times:
    """When each packet of the pictures is shown, in exact seconds, and when the last one ends."""

    def read(path: Path) -> list[Fraction]:
        lines = ffmpeg("-i", named(path), "-map", "0:v", "-c", "copy", "-f", "framecrc", "-")
        text = lines.decode().splitlines()
        base = Fraction(next(line for line in text if line.startswith("#tb 0")).split()[-1])
        packets = [line.split(",") for line in text if not line.startswith("#")]
        starts = sorted(int(packet[2]) for packet in packets)
        length = int(packets[-1][3])
        return [base * start for start in (*starts, starts[-1] + length)]

    return read


def ffmpeg(*arguments: str) -> bytes:
    command = [str(find()), "-hide_banner", "-loglevel", "error", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


def _page(picture: Image.Image, page: int) -> Frames:
    picture.seek(page)
    return np.asarray(picture.convert("RGB"))


def barcodes(count: int, width: int = 64, height: int = 48) -> Frames:
    """Frames that say their number, as a byte's bits in eight columns of black and white."""
    bits = (np.arange(count)[:, None] >> np.arange(8)) & 1
    columns = bits[:, np.arange(width) * 8 // width].astype(np.uint8) * 255
    return np.broadcast_to(columns[:, None, :, None], (count, height, width, 3)).copy()


def number_of(frame: Frames) -> int:
    """Which of `barcodes` a frame is."""
    middles = (np.arange(8) * 2 + 1) * frame.shape[1] // 16
    bits = frame[frame.shape[0] // 2, middles].mean(-1) > 127
    return int((bits << np.arange(8)).sum())


def filmed(path: Path, frames: Frames, fps: str, *arguments: str) -> Path:
    """A film that ffmpeg makes of frames, with further arguments before its name."""
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", fps, "-i", "pipe:0")
    command = [str(find()), "-v", "error", "-y", *raw, *arguments, named(path)]
    subprocess.run(command, input=frames.tobytes(), check=True, capture_output=True)
    return path
