"""Work in progress on disk: the spans of a clip that are done, one file for each.

NAME-0000064.zip   a span's frames: 00000.png, 00001.png ..
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest, HostFailed
from easyphoto_video.request import Request

FOLDER = ".unfinished"
JOB = "job.json"
COMPRESSION = (cv2.IMWRITE_PNG_COMPRESSION, 1)
PACKED = 1.1
"""Bytes on disk for each of a picture's, at most."""
AGAIN = "Start it anew without resuming."


@dataclass(frozen=True)
class Work:
    """A folder for the spans of one clip."""

    folder: Path

    def has(self, name: str) -> bool:
        """Whether that span is done."""
        return self._file(name).is_file()

    def keep(self, name: str, frames: Frames) -> None:
        """Put the frames (n, H, W, 3) uint8 RGB of a span on disk; it is there whole, or not.

        Raises HostFailed when the disk does not take it.
        """
        part = self._file(name).with_suffix(".part")
        with kept_in(self.folder), _gone_at_the_end(part):
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as pack:
                for number, frame in enumerate(frames):
                    pack.writestr(f"{number:05d}.png", _packed(frame))
            part.replace(self._file(name))

    def frames(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[Frames]:
        """(H, W, 3) uint8 RGB of a span's frames from `start` to before `stop`.

        Raises BadFile when the file is damaged.
        """
        path = self._file(name)
        try:
            with zipfile.ZipFile(path) as pack:
                for entry in sorted(pack.namelist())[start:stop]:
                    yield _unpacked(pack.read(entry))
        except (OSError, zipfile.BadZipFile, cv2.error) as error:
            raise BadFile(path, f"it cannot be read ({error})", AGAIN) from error

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.zip"


def check_room(outputs: Path, request: Request) -> None:
    """Raises BadRequest unless the spans of a settled request will find room on the disk."""
    need = int(PACKED * 3 * _pixels(request))
    there = next(folder for folder in (outputs, *outputs.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < need:
        raise BadRequest(
            "Output",
            str(outputs),
            f"has {free >> 20} MB free, and {need >> 20} MB may be needed for unfinished spans",
            "Free some, or make fewer or smaller frames.",
        )


def _pixels(request: Request) -> int:
    """Of all pictures that wait on disk at the end."""
    faces = len(request.people) * request.face_size**2 if request.face_pass else 0
    # Beside what goes back into the clip lies what the next span leans on.
    return request.frames * (2 * faces + request.rendered_pixels)


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """What the disk refuses there becomes HostFailed."""
    try:
        yield
    except OSError as error:
        raise HostFailed(
            f"{folder}: what is done cannot be kept there ({error.strerror or error}). Free some "
            "room on that disk; if a span is done, the clip goes on where it was with --resume."
        ) from error


@contextmanager
def _gone_at_the_end(part: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _packed(frame: Frames) -> bytes:
    picture = np.ascontiguousarray(frame[..., ::-1])  # OpenCV's order is BGR
    return cv2.imencode(".png", picture, COMPRESSION)[1].tobytes()


def _unpacked(data: bytes) -> Frames:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise zipfile.BadZipFile("a frame is damaged")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
