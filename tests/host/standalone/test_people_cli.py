"""`user-ids` and the commands below it, as somebody types them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easyphoto_video.host import portrait
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.identity import LORAS, PEOPLE, People
from tests.person import add_easyphoto_person, lora_bytes, picture_bytes, tree

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the data folder; its exit code and its JSON."""

    def call(*words: str) -> tuple[int, dict[str, Any]]:
        code = main(["user-ids", *words, "--json", "--data-dir", str(tmp_path)])
        return code, json.loads(capsys.readouterr().out)

    return call


def test_options_may_stand_before_the_command_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_easyphoto_person(tmp_path, "ada")
    for words in (["--data-dir", str(tmp_path), "list"], ["list", "--data-dir", str(tmp_path)]):
        assert main(["user-ids", *words]) == 0
        assert capsys.readouterr().out == "ada\ndemo\n"
    assert main(["user-ids", "--json", "--data-dir", str(tmp_path), "show", "ada"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "ada"


def test_shown_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_easyphoto_person(tmp_path, "ada")
    assert main(["user-ids", "show", "ada", "--data-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "user id: ada"
    assert lines[1].endswith("ref_image.jpg (64x48 px)")
    assert lines[2] == f"LoRA: {tmp_path / LORAS / 'ada.safetensors'} (models/Lora)"
    assert lines[3:] == ["base model: Stable Diffusion 1.x"]


def test_out_of_one_machine_into_another(run: Run, tmp_path: Path) -> None:
    add_easyphoto_person(tmp_path, "ada")
    code, told = run("rename", "ada", "bob")
    assert (code, told["id"]) == (0, "bob")
    before = tree(tmp_path)
    file = str(tmp_path / "bob.zip")
    assert run("export", "bob", file) == (0, {"path": file})
    code, told = run("import", file)
    assert code == 2
    assert "Replace it (--replace)" in told["error"]
    assert run("import", file, "--replace")[1]["id"] == "bob"
    gone = [str(tmp_path / PEOPLE / "bob"), str(tmp_path / LORAS / "bob.safetensors")]
    assert run("delete", "bob", "--yes") == (0, {"deleted": gone})
    assert run("import", file)[1]["lora_from"] == "models/Lora"
    (tmp_path / "bob.zip").unlink()
    assert tree(tmp_path) == before


def test_nothing_is_deleted_without_a_yes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = add_easyphoto_person(tmp_path, "ada")
    code, told = run("delete", "ada")
    assert (code, told["kind"]) == (2, "BadRequest")
    assert "Nothing was changed. Give --yes" in told["error"]

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for typed in ("", "no\n", "bob\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        assert run("delete", "ada")[0] == 2
    assert tree(tmp_path) == before
    monkeypatch.setattr(sys, "stdin", Terminal("ada\n"))
    assert run("delete", "ada", "--keep-lora")[0] == 0
    assert list(tree(tmp_path)) == ["models/Lora/ada.safetensors"]


def test_made_from_one_picture(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(people: People, lora: Path, given: Path | None) -> Callable[..., Path]:
        return lambda photos: given or photos[0]

    monkeypatch.setattr(portrait, "chooser", first)
    (tmp_path / LORAS).mkdir(parents=True)
    (tmp_path / LORAS / "found.safetensors").write_bytes(lora_bytes())
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(picture_bytes("PNG"))
    made = run("make", "ada", "--photos", str(tmp_path / "photos"), "--lora", "found")[1]
    assert (made["id"], made["base_model"]) == ("ada", "Stable Diffusion 1.x")
    picture = str(tmp_path / "photos" / "a.png")
    lora = str(tmp_path / LORAS / "found.safetensors")
    assert run("make", "bob", "--reference", picture, "--lora", lora)[1]["id"] == "bob"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["show", "../x"], "User id: '../x' is no name"),
        (["show", "nobody"], "User id 'nobody' is missing. There is demo"),
        (["make", "ada", "--lora", "x"], "Give --photos DIR"),
        (["make", "ada", "--lora", "x", "--photos", "{}"], "holds no pictures"),
        (["make", "ada", "--lora", "x", "--reference", "a.png"], "LoRA 'x' is missing"),
        (["rename", "demo", "x"], "came along"),
        (["delete", "demo", "--yes"], "came along"),
        (["import", "nowhere.zip"], "there is no such file"),
        (["export", "demo"], "FILE.zip"),
        (["paint", "demo"], "user-ids --help"),
        (["show", "demo", "--jsn"], "Did you mean --json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors_teach(run: Run, tmp_path: Path, words: list[str], text: str) -> None:
    code, told = run(*(str(tmp_path) if word == "{}" else word for word in words))
    assert code == 2
    assert text in told["error"]
