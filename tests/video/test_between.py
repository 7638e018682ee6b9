"""Frames between frames: what stays, what is made, and how near it comes to the truth."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.video import flow
from easyphoto_video.video.between import (
    Method,
    between,
    by_repeating,
    frames_after,
    is_cut,
)
from easyphoto_video.video.flow import by_flow
from tests.video.blend import by_blending

METHODS = (by_flow, by_blending, by_repeating)


def texture(seed: int, sigma: float = 4, size: int = 384) -> Frames:
    noise = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    soft = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), sigma)
    return cv2.normalize(soft, np.empty(0), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def moved(picture: Frames, right: float, down: float = 0, size: int = 128) -> Frames:
    """A square of the picture, from 64 px on in both directions, `right` and `down` px along."""
    matrix = np.array([[1, 0, right - 64], [0, 1, down - 64]], np.float32)
    return np.asarray(
        cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_CUBIC), np.uint8
    )


def disc(time: float, way: float) -> Frames:
    """A textured disc that goes `way` px to the right, over a ground that goes 4 to the left."""
    ground = moved(texture(0), -4 * time, size=256)
    front = moved(texture(1, 6), way * time, size=256)
    y, x = np.mgrid[:256, :256]
    share = np.clip(60.5 - np.hypot(x - 100 - way * time, y - 128), 0, 1)[..., None]
    return np.rint(ground * (1 - share) + (front // 2 + 100) * share).astype(np.uint8)


def psnr(one: Frames, other: Frames) -> float:
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def moving(count: int, step: float = 3) -> list[Frames]:
    picture = texture(2)
    return [moved(picture, step * index) for index in range(count)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("factor", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_given_frames_come_out_to_the_bit(
    count: int, factor: int, is_closed: bool, method: Method
) -> None:
    given = moving(count)
    kept = [frame.copy() for frame in given]
    made = list(between(given, factor, method, is_closed=is_closed))
    assert len(made) == frames_after(count, factor, is_closed=is_closed)
    assert len(made) == (count * factor if is_closed else max(0, (count - 1) * factor + 1))
    for index, frame in enumerate(kept):
        assert np.array_equal(made[index * factor], frame)
        assert np.array_equal(given[index], frame)
    assert all(frame.shape == (128, 128, 3) and frame.dtype == np.uint8 for frame in made)


@pytest.mark.parametrize(("right", "down"), [(6, 0), (0, -5), (11, 7)])
@pytest.mark.parametrize("time", [0.25, 0.5, 0.75])
def test_what_moves_is_on_its_way(right: float, down: float, time: float) -> None:
    picture = texture(3)
    before, after = moved(picture, 0), moved(picture, right, down)
    truth = moved(picture, right * time, down * time)
    (made,) = by_flow(before, after, [time])
    (blend,) = by_blending(before, after, [time])
    inner = (slice(16, -16), slice(16, -16))
    assert psnr(made[inner], truth[inner]) > 38
    assert psnr(made, truth) > psnr(blend, truth) + 6


def test_what_is_hidden_takes_the_way_of_what_is_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, after, truth = disc(0, 16), disc(1, 16), disc(0.5, 16)
    (made,) = by_flow(before, after, [0.5])
    (blend,) = by_blending(before, after, [0.5])
    monkeypatch.setattr(flow, "SLACK", 1e9)
    (trusting,) = by_flow(before, after, [0.5])
    assert psnr(made, truth) > psnr(blend, truth) + 4
    assert psnr(made, truth) > psnr(trusting, truth) + 0.8


def test_backwards_is_the_same_film() -> None:
    before, after = disc(0, 8), disc(1, 8)
    forth = list(by_flow(before, after, [0.25, 0.5, 0.75]))
    back = list(by_flow(after, before, [0.25, 0.5, 0.75]))
    for one, other in zip(forth, reversed(back), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_the_same_twice_gives_the_same_bits() -> None:
    one, other = (list(between(moving(3), 3)) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_still_frames_stay_still(method: Method) -> None:
    still = texture(4)
    made = list(between([still, still.copy(), still.copy()], 4, method, is_closed=True))
    assert all(np.array_equal(frame, still) for frame in made)


def test_still_places_stay_still_beside_what_moves() -> None:
    before, after = (texture(5, size=128).copy() for _ in range(2))
    before[20:60, 20:60] = moved(texture(6), 0)[:40, :40]
    after[20:60, 20:60] = moved(texture(6), 4)[:40, :40]
    for frame in by_flow(before, after, [0.3, 0.6]):
        assert np.array_equal(frame[:, 90:], before[:, 90:])
        assert not np.array_equal(frame[20:60, 20:60], before[20:60, 20:60])


def test_noise_is_no_motion() -> None:
    noise = [np.random.default_rng(seed).integers(119, 122, (64, 64, 3)) for seed in range(2)]
    before, after = (frame.astype(np.uint8) for frame in noise)
    for frame in by_flow(before, after, [0.25, 0.5]):
        assert ((frame >= np.minimum(before, after)) & (frame <= np.maximum(before, after))).all()


def test_light_that_rises_is_rounded_to_the_nearest() -> None:
    before, after = (np.full((32, 32, 3), value, np.uint8) for value in (100, 101))
    made = list(by_flow(before, after, [0.25, 0.75]))
    assert [np.unique(frame).tolist() for frame in made] == [[100], [101]]


def test_across_a_cut_the_nearer_frame_stands() -> None:
    one, other = texture(8, 20), texture(9, 20)
    assert is_cut(one, other)
    made = list(between([one, other], 4))
    nearest = [one, one, one, other, other]
    assert all(np.array_equal(*pair) for pair in zip(made, nearest, strict=True))
    closed = list(between([one, other], 4, is_closed=True))
    assert [np.array_equal(frame, one) for frame in closed] == [1, 1, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("step", [0, 3, 12])
def test_motion_and_fading_light_are_no_cuts(step: float) -> None:
    picture = texture(10, 16)
    assert not is_cut(moved(picture, 0), moved(picture, step))
    assert not is_cut(picture, (picture * 0.6).astype(np.uint8))


def test_a_closed_film_goes_on_from_its_last_frame_to_its_first() -> None:
    frames = moving(4)
    closed = list(between(frames, 3, is_closed=True))
    opened = list(between([*frames, frames[0]], 3))
    assert np.array_equal(closed, opened[:-1])


@pytest.mark.parametrize("is_closed", [False, True])
def test_two_frames_are_held_and_the_first_of_a_closed_film(is_closed: bool) -> None:
    alive: list[weakref.ref[Frames]] = []

    def given() -> Iterator[Frames]:
        for index in range(12):
            frame = np.full((16, 16, 3), 10 * index, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame

    most = 0
    for _ in between(given(), 2, by_blending, is_closed=is_closed):
        most = max(most, sum(frame() is not None for frame in alive))
    assert len(alive) == 12
    assert (
        most <= 3 + is_closed
    )  # the one at hand, which the reader's generator holds, comes on top


def test_frames_come_before_the_film_is_read_to_its_end() -> None:
    read: list[int] = []

    def given() -> Iterator[Frames]:
        for index in range(5):
            read.append(index)
            yield np.full((16, 16, 3), index, np.uint8)

    stream = between(given(), 2, by_blending)
    next(stream)
    assert read == [0]
    next(stream)
    assert read == [0, 1]


def test_a_method_is_asked_once_for_each_pair_that_differs() -> None:
    asked: list[list[float]] = []

    def method(before: Frames, after: Frames, times: Sequence[float]) -> Iterator[Frames]:
        asked.append(list(times))
        return by_blending(before, after, times)

    frames = moving(3)
    list(between([*frames, frames[-1].copy()], 4, method))
    assert asked == [[0.25, 0.5, 0.75]] * 2  # and for none that are the same


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (15, 17), (16, 16), (33, 21), (5, 300)])
def test_small_and_odd_sizes(size: tuple[int, int]) -> None:
    before = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    made = list(by_flow(before, np.roll(before, 1, axis=1), [0.25, 0.5]))
    assert [frame.shape for frame in made] == [before.shape] * 2


def test_what_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at least 1 times"):
        between([], 0)
    sizes = [np.zeros((16, 16, 3), np.uint8), np.zeros((16, 18, 3), np.uint8)]
    with pytest.raises(ValueError, match="one size"):
        list(between(sizes, 2))
