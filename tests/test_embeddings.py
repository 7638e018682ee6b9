"""The embedding of a reference picture is made once for each picture and recogniser."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video.embeddings import Recognised, is_kept, kept_embeddings, reference_embedding
from easyphoto_video.identity import UserId
from easyphoto_video.people_facts import facts
from tests.person import add_easyphoto_person, lora_bytes, people_of, picture_bytes, tree


@pytest.fixture
def person(tmp_path: Path) -> UserId:
    add_easyphoto_person(tmp_path / "data", "ada")
    return people_of(tmp_path / "data").get("ada")


def recogniser(folder: Path, name: str, content: bytes = b"net") -> Recognised:
    (folder / name).write_bytes(content)
    return Recognised(name, folder / name)


class Counted:
    """Tells a picture's size, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, picture: Path) -> np.ndarray:
        self.calls += 1
        return np.asarray([picture.stat().st_size, 1 / 3], np.float32)


def test_made_once_for_each_picture_and_recogniser(person: UserId, tmp_path: Path) -> None:
    embed = Counted()
    one, other = recogniser(tmp_path, "one"), recogniser(tmp_path, "other", b"longer")
    first = reference_embedding(person, one, embed)
    assert np.array_equal(reference_embedding(person, one, embed), first)
    assert embed.calls == 1
    reference_embedding(person, other, embed)
    assert embed.calls == 2
    assert sorted(kept_embeddings(person)) == [("one", 2), ("other", 2)]
    person.reference.write_bytes(picture_bytes(size=(80, 80)))
    assert list(kept_embeddings(person)) == []
    assert reference_embedding(person, one, embed)[0] == person.reference.stat().st_size
    assert embed.calls == 3
    os.utime(one.file, (1, 1))
    reference_embedding(person, one, embed)
    assert embed.calls == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"embedding": "?"}', '{"embedding": ""}'])
def test_what_is_damaged_is_made_anew(person: UserId, tmp_path: Path, content: str) -> None:
    embed, one = Counted(), recogniser(tmp_path, "one")
    reference_embedding(person, one, embed)
    file = next(path for path in person.folder.iterdir() if is_kept(path))
    file.write_text(content)
    assert list(kept_embeddings(person)) == []
    assert reference_embedding(person, one, embed).shape == (2,)
    assert embed.calls == 2


def test_where_nothing_can_be_kept_it_is_made_each_time(
    person: UserId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    before = tree(person.folder)
    monkeypatch.setattr(Path, "write_text", closed)
    embed, one = Counted(), recogniser(tmp_path, "one")
    for calls in (1, 2):
        reference_embedding(person, one, embed)
        assert embed.calls == calls
    assert tree(person.folder) == before


def test_who_came_along_keeps_nothing(tmp_path: Path) -> None:
    demo = people_of(tmp_path / "data").get("demo")
    before = tree(demo.folder)
    embed, one = Counted(), recogniser(tmp_path, "one")
    for calls in (1, 2):
        reference_embedding(demo, one, embed)
        assert embed.calls == calls
    assert tree(demo.folder) == before


def test_facts_say_where_the_lora_is_from_and_what_is_wrong(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    add_easyphoto_person(data_dir, "ada")
    people = people_of(data_dir)
    one = recogniser(tmp_path, "one")
    reference_embedding(people.get("ada"), one, Counted())
    told = facts(people, people.get("ada")).to_json()
    lora = data_dir / "models" / "Lora" / "ada.safetensors"
    assert told == {
        "id": "ada",
        "is_builtin": False,
        "reference": str(people.get("ada").reference),
        "reference_size": [64, 48],
        "lora": str(lora),
        "lora_from": "models/Lora",
        "base_model": "Stable Diffusion 1.x",
        "trained_on": "",
        "embeddings": [{"recogniser": "one", "size": 2}],
        "problem": "",
    }
    lora.unlink()
    assert facts(people, people.get("ada")).lora_from == "best_outputs"
    lora.write_bytes(b"no LoRA")
    assert "safetensors" in facts(people, people.get("ada")).problem
    lora.write_bytes(lora_bytes(2048))
    assert facts(people, people.get("ada")).base_model == "SDXL"
    demo = facts(people, people.get("demo"))
    assert (demo.lora_from, demo.base_model) == ("comes along", "the embedded model")
    people.get("ada").reference.write_bytes(b"x")
    assert facts(people, people.get("ada")).reference_size is None
