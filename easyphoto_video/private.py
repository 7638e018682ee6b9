"""What is somebody's own: folders that nobody else may enter, files that nobody else may read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def private_folder(path: Path) -> Path:
    """The folder, made where it is missing and this user's alone from now on. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    with suppress(PermissionError):  # somebody else's, as a shared folder of clips may be
        path.chmod(FOLDER_MODE)
    return path


def private_file(path: Path) -> BinaryIO:
    """A new file to write into, this user's alone from its first byte. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, FILE_MODE), "wb")


def make_private(path: Path) -> None:
    """Take a file, or a folder with all that is in it, away from everybody else's eyes."""
    for each in (path, *(path.rglob("*") if path.is_dir() else ())):
        with suppress(OSError):
            each.chmod(FOLDER_MODE if each.is_dir() else FILE_MODE)
