"""Work that was stopped: where it lies, who is at it, how it is gone on with or given up.

    .unfinished/<id>/job.json   the request as it runs, and what its files were
    .unfinished/<id>/*.zip      the spans that are done, see work.py
    .unfinished/<id>.lock       held by whoever works on it, or waits to

The folder lies beside the finished clips, on the same disk. It goes when the clip is finished, and
stays when the work ends otherwise and a span is done. One without any, of a process that was
killed, goes when the next work begins.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyphoto_video import __version__
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.held import (
    LOCK,
    ended_with_us,
    hold,
    is_held,
    lock_of,
    new_folder,
    remove,
)
from easyphoto_video.modes.registry import request_from
from easyphoto_video.request import Request
from easyphoto_video.setting.declaration import files_of
from easyphoto_video.work import AGAIN, FOLDER, JOB, Work, kept_in


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """Work that was stopped and can be gone on with."""

    id: str
    folder: Path
    request: Request
    """As it ran: nothing is open."""
    files: Mapping[str, list[int]]
    """Size and time of the files that the request names, by place, see `files_of`."""
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
        mark = f", seed {request.mark}" if request.mark else ""
        return f"{self.id}  {when}  {request.mode}, {size}{mark}"


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Work that nobody can go on with; it can be discarded."""

    id: str
    folder: Path
    reason: str
    """Why, as the end of a sentence that begins with the work."""
    spans: int
    """How many are done."""
    size: int
    """Bytes on disk."""

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.id}  {self.reason}; {self.spans} spans, {self.size / 2**20:.1f} MB"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"id": self.id, "reason": self.reason, "spans": self.spans, "bytes": self.size}


def unfinished(outputs: Path) -> list[Unfinished]:
    """What can be gone on with, the newest first; work that somebody is at is left out."""
    found = [_read(folder) for folder in _free(outputs)]
    works = [each for each in found if isinstance(each, Unfinished)]
    return sorted(works, key=lambda each: -each.stopped)


def leftovers(outputs: Path) -> list[Leftover]:
    """What nobody can go on with, and nobody is at: without a span, damaged, of other versions."""
    found = [_read(folder) for folder in _free(outputs)]
    return [each for each in found if isinstance(each, Leftover) and each.folder.is_dir()]


def matching(outputs: Path, request: Request, *, any_seed: bool) -> Unfinished:
    """The newest unfinished work of a settled request, with `any_seed` of another seed too.

    Raises Missing when there is none.
    """
    there = unfinished(outputs)
    for each in there:
        if each.request == (request.seeded_as(each.request) if any_seed else request):
            return each
    others = "; ".join(each.line for each in there[:5]) or "nothing"
    raise Missing(
        "Unfinished work of this request",
        f"Start without resuming, or resume what is unfinished by its id. There is: {others}.",
    )


def named(outputs: Path, id: str) -> Unfinished:
    """The unfinished work of that id.

    Raises Missing, and BadRequest when nobody can go on with it or somebody is at it.
    """
    folder = _folder(outputs, id)
    if is_held(lock_of(folder)):
        raise _busy(id)
    found = _read(folder)
    if isinstance(found, Leftover):
        raise BadRequest("Unfinished work", id, found.reason, f"Discard it. {AGAIN}")
    return found


def discard(outputs: Path, id: str) -> None:
    """Remove unfinished work. Raises Missing, and BadRequest when somebody is at it."""
    with _held(_folder(outputs, id)) as folder:
        remove(folder)


@contextmanager
def taken(work: Unfinished) -> Iterator[Unfinished]:
    """The work, ours alone from now on, to go on with sooner or later.

    Raises BadRequest when somebody is at it, and Missing when it is gone by now.
    """
    with ended_with_us() as stack:
        stack.enter_context(_held(work.folder))
        if not work.folder.is_dir():
            raise _gone(work.id)
        yield work


@contextmanager
def working(outputs: Path, request: Request, resumed: Unfinished | None = None) -> Iterator[Work]:
    """A folder for the spans of a settled request, or the one of what is resumed, which is `taken`.

    Raises BadRequest or BadFile when a file that the resumed request names is another by now, and
    HostFailed when the disk takes nothing.
    """
    with ended_with_us() as stack:
        folder = _begun(outputs, request, stack) if resumed is None else _same(resumed)
        stack.callback(_end, folder)
        yield Work(folder)
        stack.callback(remove, folder)


def sweep_begun(outputs: Path) -> list[Path]:
    """Remove the folders in which no span was done and whose maker is no more; gives those."""
    # Work that can be gone on with is not even held for a moment: somebody may want it just now.
    begun = [folder for folder in _free(outputs) if not _spans(folder)]
    locks = (outputs / FOLDER).glob(f"*{LOCK}")
    bare = [lock.with_suffix("") for lock in locks if not lock.with_suffix("").exists()]
    gone = []
    for folder in (*begun, *bare):
        with suppress(OSError), hold(lock_of(folder), fleeting=True) as is_ours:
            if is_ours and folder.exists() and not _spans(folder):
                gone.append(folder)
                remove(folder)
    _tidy(outputs)
    return gone


def _begun(outputs: Path, request: Request, stack: ExitStack) -> Path:
    """A new folder, ours until the stack ends."""
    sweep_begun(outputs)
    said = {"version": __version__, "request": request.to_json(), "files": _stamps(request)}
    stack.callback(_tidy, outputs)
    with kept_in(outputs / FOLDER):
        folder = stack.enter_context(new_folder(lambda: _name(outputs)))
        stack.callback(_end, folder)
        text = json.dumps(said, ensure_ascii=False)
        (folder / JOB).write_text(text, encoding="utf-8")
    return folder


def _same(resumed: Unfinished) -> Path:
    """Its folder, when the files that its request names are the same. Raises BadFile."""
    now = _stamps(resumed.request)
    for name, stamp in resumed.files.items():
        if now.get(name) != stamp:
            path = files_of(resumed.request).get(name, name)
            raise BadFile(path, "it has changed since", f"Put the old one back. {AGAIN}")
    return resumed.folder


def _stamps(request: Request) -> dict[str, list[int]]:
    """Size and time of the files that a request names, by place. Raises BadFile."""
    found = {}
    for place, path in files_of(request).items():
        try:
            facts = Path(path).stat()
        except OSError as error:
            reason = "it is no longer there"
            raise BadFile(path, reason, f"Put it back. {AGAIN}") from error
        found[place] = [facts.st_size, facts.st_mtime_ns]
    return found


def _name(outputs: Path) -> Path:
    return outputs / FOLDER / secrets.token_hex(4)


def _end(folder: Path) -> None:
    """Of work that is over or was stopped; what is done stays."""
    if not _spans(folder):
        remove(folder)


def _tidy(outputs: Path) -> None:
    with suppress(OSError):  # others may be unfinished
        (outputs / FOLDER).rmdir()


def _spans(folder: Path) -> list[Path]:
    return list(folder.glob("*.zip"))


def _free(outputs: Path) -> list[Path]:
    """The folders of work that nobody is at."""
    try:
        folders = [folder for folder in (outputs / FOLDER).iterdir() if folder.is_dir()]
    except OSError:
        return []
    return [folder for folder in sorted(folders) if not is_held(lock_of(folder))]


def _folder(outputs: Path, id: str) -> Path:
    """The folder of that id, never another's. Raises Missing."""
    with suppress(OSError):
        for folder in (outputs / FOLDER).iterdir():
            if folder.name == id and folder.is_dir():
                return folder
    raise _gone(id)


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """The folder, ours alone for as long as the `with` lasts. Raises Missing and BadRequest."""
    with ExitStack() as stack:
        stack.callback(_tidy, folder.parents[1])
        try:
            is_ours = stack.enter_context(hold(lock_of(folder), fleeting=True))
        except FileNotFoundError as error:
            raise _gone(folder.name) from error
        if not is_ours:
            raise _busy(folder.name)
        yield folder


def _gone(id: str) -> Missing:
    return Missing(f"Unfinished work {id!r}", "Choose another, or start it anew.")


def _busy(id: str) -> BadRequest:
    reason = "is being worked on, or waits for its turn"
    return BadRequest("Unfinished work", id, reason, "Wait for it, or stop that job first.")


def _read(folder: Path) -> Unfinished | Leftover:
    spans = _spans(folder)
    try:
        said: dict[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
        version = said.get("version")
        if version != __version__:
            return _leftover(folder, f"is of version {version}, and this is {__version__}")
        request = request_from(said["request"])
        stopped = max(file.stat().st_mtime for file in spans) if spans else 0.0
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EasyPhotoError):
        return _leftover(folder, "is damaged" if spans else "has no span that is done")
    if not spans:
        return _leftover(folder, "has no span that is done")
    return Unfinished(
        id=folder.name,
        folder=folder,
        request=request,
        files=said.get("files", {}),
        spans=len(spans),
        stopped=stopped,
    )


def _leftover(folder: Path, reason: str) -> Leftover:
    size = 0
    with suppress(OSError):  # somebody discards it
        size = sum(path.stat().st_size for path in folder.rglob("*"))
    spans = len(_spans(folder))
    return Leftover(id=folder.name, folder=folder, reason=reason, spans=spans, size=size)
