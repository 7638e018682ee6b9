"""Renaming together: all or nothing, also when the process is killed amid it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from easyphoto_video.errors import BadFile
from easyphoto_video.held import lock_of
from easyphoto_video.identity import LORAS, REFERENCE, trained_files
from easyphoto_video.moves import JOURNAL, MAKING, moves, put_right, workbench
from easyphoto_video.people import delete, rename
from easyphoto_video.people_zip import bring, export
from tests.person import add_easyphoto_person, people_of, tree

ROOT = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from pathlib import Path
from easyphoto_video import people, people_zip
from easyphoto_video.identity import People

there, what, amid = People(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
true, done = Path.rename, []

def rename(path, target):
    if len(done) == amid:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(path)
    return true(path, target)

Path.rename = rename
{"import": lambda: people_zip.bring(there, Path(sys.argv[4]), replace=True),
 "delete": lambda: people.delete(there, "ada"),
 "rename": lambda: people.rename(there, "ada", "eve")}[what]()
print("done", len(done))
"""
posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def killed(folder: Path, what: str, amid: int, *more: Path) -> int | None:
    """Kill a process before its so-manieth renaming; how many it made when there were no more."""
    command = [sys.executable, "-c", KILLED, str(folder), what, str(amid), *map(str, more)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode == -signal.SIGKILL:
        return None
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout.split()[-1])


@posix
@pytest.mark.parametrize("what", ["import", "delete", "rename"])
def test_who_is_killed_amid_it_loses_nobody(tmp_path: Path, what: str) -> None:
    people = people_of(tmp_path / "data")
    before = add_easyphoto_person(people.data_dir, "ada")
    (people.folder / "ada" / "mine.txt").write_text("mine")
    before = tree(people.data_dir)
    file = export(people, "ada", tmp_path / "ada.zip")
    amid = 0
    while (made := killed(people.data_dir, what, amid, file)) is None:
        assert tree(people.data_dir) != before  # a workbench is left, and more or less is moved
        put_right(people.folder)
        put_right(people.loras[0])
        assert tree(people.data_dir) == before
        amid += 1
    assert made == amid >= 2


@posix
def test_the_next_who_works_there_puts_it_right(tmp_path: Path) -> None:
    people = people_of(tmp_path / "data")
    add_easyphoto_person(people.data_dir, "ada")
    before = tree(people.data_dir)
    file = export(people, "ada", tmp_path / "ada.zip")
    assert killed(people.data_dir, "import", 2, file) is None
    bring(people, file, replace=True)
    assert tree(people.data_dir) == before


def test_a_workbench_in_use_is_left(tmp_path: Path) -> None:
    with workbench(tmp_path) as bench, moves(bench) as move:
        (bench / "new").write_text("new")
        move(bench / "new", tmp_path / "placed")
        assert put_right(tmp_path, earlier=True) == []
        assert (bench / JOURNAL).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["placed"]


def left(folder: Path, text: str) -> Path:
    bench = folder / f"{MAKING}0badcafe"
    bench.mkdir()
    lock_of(bench).touch()
    (bench / JOURNAL).write_text(text, encoding="utf-8")
    return bench


def test_a_note_that_was_cut_off_tells_of_nothing(tmp_path: Path) -> None:
    bench = left(tmp_path, '["/a')
    assert put_right(tmp_path) == [bench]


def test_what_cannot_be_read_is_left_to_people(tmp_path: Path) -> None:
    bench = left(tmp_path, "what?\n")
    assert put_right(tmp_path) == []
    assert bench.exists()


def test_benches_of_earlier_versions_go_when_asked(tmp_path: Path) -> None:
    (tmp_path / f"{MAKING}56em5n56").mkdir()
    assert put_right(tmp_path) == []
    assert len(put_right(tmp_path, earlier=True)) == 1


def test_what_lies_on_a_workbench_is_nobodys_lora(tmp_path: Path) -> None:
    people = people_of(tmp_path)
    with workbench(tmp_path / LORAS) as bench:
        (bench / "new").mkdir()
        (bench / "new" / "eve.safetensors").write_bytes(b"x")
        assert trained_files(people.loras) == {}


def test_a_person_without_a_lora_is_replaced_by_one_with_it(tmp_path: Path) -> None:
    here, there = people_of(tmp_path / "here"), people_of(tmp_path / "there")
    after = add_easyphoto_person(here.data_dir, "ada")
    reference = there.folder / "ada" / REFERENCE
    reference.parent.mkdir(parents=True)
    reference.write_bytes((here.folder / "ada" / REFERENCE).read_bytes())
    bring(there, export(here, "ada", tmp_path / "ada.zip"), replace=True)
    assert tree(there.data_dir) == after


def test_all_go_back_when_one_cannot_go(tmp_path: Path) -> None:
    for name in ("a", "b", "taken"):
        (tmp_path / name).write_text(name)
    with pytest.raises(BadFile), workbench(tmp_path) as bench, moves(bench) as move:
        move(tmp_path / "a", tmp_path / "deep" / "a")
        move(tmp_path / "b", tmp_path / "taken")
    assert (tmp_path / "a").read_text() == "a"
    assert (tmp_path / "taken").read_text() == "taken"


def test_a_person_called_like_anything_is_made_and_deleted(tmp_path: Path) -> None:
    people = people_of(tmp_path)
    add_easyphoto_person(people.data_dir, "moves")
    rename(people, "moves", "new")
    delete(people, "new")
    assert people.named_like("new") is None
