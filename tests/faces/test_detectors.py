"""What every detector owes the face pass, whichever networks it has."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, Face
from easyphoto_video.faces.mesh import MeshDetector
from tests.faces.fake import WhiteSquares, picture_with
from tools.drawing import render
from tools.world import Pose, random_person

KINDS = ("fake", "mesh")


@dataclass
class Bench:
    """A detector, and a picture of 512 px with what it takes for a face at `middle`."""

    detector: Detector
    picture: Frames
    middle: tuple[float, float]
    pair: Frames
    """Two of different size, the smaller one on the left."""


def drawn_portrait() -> Frames:
    """A drawn girl, (512, 512, 3)."""
    cell = render(random_person(np.random.default_rng(3)), Pose())
    return np.asarray(cv2.resize(cell, (512, 512), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "mesh":
        detector = MeshDetector(request.getfixturevalue("mesh_folder"))
        portrait = drawn_portrait()
        pair = np.full((512, 1024, 3), 127, np.uint8)
        pair[:400, :400] = cv2.resize(portrait, (400, 400), interpolation=cv2.INTER_AREA)
        pair[:, 512:] = portrait
        return Bench(detector, portrait, (265, 275), pair)
    pair = picture_with((60, 60, 56), (300, 300, 64))
    square = picture_with((200, 240, 64))
    return Bench(WhiteSquares(), square, (232, 272), pair)


def size(face: Face) -> float:
    return float(np.prod(face.box[2:] - face.box[:2]))


def test_a_face_is_what_its_words_say(bench: Bench) -> None:
    before = bench.picture.copy()
    [face] = bench.detector.detect(bench.picture)
    assert (bench.picture == before).all()
    assert (face.box.dtype, face.box.shape) == (np.float32, (4,))
    assert (face.points.dtype, face.points.shape) == (np.float32, (5, 2))
    assert isinstance(face.score, float)
    assert 0.4 < face.score <= 1
    low, high = face.box[:2], face.box[2:]
    assert (high - low > 30).all()
    assert (high - low < 400).all()
    assert np.abs((low + high) / 2 - bench.middle).max() < 20
    assert (face.points > low - 10).all()
    assert (face.points < high + 10).all()
    left, right, nose, left_corner, right_corner = face.points
    assert left[0] < nose[0] < right[0]
    assert left_corner[0] < right_corner[0]
    assert max(left[1], right[1]) < nose[1] < min(left_corner[1], right_corner[1])
    if face.dense is not None:
        assert (face.dense.dtype, face.dense.shape) == (np.float32, (468, 2))
        assert np.array_equal(face.box[:2], face.dense.min(axis=0))
        assert np.array_equal(face.box[2:], face.dense.max(axis=0))


def test_the_largest_comes_first(bench: Bench) -> None:
    for picture in (bench.pair, bench.pair[:, ::-1]):
        faces = bench.detector.detect(picture)
        assert len(faces) == 2
        assert size(faces[0]) > size(faces[1])
        is_left = faces[0].box[0] < picture.shape[1] / 2 - 50
        assert is_left == (picture is not bench.pair)


@pytest.mark.parametrize("shade", [0, 60, 127])
def test_a_plain_picture_has_no_face(bench: Bench, shade: int) -> None:
    assert bench.detector.detect(np.full((480, 640, 3), shade, np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (7, 5), (3000, 9), (16, 2000)])
def test_no_size_is_too_odd(bench: Bench, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 120, (*shape, 3), np.uint8)
    assert bench.detector.detect(noise) == []


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_does_no_harm(bench: Bench, turns: int) -> None:
    for face in bench.detector.detect(np.rot90(bench.picture, turns)):
        assert np.isfinite(face.points).all()
        assert (face.box[:2] < face.box[2:]).all()


def test_threads_may_share_it(bench: Bench) -> None:
    [alone] = bench.detector.detect(bench.picture)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(bench.detector.detect, [bench.picture] * 12))
    assert all(np.array_equal(face.points, alone.points) for [face] in found)


VIDEOS = {"d3.mp4": 354, "d18.mp4": 216, "s18.mp4": 282, "s29.mp4": 160}


@pytest.mark.parametrize("name", VIDEOS)
def test_every_tenth_frame_of_a_video(
    media: Callable[[str], Path], mesh: MeshDetector, name: str
) -> None:
    video = cv2.VideoCapture(str(media(name)))
    found = 0
    for index in range(VIDEOS[name]):
        assert video.grab()
        if index % 10 == 0:
            picture = np.asarray(video.retrieve()[1][..., ::-1], np.uint8)
            found += bool(mesh.detect(picture))
    assert found == (VIDEOS[name] + 9) // 10


@pytest.mark.parametrize("name", ["s8.jpg", "s9.jpg", "s10.jpg", "s12.jpg"])
def test_paintings_and_photos(media: Callable[[str], Path], mesh: MeshDetector, name: str) -> None:
    picture = cv2.imread(str(media(name)))
    assert picture is not None
    assert len(mesh.detect(np.asarray(picture[..., ::-1], np.uint8))) == 1
