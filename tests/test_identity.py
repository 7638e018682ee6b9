"""User ids: those of EasyPhoto's folder that have a picture, by names that are never paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.identity import (
    BEST,
    LORAS,
    PEOPLE,
    REFERENCE,
    People,
    check_name,
)
from tests.host.fake import add_person

BAD = ["", ".", "..", "../ada", "a/b", "a\\b", "/etc", "C:x", ".ada", "ada.", "ada ", " ada", "-a"]
BAD += ["CON", "nul.x", "Com1", "lpt9 .a", "none", "Auto", "\U00020000" * 60]
BAD += ["a\0b", "a\nb", "ada\n", "x" * 64, "a:b", "a*", "~"]


@pytest.mark.parametrize(
    "name", ["a", "ada", "Ada Lovelace", "a.b-c_d", "王小明", "7", "x" * 63, "a-"]
)
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match=r"User id: .* is no name"):
        People(tmp_path).get(name)


@given(st.text(max_size=70))
def test_a_name_stays_one_part_of_a_path(name: str) -> None:
    try:
        check_name(name)
    except BadRequest:
        return
    path = Path(os.path.normpath(PEOPLE / name))
    assert path.parent == PEOPLE
    assert path.name == name


def people(data_dir: Path) -> People:
    """Those of a data folder, and carol, who came along."""
    came = data_dir / "came"
    if not came.exists():
        for name in ("carol", "zoe"):
            (came / name).mkdir(parents=True)
            (came / name / REFERENCE).touch()
        (came / "carol" / "carol.safetensors").touch()
    return People(data_dir, builtin=came)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_people_are_listed_by_name_when_they_have_a_picture(tmp_path: Path) -> None:
    assert [person.name for person in people(tmp_path).all()] == ["carol", "zoe"]
    for name in ("zoe", "ada"):
        add_person(tmp_path, name)
    (tmp_path / PEOPLE / "without").mkdir()
    (tmp_path / PEOPLE / "folder" / REFERENCE).mkdir(parents=True)
    (tmp_path / PEOPLE / "file").touch()
    for name in (".hidden", "none", "aux"):
        add_person(tmp_path, name)
    found = [(person.name, person.is_builtin) for person in people(tmp_path).all()]
    assert found == [("ada", False), ("zoe", False), ("carol", True)]
    assert People(tmp_path).get("ada").reference == tmp_path / PEOPLE / "ada" / REFERENCE
    assert [person.name for person in People(tmp_path).all()][:2] == ["ada", "zoe"]


def test_who_is_not_there_is_missing_and_those_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="nobody yet"):
        People(tmp_path, builtin=tmp_path).get("bob")
    add_person(tmp_path, "ada")
    add_person(tmp_path, "zoe")
    with pytest.raises(Missing, match="There is ada, zoe, carol in"):
        people(tmp_path).get("bob")


def test_a_lora_is_found_where_it_lies_highest(tmp_path: Path) -> None:
    own, loras = add_person(tmp_path, "ada").parent, tmp_path / LORAS
    assert people(tmp_path).get("ada").lora is None
    with pytest.raises(Missing, match=r"LoRA of user id 'ada' is missing\. Put ada.safetensors"):
        people(tmp_path).lora("ada")
    order = [
        own / BEST / "ada.ckpt",
        own / BEST / "ada.safetensors",
        loras / "people" / "ada.safetensors",
        loras / "ada.ckpt",
        loras / "ada.safetensors",
    ]
    for file in order:
        assert people(tmp_path).get("ada").lora != file
        write(file)
        write(loras / "other" / "ada.txt")
        assert people(tmp_path).lora("ada") == file
    assert people(tmp_path).lora("carol") == tmp_path / "came" / "carol" / "carol.safetensors"
    elsewhere = People(tmp_path, (tmp_path / "elsewhere",))
    assert elsewhere.lora("ada") == own / BEST / "ada.safetensors"


def test_an_accent_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    composed, apart = "Zo\u00eb", "Zoe\u0308"
    add_person(tmp_path, apart)
    write(tmp_path / LORAS / f"{apart}.safetensors")
    for name in (composed, apart):
        found = people(tmp_path).get(name)
        assert (found.name, found.lora and found.lora.stem) == (composed, apart)
    assert people(tmp_path).named_like("ZOË") == found
    assert people(tmp_path).named_like("carol") is None


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
    assert [person.name for person in People(tmp_path, builtin=closed).all()] == ["ada"]
