"""Files over HTTP, on their way in: kept beside the clips for as long as somebody needs them.

    .uploads/<id>-NAME   what `upload:<id>` means
    .uploads/<id>.part   a file that still comes

A request over HTTP names only these, and what lies in the folder of clips: no path of this machine.
"""

from __future__ import annotations

import base64
import errno
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as Call

from easyphoto_video import work
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.host.api.answers import PREFIX, Refused
from easyphoto_video.host.api.body import chunks
from easyphoto_video.host.api.names import FOLDER, UPLOAD
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.private import private_file, private_folder
from easyphoto_video.setting import FILM, PICTURE, Setting
from easyphoto_video.setting.declaration import files_of
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import read_picture

ID = re.compile(rf"{UPLOAD}([0-9a-f]{{32}})")
TYPES = re.compile(r"(image|video)/[\w.+-]+|application/octet-stream")
"""No web page elsewhere can make a browser send these without asking us first."""
DATA = re.compile(r"data:image/[\w.+-]+;base64,")
LONGEST_NAME = 40
PART = ".part"


class Uploads:
    """The files that came; every method may be called in any thread."""

    largest = 4 * 2**30
    """Bytes of a file."""
    spared = 2**30
    """Bytes of the disk that stay free."""
    kept = 24 * 3600.0
    """Seconds that a file stays after it came or was last named, though no job needs it."""

    def __init__(self, host: Host, jobs: Jobs) -> None:
        self._host = host
        self._jobs = jobs
        self._named: dict[str, float] = {}
        """When each was last named, seconds since 1970, by id."""

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._host.outputs / FOLDER

    async def take(self, call: Call) -> dict[str, str]:
        """Keep the body of a call: what to name it in a request, and whether it is a film.

        Raises Refused: 413, 415 or 507, and BadFile when it is neither picture nor film.
        """
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not TYPES.fullmatch(kind):
            step = "Send application/octet-stream."
            raise Refused(415, ("Content-Type", kind), "is no picture and no film", step)
        length = call.headers.get("content-length", "0")
        need = int(length[:20]) if length.isdecimal() else 0
        part = await run_in_threadpool(self._new, min(need, self.largest))
        with _gone_at_the_end(part):
            with private_file(part) as file:
                async for chunk in chunks(call, self.largest):
                    await run_in_threadpool(file.write, chunk)
            name = call.query_params.get("name", "")
            return await run_in_threadpool(self._taken, part, name)

    def path(self, setting: Setting, value: str) -> str:
        """The file that a field of a request names; empty stays empty.

        A small picture may also be the value itself, as a data: URL. Raises BadRequest for any
        other name, and BadFile when there is no picture in the URL.
        """
        if not value:
            return value
        if setting.kind is PICTURE and (head := DATA.match(value)):
            return self.path(setting, self._inline(setting, value, head.end()))
        upload = ID.fullmatch(value)
        found = self._upload(upload[1]) if upload else self._result(value)
        if found is None:
            reason = "is neither a file that was sent here nor an earlier result"
            step = f"Send the file with POST {PREFIX}/files, and give the name in its answer."
            raise BadRequest(setting.label, value, reason, step)
        return str(found)

    def prune(self) -> None:
        """Remove what nobody needs any more."""
        now = time.time()
        old = [file for file in self._all() if now - self._last(file) > self.kept]
        needed = " ".join(self._needed()) if old else ""
        for file in old:
            if _id(file) not in needed:
                file.unlink(missing_ok=True)
                self._named.pop(_id(file), None)

    def _new(self, need: int) -> Path:
        """A place for a file of so many bytes, if that is known. Raises Refused."""
        self.prune()
        private_folder(self.folder)
        free = shutil.disk_usage(self.folder).free
        if free < need + self.spared:
            raise _full(free)
        return self.folder / f"{secrets.token_hex(16)}{PART}"

    def _taken(self, part: Path, name: str) -> dict[str, str]:
        kind = _kind(part)
        tidy = re.sub(r"[^\w.-]+", "_", name.replace("\\", "/").rpartition("/")[2])
        part.rename(part.with_name(f"{part.stem}-{tidy[-LONGEST_NAME:].strip('.') or kind}"))
        return {"file": f"{UPLOAD}{part.stem}", "kind": kind}

    def _inline(self, setting: Setting, value: str, start: int) -> str:
        try:
            data = base64.b64decode(value[start:], validate=True)
        except ValueError as error:
            step = "Give data:image/png;base64, and the picture."
            raise BadRequest(setting.label, value, "is not base64", step) from error
        part = self._new(len(data))
        with _gone_at_the_end(part):
            with private_file(part) as file:
                file.write(data)
            return self._taken(part, "")["file"]

    def _upload(self, id: str) -> Path | None:
        found = next(self.folder.glob(f"{id}-*"), None)
        if found is not None:
            self._named[id] = time.time()
        return found

    def _result(self, name: str) -> Path | None:
        """What lies under a plain name in the folder of clips, if anything."""
        if name.startswith(".") or set(name) & set("/\\:\0"):
            return None
        outputs = self._host.outputs
        try:
            file = (outputs / name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        return outputs / name if file == outputs.resolve() / name else None

    def _all(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except OSError:
            return []

    def _last(self, file: Path) -> float:
        """When a file came or was last named."""
        with suppress(OSError):  # somebody else may prune
            return max(file.stat().st_mtime, self._named.get(_id(file), 0))
        return time.time()

    def _needed(self) -> Iterator[str]:
        """Texts that name what may not go."""
        for job in self._jobs.all():
            if not job.state.is_over:
                yield from files_of(job.request).values()
        for said in (self._host.outputs / work.FOLDER).glob(f"*/{work.JOB}"):
            with suppress(OSError):
                yield said.read_text(encoding="utf-8", errors="replace")


def _id(file: Path) -> str:
    return file.name[:32]


def _kind(part: Path) -> str:
    """The word for FILM or PICTURE, by what is in the file. Raises BadFile."""
    try:
        if open_video(part).count > 1:
            return FILM.widget
    except BadFile as error:
        reason = error.reason.replace(str(part), "the file")
        raise BadFile("the file", reason, error.next_step) from error
    with suppress(BadFile):
        read_picture(part)
        return PICTURE.widget
    return FILM.widget  # of one frame


@contextmanager
def _gone_at_the_end(part: Path) -> Iterator[None]:
    """A file that is moved to its name or removed. Raises Refused when the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        raise _full(0) from error
    finally:
        part.unlink(missing_ok=True)


def _full(free: int) -> Refused:
    what: Any = ("Body", f"{free >> 20} MB free")
    return Refused(507, what, "is too little room for it", "Free some on the disk of the clips.")
