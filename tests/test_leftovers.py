"""What the killed left in a data folder goes when asked, and nothing of the living."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video.errors import Stopped
from easyphoto_video.held import lock_of
from easyphoto_video.identity import LORAS
from easyphoto_video.leftovers import put_away, sweep_all
from easyphoto_video.moves import workbench
from easyphoto_video.unfinished import unfinished, working
from easyphoto_video.video.write import Writer
from tests.person import add_easyphoto_person, people_of, tree
from tests.test_work import JOB, NOISE, stopped


def left(parent: Path, name: str, *, locked: bool = True) -> Path:
    """A folder of somebody who was killed."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "face.png").write_text("a face")
    if locked:
        lock_of(folder).touch()
    return folder


def test_all_kinds_go_and_results_stay(tmp_path: Path) -> None:
    people = people_of(tmp_path)
    add_easyphoto_person(tmp_path, "ada")
    outputs = tmp_path / "outputs" / "easyphoto-video"
    outputs.mkdir(parents=True)
    (outputs / "00001-7.mp4").write_text("a clip")
    stopped(outputs)
    before = tree(tmp_path)
    gone = {
        left(people.folder, ".making-0badcafe"),
        left(tmp_path / LORAS, ".making-0badcaff"),
        left(tmp_path / LORAS / "deep", ".making-0badcaff"),
        left(outputs, ".00001-7.mp4.0badcafe.part"),
        left(outputs / ".unfinished", "0badcafe"),
    }
    swept = put_away(outputs, people)
    assert (set(swept.paths), swept.works) == (gone, ())
    (tmp_path / LORAS / "deep").rmdir()
    assert tree(tmp_path) == before

    earlier = {
        left(people.folder, ".making-56em5n56", locked=False),
        left(outputs, ".00001-7.mp4.x_56em5n.part", locked=False),
    }
    assert put_away(outputs, people).paths == ()
    (old,) = unfinished(outputs)
    (old.folder / "job.json").write_text('{"version": "0.0.1"}')
    swept = sweep_all(outputs, people)
    assert (set(swept.paths), swept.works) == (earlier, (old.id,))
    assert not (outputs / ".unfinished").exists()
    assert (outputs / "00001-7.mp4").exists()


def test_what_somebody_is_at_stays(tmp_path: Path) -> None:
    people = people_of(tmp_path)
    outputs = tmp_path / "outputs" / "easyphoto-video"
    film = Writer(outputs / "a.mp4", width=24, height=16, fps=Fraction(8))
    outputs.mkdir(parents=True)
    with pytest.raises(Stopped), working(outputs, JOB), workbench(people.folder), film:
        film.add(NOISE.astype(np.uint8))
        before = tree(tmp_path)
        swept = sweep_all(outputs, people)
        assert (swept.paths, swept.works) == ((), ())
        assert set(tree(tmp_path)) == set(before)
        raise Stopped("Stopped.")


def test_the_next_film_takes_away_what_a_killed_one_left(tmp_path: Path) -> None:
    dead = left(tmp_path, ".00001-7.mp4.0badcafe.part")
    mine = left(tmp_path, ".mine.part")
    with Writer(tmp_path / "b.gif", width=24, height=16, fps=Fraction(8)) as film:
        assert not dead.exists()
        film.add(NOISE)
    names = {".mine.part", ".mine.part.lock", "b.gif"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert mine.exists()
