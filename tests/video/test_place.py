"""Names, refusals before any work, and the last step into place."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.request import FORMATS
from easyphoto_video.video.place import (
    check_writable,
    destination,
    format_of,
    numbered,
    place_of,
    publish,
    room_needed,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file system")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_name_with_a_suffix_is_that_file(tmp_path: Path) -> None:
    for format in ("mp4", "gif", "webp", "webm"):
        out = tmp_path / f"a b.{format.upper()}"
        assert destination(out, Path("unused"), format, "7") == out
        assert format_of(out) == format
    assert destination(tmp_path / "clip.png", Path("unused"), "png", "7") == tmp_path / "clip"
    assert place_of(tmp_path / "clip.png") == tmp_path / "clip"


def test_anything_else_is_a_folder(tmp_path: Path) -> None:
    assert destination(None, tmp_path, "mp4", "7") == tmp_path / "00001-7.mp4"
    assert destination(tmp_path / "new", Path("x"), "png", "7") == tmp_path / "new" / "00001-7"
    (tmp_path / "dotted.mp4").mkdir()
    out = destination(tmp_path / "dotted.mp4", Path("x"), "gif", "7")
    assert out == tmp_path / "dotted.mp4" / "00001-7.gif"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "y/" * 5000], ids=["long", "NUL", "deep"])
def test_a_name_that_cannot_be_is_no_folder_and_refused(name: str, tmp_path: Path) -> None:
    for suffix in (".mp4", ""):
        out = destination(tmp_path / f"{name}{suffix}", tmp_path, "mp4", "7")
        with pytest.raises(BadRequest, match=r"^Output: .*--out") as refused:
            check_writable(out)
        assert str(tmp_path) not in refused.value.public


def test_a_folder_of_pictures_may_have_a_dot(tmp_path: Path) -> None:
    out = destination(tmp_path / "my.clip.png", tmp_path, "png", "7")
    check_writable(out)
    assert place_of(out) == tmp_path / "my.clip"


def test_suffix_and_format_must_agree(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"Output.*\.gif, but the format is mp4.*clip\.mp4.*gif"):
        destination(tmp_path / "clip.gif", tmp_path, "mp4", "7")


def test_foreign_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"\.avi.*\.mp4, \.webm, \.gif, \.webp or \.png"):
        destination(tmp_path / "clip.avi", tmp_path, "mp4", "7")


@given(st.lists(st.integers(1, 99_999), max_size=5), st.sampled_from(FORMATS))
def test_numbers_go_on_after_the_highest(
    tmp_path_factory: pytest.TempPathFactory, taken: list[int], format: str
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    for number in taken:
        (folder / f"{number:05d}-1.mp4").touch()
    (folder / "123-notes.txt").touch()
    (folder / "holiday-00200.mp4").touch()
    path = destination(None, folder, format, "3")
    assert path.name.startswith(f"{max(taken, default=0) + 1:05d}-3")
    assert format_of(path) == format
    assert not path.exists()


def test_a_folder_that_is_not_there_begins_with_one(tmp_path: Path) -> None:
    assert numbered(tmp_path / "none", "5", ".gif") == tmp_path / "none" / "00001-5.gif"


def test_a_good_place_is_made_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "clip.mp4", need=1)
    assert names(tmp_path / "new" / "deep") == []


BAD = {
    "parent is a file": "file/clip.mp4",
    "grandparent is a file": "file/deep/clip.mp4",
    "is a folder": "folder.mp4",
    "folder is not empty": "full.png",
    "pictures are a file": "file.png",
    "name is too long": "x" * 300 + ".mp4",
    "folder's name is too long": "x" * 300 + "/clip.mp4",
    "name has a NUL": "a\0b.mp4",
}


@pytest.mark.parametrize("why", BAD)
def test_bad_places_are_refused(why: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = names(tmp_path)
    with pytest.raises(BadRequest, match=r"^Output: .*--out") as refused:
        check_writable(tmp_path / BAD[why])
    assert refused.value.exit_code == 2
    assert names(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("place", ["/proc/clip.mp4", "/proc/new/clip.mp4", "/sys/clip.gif"])
def test_file_systems_of_the_kernel_are_refused(place: str) -> None:
    with pytest.raises(BadRequest, match=r"^Output: .*cannot be written"):
        check_writable(Path(place))


@POSIX
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadRequest, match="Permission denied"):
        check_writable(tmp_path / "clip.mp4")


def test_too_little_disk_is_refused(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(BadRequest, match=r"MB free.*may be needed.*fewer or smaller"):
        check_writable(tmp_path / "clip.mp4", need=2 * free)


def test_room_grows_with_the_film() -> None:
    for format in FORMATS:
        assert room_needed(format, 512, 512, 16) < room_needed(format, 512, 512, 32)
        assert room_needed(format, 64, 64, 16) < 2**24


def test_a_numbered_name_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "00001-7.mp4").write_text("old")
    (tmp_path / "new").write_text("new")
    check_writable(tmp_path / "00001-7.mp4")
    assert publish(tmp_path / "new", tmp_path / "00001-7.mp4") == tmp_path / "00002-7.mp4"
    assert (tmp_path / "00001-7.mp4").read_text() == "old"
    assert (tmp_path / "00002-7.mp4").read_text() == "new"
    assert names(tmp_path) == ["00001-7.mp4", "00002-7.mp4"]


def test_a_numbered_folder_is_never_replaced(tmp_path: Path) -> None:
    for name in ("00001-7", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "00000.png").write_text(name)
    assert publish(tmp_path / "new", tmp_path / "00001-7") == tmp_path / "00002-7"
    assert (tmp_path / "00001-7" / "00000.png").read_text() == "00001-7"
    assert (tmp_path / "00002-7" / "00000.png").read_text() == "new"


def test_without_hard_links_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for content in ("one", "two"):
        (tmp_path / "new").write_text(content)
        publish(tmp_path / "new", tmp_path / "00001-7.gif")
    assert names(tmp_path) == ["00001-7.gif", "00002-7.gif"]
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["one", "two"]


def test_a_place_that_went_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    for name in ("clip.mp4", "00001-7.mp4"):
        with pytest.raises(BadRequest, match=r"Output: .*cannot be written"):
            publish(tmp_path / "new", tmp_path / "gone" / name)


def test_two_clips_never_have_one_number(tmp_path: Path) -> None:
    """As when the page and the command line finish at once, with other seeds and formats."""
    (tmp_path / "out").mkdir()
    made: list[Path] = []
    barrier = threading.Barrier(6)

    def finish(number: int) -> None:
        finished = tmp_path / f"{number}.mp4"
        finished.write_text(str(number))
        barrier.wait()
        made.append(publish(finished, tmp_path / "out" / f"00027-{number}.mp4"))

    threads = [threading.Thread(target=finish, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = sorted(path.name.partition("-")[0] for path in made)
    assert numbers == [f"{number:05d}" for number in range(27, 33)]
    assert {path.read_text() for path in made} == {path.stem.partition("-")[2] for path in made}
    assert len(names(tmp_path / "out")) == 6


def test_a_check_leaves_no_name_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    true = shutil.disk_usage

    def look(folder: Path) -> object:
        seen.append(names(folder))
        return true(folder)

    monkeypatch.setattr(shutil, "disk_usage", look)
    check_writable(tmp_path / "clip.mp4")
    assert seen == [[]]
