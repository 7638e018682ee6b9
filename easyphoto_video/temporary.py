"""One folder of ours for everything temporary: nobody else reads it, and it does not stay.

    <temporary folder>/easyphoto-video-1000/      this user's alone
        3fa29c0d/                                 a process's own, gone when it ends
        3fa29c0d.lock                             held for as long as that process lives

What a process that was killed left behind goes when the next one makes its own.
"""

from __future__ import annotations

import atexit
import getpass
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from easyphoto_video.errors import HostFailed
from easyphoto_video.held import TOKEN, claimed, sweep

NAME = "easyphoto-video"
VARIABLES = ("TMPDIR", "TEMP", "TMP")
"""What programs ask for the folder of temporary files, each in its own way."""


def folder() -> Path:
    """This process's own, 0700, made at the first call and removed by `close`.

    Raises HostFailed when there is no place that is this user's alone.
    """
    if not _own().path.is_dir():  # everything of this process's was let go meanwhile
        _own.cache_clear()
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


@contextmanager
def everywhere() -> Iterator[None]:
    """While it lasts, whatever is temporary lies there, that of libraries and programs too.

    The folder goes at the end. For a process that is ours alone. Raises HostFailed.
    """
    ours = str(folder())
    before = tempfile.tempdir, {name: os.environ.get(name) for name in VARIABLES}
    try:
        tempfile.tempdir = ours
        os.environ.update(dict.fromkeys(VARIABLES, ours))
        yield
    finally:
        tempfile.tempdir, variables = before
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        close()


class _Own:
    def __init__(self, home: Path) -> None:
        self._home = home
        self._claim = ExitStack()
        self.path = self._claim.enter_context(claimed(home))

    def close(self) -> None:
        self._claim.close()
        with suppress(OSError):  # other processes may have theirs there
            self._home.rmdir()


@lru_cache(maxsize=1)
def _own() -> _Own:
    try:
        own = _made()
    except OSError as error:
        place = error.filename or "The folder for temporary files"
        raise HostFailed(
            f"{place}: nothing temporary can be kept there ({error.strerror or error}). "
            "Set TMPDIR to a folder that is yours, with room on its disk."
        ) from error
    atexit.register(close)
    return own


def _made() -> _Own:
    home = Path(tempfile.gettempdir()) / f"{NAME}-{_user()}"
    home.mkdir(mode=0o700, exist_ok=True)
    own = _Own(home)
    _check_private(home)
    sweep(home, TOKEN)
    return own


def _check_private(home: Path) -> None:
    """Raises HostFailed when somebody else could read it or put files there."""
    if os.name == "nt":  # where a user's temporary folder is that user's already
        return
    facts = home.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise HostFailed(
            f"{home} is somebody else's, so nothing personal may lie there. "
            "Remove it, or set TMPDIR to a folder that is yours."
        )
    if facts.st_mode & 0o077:
        home.chmod(0o700)


def _user() -> str:
    if os.name != "nt":
        return str(os.getuid())
    return re.sub(r"\W", "_", getpass.getuser())
