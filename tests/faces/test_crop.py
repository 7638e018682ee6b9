"""The view goes with the face, steadily, and shows what is there to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.faces.crop import (
    CropPlan,
    cut,
    finer,
    inverse,
    scale_of,
    to_crop,
    to_frame,
    views,
)
from easyphoto_video.faces.face import FaceTrack
from tests.faces.fake import PLACES

PLAN = CropPlan(width=128, height=128, ratio=2.0)


def track_of(
    centres: np.ndarray, sizes: np.ndarray, angles: np.ndarray, mouth: np.ndarray | None = None
) -> FaceTrack:
    """Turned square faces; `mouth` lengthens the box downwards, in sizes, as an open mouth does."""
    count = len(centres)
    mouth = np.zeros(count) if mouth is None else mouth
    turn = np.exp(1j * angles)[:, None]
    at = (PLACES - 0.5) @ np.array([1, 1j])
    points = centres @ np.array([1, 1j]) + 0j
    points = points[:, None] + sizes[:, None] * turn * at
    half = sizes[:, None] / 2
    low, high = centres - half, centres + half
    high = high + np.stack([np.zeros(count), mouth * sizes], axis=1)
    return FaceTrack(
        boxes=np.concatenate([low, high], axis=1).astype(np.float32),
        points=np.stack([points.real, points.imag], axis=-1).astype(np.float32),
        dense=None,
        seen=np.ones(count, bool),
        scores=np.ones(count, np.float32),
        cuts=np.zeros(count, bool),
        embeddings=None,
        embedding=None,
    )


def waves(size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8, smooth in every direction."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return painted(x, y)


def painted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same picture at any places."""
    parts = [np.sin(x / 9 + y / 23), np.sin(y / 11), np.sin((x - y) / 17)]
    return np.rint(127 + 100 * np.stack(parts, axis=-1)).astype(np.uint8)


@given(
    x=st.floats(150, 250),
    y=st.floats(120, 180),
    size=st.floats(30, 150),
    angle=st.floats(-3.0, 3.0),
)
def test_the_face_lies_in_the_middle_upright_and_of_one_size(
    x: float, y: float, size: float, angle: float
) -> None:
    track = track_of(np.array([[x, y]]), np.array([size]), np.array([angle]))
    view = views(track, PLAN)[0]
    assert scale_of(view) == pytest.approx(size / PLAN.face, rel=1e-3)
    wanted = 63.5 + (PLACES - 0.5) * PLAN.face
    assert to_crop(track.points[0], view) == pytest.approx(wanted, abs=0.02)
    assert to_frame(to_crop(track.points[0], view), view) == pytest.approx(
        track.points[0], abs=1e-3
    )


@given(x=st.floats(150, 250), y=st.floats(120, 180), angle=st.floats(-3, 3), size=st.floats(30, 64))
def test_a_crop_shows_what_is_there_to_a_fraction_of_a_pixel(
    x: float, y: float, angle: float, size: float
) -> None:
    track = track_of(np.array([[x, y]]), np.array([size]), np.array([angle]))
    view = views(track, PLAN)[0]
    crop = cut(waves((400, 300)), view, (128, 128))
    grid = np.stack(np.meshgrid(np.arange(128), np.arange(128)), axis=-1).astype(np.float32)
    there = to_frame(grid, view)
    # The steepest wave rises by 11 levels a pixel: a tenth of a pixel off would be seen.
    error = np.abs(crop.astype(int) - painted(there[..., 0], there[..., 1]))
    assert error.mean() < 0.8
    assert error.max() <= 4


def test_beyond_the_border_it_is_padded_and_not_shifted() -> None:
    picture = waves((200, 200))
    track = track_of(np.array([[5.0, 100.0]]), np.array([64.0]), np.zeros(1))
    view = views(track, PLAN)[0]
    assert to_frame(np.array([63.5, 63.5], np.float32), view) == pytest.approx([5, 100], abs=0.01)
    crop = cut(picture, view, (128, 128))
    # Lanczos looks four pixels ahead.
    assert (crop[:, :54] == crop[:, :1]).all()
    assert not (crop[:, 64:] == crop[:, :1]).all()


def test_a_mouth_that_opens_does_not_move_the_crop() -> None:
    count = 40
    opening = 0.2 * (np.sin(np.arange(count)) > 0.7)
    still = (np.tile([200.0, 150.0], (count, 1)), np.full(count, 80.0), np.zeros(count))
    quiet, speaking = views(track_of(*still), PLAN), views(track_of(*still, opening), PLAN)
    assert speaking == pytest.approx(quiet, abs=1e-3)


def test_size_is_steady_and_follows_a_zoom_without_lag() -> None:
    rng = np.random.default_rng(0)
    count = 60
    even = np.exp(np.linspace(0, 0.7, count)) * 60
    shaky = even * (1 + 0.03 * rng.standard_normal(count))
    track = track_of(np.tile([200.0, 150.0], (count, 1)), shaky, np.zeros(count))
    scales = np.array([scale_of(view) for view in views(track, PLAN)])
    inner = slice(12, -12)
    assert np.abs(np.diff(np.log(scales), 2)).max() < 0.1 * np.abs(np.diff(np.log(shaky), 2)).max()
    assert (scales * PLAN.face)[inner] == pytest.approx(even[inner], rel=0.025)


def test_nothing_is_levelled_over_a_cut_or_where_the_face_is_away() -> None:
    sizes = np.repeat([40.0, 120.0], 10)
    track = track_of(np.tile([200.0, 150.0], (20, 1)), sizes, np.zeros(20))
    track.cuts[10] = True
    track.boxes[4] = np.nan
    track.points[4] = np.nan
    path = views(track, PLAN)
    assert np.isnan(path[4]).all()
    scales = np.array([scale_of(view) for view in path]) * PLAN.face
    assert scales[[3, 5, 9]] == pytest.approx(40, rel=1e-3)
    assert scales[10:] == pytest.approx(120, rel=1e-3)


def test_without_alignment_it_does_not_turn() -> None:
    track = track_of(np.array([[200.0, 150.0]]), np.array([80.0]), np.array([0.5]))
    plan = CropPlan(width=128, height=64, ratio=2.0, aligned=False)
    view = views(track, plan)[0]
    assert view[0, 1] == view[1, 0] == 0
    assert view[0, 0] == pytest.approx(80 / 32, rel=1e-3)


def test_a_finer_view_sees_the_same_place() -> None:
    view = np.array([[2.0, -0.5, 30], [0.5, 2.0, 20]])
    corners = np.array([[-0.5, -0.5], [15.5, 7.5]], np.float32)
    assert to_frame(3 * (corners + 0.5) - 0.5, finer(view, 3)) == pytest.approx(
        to_frame(corners, view), abs=1e-4
    )
    both = np.vstack([view, [0, 0, 1]]) @ np.vstack([inverse(view), [0, 0, 1]])
    assert both == pytest.approx(np.eye(3), abs=1e-12)


def test_sides_are_multiples_of_eight() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        CropPlan(width=100)
    with pytest.raises(ValueError, match="larger than 0"):
        CropPlan(ratio=0)
