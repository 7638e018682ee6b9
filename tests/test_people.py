"""User ids made, renamed and deleted: whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.identity import BEST, LORAS, PEOPLE, REFERENCE, People
from easyphoto_video.people import belongings, delete, make, photos_in, rename
from tests.person import (
    add_easyphoto_person,
    easyphoto_files,
    lora_bytes,
    people_of,
    picture_bytes,
    tree,
)


@pytest.fixture
def people(tmp_path: Path) -> People:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return people_of(data_dir)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes("PNG", shade=50))
    (folder / "b.jpg").write_bytes(picture_bytes(shade=60))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    path = tmp_path / "found.safetensors"
    path.write_bytes(lora_bytes())
    return path


def second(photos: Sequence[Path]) -> Path:
    return photos[1]


def test_a_person_is_made_in_easyphotos_layout(people: People, photos: Path, lora: Path) -> None:
    made = make(people, "ada", photos_in(photos), lora, second)
    files = tree(people.data_dir)
    home = f"{PEOPLE.as_posix()}/ada"
    assert set(files) == {
        f"{home}/{REFERENCE}",
        f"{home}/original_backup/0.jpg",
        f"{home}/original_backup/1.jpg",
        f"{home}/{BEST.as_posix()}/ada.safetensors",
        "models/Lora/ada.safetensors",
    }
    assert files[f"{home}/{REFERENCE}"] == (photos / "b.jpg").read_bytes()
    assert files["models/Lora/ada.safetensors"] == lora.read_bytes()
    assert made == people.get("ada")
    assert made.lora == people.data_dir / LORAS / "ada.safetensors"


def test_a_picture_that_lies_on_its_side_is_stood_up(
    people: People, tmp_path: Path, lora: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / "side.jpg", exif=exif)
    made = make(people, "ada", [tmp_path / "side.jpg"], lora, lambda photos: photos[0])
    with Image.open(made.reference) as picture:
        assert (picture.size, picture.format) == ((32, 64), "JPEG")


def test_a_lora_that_lies_there_under_the_name_stays(people: People, photos: Path) -> None:
    there = people.data_dir / LORAS / "mine" / "ada.safetensors"
    there.parent.mkdir(parents=True)
    there.write_bytes(lora_bytes())
    assert make(people, "ada", photos_in(photos), there, second).lora == there
    assert not (people.data_dir / LORAS / "ada.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../x", "User id: '../x' is no name. Use letters"),
        ("/etc", "is no name"),
        ("CON", "is no name"),
        ("none", "is no name"),
        ("ADA", r"'ADA' is there already \(ada\)\. Take another name, or delete it"),
        ("taken", "is the name of another LoRA"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    people: People, photos: Path, lora: Path, name: str, words: str
) -> None:
    add_easyphoto_person(people.data_dir, "ada")
    (people.data_dir / LORAS / "taken.safetensors").write_bytes(lora_bytes(fill=9.0))
    before = tree(people.data_dir.parent)
    with pytest.raises(BadRequest, match=words):
        make(people, name, photos_in(photos), lora, second)
    assert tree(people.data_dir.parent) == before


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, Missing, "is missing"),
        (b"nothing", BadFile, "no safetensors file"),
        (lora_bytes().replace(b"lora", b"mora"), BadFile, "this is no LoRA"),
    ],
)
def test_what_is_no_lora_is_refused(
    people: People, photos: Path, content: bytes | None, error: type[EasyPhotoError], words: str
) -> None:
    lora = photos / "x.safetensors"
    if content is not None:
        lora.write_bytes(content)
    with pytest.raises(error, match=words):
        make(people, "ada", photos_in(photos), lora, second)
    assert tree(people.data_dir) == {}


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"Photos: .* holds no pictures\. Put photos of the"):
        photos_in(tmp_path)
    with pytest.raises(BadRequest, match="cannot be read as a folder"):
        photos_in(tmp_path / "nowhere")


def test_what_cannot_be_finished_leaves_nothing(people: People, photos: Path, lora: Path) -> None:
    def broken(photos: Sequence[Path]) -> Path:
        return photos[2]

    with pytest.raises(BadFile, match=r"broken\.jpg: it is no picture"):
        make(people, "ada", photos_in(photos), lora, broken)
    half = people.folder / "ada"
    half.mkdir(parents=True)
    with pytest.raises(BadFile, match="it is there already"):
        make(people, "ada", photos_in(photos), lora, second)
    assert tree(people.data_dir) == {}
    assert sorted(path.name for path in people.folder.iterdir()) == ["ada"]


def test_renamed_with_everything_that_has_the_name(people: People) -> None:
    add_easyphoto_person(people.data_dir, "ada")
    extra = {"ada.preview.png": b"p", "ada.json": b"{}", "ddpo_ada.safetensors": lora_bytes()}
    other = {"ada.v2.safetensors": lora_bytes(), "adam.png": b"a"}
    for name, content in (extra | other).items():
        (people.data_dir / LORAS / name).write_bytes(content)
    renamed = rename(people, "ada", "Ada Lovelace")
    expected = easyphoto_files("Ada Lovelace")
    for name, content in extra.items():
        expected[f"models/Lora/{name.replace('ada', 'Ada Lovelace')}"] = content
    expected |= {f"models/Lora/{name}": content for name, content in other.items()}
    assert tree(people.data_dir) == expected
    assert [person.name for person in people.all()] == ["Ada Lovelace", "demo"]
    assert renamed == people.get("Ada Lovelace")


def test_renamed_in_letters_alone_and_back(people: People) -> None:
    before = add_easyphoto_person(people.data_dir, "ada")
    assert rename(people, "ada", "ADA").name == "ADA"
    assert rename(people, "ADA", "ada").name == "ada"
    assert tree(people.data_dir) == before
    rename(people, "ada", "ada")
    assert tree(people.data_dir) == before


@pytest.mark.parametrize("fails_at", range(1, 5))
def test_a_rename_that_fails_changes_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    before = add_easyphoto_person(people.data_dir, "ada")
    true, count = Path.rename, 0

    def failing(path: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == fails_at:
            raise PermissionError(13, "Permission denied")
        return true(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BadFile, match=r"cannot be renamed \(Permission denied\)\. Try again"):
        rename(people, "ada", "bob")
    assert tree(people.data_dir) == before


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("ada", "../x", BadRequest, "is no name"),
        ("../x", "bob", BadRequest, "is no name"),
        ("ada", "Zoe", BadRequest, r"is there already \(zoe\)"),
        ("ada", "film", BadRequest, "is the name of a LoRA"),
        ("nobody", "bob", Missing, "There is ada, zoe, demo"),
        ("demo", "bob", BadRequest, "came along with the program and cannot be renamed"),
    ],
)
def test_what_cannot_be_renamed_is_refused(
    people: People, old: str, new: str, error: type[EasyPhotoError], words: str
) -> None:
    add_easyphoto_person(people.data_dir, "ada")
    add_easyphoto_person(people.data_dir, "zoe")
    (people.data_dir / LORAS / "film.safetensors").write_bytes(lora_bytes())
    before = tree(people.data_dir)
    with pytest.raises(error, match=words):
        rename(people, old, new)
    assert tree(people.data_dir) == before


def test_deleted_with_the_lora_or_without(people: People) -> None:
    zoe = add_easyphoto_person(people.data_dir, "zoe")
    add_easyphoto_person(people.data_dir, "ada")
    (people.data_dir / LORAS / "ada.png").write_bytes(b"p")
    ada = people.get("ada")
    told = belongings(people, ada)
    assert [path.name for path in told] == ["ada", "ada.safetensors", "ada.png"]
    assert delete(people, "ada") == told
    assert tree(people.data_dir) == zoe
    assert delete(people, "zoe", keep_lora=True) == [people.folder / "zoe"]
    assert list(tree(people.data_dir)) == ["models/Lora/zoe.safetensors"]
    assert list(people.folder.iterdir()) == []
    with pytest.raises(BadRequest, match="came along with the program and cannot be deleted"):
        delete(people, "demo")


def test_a_delete_that_fails_changes_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = add_easyphoto_person(people.data_dir, "ada")
    true = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name == "ada":
            raise PermissionError(13, "Permission denied")
        return true(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BadFile, match="cannot be renamed"):
        delete(people, "ada")
    assert tree(people.data_dir) == before


def test_an_own_person_takes_the_place_of_who_came_along(people: People) -> None:
    add_easyphoto_person(people.data_dir, "demo")
    assert not people.get("demo").is_builtin
    delete(people, "demo")
    assert people.get("demo").is_builtin
