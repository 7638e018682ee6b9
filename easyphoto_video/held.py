"""A lock on a file that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Whether the file, which is made, is ours for as long as the `with` lasts."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield _locked(file)
    finally:
        os.close(file)


def is_held(path: Path) -> bool:
    """Whether somebody holds the file; no file is held by nobody."""
    if not path.exists():
        return False
    with hold(path) as is_ours:
        return not is_ours


def _locked(file: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
