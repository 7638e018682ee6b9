"""Several files renamed together, all or none of them, even when the process is killed amid them.

.making-3fa29c0d/         a workbench; its lock says whether somebody works there
.making-3fa29c0d/.moves   what was renamed so far, for whoever must take it back
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from easyphoto_video.endings import undisturbed
from easyphoto_video.errors import BadFile
from easyphoto_video.held import TOKEN, abandoned, claimed, remove

Move = Callable[[Path, Path], None]
"""From where to where; the folder of the latter is made, and what lies there is an error."""
MAKING = ".making-"
"""What the name of a workbench begins with."""
BENCH = f"\\{MAKING}{TOKEN}"
EARLIER = rf"\{MAKING}[a-z0-9_]{{8}}"
"""Those of earlier versions too."""
JOURNAL = ".moves"
"""No person's name begins so."""
BUSY = "Try again when no clip is made and no other program has it open."
SPACE = "See that the disk has room and that the folder may be written to."


@contextmanager
def moves(bench: Path) -> Iterator[Move]:
    """Gives a function that renames, and takes all of it back when the `with` ends by an error.

    When the process is killed meanwhile, the next workbench beside this one takes it back. Raises
    BadFile when a file cannot be renamed.
    """
    done: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        try:
            if target.exists() and not target.samefile(source):
                raise BadFile(target, "it is there already", "Move it away, or take another name.")
            target.parent.mkdir(parents=True, exist_ok=True)
            _note(bench / JOURNAL, source, target)
            done.append((source, target))
            source.rename(target)
        except OSError as error:
            raise BadFile(source, f"it cannot be renamed ({error.strerror})", BUSY) from error

    is_whole = False
    try:
        yield move
        is_whole = True
    finally:
        with undisturbed(), suppress(OSError):
            if not is_whole:
                _take_back(done)
            (bench / JOURNAL).unlink(missing_ok=True)


@contextmanager
def workbench(folder: Path) -> Iterator[Path]:
    """A new folder inside of `folder`, no person's, that is gone after. Raises BadFile.

    What was left by those who were killed is put right first.
    """
    put_right(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(folder, f"nothing can be put there ({error.strerror})", SPACE) from error
    try:
        with claimed(folder, MAKING) as bench:
            yield bench
    except OSError as error:
        raise BadFile(folder, f"not all could be written ({error.strerror})", SPACE) from error


def put_right(folder: Path, *, earlier: bool = False) -> list[Path]:
    """Take back what somebody was killed amid, and the workbenches away; gives those.

    With `earlier` also those of versions that had no locks.
    """
    gone = []
    for bench in abandoned(folder, EARLIER if earlier else BENCH, unlocked=earlier):
        if bench.exists() and _taken_back(bench / JOURNAL):
            gone.append(bench)
            remove(bench)
    return gone


def _note(journal: Path, source: Path, target: Path) -> None:
    """Say what will be renamed, before it is."""
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps([str(source.absolute()), str(target.absolute())]) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _taken_back(journal: Path) -> bool:
    """Whether everything that a journal tells of is where it was before."""
    if not journal.exists():
        return True
    try:
        # A line without an end tells of what was not begun.
        lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
        pairs = [(Path(source), Path(target)) for source, target in map(json.loads, lines)]
    except (OSError, ValueError, TypeError):
        return False
    _take_back(pairs)
    return not any(target.exists() and not source.exists() for source, target in pairs)


def _take_back(done: Sequence[tuple[Path, Path]]) -> None:
    for source, target in reversed(done):
        with suppress(OSError):  # one that cannot go back is no reason to leave the others
            # The last was not renamed yet, perhaps; names may differ in capitals alone.
            if not source.exists() or source.samefile(target):
                target.rename(source)
