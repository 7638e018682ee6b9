"""Sentences for people elsewhere name no place of this machine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from easyphoto_video.errors import BadFile, HostFailed
from easyphoto_video.host.places import PROGRAM, Places


@pytest.mark.parametrize("name", ["data", "My Data", "数据", "a (1)"])
def test_paths_begin_at_the_data_folder(tmp_path: Path, name: str) -> None:
    data = tmp_path / name
    places = Places(data)
    said = places.without(f"Put the file into {data}/models/VAE, give its path.")
    assert said == "Put the file into models/VAE, give its path."
    assert places.without(f"{data}: full") == "the data folder: full"
    assert str(tmp_path) not in places.without(f"{data}2/secret/x.png: gone")
    error = HostFailed(f"It is kept in {data}/outputs/00001-7.mp4.")
    assert places.sentence(error) == "It is kept in outputs/00001-7.mp4."


@pytest.mark.parametrize(
    "folder", [Path.home(), PROGRAM, Path(sys.prefix), Path(tempfile.gettempdir()), Path("/srv/x")]
)
def test_of_others_only_the_name_is_told(folder: Path) -> None:
    error = BadFile(folder / "deep" / "film.mp4", "it is none", "Give another.")
    assert Places(Path("/nowhere")).sentence(error) == "film.mp4: it is none. Give another."
    quoted = f"FileNotFoundError: [Errno 2] No such file: '{folder}/deep/film.mp4'"
    assert Places(Path("/nowhere")).without(quoted).endswith("No such file: 'film.mp4'")


def test_windows_has_places_too() -> None:
    places = Places(Path("/nowhere"))
    for path in (r"C:\Users\ada\film.mp4", r"C:\\Users\\ada\\film.mp4", r"\\nas\share\film.mp4"):
        assert places.without(f"'{path}' is gone") == "'film.mp4' is gone"


@pytest.mark.parametrize(
    "text",
    [
        "Send the file with POST /easyphoto-video/files, and give the name in its answer.",
        "https://example.com/a/b.safetensors: it cannot be reached",
        "and/or 1/2 and models/Lora",
        "image/png, 24000/1001 frames",
        "Prompt: 'a / b' is empty",
    ],
)
def test_what_is_no_place_stays(text: str) -> None:
    assert Places(Path("/nowhere")).without(text) == text
