"""Photos in, a user id in EasyPhoto's layout out; killed in the middle it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from easyphoto_video.errors import BadFile, BadRequest, Missing, Stopped
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host import cast as module
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.host.standalone.train.album import photo_files
from easyphoto_video.host.standalone.train.place import Place
from easyphoto_video.host.standalone.train.request import TRIGGER, TrainRequest
from easyphoto_video.host.standalone.train.workshop import Ears, Trained, Workshop
from easyphoto_video.identity import People
from easyphoto_video.lora_base import lora_base
from easyphoto_video.tensors import load_state_dict, read_metadata
from easyphoto_video.video.still import read_picture
from tests.host.standalone.train.people import MeanColour, MiddleFace, write_photos

SMALL: dict[str, Any] = {
    "checkpoint": "tiny",
    "steps": 2,
    "rank": 2,
    "batch": 1,
    "save_every": 1,
    "face_model": "none",
}


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Finders without networks, and validation in two steps."""
    judge = "easyphoto_video.host.standalone.train.judge"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "mesh_folder", lambda _: Path())
        patch.setattr(module, "MeshDetector", MiddleFace)
        patch.setattr(f"{judge}.STEPS", 2)
        patch.setattr(f"{judge}.STRANGERS", 2)
        yield


def new_home(data: Path, folder: Path) -> Path:
    """A data folder of its own with the tiny checkpoint."""
    models = folder / "home" / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    for name in ("tiny.safetensors", "tiny.yaml"):
        shutil.copy(data / "models" / "Stable-diffusion" / name, models / name)
    return folder / "home"


@pytest.fixture
def home(data: Path, tmp_path: Path) -> Path:
    return new_home(data, tmp_path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    """A data folder where ada was trained, from four photos and a broken one. Do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    home, photos = new_home(data, folder), write_photos(folder / "photos")
    (photos / "broken.jpg").write_bytes(b"no picture")
    return home, train(home, photos)


def train(
    home: Path,
    photos: Path,
    watch: Callable[[str, float], None] = lambda stage, fraction: None,
    *,
    restart: bool = False,
    told: list[str] | None = None,
    **changes: Any,
) -> Trained:
    request = TrainRequest(**{"user_id": "ada", **SMALL, **changes})
    ears = Ears(watch=watch, note=(told if told is not None else []).append)
    shop = Workshop(library=Library(home), device="cpu")
    return shop.train(request, photo_files(photos), ears, restart=restart)


def killed_at(stage: str, least: float) -> Callable[[str, float], None]:
    def watch(now: str, fraction: float) -> None:
        if now == stage and fraction >= least:
            raise Stopped("Stopped.")

    return watch


def test_the_result_is_a_user_id_in_easyphotos_layout(finished: tuple[Path, Trained]) -> None:
    home, trained = finished
    person = People(home).get("ada")
    assert (person.lora, person.reference) == (trained.lora, trained.reference)
    assert person.lora == home / "models" / "Lora" / "ada.safetensors"
    folder = person.folder
    assert sorted(p.name for p in (folder / "original_backup").iterdir()) == [
        f"{n}.jpg" for n in range(4)
    ]
    prepared = folder / "processed_images" / "train"
    assert len(list(prepared.glob("*.jpg"))) == 4
    assert {p.read_text() for p in prepared.glob("*.txt")} == {TRIGGER}
    best = folder / "user_weights" / "best_outputs"
    assert (best / "ada.safetensors").read_bytes() == trained.lora.read_bytes()
    assert read_picture(best / "ada.jpg").shape == read_picture(prepared / "0.jpg").shape
    assert sorted(Place(People(home), "ada").checkpoints()) == [1, 2]
    assert len(list((folder / "validation").iterdir())) == 2 * 4
    left = [p.name for p in folder.rglob("*") if p.suffix in (".part", ".pt", ".json")]
    assert left == []


def test_its_lora_is_read_and_says_what_it_is(finished: tuple[Path, Trained]) -> None:
    lora = read_lora(finished[1].lora)
    assert lora.unet
    assert lora.text
    notes = read_metadata(finished[1].lora)
    assert notes["ss_network_dim"] == "2"
    assert notes["ss_base_model_version"] == "sd_v1"
    assert lora_base(finished[1].lora).trained_on == "tiny.safetensors"


def test_a_file_that_cannot_be_read_does_not_end_it(finished: tuple[Path, Trained]) -> None:
    rows = [photo.to_json() for photo in finished[1].photos]
    assert [row["photo"] for row in rows if row["left_out"]] == ["broken.jpg"]


def test_killed_in_the_middle_it_goes_on_from_the_last_checkpoint(
    finished: tuple[Path, Trained], home: Path, photos: Path
) -> None:
    with pytest.raises(Stopped):
        train(home, photos, killed_at("training", 0.0))
    told: list[str] = []
    with pytest.raises(Stopped):
        train(home, photos, killed_at("training", 0.5), told=told)
    assert told == []
    assert [p.name for p in People(home).all() if not p.is_builtin] == []
    (photos / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(BadRequest, match="with other photos"):
        train(home, photos)
    (photos / "broken.jpg").unlink()
    again = train(home, photos, told=told)
    assert told == ["Going on from step 1 of 2."]
    assert again.resumed_from == 1
    one, other = (load_state_dict(each.lora) for each in (finished[1], again))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow(reason="trains once more, as tests beside it do")
def test_other_settings_are_refused_until_it_is_over(home: Path, photos: Path) -> None:
    with pytest.raises(Stopped):
        train(home, photos, killed_at("training", 0.0))
    with pytest.raises(BadRequest, match=r"with other steps\. Give the same.*--restart"):
        train(home, photos, steps=6)
    assert train(home, photos, restart=True, steps=1).resumed_from == 0


def test_somebody_who_is_there_is_not_replaced(
    finished: tuple[Path, Trained], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(finished[0], home)
    with pytest.raises(BadRequest, match="is a user id already"):
        train(home, photos)
    again = train(home, photos, restart=True, seed=5)
    assert again.lora.read_bytes() != finished[1].lora.read_bytes()


def test_a_lora_of_that_name_is_not_replaced(home: Path, photos: Path) -> None:
    lora = home / "models" / "Lora" / "style" / "ada.safetensors"
    lora.parent.mkdir(parents=True)
    lora.write_bytes(b"somebody's")
    with pytest.raises(BadRequest, match="is the name of a LoRA already"):
        train(home, photos)


@pytest.mark.parametrize("name", ["../x", "", "none", "a/b"])
def test_a_name_is_no_path(home: Path, photos: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="User id"):
        train(home, photos, user_id=name)


def test_too_few_photos_are_refused_with_the_reasons(home: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadRequest, match=r"holds no pictures\. Give 10 to 20"):
        train(home, empty)
    one = write_photos(tmp_path / "one", [1])
    (one / "broken.jpg").write_bytes(b"no picture")
    Image.new("RGB", (64, 64)).save(one / "black.png")
    with pytest.raises(BadRequest) as caught:
        train(home, one)
    said = str(caught.value)
    assert "1 of 3 can be used, and 3 are needed" in said
    assert "broken.jpg: it cannot be read as a picture" in said
    assert "black.png: no face is found in it" in said
    assert said.endswith("in different light.")
    assert not (home / "outputs").exists()


@pytest.mark.slow(reason="trains once more, as tests beside it do")
def test_with_a_recogniser_the_best_are_averaged(
    home: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "pack_of", lambda name, data_dir: Path())
    monkeypatch.setattr(module, "PackRecogniser", MeanColour)
    trained = train(home, photos)
    assert set(trained.scores) == {1, 2}
    assert set(trained.taken) <= {1, 2}
    assert trained.likeness is not None
    assert trained.likeness >= max(trained.scores.values()) - 1e-4
    assert trained.to_json()["scores"]["identity"] == round(trained.likeness, 4)


def test_the_photos_are_told_also_when_they_are_too_few(home: Path, tmp_path: Path) -> None:
    told: list[Photo] = []
    request = TrainRequest(user_id="ada", **SMALL)
    files = photo_files(write_photos(tmp_path / "two", [1, 2]))
    with pytest.raises(BadRequest):
        Workshop(library=Library(home)).train(request, files, Ears(photos=told.extend))
    assert [photo.name for photo in told] == ["1.png", "2.png"]


def test_fp16_is_refused(home: Path, photos: Path) -> None:
    shop = Workshop(library=Library(home), precision="fp16")
    with pytest.raises(BadRequest, match="bf16"):
        shop.train(TrainRequest(user_id="ada"), photo_files(photos), Ears())


def test_a_checkpoint_that_is_none_is_refused(home: Path, photos: Path) -> None:
    with pytest.raises(Missing):
        train(home, photos, checkpoint="nothing")
    (home / "models" / "Stable-diffusion" / "bad.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(BadFile):
        train(home, photos, checkpoint="bad")


def test_the_command_prints_a_table_and_one_line(
    home: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["train", "--user-id", "ada", "--photos", str(photos), "--data-dir", str(home)]
    argv += ["--device", "cpu", "--json"]
    for name, value in SMALL.items():
        argv += ["--" + name.replace("_", "-"), str(value)]
    assert main(argv) == 0
    shown = capsys.readouterr()
    assert "1.png" in shown.err
    result = json.loads(shown.out)
    assert result["user_id"] == "ada"
    assert result["request"]["steps"] == 2
    assert main(argv) == 2
    assert "is a user id already" in json.loads(capsys.readouterr().out)["error"]
