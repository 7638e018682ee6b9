"""A user id goes to another machine in one zip, byte for byte, and nothing else comes out of it."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from easyphoto_video import people_zip
from easyphoto_video.embeddings import PREFIX, SUFFIX
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError
from easyphoto_video.identity import LORAS, PEOPLE, REFERENCE, People
from easyphoto_video.people_zip import bring, export
from tests.person import add_easyphoto_person, easyphoto_files, lora_bytes, people_of, tree

Entries = dict[str, bytes]


@pytest.fixture
def here(tmp_path: Path) -> People:
    return people_of(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> People:
    (tmp_path / "there").mkdir()
    return people_of(tmp_path / "there")


def packed(path: Path, entries: Entries) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_there_and_back_byte_for_byte(here: People, there: People, tmp_path: Path) -> None:
    before = add_easyphoto_person(here.data_dir, "Ada Lovelace")
    (here.folder / "Ada Lovelace" / "empty").mkdir()
    kept = here.folder / "Ada Lovelace" / f"{PREFIX}0123{SUFFIX}"
    kept.write_text("{}")
    file = export(here, "Ada Lovelace", tmp_path)
    assert file == tmp_path / "Ada Lovelace.zip"
    assert bring(there, file).name == "Ada Lovelace"
    assert tree(there.data_dir) == before
    assert (there.folder / "Ada Lovelace" / "empty").is_dir()
    kept.unlink()
    again = export(there, "Ada Lovelace", tmp_path / "again.zip")
    assert again.read_bytes() == file.read_bytes()


def test_unpacked_by_hand_it_is_the_same(here: People, tmp_path: Path) -> None:
    before = add_easyphoto_person(here.data_dir, "ada")
    with zipfile.ZipFile(export(here, "ada", tmp_path / "a.zip")) as archive:
        archive.extractall(tmp_path / "webui")
    assert tree(tmp_path / "webui") == before


def test_a_lora_stays_in_its_sub_folder(here: People, there: People, tmp_path: Path) -> None:
    add_easyphoto_person(here.data_dir, "ada")
    loras = here.data_dir / LORAS
    (loras / "people").mkdir()
    (loras / "ada.safetensors").rename(loras / "people" / "ada.safetensors")
    (loras / "people" / "ada.preview.png").write_bytes(b"p")
    bring(there, export(here, "ada", tmp_path / "a.zip"))
    assert tree(there.data_dir) == tree(here.data_dir)


def test_who_came_along_goes_out_as_anybody(here: People, there: People, tmp_path: Path) -> None:
    person = bring(there, export(here, "demo", tmp_path / "demo.zip"))
    assert not person.is_builtin
    lora = there.data_dir / LORAS / "demo.safetensors"
    assert (person.lora, lora.read_bytes()) == (lora, lora_bytes(64))


def test_links_do_not_go_out(here: People, tmp_path: Path) -> None:
    before = add_easyphoto_person(here.data_dir, "ada")
    (tmp_path / "secret").write_text("secret")
    (here.folder / "ada" / "link.txt").symlink_to(tmp_path / "secret")
    with zipfile.ZipFile(export(here, "ada", tmp_path / "a.zip")) as archive:
        assert {info.filename for info in archive.infolist() if not info.is_dir()} == set(before)


def test_a_place_that_is_taken_is_left(here: People, tmp_path: Path) -> None:
    add_easyphoto_person(here.data_dir, "ada")
    (tmp_path / "ada.zip").write_bytes(b"mine")
    for target, words in ((tmp_path, "is there already"), (tmp_path / "a.tar", "no name of a zip")):
        with pytest.raises(BadFile, match=words):
            export(here, "ada", target)
    assert (tmp_path / "ada.zip").read_bytes() == b"mine"
    with pytest.raises(BadFile, match="cannot be written"):
        export(here, "ada", tmp_path / "ada.zip" / "below" / "a.zip")


def test_who_is_there_already_is_replaced_only_when_told(here: People, tmp_path: Path) -> None:
    old = add_easyphoto_person(here.data_dir, "ada")
    file = export(here, "ada", tmp_path / "a.zip")
    own = here.folder / "ada" / "mine.txt"
    own.write_text("mine")
    with pytest.raises(BadRequest, match=r"is there already \(ada\)"):
        bring(here, file)
    assert own.exists()
    bring(here, file, replace=True)
    assert tree(here.data_dir) == old
    assert [path.name for path in here.folder.iterdir()] == ["ada"]


def test_a_replacement_that_fails_leaves_the_old(
    here: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_easyphoto_person(here.data_dir, "ada")
    file = export(here, "ada", tmp_path / "a.zip")
    (here.folder / "ada" / "mine.txt").write_text("mine")
    before, true = tree(here.data_dir), Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise PermissionError(13, "Permission denied")
        return true(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BadFile, match="cannot be renamed"):
        bring(here, file, replace=True)
    assert tree(here.data_dir) == before


HOME = f"{PEOPLE.as_posix()}/ada"
GOOD = easyphoto_files("ada")


def with_entry(name: str, content: bytes = b"x") -> Entries:
    return {**GOOD, name: content}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (with_entry("../../evil.txt"), "is no plain file"),
        (with_entry(f"{HOME}/../../../evil.txt"), "is no plain file"),
        (with_entry("/evil.txt"), "is no plain file"),
        (with_entry("C:/evil.txt"), "is no plain file"),
        (with_entry(f"{HOME}/a\\..\\evil.txt"), "is no plain file"),
        (with_entry(f"{HOME}/NUL.txt"), "is no plain file"),
        (with_entry(f"{HOME}/trailing."), "is no plain file"),
        (with_entry(f"{HOME}/" + "a/" * 20 + "b"), "is no plain file"),
        (with_entry("scripts/evil.py"), "which belongs to no user id"),
        (with_entry("models/Lora/other.safetensors"), "LoRAs of other names"),
        (with_entry("models/Lora/ada.py"), "LoRAs of other names"),
        (with_entry(f"{HOME}/REF_image.jpg"), "two files of the same name"),
        (with_entry(f"{PEOPLE.as_posix()}/bob/{REFERENCE}"), "not the zip of one user id"),
        ({"a.txt": b""}, "not the zip of one user id"),
        ({}, "not the zip of one user id"),
        (with_entry(f"{HOME}/{REFERENCE}", b"no picture"), "ref_image.jpg: it is no picture"),
        (with_entry("models/Lora/ada.safetensors", b"no"), "ada.safetensors"),
    ],
    ids=range(17),
)
def test_what_is_no_export_is_refused(
    there: People, tmp_path: Path, entries: Entries, words: str
) -> None:
    before = tree(tmp_path)
    file = packed(tmp_path / "bad.zip", entries)
    with pytest.raises(BadFile, match=words) as caught:
        bring(there, file)
    assert "user-ids export" in str(caught.value)
    file.unlink()
    assert tree(tmp_path) == before


def linked(archive: bytes) -> bytes:
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as writer:
        info = zipfile.ZipInfo(f"{HOME}/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        writer.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def mark_encrypted(archive: bytes) -> bytes:
    place = archive.index(b"PK\x01\x02") + 8
    return archive[:place] + b"\x01" + archive[place + 1 :]


def claim_less(archive: bytes) -> bytes:
    """The list says of the last file that it is one byte long."""
    place = archive.rindex(b"PK\x01\x02") + 24
    return archive[:place] + b"\x01\0\0\0" + archive[place + 4 :]


@pytest.mark.parametrize(
    "spoil",
    [
        linked,
        mark_encrypted,
        claim_less,
        lambda archive: archive[: len(archive) // 2],
        lambda archive: b"",
        lambda archive: b"no zip at all",
    ],
)
def test_a_zip_that_lies_is_refused(
    there: People, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    file = packed(tmp_path / "a.zip", GOOD)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(BadFile):
        bring(there, file)
    assert tree(there.data_dir) == {}


@pytest.mark.parametrize(("limit", "value"), [("LARGEST", 100), ("MOST", 3)])
def test_a_zip_that_is_too_large_is_not_unpacked(
    there: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(people_zip, limit, value)
    with pytest.raises(BadFile, match="it holds more than"):
        bring(there, packed(tmp_path / "a.zip", GOOD))
    assert tree(there.data_dir) == {}


@pytest.mark.parametrize("name", ["..", "CON", "none", "a:b", " ada"])
def test_a_name_in_a_zip_is_checked(there: People, tmp_path: Path, name: str) -> None:
    file = packed(tmp_path / "a.zip", easyphoto_files(name))
    with pytest.raises(EasyPhotoError, match=r"is no name|is no plain file"):
        bring(there, file)
    assert tree(there.data_dir) == {}


def test_a_file_that_is_not_there_is_refused(there: People, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        bring(there, tmp_path / "none.zip")
