"""BlazeFace and the mesh: turned, small and moved faces, and how few calls they cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from easyphoto_video import face_files
from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.faces.mesh import ROI, MeshDetector, find_mesh_files
from tests.faces.test_detectors import drawn_portrait
from tools.drawing import render
from tools.world import random_clip


@pytest.fixture(scope="module")
def portrait() -> Frames:
    return drawn_portrait()


def placed(portrait: Frames, matrix: np.ndarray, size: tuple[int, int]) -> Frames:
    """The portrait moved by a (2, 3) matrix into a grey picture of (W, H)."""
    return np.asarray(cv2.warpAffine(portrait, matrix, size, borderValue=(127, 127, 127)), np.uint8)


def eye_distance(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[1] - points[0]))


@pytest.mark.parametrize("degrees", [-60, -40, -15, 15, 40, 60])
def test_a_face_may_be_turned(mesh: MeshDetector, portrait: Frames, degrees: int) -> None:
    [upright] = mesh.detect(portrait)
    matrix = cv2.getRotationMatrix2D((256, 256), degrees, 0.9)
    [turned] = mesh.detect(placed(portrait, matrix, (512, 512)))
    expected = upright.points @ matrix[:, :2].T + matrix[:, 2]
    off = np.linalg.norm(turned.points - expected, axis=1)
    assert off.max() < 0.1 * eye_distance(expected)


@pytest.mark.parametrize("width", [0.03, 0.04, 0.06])
def test_a_small_face_is_found_with_few_calls(
    mesh: MeshDetector, portrait: Frames, width: float
) -> None:
    [face] = mesh.detect(portrait)
    scale = width * 1280 / float(face.box[2] - face.box[0])
    matrix = np.array([[scale, 0, 700], [0, scale, 350]])
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((720, 1280, 3), 127, np.uint8)
    picture[350 : 350 + len(small), 700 : 700 + len(small)] = small
    before = mesh.calls
    [found] = mesh.detect(picture)
    assert mesh.calls - before <= 24
    before = mesh.calls
    assert mesh.detect(picture, small=False) in ([], [found]) or width > 0.05
    assert mesh.calls - before <= 2
    expected = face.points @ matrix[:, :2].T + matrix[:, 2]
    assert np.linalg.norm(found.points - expected, axis=1).max() < 0.25 * eye_distance(expected)


@pytest.mark.parametrize(("seed", "frame"), [(800_014, 12), (800_018, 14), (800_018, 15)])
def test_a_face_behind_glasses_is_found_at_the_second_look(
    mesh: MeshDetector, monkeypatch: pytest.MonkeyPatch, seed: int, frame: int
) -> None:
    clip = random_clip(np.random.default_rng(seed))
    picture = render(clip.person, clip.poses[frame])
    assert len(mesh.detect(picture)) == 1
    monkeypatch.setattr("easyphoto_video.faces.mesh.WIDER", ROI)
    assert not mesh.detect(picture)


def test_a_face_is_found_again_in_one_call(mesh: MeshDetector, portrait: Frames) -> None:
    [first] = mesh.detect(portrait)
    before = mesh.calls
    moved = np.array([[1.0, 0, 12], [0, 1.0, -8]])
    face = mesh.again(placed(portrait, moved, (512, 512)), first)
    assert mesh.calls - before == 1
    assert face is not None
    assert np.abs(face.points - first.points - [12, -8]).max() < 0.05 * eye_distance(first.points)
    assert 0.5 < face.score <= 1

    without = mesh.again(portrait, replace(first, dense=None))
    assert without is None or np.abs(without.points - first.points).max() < 10


def test_a_face_that_is_gone_is_not_found_again(mesh: MeshDetector, portrait: Frames) -> None:
    [first] = mesh.detect(portrait)
    assert mesh.again(np.full((512, 512, 3), 127, np.uint8), first) is None
    away = np.array([[1.0, 0, 300], [0, 1.0, 0]])
    assert mesh.again(placed(portrait, away, (512, 512)), first) is None


def test_the_files_are_looked_for_in_order(mesh_folder: Path, tmp_path: Path) -> None:
    assert find_mesh_files([tmp_path, mesh_folder]) == mesh_folder
    with pytest.raises(Missing, match=r"python3 launch\.py fetch faces") as caught:
        find_mesh_files([tmp_path])
    assert face_files.MESH.name in caught.value.what


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    for member in (face_files.DETECTOR, face_files.MESH):
        (tmp_path / member.name).write_bytes(b"not a network" * 100)
    with pytest.raises(BadFile, match="fetch faces"):
        MeshDetector(tmp_path)
