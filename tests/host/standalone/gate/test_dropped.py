"""Whose is what was dropped, and when it goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from easyphoto_video.host.standalone.gate.dropped import Dropped


@pytest.fixture
def dropped(tmp_path: Path) -> Dropped:
    return Dropped(tmp_path)


def came(dropped: Dropped, name: str, owner: str) -> str:
    path = dropped.folder / name / "a.png"
    path.parent.mkdir()
    path.write_bytes(b"x")
    dropped.add(str(path), owner)
    return str(path)


def test_it_is_its_owners_alone_and_by_one_spelling(dropped: Dropped, tmp_path: Path) -> None:
    path = came(dropped, "one", "ada")
    assert dropped.has(path, "ada")
    assert not dropped.has(path, "eve")
    assert not dropped.has(path, "")
    assert not dropped.has(f"{tmp_path}/one/../one/a.png", "ada")
    assert not dropped.has(f"{tmp_path}//one/a.png", "ada")
    dropped.add(path, "bob")
    assert dropped.has(path, "ada") and dropped.has(path, "bob")


def test_what_nobody_used_goes(dropped: Dropped, monkeypatch: pytest.MonkeyPatch) -> None:
    old, used = came(dropped, "old", "ada"), came(dropped, "used", "ada")
    stray = dropped.folder / "stray.png"
    stray.write_bytes(b"x")
    late = time.time() + Dropped.kept + 60
    monkeypatch.setattr(time, "time", lambda: late - 120)
    assert dropped.has(used, "ada")
    monkeypatch.setattr(time, "time", lambda: late)
    dropped.prune()
    assert [Path(path).exists() for path in (old, used, str(stray))] == [False, True, False]
    assert not Path(old).parent.exists()


def test_too_many_go_from_the_end(dropped: Dropped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropped, "most", 2)
    paths = [came(dropped, name, "ada") for name in "abc"]
    for number, path in enumerate(paths):
        monkeypatch.setattr(time, "time", lambda number=number: 1e10 + number)
        dropped.has(path, "ada")
    dropped.prune()
    assert [dropped.has(path, "ada") for path in paths] == [False, True, True]
    assert not os.path.lexists(paths[0])
