"""Locks that the system lets go of when their holder ends, however it ends; and folders with one.

    .making-3fa29c0d/       for as long as a `with` lasts
    .making-3fa29c0d.lock   held meanwhile; it is there before the folder and until after it

So a folder whose lock nobody holds is what somebody left who was killed, and can be taken away.
"""

from __future__ import annotations

import os
import random
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from easyphoto_video.endings import undisturbed

LOCK = ".lock"
TOKEN = r"[0-9a-f]{8}"
"""What `claimed` puts between its prefix and suffix, as a regular expression."""
PAUSE = 0.002
"""Most seconds between two tries while somebody looks."""
TRIES = 50
"""How often a folder's lock is tried for a new one, whose parent others may just take away."""
_claims: set[ExitStack] = set()
"""What this process has claimed and must take away before it ends."""

if sys.platform == "win32":
    import msvcrt

    SHORT = 0.2
    """Seconds for which a holder may turn out to be somebody who only looks."""

    def _takes(file: int) -> bool:
        end = time.monotonic() + SHORT
        while not _is_free(file):
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        return True

    def _is_free(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
        except OSError:
            return False
        return True

    def _let_go(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _takes(file: int) -> bool:
        """Whether it is ours alone from now on; who only looks shares it, and is waited for."""
        while not _flocked(file, fcntl.LOCK_EX):
            if not _is_free(file):
                return False
            time.sleep(random.uniform(0, PAUSE))
        return True

    def _is_free(file: int) -> bool:
        """Whether nobody has it alone: to look is to share it for a moment."""
        is_free = _flocked(file, fcntl.LOCK_SH)
        if is_free:
            _let_go(file)
        return is_free

    def _let_go(file: int) -> None:
        # Closing alone would leave it to a child that is just being started.
        fcntl.flock(file, fcntl.LOCK_UN)

    def _flocked(file: int, how: int) -> bool:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def hold(path: Path, *, fleeting: bool = False) -> Iterator[bool]:
    """Whether the file, which is made, is ours for as long as the `with` lasts.

    A `fleeting` one that was ours is taken away at the end.
    """
    file, is_ours = _opened(path)
    try:
        yield is_ours
    finally:
        if is_ours and fleeting:
            with suppress(OSError):  # Windows takes no open file away
                path.unlink()
        if is_ours:
            _let_go(file)
        os.close(file)
        if is_ours and fleeting and sys.platform == "win32":
            with suppress(OSError):  # another holder's by now
                path.unlink()


def is_held(path: Path) -> bool:
    """Whether somebody holds the file; no file is held by nobody. Who takes it meanwhile, can."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:  # somebody else's
        return True
    try:
        return not _is_free(file)
    finally:
        os.close(file)


def lock_of(folder: Path) -> Path:
    """The file that whoever has the folder holds."""
    return folder.with_name(folder.name + LOCK)


@contextmanager
def new_folder(name: Callable[[], Path]) -> Iterator[Path]:
    """A folder that was not there, 0700, held for as long as the `with` lasts; it stays.

    `name` gives another path at each call, whose parent is made. Raises OSError.
    """
    with ExitStack() as stack:
        folder = _held_name(name, stack)
        folder.mkdir(mode=0o700)
        yield folder


@contextmanager
def claimed(parent: Path, prefix: str = "", suffix: str = "") -> Iterator[Path]:
    """A new folder in `parent`, 0700, held and then taken away with everything in it.

    Raises OSError when it cannot be made.
    """

    def name() -> Path:
        return parent / f"{prefix}{secrets.token_hex(4)}{suffix}"

    with ended_with_us() as stack:
        folder = stack.enter_context(new_folder(name))
        stack.callback(remove, folder)
        yield folder


@contextmanager
def ended_with_us() -> Iterator[ExitStack]:
    """A stack that is closed with the `with`, or by `let_go` when the process ends before."""
    stack = ExitStack()
    _claims.add(stack)
    try:
        yield stack
    finally:
        # Whoever is interrupted just before leaves it to `let_go`.
        with undisturbed():
            stack.close()
            _claims.discard(stack)


def let_go() -> None:
    """Take away what this process has claimed and what threads may still use: it ends now."""
    for stack in tuple(_claims):
        stack.close()
        _claims.discard(stack)


def abandoned(parent: Path, names: str, *, unlocked: bool = False) -> Iterator[Path]:
    """The folders of `parent`, existing or not, whose maker is no more; each held for its turn.

    `names` is a regular expression for their whole names. With `unlocked` also folders that never
    had a lock, as those of earlier versions; else there is a lock, the folder may be missing.
    """
    for name in sorted(_names(parent, names, unlocked=unlocked)):
        with suppress(OSError), hold(lock_of(parent / name), fleeting=True) as is_ours:
            if is_ours:
                yield parent / name


def sweep(parent: Path, names: str, *, unlocked: bool = False) -> list[Path]:
    """Take away what `abandoned` finds; what was there."""
    gone = []
    for folder in abandoned(parent, names, unlocked=unlocked):
        if folder.exists():
            gone.append(folder)
            remove(folder)
    return gone


def _names(parent: Path, names: str, *, unlocked: bool) -> set[str]:
    try:
        there = {entry.name: entry.is_dir() for entry in parent.iterdir()}
    except OSError:
        return set()
    found = {name.removesuffix(LOCK) for name in there if name.endswith(LOCK)}
    if unlocked:
        found |= {name for name, is_dir in there.items() if is_dir}
    return {name for name in found if re.fullmatch(names, name)}


def _held_name(name: Callable[[], Path], stack: ExitStack) -> Path:
    """A path whose lock is ours until the stack ends. Raises OSError."""
    for _ in range(TRIES):
        folder = name()
        folder.parent.mkdir(0o700, parents=True, exist_ok=True)
        # Whoever takes the last folder away takes the parent too, maybe just now.
        with suppress(FileNotFoundError), ExitStack() as own:
            if own.enter_context(hold(lock_of(folder), fleeting=True)) and not folder.exists():
                stack.push(own.pop_all())
                return folder
    place = name().parent
    raise FileNotFoundError(2, "it is taken away again and again", str(place))


def _opened(path: Path) -> tuple[int, bool]:
    """The file's descriptor, and whether the lock on what lies at the path now is ours."""
    while True:
        with ExitStack() as own:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            own.callback(os.close, file)
            is_ours = _takes(file)
            if not is_ours or _lies_at(file, path):
                own.pop_all()
                return file, is_ours
        # It was a fleeting one, whose last holder has taken it away.


def _lies_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def remove(folder: Path) -> None:
    """With everything in it, also when somebody writes there meanwhile."""
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(PAUSE)
