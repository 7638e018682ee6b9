"""Where a clip goes: its name, whether it can be written there, and the last step into place."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easyphoto_video.errors import BadRequest
from easyphoto_video.files import is_folder
from easyphoto_video.held import hold

SUFFIXES = {".mp4": "mp4", ".gif": "gif", ".webp": "webp", ".webm": "webm", ".png": "png"}
OTHERS = "Name a file that ends in .mp4, .webm, .gif, .webp or .png, or a folder."
ELSEWHERE = "Choose another file or folder with --out."
NUMBER = re.compile(r"(\d{5,})-(.*)", re.DOTALL)
NUMBERING = ".numbering.lock"
"""Held in a folder while a clip there gets its number."""
PATIENCE = 10.0
"""Seconds to wait for others who give a number away, which takes a moment."""
PAUSE = 0.002

BYTES_PER_PIXEL = {"mp4": 0.5, "webm": 0.5, "gif": 4.0, "webp": 0.5, "png": 3.2}
"""What a pixel may take at most in ordinary footage, with what is needed on the way."""


def format_of(path: Path) -> str:
    """The format that a name asks for: its suffix, or `png` (a folder of pictures) without one.

    Raises BadRequest for any other suffix.
    """
    if not path.suffix:
        return "png"
    if path.suffix.lower() not in SUFFIXES:
        reason = f"ends in {path.suffix}, which we cannot write"
        raise BadRequest("Output", path, reason, OTHERS)
    return SUFFIXES[path.suffix.lower()]


def place_of(path: Path) -> Path:
    """What will stand there at the end: the file, or for `NAME.png` the folder NAME."""
    return path.with_suffix("") if format_of(path) == "png" else path


def destination(out: Path | None, default_folder: Path, format: str, stem: str) -> Path:
    """Where a clip of a format goes.

    `out` is a file when it has a suffix and is no folder, else a folder; None is the default
    folder. In a folder the name is automatic, as the WebUI's: the number after the highest there,
    a dash and the stem, which has no dot. Raises BadRequest when suffix and format disagree.
    """
    if out is None or is_folder(out) or not out.suffix:
        return numbered(out or default_folder, stem, "" if format == "png" else f".{format}")
    if format_of(out) != format:
        raise BadRequest(
            "Output",
            out,
            f"ends in {out.suffix}, but the format is {format}",
            f"Name it {out.with_suffix('.' + format).name}, or choose the format {format_of(out)}.",
        )
    place = place_of(out)
    return out if place.suffix else place  # a folder called a.b would be taken for a file again


def numbered(folder: Path, stem: str, suffix: str) -> Path:
    """The next automatic name in a folder, which need not be there yet."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except (
        OSError,
        ValueError,
    ):  # check_writable tells why; a folder that cannot be read has no numbers
        names = []
    taken = [number for number in map(_number, names) if number is not None]
    return folder / f"{max(taken, default=0) + 1:05d}-{stem}{suffix}"


def room_needed(format: str, width: int, height: int, frames: int) -> int:
    """Bytes of free disk that a clip may take while it is written, rather too many."""
    return 2**20 + int(BYTES_PER_PIXEL[format] * width * height * frames)


def check_writable(path: Path, need: int = 0) -> None:
    """Make the folder, and refuse a place that cannot be written or lacks `need` free bytes.

    Raises BadRequest that names the place.
    """
    target = place_of(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):  # which has no name that could stay
            free = shutil.disk_usage(target.parent).free
        occupied = _occupied(target, format_of(path))
    except (OSError, ValueError) as error:
        raise _refused(target, error) from error
    if occupied:
        raise BadRequest("Output", target, occupied, ELSEWHERE)
    if free < need:
        raise BadRequest(
            "Output",
            target.parent,
            f"has {free >> 20} MB free, and {need >> 20} MB may be needed",
            "Free some, make fewer or smaller frames, or choose another folder with --out.",
        )


def publish(finished: Path, target: Path) -> Path:
    """Move what is finished to its name in one step and return where it is.

    A name is replaced, unless it is numbered: then what is there stays, and where the number is
    taken, under whatever name, it is the next. `finished` lies on the same disk. Raises BadRequest.
    """
    try:
        if NUMBER.match(target.name):
            with _numbering(target.parent):
                return _published_new(finished, target)
        finished.replace(target)
    except OSError as error:
        raise _refused(target, error) from error
    return target


@contextmanager
def _numbering(folder: Path) -> Iterator[None]:
    """While it lasts nobody else of ours gives a number away there."""
    end = time.monotonic() + PATIENCE
    while True:
        with hold(folder / NUMBERING, fleeting=True) as is_ours:
            # A disk without locks is no reason to lose a clip: its name is never replaced.
            if is_ours or time.monotonic() > end:
                yield
                return
        time.sleep(PAUSE)


def _published_new(finished: Path, target: Path) -> Path:
    while _is_taken(target) or not _moved_to_new(finished, target):
        target = _next(target)
    return target


def _is_taken(target: Path) -> bool:
    """Whether another entry of the folder has the number already."""
    number = _number(target.name)
    return any(_number(entry.name) == number for entry in target.parent.iterdir())


def _number(name: str) -> int | None:
    match = NUMBER.match(name)
    return int(match[1]) if match else None


def _occupied(target: Path, format: str) -> str:
    """Why what stands at the target may not be replaced; empty when it may."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return ""
    if NUMBER.match(target.name):
        return ""
    if format != "png":
        return "is a folder" if stat.S_ISDIR(mode) else ""
    if not stat.S_ISDIR(mode):
        return "is a file, and the pictures need a folder"
    return "is a folder with something in it" if any(target.iterdir()) else ""


def _moved_to_new(finished: Path, target: Path) -> bool:
    """Whether the name was free; nobody else can have taken it in between."""
    try:
        if finished.is_dir():
            return _folder_moved(finished, target)
        os.link(finished, target)
    except FileExistsError:
        return False
    except OSError:
        return _claimed(finished, target)
    finished.unlink()
    return True


def _folder_moved(finished: Path, target: Path) -> bool:
    try:
        finished.rename(target)
    except OSError:
        if os.path.lexists(target):
            return False
        raise
    return True


def _claimed(finished: Path, target: Path) -> bool:
    """On a disk without hard links (exFAT) a name is first claimed empty, then replaced."""
    try:
        target.touch(exist_ok=False)
    except FileExistsError:
        return False
    finished.replace(target)
    return True


def _next(target: Path) -> Path:
    _, _, stem = target.stem.partition("-")
    return numbered(target.parent, stem, target.suffix)


def _refused(target: Path, error: OSError | ValueError) -> BadRequest:
    reason = getattr(error, "strerror", None) or str(error)
    return BadRequest("Output", target, f"cannot be written ({reason})", ELSEWHERE)
