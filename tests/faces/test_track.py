"""Following: films of real people, and people who cross."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.clip import Frames
from easyphoto_video.face_files import BESIDE, COMMAND, are_in
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.faces.track import TrackPlan, assigned, chosen, follow
from easyphoto_video.video.read import open_video
from tests.faces.fake import WhiteSquares, picture_with

MEDIA = Path(__file__).parents[3] / "shared" / "media"
FILMS = ("d3.mp4", "d18.mp4", "s18.mp4", "s29.mp4")
MORE = pytest.mark.slow(reason="two other films are followed in any case")
POINTS = np.array([[-7, -6], [7, -6], [0, 0], [-5, 8], [5, 8]], np.float32)
GREY = np.full((90, 160, 3), 128, np.uint8)


def film(name: str) -> Path:
    path = MEDIA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    if not are_in(BESIDE):
        pytest.skip(f"the networks that find faces are not there: {COMMAND}")
    return path


def jitter(boxes: Floats) -> float:
    """Root mean square of the second difference of the box's middle, px."""
    bend = np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, 2, axis=0)
    return float(np.sqrt(np.nanmean((bend**2).sum(axis=1))))


@pytest.mark.parametrize("name", [*FILMS[:2], *(pytest.param(x, marks=MORE) for x in FILMS[2:])])
def test_a_real_face_is_followed_as_one_track_with_half_the_jitter(name: str) -> None:
    frames = list(open_video(film(name)).frames(0, 90))
    detector = MeshDetector(BESIDE)
    raw = np.stack([detector.detect(frame)[0].box for frame in frames])
    before = detector.calls
    [track] = follow(frames, detector)
    assert (detector.calls - before) / len(frames) <= 2
    assert track.present.mean() >= 0.99
    assert jitter(track.boxes) <= jitter(raw) / 2
    assert np.abs(track.boxes - raw).mean() < 0.03 * np.ptp(raw[:, [0, 2]])


class Seen:
    """A detector that is told where the faces are; a face's score names its person."""

    def __init__(self, places: list[list[tuple[float, float, int]]]) -> None:
        self.places = places
        self.frame = -1

    def frames(self) -> Iterator[Frames]:
        while self.frame + 1 < len(self.places):
            self.frame += 1
            yield GREY

    def detect(self, picture: Frames) -> list[Face]:
        faces = []
        for x, y, who in self.places[self.frame]:
            box = np.array([x - 12, y - 12, x + 12, y + 12], np.float32)
            points = (POINTS + np.array([x, y])).astype(np.float32)
            faces.append(Face(box=box, points=points, score=0.5 + who / 10, embedding=LOOKS[who]))
        return faces


LOOKS = np.eye(3, dtype=np.float32)


def crossing(count: int = 40) -> list[list[tuple[float, float, int]]]:
    """Two who walk through each other; while they meet only the one before is seen."""
    places = []
    for frame in range(count):
        left, right = 30 + 2.5 * frame, 130 - 2.5 * frame
        both = [(left, 45.0, 0), (right, 47.0, 1)]
        places.append(both[:1] if abs(left - right) < 20 else both)
    return places


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("order", [1, -1])
def test_the_chosen_one_is_kept_through_a_crossing(who: int, order: int) -> None:
    seen = Seen([here[::order] for here in crossing()])
    tracks = follow(seen.frames(), seen, plan=TrackPlan(smoothing=0))
    assert len(tracks) == 2
    number = chosen(tracks, LOOKS[who], 0.45)
    assert number is not None
    scores = tracks[number].scores
    assert np.allclose(scores[np.isfinite(scores)], 0.5 + who / 10)
    assert tracks[number].present.all()


@pytest.fixture(scope="module")
def heads() -> tuple[list[Frames], list[Frames]]:
    return _heads("d3.mp4", 72), _heads("d18.mp4", 72)


@pytest.mark.parametrize("by_looks", [True, False])
@pytest.mark.parametrize("in_front", [0, 1])
def test_real_people_who_cross_twice_keep_their_tracks(
    in_front: int, by_looks: bool, heads: tuple[list[Frames], list[Frames]]
) -> None:
    """By their looks and by their ways alone, with no more than three model calls a frame."""
    ways = [9 * frame if frame < 45 else 800 - 9 * frame for frame in range(72)]
    middles = np.array([[120 + way, 520 - way] for way in ways])
    frames = []
    for frame, places in enumerate(middles):
        canvas = np.full((260, 640, 3), 110, np.uint8)
        for who in (1 - in_front, in_front):
            x = int(places[who]) - 100
            canvas[30:230, x : x + 200] = heads[who][frame]
        frames.append(canvas)
    detector, recogniser = MeshDetector(BESIDE), Hues()
    tracks = follow(frames, detector, recogniser if by_looks else None, TrackPlan(alike=0.9))
    assert len(tracks) == 2
    assert (recogniser.calls > 0) == by_looks
    assert (detector.calls + recogniser.calls) / len(frames) <= 3
    far = np.abs((tracks[0].boxes[:, [0]] + tracks[0].boxes[:, [2]]) / 2 - middles)
    assert far[:, in_front].max() < 8
    # The other is not there while she is covered, and a little off while she is by half.
    far = np.abs((tracks[1].boxes[:, [0]] + tracks[1].boxes[:, [2]]) / 2 - middles)
    assert 0.6 < tracks[1].present.mean() < 0.9
    assert np.nanmax(far[:, 1 - in_front]) < 30 and np.nanmedian(far[:, 1 - in_front]) < 3


class Hues:
    """Tells two people apart by the colours around their noses: no recogniser of real faces is at
    hand offline."""

    def __init__(self) -> None:
        self.calls = 0

    def embed(self, picture: Frames, points: Floats) -> Floats:
        self.calls += 1
        x, y = points[2].round().astype(int)
        part = picture[max(0, y - 30) : y + 30, max(0, x - 30) : x + 30].reshape(-1, 3)
        levels = np.histogramdd(part / 256.0, bins=(6, 6, 6), range=[(0, 1)] * 3)[0].ravel()
        return (levels / max(float(np.linalg.norm(levels)), 1e-9)).astype(np.float32)


def _heads(name: str, count: int) -> list[Frames]:
    """The head of a film, 200 x 200 px, in its first frames."""
    detector, heads = MeshDetector(BESIDE), []
    for frame in open_video(film(name)).frames(0, count):
        x0, y0, x1, y1 = detector.detect(frame)[0].box
        side, x, y = 1.5 * max(x1 - x0, y1 - y0), (x0 + x1) / 2, (y0 + y1) / 2
        scale = side / 200
        matrix = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]])
        flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
        heads.append(np.asarray(cv2.warpAffine(frame, matrix, (200, 200), flags=flags), np.uint8))
    return heads


@given(st.permutations([0, 1, 2]))
def test_the_order_of_detections_does_not_matter(order: list[int]) -> None:
    places = [[(30.0 + frame, 20, 0), (80, 60, 1), (130.0 - frame, 20, 2)] for frame in range(12)]
    seen = Seen([[here[i] for i in order] for here in places])
    tracks = follow(seen.frames(), seen, plan=TrackPlan(smoothing=0))
    assert sorted(float(np.nanmean(track.scores)) for track in tracks) == pytest.approx(
        [0.5, 0.6, 0.7]
    )


def test_several_people_get_their_own_and_strangers_go_by_size() -> None:
    places = [[(30.0, 20, 0), (80, 60, 1)] for _ in range(12)]
    seen = Seen(places)
    tracks = follow(seen.frames(), seen)
    names = [round(float(np.nanmean(track.scores)) * 10 - 5) for track in tracks]
    found = assigned(tracks, [LOOKS[1], LOOKS[0], LOOKS[2]], 0.45)
    assert [None if n is None else names[n] for n in found] == [1, 0, None]
    assert chosen([], LOOKS[0], 0.45) is None


def test_a_cut_breaks_the_way_but_not_the_person() -> None:
    places: list[list[tuple[float, float, int]]] = []
    places += [[(30.0, 20.0, 0)]] * 8 + [[(120.0, 60.0, 0)]] * 8
    seen = Seen(places)

    def frames() -> Iterator[Frames]:
        for frame, picture in enumerate(seen.frames()):
            yield picture if frame < 8 else np.full_like(GREY, 20)

    [track] = follow(frames(), seen)
    assert track.stretches() == [slice(0, 8), slice(8, 16)]
    assert np.allclose(track.boxes[7], [18, 8, 42, 32], atol=1e-3)


def test_no_picture_is_held() -> None:
    """The memory of 256 frames is that of 32, but for the tracks."""

    def frames(count: int) -> Iterator[Frames]:
        for frame in range(count):
            yield picture_with((20 + abs(100 - frame % 200), 60, 80), size=(360, 480))

    peaks = []
    for count in (32, 256):
        tracemalloc.start()
        try:
            [track] = follow(frames(count), WhiteSquares())
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert track.present.all()
    picture = 360 * 480 * 3
    assert peaks[1] - peaks[0] < 2 * picture


def test_who_was_long_away_is_the_same_only_by_her_looks() -> None:
    """Found at the other end of the picture after 30 frames."""
    places: list[list[tuple[float, float, int]]] = []
    places += [[(30.0, 20.0, 0)]] * 12 + [[]] * 30 + [[(130.0, 70.0, 0)]] * 12
    seen = Seen(places)
    [track] = follow(seen.frames(), seen)
    assert np.flatnonzero(~track.present).tolist() == list(range(12, 42))
    other = Seen([[(x, y, who if x < 50 else 1) for x, y, who in here] for here in places])
    assert len(follow(other.frames(), other)) == 2


@given(st.integers(1, 12), st.integers(0, 10))
def test_gaps_are_filled_as_the_plan_says(gap: int, most: int) -> None:
    places = [[(40.0 + 2 * frame, 40.0, 0)] for frame in range(30)]
    places[10 : 10 + gap] = [[]] * gap
    seen = Seen(places)
    [track] = follow(seen.frames(), seen, plan=TrackPlan(gap=most, stride=1))
    assert track.present.all() == (gap <= most)
    assert np.flatnonzero(~track.seen).tolist() == list(range(10, 10 + gap))
    middle = (track.boxes[:, 0] + track.boxes[:, 2]) / 2
    there = track.present
    assert np.allclose(middle[there], (40 + 2 * np.arange(30))[there], atol=1e-3)
