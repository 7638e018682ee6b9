"""Photos are checked: what is left out says why, and the reference shows the person best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.photos import Photo, examined, mean_embedding, reference_of
from tests.faces.fake import WhiteSquares, face_at, picture_with


class ByColour:
    """A recogniser that knows people by the colour left of the face."""

    def embed(self, picture: Frames, points: Floats) -> Floats:
        """See Recogniser."""
        at = points[0].round().astype(int) - (40, 0)
        colour = picture[at[1], max(at[0], 0)].astype(np.float32) - 127.0
        return np.asarray(colour / max(float(np.linalg.norm(colour)), 1e-9), np.float32)


ADA, BOB = (200, 90, 127), (20, 140, 240)


def photo(x: int, side: int = 100, colour: tuple[int, int, int] = ADA) -> Frames:
    """A white square with stripes, so that it is sharp, on a colour."""
    picture = picture_with((x, 100, side), size=(256, 256))
    picture[(picture == 127).all(axis=2)] = colour
    return picture


def reasons(*pictures: Frames | None, at_most: int = 20, knows: bool = True) -> list[str]:
    named = [(f"{number}.png", picture) for number, picture in enumerate(pictures)]
    recogniser = ByColour() if knows else None
    return [p.refusal for p in examined(named, WhiteSquares(), recogniser, at_most)]


@pytest.fixture(autouse=True)
def smooth_squares_are_sharp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easyphoto_video.faces.photos.LEAST_SHARP", -1.0)


def test_good_photos_stay() -> None:
    assert reasons(photo(60), photo(80), photo(100)) == ["", "", ""]


def test_each_fault_is_named() -> None:
    found = reasons(
        photo(60), photo(90), None, np.full((64, 64, 3), 9, np.uint8), photo(60, 30), photo(60)
    )
    assert found[:2] == ["", ""]
    assert found[2] == "it cannot be read as a picture"
    assert found[3] == "no face is found in it"
    assert found[4] == "the face is 29 px large, 48 are needed"
    assert found[5] == "it is the same picture as 0.png"


def test_a_blurred_face_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("easyphoto_video.faces.photos.LEAST_SHARP", 12.0)
    sharp = photo(60)
    sharp[100:200:4, 60:160] = 252
    sharp[101:200:4, 60:160] = 255
    smooth = photo(90)
    found = examined([("a", sharp), ("b", smooth)], WhiteSquares(), None, 9)
    assert found[1].refusal == "the face is not sharp"
    assert found[0].sharpness != found[1].sharpness


def test_a_stranger_is_left_out_even_among_few() -> None:
    found = reasons(photo(60), photo(80), photo(100, colour=BOB))
    assert found == ["", "", "it does not look like the person of the others"]


def test_without_a_recogniser_nobody_is_a_stranger() -> None:
    assert reasons(photo(60), photo(100, colour=BOB), knows=False) == ["", ""]


def pair() -> Frames:
    """Bob is larger, Ada stands beside him."""
    return np.concatenate([photo(60, 110, BOB), photo(60, 90, ADA)], axis=1)


def test_of_several_faces_the_one_of_the_others_is_taken() -> None:
    named = [("a", photo(60)), ("b", photo(80)), ("c", pair())]
    found = examined(named, WhiteSquares(), ByColour(), 9)
    assert [p.refusal for p in found] == ["", "", ""]
    assert found[2].face is not None
    assert found[2].face.box[0] > 256


def test_without_a_recogniser_several_faces_are_refused() -> None:
    found = reasons(photo(60), pair(), knows=False)
    assert found == ["", "several faces of about the same size are in it; crop it to one"]


def test_the_most_alike_stay_when_there_are_too_many() -> None:
    odd = photo(100, colour=(200, 110, 127))
    found = reasons(photo(60), photo(80), odd, at_most=2)
    assert found == ["", "", "others look more like the person"]


def test_the_mean_is_of_the_good_ones_alone() -> None:
    named = [("a", photo(60)), ("b", photo(80)), ("c", photo(100, colour=BOB))]
    found = examined(named, WhiteSquares(), ByColour(), 9)
    mean = mean_embedding(found)
    assert mean is not None
    assert mean == pytest.approx(
        ByColour().embed(named[0][1], face_at(np.array([60, 100, 159, 199])).points)
    )


def test_the_reference_looks_straight_ahead_and_stands_upright() -> None:
    face = face_at(np.array([50, 50, 149, 149]))
    turned, rolled = face.points.copy(), face.points.copy()
    turned[2, 0] += 20
    rolled[1, 1] += 25
    photos = [
        Photo(name=name, picture=None, faces=(replace(face, points=points),))
        for name, points in (("turned", turned), ("good", face.points), ("rolled", rolled))
    ]
    assert reference_of(photos).name == "good"
    bad = replace(photos[1], refusal="it is the same picture as another")
    assert reference_of([photos[0], bad, photos[2]]).name != "good"


def test_a_row_of_the_table_is_plain() -> None:
    row = examined([("a", None)], WhiteSquares(), None, 9)[0].to_json()
    assert row == {
        "photo": "a",
        "face_px": 0,
        "sharpness": 0.0,
        "likeness": None,
        "left_out": "it cannot be read as a picture",
    }
