"""Back into the frame: what did not change stays to the bit, what changed is all new."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyphoto_video.faces.blend import blend, paste, spread
from easyphoto_video.faces.crop import cut, finer, resample, to_frame, views
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.mask import face_mask
from tests.faces.fake import PLACES
from tests.faces.test_crop import PLAN, painted, track_of, waves

SIZE = (128, 128)
RNG = np.random.default_rng(1)
NOISY = np.asarray(
    cv2.GaussianBlur(RNG.integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 1.2), np.uint8
)
anywhere = {
    "x": st.floats(-20, 420),
    "y": st.floats(-20, 320),
    "size": st.floats(30, 220),
    "angle": st.floats(-3.1, 3.1),
}


def view_at(x: float, y: float, size: float, angle: float) -> np.ndarray:
    return views(track_of(np.array([[x, y]]), np.array([size]), np.array([angle])), PLAN)[0]


def soft_mask() -> Floats:
    points = (63.5 + (PLACES - 0.5) * PLAN.face).astype(np.float32)
    return face_mask(points, None, SIZE, PLAN.face)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = float(np.mean((one.astype(float) - other) ** 2))
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


@settings(max_examples=40)
@given(**anywhere)
def test_a_crop_that_was_not_changed_changes_nothing(
    x: float, y: float, size: float, angle: float
) -> None:
    view = view_at(x, y, size, angle)
    back = paste(NOISY, cut(NOISY, view, SIZE), view, soft_mask())
    assert (back == NOISY).all()


@settings(max_examples=40)
@given(**anywhere)
def test_a_crop_that_was_changed_changes_nothing_outside_of_the_mask(
    x: float, y: float, size: float, angle: float
) -> None:
    view = view_at(x, y, size, angle)
    redrawn = 255 - cut(NOISY, view, SIZE)
    back = paste(NOISY, redrawn, view, soft_mask())
    weight = spread(soft_mask(), view, (400, 300))
    outside = weight == 0
    assert (back[outside] == NOISY[outside]).all()
    # The mask's faint rim alone may lie in the picture, and round to nothing.
    assert weight.sum() < 20 or (back != NOISY).any()


@settings(max_examples=40)
@given(
    x=st.floats(100, 300), y=st.floats(100, 200), size=st.floats(30, 64), angle=st.floats(-3.1, 3.1)
)
def test_out_and_back_without_any_trick_is_45_db(
    x: float, y: float, size: float, angle: float
) -> None:
    """The resampling alone, where the crop has as many pixels as the frame, or more."""
    view = view_at(x, y, size, angle)
    picture = waves((400, 300))
    crop = cut(picture, view, SIZE)
    # Over black, nothing of the picture is left but what comes back.
    back = paste(np.zeros_like(picture), crop, view, np.ones(SIZE, np.float32))
    inside = spread(soft_mask(), view, (400, 300)) > 0.5
    assert psnr(back[inside], picture[inside]) >= 45


@settings(max_examples=40)
@given(
    x=st.floats(150, 250), y=st.floats(120, 180), size=st.floats(40, 150), angle=st.floats(-3, 3)
)
def test_what_is_drawn_anew_lies_where_it_belongs(
    x: float, y: float, size: float, angle: float
) -> None:
    view = view_at(x, y, size, angle)
    grid = np.stack(np.meshgrid(np.arange(128), np.arange(128)), axis=-1).astype(np.float32)
    there = to_frame(grid, view)
    crop = painted(there[..., 0], there[..., 1])
    back = paste(NOISY, crop, view, soft_mask())
    inside = spread(soft_mask(), view, (400, 300)) > 0.999
    assert psnr(back[inside], waves((400, 300))[inside]) > 40


def test_the_old_face_does_not_shine_through_one_of_fewer_pixels() -> None:
    """Stripes finer than the crop can hold; a plain difference would keep them."""
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[:, ::2] = 200
    view = view_at(200, 150, 200, 0.0)
    redrawn = np.full((*SIZE, 3), 20, np.uint8)
    back = paste(picture, redrawn, view, soft_mask())
    inside = spread(soft_mask(), view, (400, 300)) > 0.999
    assert back[inside].std() < 1
    assert back[inside].mean() == pytest.approx(20, abs=1)


def test_fine_detail_stays_where_only_a_part_was_changed() -> None:
    view = view_at(200, 150, 200, 0.0)
    crop = cut(NOISY, view, SIZE)
    crop[:, :50] = 255
    back = paste(NOISY, crop, view, soft_mask())
    right = spread(soft_mask(), view, (400, 300)) > 0
    right[:, :215] = False
    assert psnr(back[right], NOISY[right]) > 60


def test_a_crop_with_more_pixels_than_its_mask_lands_in_the_same_place() -> None:
    picture = waves((400, 300))
    view = view_at(200, 150, 150, 0.3)
    large = 255 - resample(picture, finer(view, 2), (256, 256))
    back = paste(picture, large, view, soft_mask())
    inside = spread(soft_mask(), view, (400, 300)) > 0.999
    assert psnr(back[inside], 255 - picture[inside]) > 45


def test_a_frame_without_the_face_is_the_same_frame() -> None:
    frames = [NOISY, NOISY.copy()]
    path = np.stack([view_at(200, 150, 80, 0), np.full((2, 3), np.nan)])
    crops = [np.zeros((*SIZE, 3), np.uint8)] * 2
    first, second = blend(frames, crops, path, [soft_mask()] * 2)
    assert (first != NOISY).any()
    assert second is frames[1]


def test_a_long_clip_is_never_held() -> None:
    pulled = []

    def film() -> Iterator[np.ndarray]:
        for index in range(1000):
            pulled.append(index)
            yield NOISY

    path = np.stack([view_at(200, 150, 80, 0)] * 1000)
    crops = itertools.repeat(np.zeros((*SIZE, 3), np.uint8), 1000)
    blended = blend(film(), crops, path, itertools.repeat(soft_mask(), 1000))
    for count in range(1, 4):
        next(blended)
        assert len(pulled) == count


def test_real_frames_come_back_to_the_bit(media: Callable[[str], Path]) -> None:
    film = cv2.VideoCapture(str(media("d3.mp4")))
    for index in range(5):
        found, frame = film.read()
        assert found
        picture = np.asarray(frame, np.uint8)
        view = view_at(270 + index, 310, 330, 0.1)
        assert (paste(picture, cut(picture, view, SIZE), view, soft_mask()) == picture).all()
