"""Landmarks drawn, moved to another face, and cut out: by relations."""

from __future__ import annotations

import numpy as np
import pytest

from easyphoto_video.talk.crop import Rectangle, face_mask, face_square, rounded
from easyphoto_video.talk.landmarks import BY_VOICE, PARTS, SIDE, WHOLE, draw
from easyphoto_video.talk.sync import Measured, affine, applied, projected, synchronised

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")


def face(seed: int = 0, points: int = 478) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (points, 3))


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    packed = np.unique(picture.astype(np.int64) @ (65536, 256, 1))
    return {(int(c) >> 16, int(c) >> 8 & 255, int(c) & 255) for c in packed}


def test_parts_have_their_own_colours_and_masks_take_them_out() -> None:
    whole = colours(draw(face(), (SIDE, SIDE), WHOLE))
    silent = colours(draw(face(), (SIDE, SIDE), BY_VOICE))
    mouth = {stroke.colour for stroke in PARTS["mouth"]}
    assert mouth <= whole
    assert not mouth & silent
    assert silent == colours(draw(face(), (SIDE, SIDE), WHOLE)) - mouth
    assert colours(draw(face(), (SIDE, SIDE), ())) == {(0, 0, 0)}
    assert not draw(None, (40, 30)).any()


def test_468_points_have_no_irises() -> None:
    mesh = face(points=468)
    assert np.array_equal(
        draw(mesh, (64, 48), (*WHOLE, "irises")),
        draw(mesh, (64, 48), [part for part in WHOLE if part != "pupils"]),
    )
    assert draw(mesh, (64, 48)).shape == (48, 64, 3)


def test_what_lies_outside_is_left_out() -> None:
    points = face()
    points[:, 0] += 2
    assert not draw(points, (SIDE, SIDE), WHOLE).any()
    points = face()
    points[4] = (0.001, 0.001, 0)
    assert tuple(draw(points, (SIDE, SIDE), ("nose",))[0, 0]) == (200, 200, 200)


def test_other_points_are_refused() -> None:
    with pytest.raises(ValueError, match="landmarks of the shape"):
        draw(face(points=68), (SIDE, SIDE))


def test_an_affine_map_is_found_again() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(12, 3))
    matrix = np.eye(4)
    matrix[:3] = rng.normal(size=(3, 4))
    np.testing.assert_allclose(affine(points, applied(matrix, points)), matrix, atol=1e-12)
    np.testing.assert_allclose(affine(points, points), np.eye(4), atol=1e-12)


def pose(turn: float, away: float = 40.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)],
    ]  # fmt: skip
    matrix[2, 3] = -away
    return matrix


def measured(seed: int, turn: float = 0.0) -> Measured:
    rng = np.random.default_rng(seed)
    return Measured(rng.uniform(size=(478, 3)), rng.normal(scale=6, size=(468, 3)), pose(turn))


def test_a_face_drives_itself_to_where_it_is() -> None:
    own = measured(1)
    [driven] = synchronised([own], own)
    np.testing.assert_allclose(driven, projected(own.whole(), own.pose), atol=1e-8)


def test_only_the_drivers_turning_counts_not_where_it_starts() -> None:
    own, turns = measured(1), (0.0, 0.1, 0.3, 0.2)
    one = synchronised([measured(2, turn) for turn in turns], own)
    far = [measured(2, turn) for turn in turns]
    other = synchronised([Measured(f.picture, f.mesh, f.pose @ pose(0.0, -3.0)) for f in far], own)
    np.testing.assert_allclose(one, other, atol=1e-8)
    still = synchronised([measured(2) for _ in turns], own)
    assert np.abs(one[2] - still[2]).max() > 5


def test_the_square_lies_within_the_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        width, height = (int(x) for x in rng.integers(64, 900, 2))
        x, y = np.sort(rng.uniform(0, width, 2)), np.sort(rng.uniform(0, height, 2))
        box = rounded((x[0], y[0], x[1] + 2, y[1] + 2))
        square = face_square(box, (width, height))
        assert square.right - square.left == square.bottom - square.top
        assert square.left >= 0
        assert square.top >= 0
        assert square.right <= width
        assert square.bottom <= height


def test_the_mask_never_is_empty() -> None:
    mask = face_mask(Rectangle(0, 0, 40, 20), (100, 50))
    assert mask.shape == (50, 100)
    assert mask.sum() == 44 * 22
    assert face_mask(None, (10, 5)).all()
