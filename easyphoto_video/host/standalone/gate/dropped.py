"""Whose is what was dropped into the page: nobody else sees it or puts it into a form.

gradio keeps it in one folder for everybody. Here stands which browser sent which file and when it
last used it; what nobody used for long goes, and all of it when the process ends.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

OWNER = "easyphoto_video_owner"
"""Where the scope of a call says whose it is; empty for who has no cookie."""


@dataclass
class _File:
    owners: set[str] = field(default_factory=set)
    used: float = 0.0
    """When, in seconds since 1970."""


class Dropped:
    """The files in gradio's folder; every method may be called in any thread."""

    kept = 12 * 3600.0
    """Seconds that a file stays after it came or was last used."""
    most = 5000
    """Files; then those that were not used for longest go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        """By path."""

    def add(self, path: str, owner: str) -> None:
        """A file of this owner's came; the same may be another's too."""
        with self._lock:
            file = self._files.setdefault(_plain(path), _File())
            file.owners.add(owner)
            file.used = time.time()

    def has(self, path: str, owner: str) -> bool:
        """Whether the file is this owner's; it counts as used now."""
        with self._lock:
            file = self._files.get(_plain(path))
            if file is None or owner not in file.owners or _plain(path) != path:
                return False
            file.used = time.time()
        return Path(path).is_file()

    def prune(self) -> None:
        """Remove what is old, what is too much, and what came by no door of ours and is old."""
        now = time.time()
        with self._lock:
            by_use = sorted(self._files, key=lambda path: -self._files[path].used)
            old = [path for path in by_use if now - self._files[path].used > self.kept]
            for path in {*old, *by_use[self.most :]}:
                del self._files[path]
                _remove(Path(path))
            known = set(self._files)
        for path in self._all():
            with suppress(OSError):
                if str(path) not in known and now - path.stat().st_mtime > self.kept:
                    _remove(path)

    def sweep_parts(self) -> None:
        """Remove what a call that broke off left; only while no file is on its way."""
        for path in self._in_folder():
            if path.is_file():
                path.unlink(missing_ok=True)

    def _all(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def _in_folder(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except OSError:
            return []


def _plain(path: str) -> str:
    return os.path.normpath(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # others may lie in it
        path.parent.rmdir()
