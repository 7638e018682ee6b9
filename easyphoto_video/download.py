"""A download that resumes: into NAME.part, checked, then renamed to NAME.

Beside NAME.part stands NAME.part.etag, the server's mark of the version that the part belongs to;
a resumed request carries it in If-Range (RFC 9110, 13.1.5), so a file that changed starts over.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from easyphoto_video.errors import BadFile, DownloadFailed
from easyphoto_video.stream import Interrupted, Refused, Stream
from easyphoto_video.watch import Watch

PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed."""
BLOCK = 1 << 20
PACE = 0.1
"""Seconds between two reports of progress."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to download, where to, and what it must be."""

    url: str
    target: Path
    size: int | None = None
    """Bytes; None when unknown."""
    sha256: str | None = None
    """Hexadecimal; None when unknown."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a server, and how often to ask again."""

    timeout: float = 30.0
    """Seconds without a byte after which a connection counts as broken."""
    tries: int = 3
    """Broken connections in a row, none of which brought anything new, before giving up."""
    pause: float = 1.0
    """Seconds between two tries."""


def download(wanted: Wanted, watch: Watch, patience: Patience | None = None) -> None:
    """Bring `wanted` to its place.

    One that another fetch is bringing is waited for. `watch` hears of the stages "waiting",
    "fetching" and "checking". Raises DownloadFailed, BadFile when the
    folder cannot be written, and what `watch` raises, within a second; the part then stays.
    """
    patience = patience or Patience()
    part = Part(wanted)
    with writing(wanted.target), alone(wanted.target, watch) as waited:
        if waited and wanted.target.exists():
            return  # whoever was at it has checked it
        _fetch(part, watch, patience)
        _check(part, watch)
        part.finish()


@contextmanager
def alone(target: Path, watch: Watch) -> Iterator[bool]:
    """Nobody else brings what shall lie at `target`, in this process or another, while it lasts.

    Whether somebody had to be waited for; the stage is "waiting" then. Makes the folder. Raises
    OSError, and what `watch` raises.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"), thread_local=False)
    waited = False
    while not _taken(lock):
        waited = True
        watch("waiting", 0.0)
        time.sleep(PACE)
    try:
        yield waited
    finally:
        # Who has it open already sees that it is gone, and makes another.
        with suppress(OSError):  # Windows lets go first
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):
            if os.name == "nt":
                Path(lock.lock_file).unlink(missing_ok=True)


def _taken(lock: BaseFileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate the disk's errors; those of the network never come as OSError."""
    try:
        yield
    except OSError as error:
        raise BadFile(
            error.filename or path,
            f"cannot be written ({error.strerror})",
            "Give a folder that you may write and that has room: --data-dir DIR.",
        ) from error


class Part:
    """The unfinished file of a download, and the mark of the version that it belongs to."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.path = wanted.target.with_name(wanted.target.name + ".part")
        self._mark = wanted.target.with_name(wanted.target.name + ".part.etag")

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def mark(self) -> str:
        """The server's mark, empty when it gave none."""
        return self._mark.read_text(encoding="latin-1") if self._mark.exists() else ""

    def request(self) -> urllib.request.Request:
        """The request for what is missing: all, or the rest if it can be told to fit."""
        headers = {"User-Agent": "easyphoto-video", "Accept-Encoding": "identity"}
        too_long = self.wanted.size is not None and self.size > self.wanted.size
        if too_long or not (self.mark or self.wanted.sha256):
            self.discard()
        if self.size:
            headers["Range"] = f"bytes={self.size}-"
        if self.size and self.mark:
            headers["If-Range"] = self.mark
        return urllib.request.Request(self.wanted.url, headers=headers)

    def begin(self, headers: Message, is_rest: bool) -> None:
        """Keep what is there if the answer is the rest of it, else start anew, with a new mark."""
        if is_rest:
            return
        self.discard()
        etag = headers.get("ETag", "")
        # A weak mark (W/"...") may not be used for ranges.
        mark = etag if etag.startswith('"') else headers.get("Last-Modified", "")
        self.path.touch()
        self._mark.write_text(mark, encoding="latin-1")

    def discard(self) -> None:
        """Forget what has come so far."""
        self.path.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self.wanted.target)
        self._mark.unlink(missing_ok=True)

    def failed(self, reason: str, next_step: str) -> DownloadFailed:
        """The error of this download."""
        return DownloadFailed(self.wanted.url, reason, next_step, (self.path.parent,))


def _fetch(part: Part, watch: Watch, patience: Patience) -> None:
    """Ask until the part is whole."""
    most, fruitless = part.size, 0
    while part.wanted.size is None or part.size != part.wanted.size:
        try:
            _fetch_rest(part, watch, patience.timeout)
            return
        except Interrupted as cut:
            fruitless = 0 if part.size > most else fruitless + 1
            most = max(most, part.size)
            if fruitless >= patience.tries:
                kept = f"; {part.size / 1e6:.1f} MB are kept" if part.size else ""
                step = f"Run the same command again to go on. {_by_hand(part)}"
                raise part.failed(f"{cut}{kept}", step) from cut
        _wait(patience.pause, lambda: watch("fetching", _share(part)))


def _fetch_rest(part: Part, watch: Watch, timeout: float) -> None:
    """One request for what is missing. Raises Interrupted when it ends early."""
    request = part.request()
    progress = Progress(watch, "fetching", part.wanted.size)
    with Stream(request, timeout, lambda: progress(part.size)) as stream:
        try:
            status, headers = stream.head()
        except Refused as refusal:
            raise _refused(part, refusal) from refusal
        total = _total(part, status, headers)
        progress.total = total
        part.begin(headers, is_rest=status == 206)
        with part.path.open("ab", buffering=0) as file:
            for chunk in stream.chunks():
                file.write(chunk)
                progress(file.tell())
    if total is not None and part.size != total:
        raise Interrupted(f"the connection ended before {total / 1e6:.1f} MB were there")


def _total(part: Part, status: int, headers: Message) -> int | None:
    """Bytes of the whole file as the answer states it, checked against catalogue and disk."""
    if status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if found is None or int(found[1]) != part.size:
            part.discard()
            raise Interrupted("the server sent another part than the one asked for")
        total, here = int(found[2]), part.size
    else:
        length = headers.get("Content-Length", "")
        total, here = int(length) if length.isdigit() else part.wanted.size, 0
    if total is not None and part.wanted.size not in (None, total):
        raise part.failed(
            f"the server offers {total} bytes, the catalogue says {part.wanted.size}",
            f"The file may have changed at its source. {_by_hand(part)}",
        )
    free = shutil.disk_usage(part.path.parent).free
    if total is not None and total - here > free:
        raise part.failed(
            f"{(total - here) / 1e6:.0f} MB are to come and {part.path.parent} has only "
            f"{free / 1e6:.0f} MB free",
            "Make room, or give another folder with --data-dir DIR.",
        )
    return total


def _refused(part: Part, refusal: Refused) -> Exception:
    """What an error status means for this download."""
    if refusal.status == 416:
        part.discard()
        return Interrupted("the file became shorter at its source")
    if refusal.status in PASSING:
        return Interrupted(str(refusal))
    return part.failed(str(refusal), _by_hand(part))


def _check(part: Part, watch: Watch) -> None:
    """Compare the checksum; a part with a wrong one is removed."""
    if part.wanted.sha256 is None:
        return
    found = sha256_of(part.path, watch)
    if found != part.wanted.sha256:
        part.discard()
        raise part.failed(
            f"what came has the sha256 {found}, the catalogue says {part.wanted.sha256}; "
            "it was removed",
            f"Run the same command again. If that repeats, the file has changed. {_by_hand(part)}",
        )


def sha256_of(path: Path, watch: Watch) -> str:
    """The SHA-256 of a file in hexadecimal; `watch` hears of the stage "checking"."""
    digest = hashlib.sha256()
    progress = Progress(watch, "checking", path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            progress(file.tell())
    return digest.hexdigest()


class Progress:
    """Tells a watch of bytes done, at most every PACE seconds."""

    def __init__(self, watch: Watch, stage: str, total: int | None) -> None:
        self.total = total
        self._watch = watch
        self._stage = stage
        self._told = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._told >= PACE or done == self.total:
            self._told = now
            self._watch(self._stage, done / self.total if self.total else 0.0)


def _share(part: Part) -> float:
    return part.size / part.wanted.size if part.wanted.size else 0.0


def _by_hand(part: Part) -> str:
    target = part.wanted.target
    return f"By hand: get the file from that address and put it into {target.parent}."


def _wait(seconds: float, beat: Callable[[], None]) -> None:
    """Wait, calling `beat` every PACE seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        beat()
        time.sleep(PACE)
