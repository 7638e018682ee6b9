"""One folder of ours for everything temporary: nobody else reads it, and it does not stay.

    <temporary folder>/easyphoto-video-1000/      this user's alone
        k3v9x2ab/                                 a process's own, gone when it ends
        k3v9x2ab.lock                             held for as long as that process lives

What a process that was killed left behind goes when the next one makes its own.
"""

from __future__ import annotations

import atexit
import getpass
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from easyphoto_video.errors import HostFailed
from easyphoto_video.held import hold

NAME = "easyphoto-video"
LOCK = ".lock"


def folder() -> Path:
    """This process's own, 0700, made at the first call and removed by `close`.

    Raises HostFailed when there is no place that is this user's alone.
    """
    return _own().path


def close() -> None:
    """Remove this process's folder, if it made one; the next call of `folder` makes another."""
    if _own.cache_info().currsize:
        own = _own()
        _own.cache_clear()
        own.close()


@contextmanager
def temporary(prefix: str = "") -> Iterator[Path]:
    """A new folder for as long as the `with` lasts. Raises HostFailed."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder()) as made:
        yield Path(made)


class _Own:
    def __init__(self, home: Path) -> None:
        self._held = ExitStack()
        self.path = home / secrets.token_hex(4)
        # The lock is first, so that no folder is ever without; another's sweep may be as fast.
        while not self._is_held():
            self.path = home / secrets.token_hex(4)
        self.path.mkdir(mode=0o700)

    def _is_held(self) -> bool:
        lock = _lock_of(self.path)
        return self._held.enter_context(hold(lock)) and lock.exists()

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._held.close()
        _lock_of(self.path).unlink(missing_ok=True)
        with suppress(OSError):  # other processes may have theirs there
            self.path.parent.rmdir()


@lru_cache(maxsize=1)
def _own() -> _Own:
    home = Path(tempfile.gettempdir()) / f"{NAME}-{_user()}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        _check_private(home)
        own = _Own(home)
        _sweep(home)
    except OSError as error:
        raise HostFailed(
            f"{home} cannot be used for temporary files ({error.strerror or error}). "
            "Set TMPDIR to a folder that is yours, with room on its disk."
        ) from error
    atexit.register(close)
    return own


def _check_private(home: Path) -> None:
    """Raises HostFailed when somebody else could read it or put files there."""
    facts = home.lstat()
    if os.name == "nt":  # where a user's temporary folder is that user's already
        return
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise HostFailed(
            f"{home} is somebody else's, so nothing personal may lie there. "
            "Remove it, or set TMPDIR to a folder that is yours."
        )
    if facts.st_mode & 0o077:
        home.chmod(0o700)


def _sweep(home: Path) -> None:
    """Remove the folders of processes that are no more."""
    for lock in home.glob(f"*{LOCK}"):
        with hold(lock) as is_ours:
            if is_ours:
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + LOCK)


def _user() -> str:
    if os.name != "nt":
        return str(os.getuid())
    return re.sub(r"\W", "_", getpass.getuser())
