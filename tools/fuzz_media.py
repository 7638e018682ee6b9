"""Spoiled videos and pictures: looked at, cut, taken as masks, and made into clips."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from easyphoto_video.host.jobs import Job
from easyphoto_video.modes.registry import request_from
from easyphoto_video.video.cut import cut_of
from easyphoto_video.video.masks import masks_of
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import read_picture
from tools.fuzz_host import FuzzHost

FRAMES = 24
"""Frames that are looked at; damaged files tell of many."""
SUFFIXES = (".mp4", ".png", ".gif", ".webp", ".webm", ".jpg", ".mov", ".avi", ".ts", ".txt", "")
HUGE = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
FIELDS = (b"mvhd", b"tkhd", b"mdhd", b"stts", b"stsz", b"stsc", b"stco", b"ctts", b"elst", b"avc1")
FIELDS += (b"pasp", b"IHDR", b"acTL", b"fcTL", b"PLTE", b"tRNS", b"eXIf", b"GIF8", b"NETSCAPE")
FIELDS += (b"VP8X", b"ANIM", b"ANMF", b"avih", b"strh", b"\x2a\xd7\xb1", b"\x44\x89", b"\xb0\x82")
"""Places behind which numbers lie: of MP4, PNG, GIF, WEBP, AVI and Matroska."""
HEADS = (
    b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\6\0\0\0",
    b"GIF89a\xff\xff\xff\xff\xf7\0\0",
    b"RIFF\xff\xff\xff\xffWEBPVP8X\n\0\0\0\x12\0\0\0\xff\xff\xff\xff\xff\xff",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"BM\xff\xff\xff\xff\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f\1\0\x18\0",
    b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4",
    b"RIFF\xff\xff\xff\x7fAVI LIST",
    b"ffconcat version 1.0\nfile own.mp4\n",
    b"#EXTM3U\n#EXTINF:9,\nown.mp4\n",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
    b"P6 999999999 999999999 255\n",
)
Spoil = Callable[[random.Random, bytearray, list[Path]], None]


def case(rng: random.Random, samples: Path, folder: Path) -> None:
    """See tools/fuzz_case.py: a spoiled file, and something that is done with it."""
    files = sorted(samples.iterdir())
    data = bytearray(rng.choice(files).read_bytes())
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        rng.choice(SPOILS)(rng, data, files)
    path = folder / f"case{rng.choice(SUFFIXES)}"
    path.write_bytes(data)
    rng.choice(USES)(rng, path, samples)


def _flip(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    for _ in range(rng.choice((1, 3, 30, 300)) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_head(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    for _ in range(rng.choice((1, 3, 10)) if data else 0):
        data[rng.randrange(min(len(data), 400))] = rng.randrange(256)


def _cut_off(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _insert(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    place = rng.randrange(len(data) + 1)
    data[place:place] = rng.randbytes(rng.choice((1, 2, 4, 100, 5000)))


def _remove(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    place = rng.randrange(len(data) + 1)
    del data[place : place + rng.choice((1, 4, 100, 5000))]


def _blank(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    place = rng.randrange(len(data) + 1)
    size = min(len(data) - place, rng.choice((4, 64, 4096)))
    data[place : place + size] = bytes([rng.choice((0, 255))]) * size


def _number(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    """Another number near one of FIELDS."""
    places = [place for name in FIELDS if (place := data.find(name)) >= 0]
    if not places:
        return
    for _ in range(rng.choice((1, 2, 4))):
        at = rng.choice(places) + rng.randrange(2, 44)
        number = rng.choice(HUGE) if rng.random() < 0.7 else rng.randrange(5000)
        form = rng.choice((">I", "<I", ">H", "<H"))
        data[at : at + struct.calcsize(form)] = struct.pack(
            form, number & (2 ** (8 * struct.calcsize(form)) - 1)
        )


def _other_head(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    head = rng.choice(HEADS)
    data[: len(head) * rng.randrange(2)] = head


def _spliced(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    other = rng.choice(files).read_bytes()
    del data[rng.randrange(len(data) + 1) :]
    data += other[rng.randrange(len(other)) :]


def _noise(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    data[:] = rng.randbytes(rng.choice((0, 1, 11, 12, 1000, 50_000)))


def _twice(rng: random.Random, data: bytearray, files: list[Path]) -> None:
    data += data[: 2**20]


SPOILS: tuple[Spoil, ...] = (_flip, _flip_head, _cut_off, _insert, _remove, _blank, _number)
SPOILS += (_number, _other_head, _spliced, _noise, _twice)


def _open(rng: random.Random, path: Path, samples: Path) -> None:
    video = open_video(path)
    start = rng.choice((0, 0, rng.randrange(max(video.count, 1))))
    for _ in islice(video.frames(start), FRAMES):
        pass


def _read(rng: random.Random, path: Path, samples: Path) -> None:
    read_picture(path)


def _cut(rng: random.Random, path: Path, samples: Path) -> None:
    cut = cut_of(
        open_video(path),
        start=rng.choice((0, 0, rng.random(), 1e6)),
        end=rng.choice((None, None, rng.random() * 2)),
        fps=rng.choice((None, Fraction(30000, 1001), Fraction(1, 100), Fraction(1000))),
        frames=rng.choice((0, 1, 7)),
    )
    start = rng.randrange(cut.count)
    for _ in islice(cut.frames(start), FRAMES):
        pass
    assert cut.sound_seconds <= cut.seconds


def _mask(rng: random.Random, path: Path, samples: Path) -> None:
    cut = cut_of(open_video(samples / "own.mp4"), start=rng.random(), fps=Fraction(12))
    for mask in masks_of(path, cut):
        assert mask.shape == (cut.height, cut.width)
        assert 0 <= mask.min() <= mask.max() <= 1


def _image2video(rng: random.Random, path: Path, samples: Path) -> None:
    other = rng.choice(("", str(samples / "still.png")))
    values: dict[str, Any] = {"image": str(path), "last_image": other}
    if rng.random() < 0.3 and other:
        values = {"image": other, "last_image": str(path)}
    _run(rng, path, {**values, "mode": "image2video", "frames": rng.choice((2, 5, 20))})


def _video2video(rng: random.Random, path: Path, samples: Path) -> None:
    values: dict[str, Any] = {"video": str(path), "redraw": rng.choice((0, 0.5))}
    if rng.random() < 0.3:
        values = {**values, "video": str(samples / "own.mp4"), "mask_video": str(path)}
    values |= {"frames": rng.choice((1, 6, 20)), "fps": rng.choice((0, 0, 8, "30000/1001"))}
    _run(rng, path, {**values, "mode": "video2video", "user_id": "none"})


def _run(rng: random.Random, path: Path, values: dict[str, Any]) -> None:
    """A whole job, through the queue's own checks, to a file that opens again."""
    host = FuzzHost(path.parent)
    choices = {
        "format": rng.choice(("mp4", "gif", "webp", "webm", "png")),
        "order": rng.choice(("forward", "forward", "reverse", "ping-pong")),
        "span": 8,
        "span_overlap": 2,
        "seed": 1,
    }
    sizes = {"width": 64, "height": 64} if rng.random() < 0.7 else {}
    job = Job(host.settle(request_from({**values, **choices, **sizes})))
    job.run(host)
    made = [file for file in host.outputs.glob("*") if not file.name.startswith(".")]
    if job.error is not None:
        assert not made, f"a clip that failed is there: {made}"
        raise job.error
    assert made == [job.path]
    assert open_video(made[0]).count >= 1


USES: tuple[Callable[[random.Random, Path, Path], None], ...] = (_open, _read, _cut, _mask)
USES += (_open, _cut, _image2video, _video2video)
