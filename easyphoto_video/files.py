"""Other people's files, looked at from outside before they are opened.

A FIFO would be waited for without end and a device may act when it is opened; a name may be longer
than any file's, or hold a NUL. Every reader of what a user names asks here first.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from easyphoto_video.errors import BadFile

NOBODY = "there is no such file"
FOLDER = "it is a folder"
KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def trouble_with(path: Path) -> str:
    """Why this cannot be read as a file, from NOBODY and FOLDER on; empty when nothing is seen.

    Nothing is opened, and nothing raised.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return NOBODY
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    except ValueError as error:  # a NUL
        return f"it cannot be read ({error})"
    if stat.S_ISDIR(mode):
        return FOLDER
    if stat.S_ISREG(mode):
        return ""
    return f"it is no file but {next((name for is_one, name in KINDS if is_one(mode)), 'odd')}"


def check_file(path: Path, next_step: str) -> None:
    """Raise BadFile unless this is a file, and not a folder, pipe, socket or device."""
    if reason := trouble_with(path):
        raise BadFile(path, reason, next_step)


def is_folder(path: Path) -> bool:
    """Whether this is a folder; a name that cannot be is none."""
    return trouble_with(path) == FOLDER


def parsed(text: str | bytes) -> Any:
    """What JSON says. Raises ValueError for all that is none, also for what is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
