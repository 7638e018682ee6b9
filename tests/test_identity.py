"""User ids: those of EasyPhoto's folder that have a picture, by names that are never paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.identity import PEOPLE, REFERENCE, check_name, user_id, user_ids
from tests.host.fake import add_person

BAD = ["", ".", "..", "../ada", "a/b", "a\\b", "/etc", "C:x", ".ada", "ada.", "ada ", " ada", "-a"]
BAD += ["a\0b", "a\nb", "ada\n", "x" * 64, "a:b", "a*", "~"]


@pytest.mark.parametrize(
    "name", ["a", "ada", "Ada Lovelace", "a.b-c_d", "王小明", "7", "x" * 63, "a-"]
)
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match=r"User id: .* is no name"):
        user_id(tmp_path, name)


@given(st.text(max_size=70))
def test_a_name_stays_one_part_of_a_path(name: str) -> None:
    try:
        check_name(name)
    except BadRequest:
        return
    path = Path(os.path.normpath(PEOPLE / name))
    assert path.parent == PEOPLE
    assert path.name == name


def test_people_are_listed_by_name_when_they_have_a_picture(tmp_path: Path) -> None:
    assert user_ids(tmp_path) == []
    for name in ("zoe", "ada"):
        add_person(tmp_path, name)
    (tmp_path / PEOPLE / "without").mkdir()
    (tmp_path / PEOPLE / "folder" / REFERENCE).mkdir(parents=True)
    (tmp_path / PEOPLE / "file").touch()
    add_person(tmp_path, ".hidden")
    assert [person.name for person in user_ids(tmp_path)] == ["ada", "zoe"]
    assert user_id(tmp_path, "ada").reference == tmp_path / PEOPLE / "ada" / REFERENCE


def test_who_is_not_there_is_missing_and_those_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="nobody yet"):
        user_id(tmp_path, "bob")
    add_person(tmp_path, "ada")
    add_person(tmp_path, "zoe")
    with pytest.raises(Missing, match="There is ada, zoe in"):
        user_id(tmp_path, "bob")


def test_a_folder_that_cannot_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(tmp_path, "ada")
    closed = add_person(tmp_path, "zoe")
    is_file = Path.is_file

    def guarded(path: Path) -> bool:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", guarded)
    assert [person.name for person in user_ids(tmp_path)] == ["ada"]
