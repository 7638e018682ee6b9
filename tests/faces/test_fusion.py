"""The reference's face over the frame's: in its place, with the frame's mouth and closed eyes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.faces.bend import Reference, delaunay
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.faces.fusion import Crops, eyes_open, fuse
from easyphoto_video.faces.mask import eyes_mask, face_mask, mouth_mask, sockets_mask
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.faces.retouch import restored, retouched
from tests.faces.fake import PLACES

FACE = 64.0
RNG = np.random.default_rng(5)
NOISE = np.asarray(
    cv2.GaussianBlur(RNG.integers(0, 256, (128, 128, 3), np.uint8), (0, 0), 1.5), np.uint8
)


def reading(path: Path) -> Frames:
    return np.ascontiguousarray(np.asarray(cv2.imread(str(path)), np.uint8)[:, :, ::-1])


def simple(count: int = 3) -> Crops:
    points = (63.5 + (PLACES - 0.5) * FACE).astype(np.float32)
    frames = RNG.integers(90, 150, (count, 128, 128, 3), np.uint8)
    return Crops(frames=frames, points=np.stack([points] * count), dense=None, face=FACE)


def simple_face(scale: float = 1.0) -> Face:
    points = (scale * (63.5 + (PLACES - 0.5) * FACE)).astype(np.float32)
    box = scale * np.array([31.5, 31.5, 95.5, 95.5], np.float32)
    return Face(box=box.astype(np.float32), points=points, score=1.0)


@pytest.fixture
def real(mesh: MeshDetector, media: Callable[[str], Path]) -> tuple[Crops, Reference]:
    """A photograph as the crop, and a painting as the reference."""
    picture, other = reading(media("s12.jpg")), reading(media("s9.jpg"))
    face, reference = mesh.detect(picture)[0], mesh.detect(other)[0]
    assert face.dense is not None
    side = float((face.box[2:] - face.box[:2]).max())
    crops = Crops(frames=picture[None], points=face.points[None], dense=face.dense[None], face=side)
    return crops, Reference(other, reference, side)


def test_by_nothing_every_stage_gives_the_same_array() -> None:
    crops = simple()
    masks = np.ones((3, 128, 128), np.float32)
    assert fuse(crops, Reference(NOISE, simple_face(), FACE), 0) is crops.frames
    assert retouched(crops, crops.frames, masks, 0) is crops.frames
    assert restored(NOISE, lambda picture: 255 - picture, 0) is NOISE


def test_the_five_points_are_laid_on_the_five_points() -> None:
    large = np.asarray(cv2.resize(NOISE, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    reference = Reference(large, simple_face(2.0), FACE)
    turn = np.array([[0, -1], [1, 0]])
    points = ((simple_face().points - 63.5) @ turn.T + 63.5).astype(np.float32)
    bent = reference.bent(points, None, (128, 128))
    assert bent.trust[64, 64] == pytest.approx(1, abs=1e-3)
    inner = slice(40, 88)
    error = bent.picture[inner, inner].astype(float) - np.rot90(NOISE, -1)[inner, inner]
    assert np.abs(error).mean() < 4


def test_what_the_reference_does_not_show_is_not_taken() -> None:
    reference = Reference(NOISE[:, :64].copy(), simple_face(), FACE)
    crops = simple(1)
    fused = fuse(crops, reference, 1.0)
    assert (fused[0, :, 66:] == crops.frames[0, :, 66:]).all()
    assert (fused[0, 56:72, 40:50] != crops.frames[0, 56:72, 40:50]).any()


def test_every_triangle_is_one_of_points() -> None:
    points = RNG.uniform(0, 100, (60, 2)).astype(np.float32)
    triangles = delaunay(points)
    first, second, third = points[triangles].transpose(1, 0, 2).astype(np.float64)
    assert set(np.unique(triangles)) == set(range(60))
    one, other = second - first, third - first
    doubled = np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
    hull = cv2.contourArea(cv2.convexHull(points))
    # OpenCV leaves out slivers along the hull.
    assert 0.98 * hull < doubled.sum() / 2 <= hull * (1 + 1e-6)


def test_a_face_bent_to_its_own_place_is_itself(real: tuple[Crops, Reference]) -> None:
    crops, _ = real
    assert crops.dense is not None
    box = np.concatenate([crops.dense[0].min(axis=0), crops.dense[0].max(axis=0)])
    own = Face(box=box, points=crops.points[0], score=1.0, dense=crops.dense[0])
    bent = Reference(crops.frames[0], own, crops.face).bent(
        crops.points[0], crops.dense[0], crops.size
    )
    inside = bent.trust > 0.5
    error = bent.picture[inside].astype(float) - crops.frames[0][inside]
    assert inside.sum() > 0.3 * np.prod(box[2:] - box[:2])
    assert np.abs(error).max() <= 1


def test_bent_features_lie_on_the_frame_s(real: tuple[Crops, Reference]) -> None:
    """Dots on the reference's nose and cheeks come out where the frame's mesh has them."""
    crops, reference = real
    assert crops.dense is not None
    assert reference.dense is not None
    for index in (4, 50, 280, 199):
        dot = np.zeros_like(reference.picture)
        x, y = np.rint(reference.dense[index]).astype(int)
        dot[y - 1 : y + 2, x - 1 : x + 2] = 255
        reference.picture = dot
        bent = reference.bent(crops.points[0], crops.dense[0], crops.size).picture[..., 0]
        rows, columns = np.nonzero(bent > 100)
        middle = np.array([columns.mean(), rows.mean()])
        assert np.hypot(*(middle - crops.dense[0, index])) < 2


def test_the_frame_keeps_its_mouth_and_all_outside(real: tuple[Crops, Reference]) -> None:
    crops, reference = real
    assert crops.dense is not None
    fused, frame = fuse(crops, reference, 1.0)[0], crops.frames[0]
    mouth = mouth_mask(crops.dense[0], crops.size, crops.face) > 0.999
    outside = face_mask(crops.points[0], crops.dense[0], crops.size, crops.face) == 0
    assert (fused[mouth] == frame[mouth]).all()
    assert (fused[outside] == frame[outside]).all()
    left, right = eyes_mask(crops.dense[0], crops.size, crops.face)
    eyes = np.maximum(left, right) > 0.999
    changed = np.abs(fused.astype(int) - frame)
    assert changed[eyes].mean() > 10
    kept = np.abs(fuse(crops, reference, 1.0, eyes=0)[0].astype(int) - frame)
    assert kept[eyes].max() <= 1


def test_closed_eyes_stay_closed(real: tuple[Crops, Reference]) -> None:
    crops, reference = real
    assert crops.dense is not None
    closed = shut(crops.dense[0], 0.7)
    dense = np.stack([crops.dense[0], closed, crops.dense[0]])
    assert eyes_open(dense) == pytest.approx([1, 0, 1])
    three = replace(
        crops,
        frames=crops.frames.repeat(3, axis=0),
        points=crops.points.repeat(3, axis=0),
        dense=dense,
    )
    fused = fuse(three, reference, 1.0)
    eyes = np.maximum(*eyes_mask(closed, crops.size, crops.face)) > 0.999
    changed = np.abs(fused.astype(int) - three.frames)
    assert changed[0][eyes].mean() > 10
    assert changed[1][eyes].max() <= 1
    sockets = sockets_mask(closed, crops.size) > 0.999
    assert sockets.sum() > 2 * eyes.sum()
    assert changed[1][sockets].max() <= 1
    assert changed[0][sockets].mean() > 5


def shut(dense: Floats, share: float) -> Floats:
    """The same face with the lids at a share of their distance."""
    out = dense.copy()
    for upper, lower in ((159, 145), (386, 374)):
        middle = (dense[upper] + dense[lower]) / 2
        out[[upper, lower]] = middle + share * (dense[[upper, lower]] - middle)
    return out


def test_the_light_is_the_frame_s(real: tuple[Crops, Reference]) -> None:
    crops, reference = real
    assert crops.dense is not None
    fused = fuse(crops, reference, 1.0)
    mask = face_mask(crops.points[0], crops.dense[0], crops.size, crops.face) > 0.5
    mean = crops.frames[0][mask].mean(axis=0)
    assert fused[0][mask].mean(axis=0) == pytest.approx(mean, abs=6)


def test_retouch_evens_skin_and_keeps_edges_and_eyes(real: tuple[Crops, Reference]) -> None:
    crops, _ = real
    assert crops.dense is not None
    noise = np.random.default_rng(0).normal(0, 6, crops.frames.shape)
    rough = np.clip(crops.frames + noise, 0, 255).astype(np.uint8)
    mask = face_mask(crops.points[0], crops.dense[0], crops.size, crops.face)
    even = retouched(crops, rough, mask[None], 1.0)
    eyes = np.maximum(*eyes_mask(crops.dense[0], crops.size, crops.face))
    cheek = np.rint(crops.dense[0, 50]).astype(int)
    here = (slice(cheek[1] - 5, cheek[1] + 6), slice(cheek[0] - 5, cheek[0] + 6))
    grain = [np.abs(cv2.Laplacian(each[0].astype(np.float32), -1)) for each in (even, rough)]
    assert grain[0][here].mean() < 0.75 * grain[1][here].mean()
    assert (even[0][mask == 0] == rough[0][mask == 0]).all()
    assert (even[0][eyes > 0.9999] == rough[0][eyes > 0.9999]).all()


def test_a_restorer_is_taken_by_its_share_whatever_its_size() -> None:
    picture = np.full((32, 32, 3), 100, np.uint8)

    def larger(given: Frames) -> Frames:
        return np.full((64, 64, 3), 200, np.uint8) if given is picture else given

    assert (restored(picture, larger, 0.25) == 125).all()
    assert (restored(picture, larger, 1.0) == 200).all()


def test_a_reference_keeps_its_own_skin_as_far_as_it_takes_no_light() -> None:
    red, blue = np.full((1, 128, 128, 3), (200, 60, 60), np.uint8), (60, 60, 200)
    reference = Reference(np.full((128, 128, 3), blue, np.uint8), simple_face(), FACE)
    crops = Crops(frames=red, points=simple_face().points[None], dense=None, face=FACE)
    middles = [fuse(crops, reference, 1.0, light=light)[0, 64, 64] for light in (0.0, 0.5, 1.0)]
    assert np.abs(middles[0].astype(int) - blue).max() <= 2
    assert np.abs(middles[2].astype(int) - (200, 60, 60)).max() <= 2
    assert middles[0][0] < middles[1][0] < middles[2][0]
