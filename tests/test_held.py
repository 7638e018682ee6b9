"""Locks: one holder, whoever looks takes nothing, and what nobody holds is swept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from easyphoto_video.held import (
    TOKEN,
    claimed,
    hold,
    is_held,
    let_go,
    lock_of,
    sweep,
)

ROOT = Path(__file__).parents[1]
CLAIMS = """
import sys
from pathlib import Path
from easyphoto_video.held import claimed
with claimed(Path(sys.argv[1]), ".clip.", ".part") as folder:
    (folder / "note.txt").write_text("a prompt")
    print(folder, flush=True)
    sys.stdin.read()
"""
LOOKS = """
import sys
from pathlib import Path
from easyphoto_video.held import is_held
print("looking", flush=True)
while not Path(sys.argv[2]).exists():
    is_held(Path(sys.argv[1]))
"""
HOLDS = 3000
PARTS = rf"\.clip\.{TOKEN}\.part"

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def child(code: str, *arguments: object) -> tuple[subprocess.Popen[str], str]:
    """A process, and the first line that it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_one_holds_it_and_nobody_else(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_held(lock)
    with hold(lock) as is_ours:
        assert is_ours
        assert is_held(lock)
        with hold(lock) as another:
            assert not another
    assert not is_held(lock)
    assert lock.exists()


def refused(lock: Path) -> int:
    """How many of many holds were refused."""
    count = 0
    for _ in range(HOLDS):
        with hold(lock) as is_ours:
            count += not is_ours
    return count


@posix
def test_who_looks_is_waited_for(tmp_path: Path) -> None:
    import fcntl

    lock = tmp_path / "lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        end = threading.Timer(0.05, fcntl.flock, (file, fcntl.LOCK_UN))
        end.start()
        with hold(lock) as is_ours:
            assert is_ours
        end.join()


def test_who_looks_takes_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            is_held(lock)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        assert refused(lock) == 0
    finally:
        is_over.set()
        looking.join()


def test_who_looks_from_another_process_takes_nothing(tmp_path: Path) -> None:
    lock, end = tmp_path / "lock", tmp_path / "end"
    lock.touch()
    process, said = child(LOOKS, lock, end)
    try:
        assert said == "looking"
        assert refused(lock) == 0
    finally:
        end.touch()
        process.communicate()


def test_many_who_come_and_go_are_never_two_at_once(tmp_path: Path) -> None:
    """Also while the file is taken away and made again all the time."""
    lock = tmp_path / "lock"
    inside: list[int] = []
    most: list[int] = []

    def come(number: int) -> None:
        for _ in range(300):
            with hold(lock, fleeting=True) as is_ours:
                if is_ours:
                    inside.append(number)
                    most.append(len(inside))
                    inside.remove(number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert not lock.exists()


def test_a_claim_is_private_and_goes_with_its_end(tmp_path: Path) -> None:
    with claimed(tmp_path, ".clip.", ".part") as folder:
        assert is_held(lock_of(folder))
        if os.name != "nt":
            assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_what_threads_still_have_goes_when_the_process_ends(tmp_path: Path) -> None:
    ended, made = threading.Event(), threading.Event()

    def work() -> None:
        with claimed(tmp_path, ".clip.", ".part"):
            made.set()
            ended.wait()

    thread = threading.Thread(target=work)
    thread.start()
    made.wait()
    let_go()
    assert list(tmp_path.iterdir()) == []
    ended.set()
    thread.join()


@posix
def test_the_killed_are_swept_and_the_living_are_left(tmp_path: Path) -> None:
    killed, dead = child(CLAIMS, tmp_path)
    living, alive = child(CLAIMS, tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    stranger = tmp_path / ".clip.0badcafe.part"
    stranger.mkdir()
    assert sweep(tmp_path, PARTS) == [Path(dead)]
    assert (Path(alive) / "note.txt").exists()
    assert stranger.exists()
    assert sweep(tmp_path, PARTS, unlocked=True) == [stranger]
    living.communicate("")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("look", [is_held, lambda lock: sweep(lock.parent, ".*")])
def test_what_is_not_there_is_nobodys(tmp_path: Path, look: Callable[[Path], object]) -> None:
    assert not look(tmp_path / "none" / "lock")
