"""Several files renamed together, all or none of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from easyphoto_video.errors import BadFile

Move = Callable[[Path, Path], None]
"""From where to where; the folder of the latter is made, and what lies there is an error."""
BUSY = "Try again when no clip is made and no other program has it open."
SPACE = "See that the disk has room and that the folder may be written to."


@contextmanager
def moves() -> Iterator[Move]:
    """Gives a function that renames, and takes all of it back when the `with` ends by an error.

    Raises BadFile when a file cannot be renamed.
    """
    done: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        try:
            if target.exists() and not target.samefile(source):
                raise BadFile(target, "it is there already", "Move it away, or take another name.")
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise BadFile(source, f"it cannot be renamed ({error.strerror})", BUSY) from error
        done.append((source, target))

    is_whole = False
    try:
        yield move
        is_whole = True
    finally:
        if not is_whole:
            _take_back(done)


@contextmanager
def workbench(folder: Path) -> Iterator[Path]:
    """A new folder inside of `folder`, no person's, that is gone after. Raises BadFile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        bench = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    except OSError as error:
        raise BadFile(folder, f"nothing can be put there ({error.strerror})", SPACE) from error
    try:
        yield bench
    except OSError as error:
        raise BadFile(folder, f"not all could be written ({error.strerror})", SPACE) from error
    finally:
        shutil.rmtree(bench, ignore_errors=True)


def _take_back(done: list[tuple[Path, Path]]) -> None:
    for source, target in reversed(done):
        with suppress(OSError):  # one that cannot go back is no reason to leave the others
            target.rename(source)
