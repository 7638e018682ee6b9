"""How the API speaks of files: by names that it takes again, never by where they lie here."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from easyphoto_video.request import Request
from easyphoto_video.setting.declaration import with_files

FOLDER = ".uploads"
"""Of the files that came over HTTP, beside the finished clips."""
UPLOAD = "upload:"


def known_as(path: str, outputs: Path) -> str:
    """What a request over HTTP calls a file: `upload:ID` or a name in the folder of clips.

    A file elsewhere, which the tab may have named, is told by its last name alone.
    """
    file = PurePath(path)
    id, dash, _ = file.name.partition("-")
    return f"{UPLOAD}{id}" if file.parent == outputs / FOLDER and dash else file.name


def request_json(request: Request, outputs: Path) -> dict[str, Any]:
    """A request as JSON values, its files as they are known."""
    return with_files(request, lambda _, path: known_as(path, outputs)).to_json()
