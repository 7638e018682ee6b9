"""The recogniser of the embedded world: what it promises of unseen persons, and how it is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from insightface.model_zoo import get_model
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from torch import nn

from easyphoto_video import face_files
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.insight import RECOGNISER, PackRecogniser, models
from easyphoto_video.faces.mesh import MeshDetector
from tools.drawing import render
from tools.likeness import PACK, Look, embedding_of, figures, renderings
from tools.photos import DEMO
from tools.recognise import FEATURES, SIDE, Album, export, judge, learn, network, sitting
from tools.world import Person, Pose, random_person

LEARNS = pytest.mark.slow(reason="trains a network or draws 300 faces; the recipe rarely changes")
MEASURES = ("face_width", "jaw", "eye_size", "eye_spacing", "brow_thickness", "mouth_width")


@pytest.fixture(scope="module")
def detector() -> MeshDetector:
    if not face_files.are_in(face_files.BESIDE):
        pytest.skip(f"what finds faces is not there: {face_files.COMMAND}")
    return MeshDetector(face_files.BESIDE)


@pytest.fixture(scope="module")
def recogniser() -> PackRecogniser:
    return PackRecogniser(PACK)


def embedded(person: Person, detector: MeshDetector, recogniser: PackRecogniser) -> Floats:
    found = embedding_of(render(person, Pose()), detector, recogniser)
    assert found is not None
    return found


def test_the_file_is_a_pack_of_at_most_3_mb_with_a_recogniser_only() -> None:
    found = models(PACK)
    assert list(found) == [RECOGNISER]
    assert found[RECOGNISER].stat().st_size < 3_000_000


@LEARNS
def test_unseen_persons_are_known_again_and_strangers_are_not(
    detector: MeshDetector, recogniser: PackRecogniser
) -> None:
    looks = renderings(detector, recogniser, persons=60, each=5)
    told = figures(looks)
    assert len(looks) > 0.97 * 60 * 5
    assert told["true accepts"] >= 0.95
    assert told["same person, mean"] > 0.7
    assert abs(told["strangers, mean"]) < 0.05 and told["strangers, spread"] < 0.25


def test_hair_and_clothes_say_less_than_the_face(
    detector: MeshDetector, recogniser: PackRecogniser
) -> None:
    own = embedded(DEMO, detector, recogniser)
    dressed = replace(DEMO, hair="red", style="long hair", clothes="green", background="purple")
    another = Person(**{**vars(random_person(np.random.default_rng(1))), "skin": DEMO.skin})
    another = replace(another, hair=DEMO.hair, style=DEMO.style, glasses=DEMO.glasses)
    assert embedded(dressed, detector, recogniser) @ own > 0.7
    assert embedded(another, detector, recogniser) @ own < 0.5


def test_the_nearer_the_face_the_higher_the_cosine(
    detector: MeshDetector, recogniser: PackRecogniser
) -> None:
    other = Person(**{**vars(DEMO), **{name: getattr(Person, name) for name in MEASURES}})
    own = embedded(DEMO, detector, recogniser)
    way = []
    for share in (0.0, 0.34, 0.67, 1.0):
        between = {
            name: (1 - share) * getattr(DEMO, name) + share * getattr(other, name)
            for name in MEASURES
        }
        way.append(float(embedded(replace(DEMO, **between), detector, recogniser) @ own))
    assert way == sorted(way, reverse=True)
    assert way[0] > way[-1] + 0.2


def test_another_day_leaves_the_face_as_it_is() -> None:
    person, rng = random_person(np.random.default_rng(3)), np.random.default_rng(4)
    days = [sitting(person, rng) for _ in range(60)]
    kept = ("skin", "eyes", "face_height", "brow_tilt", "nose_length", *MEASURES)
    for day in days:
        assert all(getattr(day, name) == getattr(person, name) for name in kept)
    for name in ("clothes", "background", "hair", "style", "glasses"):
        assert len({getattr(day, name) for day in days}) > 1
    assert sum(day.hair == person.hair for day in days) > 40


def test_an_exported_network_gives_what_torch_gives_and_insightface_reads_it(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    net = network().eval()
    export(net, tmp_path / "net.onnx")
    read = get_model(str(tmp_path / "net.onnx"))
    assert isinstance(read, ArcFaceONNX)
    assert (read.input_mean, read.input_std, read.input_size) == (127.5, 127.5, (SIDE, SIDE))
    rgb = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    with torch.no_grad():
        wanted = net(torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 127.5 - 1).numpy()
    found = np.asarray(read.get_feat([np.ascontiguousarray(one[..., ::-1]) for one in rgb]))
    assert found.shape == (2, FEATURES)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def coloured(owners: list[int]) -> Album:
    """Each owner's crops are of a colour of her own, with noise."""
    rng = np.random.default_rng(0)
    colours = rng.integers(40, 216, (max(owners) + 1, 1, 1, 3))
    noise = rng.normal(0, 20, (len(owners), SIDE, SIDE, 3))
    return Album(np.clip(colours[owners] + noise, 0, 255).astype(np.uint8), np.array(owners))


@LEARNS
def test_what_is_learnt_tells_owners_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.recognise.BATCH", 8)
    torch.manual_seed(0)
    owners = [number % 4 for number in range(64)]
    net = network()
    before = judge(net.eval(), coloured(owners))
    learn(coloured(owners), epochs=6, net=net)
    after = judge(net, coloured(owners))
    apart = "same, mean", "others, mean"
    assert after[apart[0]] - after[apart[1]] > before[apart[0]] - before[apart[1]] + 0.3


def test_the_judge_counts_accepts() -> None:
    flat = nn.Sequential(nn.AvgPool2d(SIDE), nn.Flatten())
    crops = np.zeros((4, SIDE, SIDE, 3), np.uint8)
    crops[:2, ..., 0], crops[2:, ..., 1] = 255, 255
    right = judge(flat, Album(crops, np.array([0, 0, 1, 1])))
    wrong = judge(flat, Album(crops, np.array([0, 1, 0, 1])))
    assert (right["true accepts"], right["same, mean"]) == (1.0, pytest.approx(1.0))
    assert wrong["true accepts"] == 0.0


def test_look_alikes_are_counted_by_what_they_share() -> None:
    base = random_person(np.random.default_rng(0))
    twin = replace(base, jaw=0.9)
    other = replace(base, skin="dark" if base.skin != "dark" else "fair")
    ahead, aside = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    looks = [Look(0, base, True, ahead), Look(0, base, True, ahead)]
    looks += [Look(1, twin, True, ahead), Look(2, other, True, aside)]
    told = figures(looks)
    assert told["true accepts"] == 1.0
    assert told["false accepts of strangers who differ in the face's measures alone"] == 1.0
    assert told["strangers, mean"] == pytest.approx(0.4)
