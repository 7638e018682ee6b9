"""Pictures and films that people drop into the form, kept for as long as work may need them.

    .inputs/holiday-3fa29c0d41b7e650.mp4
    .inputs/frames-9b1d00e2f7c54a38/0001.png    pictures that were dropped together, as one film

The page's own copies go when it likes. These lie beside the clips and are named by the SHA-256 of
what is in them, so that a file that is dropped again is the same one to unfinished work.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from easyphoto_video.errors import BadRequest, HostFailed
from easyphoto_video.held import TOKEN, claimed, sweep
from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.compat import upload_of
from easyphoto_video.infotext import to_infotext
from easyphoto_video.private import make_private, private_folder
from easyphoto_video.request import Request
from easyphoto_video.setting import Setting
from easyphoto_video.setting.declaration import files_of, with_files
from easyphoto_video.unfinished import unfinished

FOLDER = ".inputs"
KEPT = 30 * 24 * 3600
"""Seconds for which a file that nobody uses is kept."""
DIGITS = 16
"""Of the hash in a name."""
LONGEST_NAME = 40
STORABLE = ("1", "L", "LA", "RGB", "RGBA", "I;16")
"""Modes of pictures that a PNG holds as they are."""
FRAME = ".png"
HALF = rf"\.{TOKEN}"
"""What the folder is called in which a file is put together."""


class Inputs:
    """The folder of what was dropped."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def folder(self) -> Path:
        """Beside the clips, existing or not."""
        return (self._host.outputs / FOLDER).resolve()

    def kept(self, label: str, value: Any) -> str:
        """The path under which what a drop field holds lies here; empty for an empty field.

        `value` is a picture, a path, or a list of files. Raises BadRequest by the field's label,
        and HostFailed when the disk does not take it.
        """
        if value is None or value == "" or value == []:
            return ""
        try:
            path = self._kept(label, value)
            _use(path)
            self._prune()
        except OSError as error:
            raise HostFailed(
                f"{label}: it cannot be kept in {self.folder} ({error.strerror or error}). "
                "Free some room there, or make the folder writable."
            ) from error
        return str(path)

    def ours(self, path: str) -> Path | None:
        """That path, or name, when it lies here: a text shows nobody another file."""
        if not path:
            return None
        try:
            found = (self.folder / path).resolve()
            return found if self.folder in found.parents and found.exists() else None
        except (OSError, ValueError):  # no path at all
            return None

    def named(self, setting: Setting, name: str) -> str:
        """The path of a file that a text in the form names. Raises BadRequest for any other."""
        found = self.ours(name)
        if found is None:
            step = "Drop it into a field for files first."
            raise BadRequest(setting.label, name, "is no file that was dropped here", step)
        return str(found)

    def _kept(self, label: str, value: Any) -> Path:
        if isinstance(value, Image.Image):
            return self._keep_picture(value)
        files = value if isinstance(value, (list, tuple)) else [value]
        there = self.ours(str(files[0]))
        if there is not None:
            return there.parent if there.parent != self.folder else there
        paths = [Path(sent) for file in files if (sent := upload_of(file))]
        return self._keep_file(paths[0]) if len(paths) == 1 else self._keep_frames(label, paths)

    def _keep_picture(self, picture: Image.Image) -> Path:
        if picture.mode == "P" or (picture.mode == "RGB" and "transparency" in picture.info):
            picture = picture.convert("RGBA")
        elif picture.mode not in STORABLE:
            picture = picture.convert("RGB")
        name = _named("picture", _digits([repr((picture.mode, picture.size)).encode()], picture))
        clean = picture.copy()
        clean.info = {}  # what it was made with is no part of what it shows
        return self._put(name + FRAME, lambda part: clean.save(part, "PNG", compress_level=1))

    def _keep_file(self, path: Path) -> Path:
        name = _named(path.stem, _digits(_chunks([path]))) + _suffix(path)
        return self._put(name, lambda part: _copy(path, part))

    def _keep_frames(self, label: str, paths: Sequence[Path]) -> Path:
        paths = sorted(paths, key=lambda path: path.name)
        other = next((path.name for path in paths if path.suffix.lower() != FRAME), None)
        if other is not None:
            reason = "is not a .png, as pictures that are dropped together must be"
            raise BadRequest(label, other, reason, "Drop one film, or the .png files of a folder.")

        def put(part: Path) -> None:
            part.mkdir()
            for path in paths:
                _copy(path, part / f"{_plain(path.stem)}{FRAME}")

        return self._put(_named("frames", _digits(_chunks(paths))), put)

    def _put(self, name: str, write: Callable[[Path], None]) -> Path:
        """The file of that name, written as a whole when it is not there yet."""
        path = self.folder / name
        if path.exists():
            return path
        private_folder(self.folder)
        sweep(self.folder, HALF)
        with claimed(self.folder, ".") as bench:
            part = bench / "part"
            write(part)
            make_private(part)
            try:
                part.rename(path)
            except OSError:  # of a folder that somebody else was faster with, it says "not empty"
                if not path.exists():
                    raise
        return path

    def _all(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if not path.name.startswith(".")]

    def _prune(self) -> None:
        """Remove what was not used for long and what no unfinished work names."""
        old = [path for path in self._all() if time.time() - path.stat().st_atime > KEPT]
        if not old:
            return
        works = unfinished(self._host.outputs)
        named = {path for work in works for path in files_of(work.request).values()}
        for path in old:
            if str(path) not in named:
                _remove(path)


def infotext_of(request: Request) -> str:
    """The infotext for people at the page: files that were dropped have their names alone."""
    return to_infotext(with_files(request, lambda _, path: Path(path).name))


def _use(path: Path) -> None:
    """Note that it is used now; its own time stays, by which unfinished work knows it."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def _digits(parts: Iterable[bytes], picture: Image.Image | None = None) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    if picture is not None:
        found.update(picture.tobytes())
    return found.hexdigest()[:DIGITS]


def _chunks(paths: Sequence[Path]) -> Iterable[bytes]:
    for path in paths:
        if len(paths) > 1:
            yield path.name.encode("utf-8", "replace")
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk


def _named(stem: str, digits: str) -> str:
    return f"{_plain(stem)}-{digits}"


def _plain(stem: str) -> str:
    """A stem with nothing in it that a file's name cannot have."""
    return re.sub(r"[^\w-]+", "_", stem)[:LONGEST_NAME].strip("_") or "file"


def _suffix(path: Path) -> str:
    return path.suffix.lower() if re.fullmatch(r"\.\w{1,8}", path.suffix) else ""


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # a long film need not lie there twice
    except OSError:
        shutil.copyfile(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
