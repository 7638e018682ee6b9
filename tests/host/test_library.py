"""Files are found by the names that people use for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.host.library import (
    CHECKPOINTS,
    EMBEDDED,
    EMBEDDED_FOLDER,
    LORAS,
    MOTIONS,
    Library,
)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.safetensors", "sub/a.safetensors", "sub/b.ckpt", "c d.pt", "note.txt"):
        touch(tmp_path / "models" / "Lora" / name)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.safetensors", "a.safetensors"),
        ("a", "a.safetensors"),
        ("sub/a", "sub/a.safetensors"),
        ("sub\\a.safetensors", "sub/a.safetensors"),
        ("b", "sub/b.ckpt"),
        ("b.ckpt [6ce0161689]", "sub/b.ckpt"),
        ("c d", "c d.pt"),
    ],
)
def test_a_name_finds_its_file(folder: Path, name: str, file: str) -> None:
    assert Library(folder).find(LORAS, name) == folder / "models" / "Lora" / file


def test_what_is_listed_is_found(folder: Path) -> None:
    library = Library(folder)
    names = [name for name, _ in library.files(LORAS)]
    assert names == ["a.safetensors", "c d.pt", "sub/a.safetensors", "sub/b.ckpt"]
    assert [library.listed(LORAS, library.find(LORAS, name)) for name in names] == names


def test_a_path_is_a_name_too(folder: Path) -> None:
    path = touch(folder / "elsewhere" / "e.safetensors")
    assert Library(folder).find(LORAS, str(path)) == path
    assert Library(folder).listed(LORAS, path) == str(path)


def test_extra_folders_and_those_of_extensions(folder: Path) -> None:
    more = touch(folder / "more" / "x.safetensors")
    theirs = touch(folder / "extensions" / "sd-webui-animatediff" / "model" / "mm.ckpt")
    library = Library(folder, {LORAS: [more.parent]})
    assert library.find(LORAS, "x") == more
    assert library.find(MOTIONS, "mm") == theirs


def test_a_name_of_several_is_refused(folder: Path) -> None:
    touch(folder / "models" / "Lora" / "other" / "b.safetensors")
    with pytest.raises(BadRequest, match=r"LoRA: 'b' means .*other.b.safetensors.*sub.b.ckpt"):
        Library(folder).find(LORAS, "b")


@pytest.mark.parametrize("name", ["aa", "note.txt", ""])
def test_a_name_of_none_says_where_to_put_it(folder: Path, name: str) -> None:
    with pytest.raises(Missing, match=r"models.Lora.*launch\.py fetch"):
        Library(folder).find(LORAS, name)


def test_a_near_name_is_proposed(folder: Path) -> None:
    touch(folder / "models" / "Lora" / "portrait_v2.safetensors")
    with pytest.raises(Missing, match="Did you mean portrait_v2"):
        Library(folder).find(LORAS, "portrait-v2")


def test_the_embedded_model_lies_with_the_program(tmp_path: Path) -> None:
    file = touch(tmp_path / "embedded" / "portrait.safetensors")
    library = Library(tmp_path, embedded=file.parent)
    assert library.find(CHECKPOINTS, EMBEDDED) == file
    assert library.listed(CHECKPOINTS, file) == EMBEDDED
    assert library.files(CHECKPOINTS) == []
    with pytest.raises(Missing, match="install it again"):
        library.find(MOTIONS, EMBEDDED)
    assert EMBEDDED_FOLDER.parts[-2:] == ("models", "embedded")


def test_the_same_name_in_two_folders_is_given_by_its_path(folder: Path) -> None:
    first = touch(folder / "models" / "AnimateDiff" / "mm.ckpt")
    touch(folder / "extensions" / "sd-webui-animatediff" / "model" / "mm.ckpt")
    library = Library(folder)
    with pytest.raises(BadRequest, match="or its path"):
        library.find(MOTIONS, "mm")
    assert library.find(MOTIONS, library.listed(MOTIONS, first)) == first


def test_links_to_folders_are_followed(folder: Path) -> None:
    path = touch(folder / "elsewhere" / "deep" / "l.safetensors")
    link = folder / "models" / "Lora" / "linked"
    try:
        link.symlink_to(folder / "elsewhere", target_is_directory=True)
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    found = Library(folder).find(LORAS, "linked/deep/l")
    assert found.samefile(path)
    assert Library(folder).listed(LORAS, found) == "linked/deep/l.safetensors"


OUTSIDE = ["../../secret.safetensors", "sub/../../../secret.safetensors", "~nobody/x", "a\0b"]


@pytest.mark.parametrize(
    "name", [*OUTSIDE, "..\\..\\secret.safetensors", "x" * 9000, "/etc/passwd"]
)
def test_without_paths_nothing_outside_can_be_named(folder: Path, name: str) -> None:
    secret = touch(folder / "secret.safetensors")
    for outside in (name, str(secret)):
        with pytest.raises(Missing) as error:
            Library(folder, paths=False).find(LORAS, outside)
        assert "give its path" not in str(error.value)


@pytest.mark.parametrize("name", ["~nobody/x", "a\0b", "x" * 9000])
def test_a_path_that_cannot_be_is_missing(folder: Path, name: str) -> None:
    with pytest.raises(Missing, match="give its path"):
        Library(folder).find(LORAS, name)


def test_without_paths_every_listed_name_is_found(folder: Path) -> None:
    files = [
        touch(folder / "models" / "AnimateDiff" / "mm.ckpt"),
        touch(folder / "extensions" / "sd-webui-animatediff" / "model" / "mm.ckpt"),
    ]
    library = Library(folder, paths=False)
    assert {library.find(MOTIONS, name) for name in library.names(MOTIONS)} == set(files)
    assert [library.find(MOTIONS, library.listed(MOTIONS, file)) for file in files] == files
