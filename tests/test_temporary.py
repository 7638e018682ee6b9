"""The temporary folder: private, swept of what the dead left, and gone at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from easyphoto_video import temporary
from easyphoto_video.errors import HostFailed
from easyphoto_video.held import let_go

ROOT = Path(__file__).parents[1]
WAITS = """
import sys, time
from easyphoto_video import temporary
(temporary.folder() / "photo.png").write_text("a face")
print(temporary.folder(), flush=True)
sys.stdin.read()
"""

posix = pytest.mark.skipif(os.name == "nt", reason="modes and signals of POSIX")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    temporary.close()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    temporary.close()


def other(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process with a folder of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_nothing_stays(place: Path) -> None:
    with temporary.temporary("zip-") as folder:
        (folder / "face.png").write_text("a face")
    assert not folder.exists()
    (temporary.folder() / "kept").write_text("a face")
    temporary.close()
    assert not list(place.iterdir())


@posix
def test_it_is_private(place: Path) -> None:
    os.umask(0o022)
    made = temporary.folder()
    assert [path.stat().st_mode & 0o777 for path in (made, made.parent)] == [0o700, 0o700]


@posix
def test_an_open_folder_is_closed_and_anothers_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = place / f"{temporary.NAME}-{os.getuid()}"
    home.mkdir()
    home.chmod(0o777)
    assert temporary.folder().parent.stat().st_mode & 0o777 == 0o700
    temporary.close()
    home.symlink_to(place)
    with pytest.raises(HostFailed, match="somebody else's"):
        temporary.folder()


@posix
def test_what_the_killed_left_goes_and_what_the_living_have_stays(place: Path) -> None:
    killed, dead = other(place)
    living, alive = other(place)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert (dead / "photo.png").exists()
    temporary.folder()
    assert not dead.exists()
    assert (alive / "photo.png").exists()
    living.communicate("")
    assert not alive.exists()


def test_what_is_let_go_with_all_else_comes_anew(place: Path) -> None:
    first = temporary.folder()
    let_go()
    assert not first.exists()
    assert temporary.folder().is_dir()
