"""What nobody foresaw, written down with the places that it came through, for who mends it.

In the file stand no prompts, names or paths of the user: an error's own words are kept only where
what the user gave is known, and without the words of it. The console, with --verbose, tells all.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from easyphoto_video import __version__
from easyphoto_video.errors import (
    LESS,
    EasyPhotoError,
    FacePassFailed,
    HostFailed,
    OutOfMemory,
    lacks_memory,
    without_paths,
)

LOGGER = logging.getLogger("easyphoto_video")
FOLDER, FILE = ".log", "easyphoto-video.log"
"""Below the folder of clips, in a name that is never shown there; made by the first error."""
SIZE, OLD = 1 << 20, 2
"""Bytes of a file, and how many older ones stay."""
WORD = re.compile(r"\w+")
LEAST = 3
"""Letters of a word that may give something away."""
BLOT = "…"
DISCREET = "discreet"
"""What a record calls the text that the file has of it."""
PROGRAM = str(Path(__file__).parents[1]) + os.sep


@contextmanager
def kept(outputs: Path, *, verbose: bool) -> Iterator[None]:
    """While it lasts, unforeseen errors go into a file below `outputs`, and to stderr only if
    `verbose`; else they go to stderr alone. No file is made before there is an error."""
    file = _File(outputs / FOLDER / FILE)
    LOGGER.addHandler(file)
    if not verbose:
        LOGGER.removeHandler(CONSOLE)
    try:
        yield
    finally:
        LOGGER.addHandler(CONSOLE)
        LOGGER.removeHandler(file)
        file.close()


def translated(error: BaseException, given: object = None) -> EasyPhotoError:
    """An error as one of ours; what nobody foresaw is logged with its traceback.

    `given` is what the user asked for, a JSON value or a list of words; None when that is unknown.
    """
    if isinstance(error, EasyPhotoError):
        if _is_unforeseen(error):
            log(error, given)
        return error
    log(error, given)
    if lacks_memory(error):
        return OutOfMemory("the machine", LESS)
    found = HostFailed(f"{type(error).__name__}: {error}. {_where()}")
    found.__cause__ = error
    return found


def log(error: BaseException, given: object = None) -> None:
    """Write down an error with its traceback; see translated."""
    words = None if given is None else frozenset(_words(given))
    # As texts: a record with the error itself would keep its frames, and so models, in memory.
    whole = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    LOGGER.error("%s", whole.rstrip(), extra={DISCREET: told(error, words)})


def _is_unforeseen(error: EasyPhotoError) -> bool:
    reason = error.reason if isinstance(error, FacePassFailed) else error
    return isinstance(reason, HostFailed)


def _where() -> str:
    """The next step: where the traceback is."""
    file = next((h.baseFilename for h in LOGGER.handlers if isinstance(h, _File)), "")
    place = f"The log shows where ({file})" if file else "The console shows where"
    return f"{place}; please report it."


class _Console(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error as it is when something is said, which a host may have changed."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        self.stream = sys.stderr
        if self.stream is not None:
            super().emit(record)


CONSOLE = _Console()
LOGGER.addHandler(CONSOLE)
LOGGER.propagate = False


class _File(RotatingFileHandler):
    """A file that only its user reads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=SIZE, backupCount=OLD, encoding="utf-8", delay=True)
        self.setFormatter(_Discreet())

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        """A log that cannot be written must not cost what was asked for; stderr tells it then."""
        with suppress(OSError, ValueError):  # which may be closed
            CONSOLE.emit(record)


class _Discreet(logging.Formatter):
    """Says where an error came through, and of its words only what is not the user's."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        text = vars(record).get(DISCREET, BLOT)
        return f"{self.formatTime(record)} {record.levelname} {__version__}\n{text}"


def told(error: BaseException | None, given: frozenset[str] | None) -> str:
    """An error and those behind it, the first first, each with its places and what may be said.

    `given` are the words that may not be, in lower case; None lets none be said.
    """
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        places = [_place(frame) for frame in traceback.extract_tb(error.__traceback__)]
        parts.append("\n".join([*places, f"{type(error).__name__}: {_said(error, given)}"]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n-- from which came --\n".join(reversed(parts))


def _place(frame: traceback.FrameSummary) -> str:
    file = frame.filename.rpartition(f"site-packages{os.sep}")[2].removeprefix(PROGRAM)
    file = file if not Path(file).is_absolute() else Path(file).name
    return f"  {file}:{frame.lineno} in {frame.name}: {frame.line}"


def _said(error: BaseException, given: frozenset[str] | None) -> str:
    if given is None:
        return BLOT
    return WORD.sub(lambda word: _blotted(word[0], given), without_paths(str(error)))


def _blotted(word: str, given: frozenset[str]) -> str:
    # Words in other scripts run together, so that a part of one would not be known again.
    return word if word.isascii() and word.casefold() not in given else BLOT


def _words(given: object) -> Iterable[str]:
    """The words of all texts in a JSON value."""
    if isinstance(given, str):
        yield from (word.casefold() for word in WORD.findall(given) if len(word) >= LEAST)
    elif isinstance(given, Mapping):
        for value in given.values():
            yield from _words(value)
    elif isinstance(given, Iterable):
        for value in given:
            yield from _words(value)
