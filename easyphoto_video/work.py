"""Work in progress on disk: the spans of a clip that are done, so that it can go on after a stop.

    .unfinished/<id>/job.json           the request as it runs, and what its files were
    .unfinished/<id>/lock               held by whoever works on it
    .unfinished/<id>/NAME-0000064.zip   a span's frames: 00000.png, 00001.png ..

The folder lies beside the finished clips, on the same disk. It goes when the clip is finished, and
stays when the work ends otherwise and a span is done.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from easyphoto_video import __version__
from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.held import hold, is_held
from easyphoto_video.request import Request, mode_of, request_from
from easyphoto_video.setting import settings

FOLDER = ".unfinished"
JOB, LOCK = "job.json", "lock"
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
        """Put the frames (n, H, W, 3) uint8 RGB of a span on disk; it is there whole, or not."""
        part = self._file(name).with_suffix(".part")
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


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """Work that was stopped."""

    id: str
    folder: Path
    request: Request
    """As it ran: nothing is open."""
    files: Mapping[str, list[int]]
    """Size and time of the files that the request names, by field."""
    spans: int
    """How many are done."""
    stopped: float
    """When the last was done, seconds since 1970."""

    @property
    def line(self) -> str:
        """For people."""
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.stopped))
        request = self.request
        size = f"{request.frames} frames of {request.width}x{request.height}"
        return f"{self.id}  {when}  {mode_of(request)}, {size}, seed {request.seed}"


def unfinished(outputs: Path) -> list[Unfinished]:
    """What can be gone on with, the newest first; work that somebody is at is left out."""
    try:
        folders = [folder for folder in (outputs / FOLDER).iterdir() if folder.is_dir()]
    except OSError:
        return []
    found = [_read(folder) for folder in folders if not is_held(folder / LOCK)]
    return sorted((each for each in found if each), key=lambda each: -each.stopped)


def matching(outputs: Path, request: Request, *, any_seed: bool) -> Unfinished:
    """The newest unfinished work of a settled request, with `any_seed` of another seed too.

    Raises Missing when there is none.
    """
    there = unfinished(outputs)
    for each in there:
        if each.request == (replace(request, seed=each.request.seed) if any_seed else request):
            return each
    others = "; ".join(each.line for each in there[:5]) or "nothing"
    raise Missing(
        "Unfinished work of this request",
        f"Start without resuming, or resume what is unfinished by its id. There is: {others}.",
    )


def named(outputs: Path, id: str) -> Unfinished:
    """The unfinished work of that id. Raises Missing."""
    for each in unfinished(outputs):
        if each.id == id:
            return each
    raise Missing(f"Unfinished work {id!r}", "Choose another, or start it anew.")


def discard(outputs: Path, id: str) -> None:
    """Remove unfinished work. Raises Missing."""
    shutil.rmtree(named(outputs, id).folder)


@contextmanager
def working(outputs: Path, request: Request, resumed: Unfinished | None = None) -> Iterator[Work]:
    """A folder for the spans of a settled request, or the one of what is resumed.

    Raises BadRequest when a file that the resumed request names is another by now, or when somebody
    works on it.
    """
    folder = resumed.folder if resumed else _new_folder(outputs)
    is_over = False
    try:
        with hold(folder / LOCK) as is_ours:
            if not is_ours:
                step = "Wait for it, or start anew without resuming."
                raise BadRequest("Resume", folder.name, "is being worked on", step)
            if resumed:
                _check_same(resumed)
            else:
                _write(folder, request)
            yield Work(folder)
            is_over = True
    finally:
        # After the lock, which some systems would not let go with the folder.
        if is_over or not any(folder.glob("*.zip")):
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # others may be unfinished
                folder.parent.rmdir()


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


def stamps(request: Request) -> dict[str, list[int]]:
    """Size and time of the files that a request names, by field."""
    found = {}
    for field, setting in settings(request):
        path = getattr(request, field.name)
        if setting.file and path:
            facts = Path(path).stat()
            found[field.name] = [facts.st_size, facts.st_mtime_ns]
    return found


def _new_folder(outputs: Path) -> Path:
    folder = outputs / FOLDER / secrets.token_hex(4)
    folder.mkdir(parents=True)
    return folder


def _write(folder: Path, request: Request) -> None:
    said = {
        "version": __version__,
        "request": request.to_json(),
        "files": stamps(request),
    }
    (folder / JOB).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


def _read(folder: Path) -> Unfinished | None:
    """None for a folder without anything that is done, or of another version."""
    try:
        said: dict[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
        done = [file.stat().st_mtime for file in folder.glob("*.zip")]
        request = request_from(said["request"])
    except (OSError, ValueError, KeyError, TypeError, EasyPhotoError):
        return None
    if not done or said.get("version") != __version__:
        return None
    return Unfinished(
        id=folder.name,
        folder=folder,
        request=request,
        files=said.get("files", {}),
        spans=len(done),
        stopped=max(done),
    )


def _check_same(resumed: Unfinished) -> None:
    try:
        now = stamps(resumed.request)
    except OSError as error:
        raise BadFile(
            str(error.filename), "it is no longer there", f"Put it back. {AGAIN}"
        ) from error
    for name, stamp in resumed.files.items():
        if now.get(name) != stamp:
            path = Path(getattr(resumed.request, name))
            raise BadFile(path, "it has changed since", f"Put the old one back. {AGAIN}")


def _packed(frame: Frames) -> bytes:
    picture = np.ascontiguousarray(frame[..., ::-1])  # OpenCV's order is BGR
    return cv2.imencode(".png", picture, COMPRESSION)[1].tobytes()


def _unpacked(data: bytes) -> Frames:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise zipfile.BadZipFile("a frame is damaged")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)
