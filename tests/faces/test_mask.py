"""Masks: on the face, off it, soft by the face's measure, and never hard at a crop's border."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.mask import (
    eyes_mask,
    face_mask,
    mouth_mask,
    redraw_mask,
    softened,
)
from easyphoto_video.faces.mesh import MeshDetector
from tests.faces.fake import PLACES

SIZE, FACE = (160, 128), 60.0
POINTS = (np.array([79.5, 63.5]) + (PLACES - 0.5) * FACE).astype(np.float32)


@given(
    x=st.floats(-100, 260),
    y=st.floats(-100, 260),
    factor=st.floats(0.2, 4),
    feather=st.floats(0, 0.5),
    grow=st.floats(0, 0.3),
)
def test_a_mask_is_a_share_and_ends_before_the_border(
    x: float, y: float, factor: float, feather: float, grow: float
) -> None:
    points = (np.array([x, y]) + (PLACES - 0.5) * FACE * factor).astype(np.float32)
    mask = face_mask(points, None, SIZE, FACE * factor, feather=feather, grow=grow)
    assert mask.shape == (128, 160)
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert mask.max() <= 1
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert (border == 0).all()


def test_it_is_on_the_face_and_off_the_rest() -> None:
    mask = face_mask(POINTS, None, SIZE, FACE)
    at = np.rint(POINTS).astype(int)
    assert (mask[at[:, 1], at[:, 0]] > 0.999).all()
    assert mask[64, 20] == mask[64, 140] == mask[10, 80] == mask[120, 80] == 0


@pytest.mark.parametrize("feather", [0.1, 0.3])
def test_the_edge_is_as_wide_as_asked(feather: float) -> None:
    size = (800, 800)
    points = (399.5 + (PLACES - 0.5) * 300).astype(np.float32)
    line = face_mask(points, None, size, 300.0, feather=feather, grow=0)[400, :400]
    soft = ((line > 0.025) & (line < 0.975)).sum()
    assert soft == pytest.approx(feather * 300, rel=0.1)
    hard = face_mask(points, None, size, 300.0, feather=0, grow=0)[400, :400]
    assert ((hard > 0) & (hard < 1)).sum() <= 2


def test_it_grows_by_shares_of_the_face() -> None:
    narrow, wide = (
        face_mask(POINTS, None, SIZE, FACE, feather=0, grow=grow)[64].sum() for grow in (0, 0.1)
    )
    assert wide - narrow == pytest.approx(2 * 0.1 * FACE, abs=1.5)


def test_it_moves_by_fractions_of_a_pixel() -> None:
    sums = []
    for shift in np.linspace(0, 1, 5):
        mask = face_mask(POINTS + np.array([shift, 0], np.float32), None, SIZE, FACE, feather=0.05)
        sums.append(float((mask.sum(axis=0) @ np.arange(SIZE[0])) / mask.sum()))
    assert np.diff(sums) == pytest.approx(0.25, abs=0.06)


@given(st.integers(0, 80), st.integers(0, 60), st.integers(1, 30))
def test_all_that_is_blended_in_is_redrawn(x: int, y: int, side: int) -> None:
    mask = np.zeros((93, 110), np.float32)
    mask[y : y + side, x : x + side] = 0.01
    redrawn = redraw_mask(mask)
    assert redrawn.shape == mask.shape
    assert set(np.unique(redrawn)) <= {0.0, 1.0}
    assert (redrawn[mask > 0] == 1).all()
    blocks = redrawn[:88, :104].reshape(11, 8, 13, 8)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert redrawn.sum() <= (side + 32) ** 2
    assert (redraw_mask(np.zeros((64, 64), np.float32)) == 0).all()


def test_softening_by_nothing_is_the_same_mask() -> None:
    mask = np.eye(8, dtype=np.float32)
    assert softened(mask, 0) is mask


def test_parts_lie_in_a_real_face(mesh: MeshDetector, media: Callable[[str], Path]) -> None:
    picture = np.asarray(cv2.imread(str(media("s12.jpg"))), np.uint8)[:, :, ::-1]
    face = mesh.detect(np.ascontiguousarray(picture))[0]
    assert face.dense is not None
    size, side = picture.shape[1::-1], float((face.box[2:] - face.box[:2]).max())
    whole = face_mask(face.points, face.dense, size, side, feather=0)
    parts = [*eyes_mask(face.dense, size, side), mouth_mask(face.dense, size, side)]
    mouth = face.points[3:].mean(axis=0)
    for part, middle in zip(parts, [*face.points[:2], mouth], strict=True):
        rows, columns = np.nonzero(part > 0.5)
        assert np.hypot(*(np.array([columns.mean(), rows.mean()]) - middle)) < 0.1 * side
        assert whole[part > 0.5].min() == 1
        assert part.sum() < 0.1 * whole.sum()
    from_five = face_mask(face.points, None, size, side, feather=0)
    assert _shared(whole, from_five) > 0.75


def _shared(one: Floats, other: Floats) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())
