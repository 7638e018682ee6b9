"""The cast: models of faces and persons as they lie on the disk, and `judge` with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video import face_files
from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.host import cast as casting
from easyphoto_video.host.cast import cast_of, check_faces, face_models, settled_model
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.identity import People
from easyphoto_video.modes.text2video import Text2Video
from tests.host.fake import add_person
from tools.photos import DEMO, SEED, photos

DEMO_JOB = Text2Video(user_id="demo", face_model="embedded")

needs_networks = pytest.mark.skipif(
    not face_files.are_in(face_files.BESIDE),
    reason=f"what finds faces is not there: {face_files.COMMAND}",
)


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[list[np.ndarray]], Path]:
    """Pictures as a folder that this program could have written."""

    def write(pictures: list[np.ndarray]) -> Path:
        folder = tmp_path / "frames"
        folder.mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / f"{number:05}.png")
        return folder

    return write


def test_nobody_needs_no_models(tmp_path: Path) -> None:
    assert cast_of(Text2Video(user_id="none"), People(tmp_path)) is None


@needs_networks
def test_the_demo_person_looks_like_herself_and_like_no_other(tmp_path: Path) -> None:
    cast = cast_of(DEMO_JOB, People(tmp_path))
    assert cast is not None and cast.recogniser is not None
    [person] = cast.people
    assert person.face.embedding is not None
    own = []
    for picture in photos(DEMO, SEED + 1, 4):
        face = cast.detector.detect(picture)[0]
        own.append(float(cast.recogniser.embed(picture, face.points) @ person.face.embedding))
    assert min(own) > 0.5


def test_without_the_networks_the_command_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(casting, "BESIDE", tmp_path)
    with pytest.raises(Missing, match="fetch faces"):
        check_faces(DEMO_JOB, People(tmp_path))
    check_faces(Text2Video(user_id="none"), People(tmp_path))


@needs_networks
def test_a_pack_that_is_not_there_is_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="fetch buffalo_l --accept-licence"):
        check_faces(Text2Video(user_id="demo", face_model="../x"), People(tmp_path))


@needs_networks
def test_a_reference_picture_without_a_face_is_refused(tmp_path: Path) -> None:
    reference = add_person(tmp_path, "wall")
    Image.new("RGB", (90, 90), "grey").save(reference, "JPEG")
    with pytest.raises(BadFile, match="no face"):
        cast_of(Text2Video(user_id="wall", face_model="none"), People(tmp_path))


def test_auto_is_embedded_with_the_embedded_checkpoint_else_what_is_there(tmp_path: Path) -> None:
    job = Text2Video()
    assert settled_model(job, tmp_path, is_embedded=True) == "embedded"
    assert settled_model(job, tmp_path, is_embedded=False) == "none"
    for name in ("mine", "buffalo_s"):
        pack = tmp_path / casting.PACKS / name
        pack.mkdir(parents=True)
        (pack / "any.onnx").write_bytes(b"x")
    assert settled_model(job, tmp_path, is_embedded=False) == "buffalo_s"
    assert face_models(tmp_path) == ["auto", "none", "embedded", "buffalo_s", "mine"]


def test_auto_goes_without_where_nothing_runs_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(casting, "is_installed", lambda: False)
    assert settled_model(Text2Video(), tmp_path, is_embedded=True) == "none"
    named = Text2Video(face_model="embedded")
    assert settled_model(named, tmp_path, is_embedded=True) == "embedded"


@needs_networks
def test_judge_tells_a_person_from_another(
    shown: Callable[[list[np.ndarray]], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shown(photos(DEMO, SEED, 6))
    command = ["judge", str(folder), "--user-id", "demo", "--data-dir", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["identity"]["mean"] > 0.6
    assert len(scores["identity"]["frames"]) == 6
    assert scores["frames_without_face"] == 0
    assert main(command) == 0
    assert "likeness, mean: 0." in capsys.readouterr().out


@needs_networks
def test_judge_says_when_there_is_no_face(
    shown: Callable[[list[np.ndarray]], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shown([np.full((80, 80, 3), 90, np.uint8)] * 3)
    assert main(["judge", str(folder), "--user-id", "demo", "--data-dir", str(tmp_path)]) == 0
    assert "No face was found" in capsys.readouterr().out
