"""What ffmpeg knows of a film before a frame is decoded: moments, sound, alpha and colours."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from easyphoto_video.errors import BadFile
from easyphoto_video.video.ffmpeg import (
    GIVE_ANOTHER,
    LARGEST,
    filters,
    look,
    too_large,
    unreadable,
)
from easyphoto_video.video.timing import Timing, timing_of

FIRST = ("-map", "0:V:0")
"""The first pictures that are no cover of an album."""
UNKNOWN, HIDDEN = -(2**63), 4
"""framecrc's moment that the file does not tell, and its flag of packets that are not shown."""

INPUT = re.compile(r"^Input #0, (\S+), from", re.MULTILINE)
STREAM = re.compile(r"^ *Stream #0:\d+.*?: Video: (?!.*attached pic)(.*)$", re.MULTILINE)
SEEKABLE = ("mov", "matroska")
"""Containers with an index of all frames; in others a seek may land too late."""
WITH_ALPHA = re.compile(r"[ ,](yuva|rgba|bgra|argb|abgr|gbrap|ya\d|pal8|ayuv|vuya)")
ALPHA_MODE = re.compile(r"alpha_mode\s*: 1")
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""ffmpeg's own decoders of these leave out the second picture that holds the alpha."""
HDR = re.compile(r"\b(smpte2084|arib-std-b67)\b")
PICTURE = re.compile(r", (\d+)x(\d+)(?=[ ,]|$)")
PIXEL_SHAPE = re.compile(r"\bSAR (\d+):(\d+)")
MOST_STRETCHED = 4
"""How much wider or higher than a square a pixel may be; what tells of more is damaged."""
TO_BT709 = (
    "setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc,"
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=hable:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
)
"""Light up to ten times as bright as white is pressed into what a usual screen shows."""


@dataclass(frozen=True, kw_only=True)
class SoundTrack:
    """The first sound of a film, in the film's time."""

    start: Fraction
    """Seconds from the first picture to the first sound; below 0 when the sound is earlier."""
    seconds: Fraction
    """How long it sounds."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What decoding needs to know."""

    timing: Timing
    offset: Fraction
    """Seconds on the file's clock at which the first picture is shown."""
    sound: SoundTrack | None
    is_seekable: bool
    has_alpha: bool
    decoder: str
    """The decoder to ask for; empty is ffmpeg's choice."""
    filters: str
    """What turns HDR into BT.709, and pixels that are not square into such; empty for others."""


@dataclass(frozen=True)
class _Packets:
    """Moments and lengths in ticks of one stream."""

    tick: Fraction
    rows: list[tuple[int, int]]

    @property
    def start(self) -> Fraction:
        return min(row[0] for row in self.rows) * self.tick

    @property
    def end(self) -> Fraction:
        return max(row[0] + row[1] for row in self.rows) * self.tick


def facts_of(path: Path) -> Facts:
    """Look at a film.

    Raises BadFile when it has no pictures, too large ones, or is HDR that cannot be mapped.
    """
    told = look(path, *FIRST, "-map", "0:a:0?", "-c", "copy", "-f", "framecrc", "-")
    words = told.stderr.decode("utf-8", "replace").partition("Stream mapping:")[0]
    seen, heard = _packets(told.stdout, 0), _packets(told.stdout, 1)
    if not seen.rows:
        raise _unreadable(path, told)
    stream = next(iter(STREAM.findall(words)), "")
    _check_size(path, stream)
    decoder = ""
    if ALPHA_MODE.search(words):
        decoder = ALPHA_DECODERS.get(stream[:3], "")
    sound = None
    if heard.rows:
        sound = SoundTrack(start=heard.start - seen.start, seconds=heard.end - heard.start)
    container = INPUT.search(words)
    return Facts(
        timing=timing_of([row[0] for row in seen.rows], seen.tick, max(seen.rows)[1]),
        offset=seen.start,
        sound=sound,
        is_seekable=bool(container and container[1].startswith(SEEKABLE)),
        has_alpha=bool(decoder or WITH_ALPHA.search(stream)),
        decoder=decoder,
        filters=",".join(filter(None, (_mapped(path, stream), _squared(stream)))),
    )


def _unreadable(path: Path, told: subprocess.CompletedProcess[bytes]) -> BadFile:
    if told.returncode < 0:
        reason = "the ffmpeg program crashes on it; another ffmpeg may convert it to MP4"
        return BadFile(path, f"it is no video that can be read ({reason})", GIVE_ANOTHER)
    return unreadable(path, told.stderr)


def _check_size(path: Path, stream: str) -> None:
    """Raise BadFile for frames too large, as the file tells of them and as they will be shown."""
    size = PICTURE.search(stream)
    if size is None:
        return
    width, height = int(size[1]), int(size[2])
    shape = _pixel_shape(stream)
    if max(width, round(width * shape)) * height > LARGEST:
        raise too_large(path, size[0].strip(" ,"))


def _packets(listed: bytes, stream: int) -> _Packets:
    """What framecrc lists of a stream; the lines are `stream, dts, pts, duration, size, crc`."""
    tick, rows, decoded = Fraction(1), [], []
    for line in listed.decode("ascii", "replace").splitlines():
        if line.startswith(f"#tb {stream}:"):
            tick = Fraction(line.split()[-1])
        if not line.startswith(f"{stream},"):
            continue
        cells = line.split(",")
        flags = next((int(cell.strip()[2:], 16) for cell in cells[6:] if "F=" in cell), 0)
        if not flags & HIDDEN:
            rows.append((int(cells[2]), int(cells[3])))
            decoded.append((int(cells[1]), int(cells[3])))
    # Files without presentation times have them for no frame or for some; the order in which
    # frames are decoded then has the same moments.
    return _Packets(tick, decoded if any(row[0] == UNKNOWN for row in rows) else rows)


def _mapped(path: Path, stream: str) -> str:
    transfer = HDR.search(stream)
    if transfer is None:
        return ""
    chain = TO_BT709.format(transfer=transfer[1])
    if {"zscale", "tonemap"} <= _filters():
        return chain
    raise BadFile(
        path,
        f"its colours are HDR ({transfer[1]}), and this ffmpeg has no zscale and tonemap to map "
        "them",
        f'Convert it with an ffmpeg that has them: ffmpeg -i INPUT -vf "{chain}" -c:a copy OUTPUT',
    )


def _squared(stream: str) -> str:
    if _pixel_shape(stream) == 1:
        return ""
    return "scale=w=max(1\\,round(iw*sar)):h=ih:flags=lanczos+accurate_rnd,setsar=1"


def _pixel_shape(stream: str) -> Fraction:
    """How many times as wide as high a pixel is; 1 also where what is told makes no sense."""
    shape = PIXEL_SHAPE.search(stream)
    if shape is None or not int(shape[1]) or not int(shape[2]):
        return Fraction(1)
    wide = Fraction(int(shape[1]), int(shape[2]))
    return wide if 1 / MOST_STRETCHED <= wide <= MOST_STRETCHED else Fraction(1)


@cache
def _filters() -> frozenset[str]:
    return filters()
