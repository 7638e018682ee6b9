"""Flicker is what motion does not explain; likeness is what the recogniser says."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from easyphoto_video.faces.score import Flicker, FlickerMeter, Likeness, Scores

RNG = np.random.default_rng(3)
SCENE = cv2.GaussianBlur(RNG.integers(0, 256, (160, 400, 3), np.uint8), (0, 0), 3)
SCENE = np.clip(127 + 4 * (SCENE.astype(float) - 127), 0, 255).astype(np.uint8)
FACE = np.zeros((128, 160), np.float32)
FACE[40:90, 50:110] = 1


def moving(count: int = 8) -> list[np.ndarray]:
    """A camera that pans by 3 px a frame."""
    return [SCENE[10:138, 20 + 3 * i : 180 + 3 * i] for i in range(count)]


def measured(frames: list[np.ndarray], face: np.ndarray | None = FACE) -> Flicker:
    meter = FlickerMeter()
    for frame in frames:
        meter.add(np.ascontiguousarray(frame), face)
    return meter.result()


def test_motion_is_no_flicker() -> None:
    still, moved = measured(moving(1) * 8), measured(moving())
    assert still == Flicker(0.0, 0.0)
    plain = float(np.abs(np.diff(np.stack(moving()).astype(float), axis=0)).mean())
    assert moved.inside is not None
    assert moved.outside is not None
    assert max(moved.inside, moved.outside) < 0.1 * plain


@pytest.mark.parametrize("swing", [4, 10])
def test_light_that_swings_is_flicker_where_it_swings(swing: int) -> None:
    frames = []
    for index, frame in enumerate(moving(1) * 8):
        light = (swing * (index % 2) * FACE)[..., None]
        frames.append((np.clip(frame, 0, 240) + light).astype(np.uint8))
    flicker = measured(frames)
    assert flicker.inside == pytest.approx(swing, rel=0.15)
    assert flicker.outside is not None
    assert flicker.outside < 0.1 * swing


def test_a_cut_is_no_flicker() -> None:
    other = [np.ascontiguousarray(frame[::-1, ::-1]) for frame in moving()]
    whole, one = measured([*moving(), *other]), measured(moving())
    assert whole.outside is not None
    assert one.outside is not None
    assert whole.outside < one.outside + 0.3


def test_without_a_face_or_a_second_frame_nothing_is_told() -> None:
    assert measured(moving(), None).inside is None
    assert measured(moving(1)) == Flicker(None, None)


def test_scores_are_plain_json() -> None:
    scores = Scores(
        identity=Likeness((0.81234567, None, 0.5)),
        others=(("ada", Likeness((None,))),),
        flicker=Flicker(1.23456, None),
        frames_without_face=1,
    )
    assert json.loads(json.dumps(scores.to_json())) == {
        "identity": {"mean": 0.6562, "worst": 0.5, "frames": [0.8123, None, 0.5]},
        "others": {"ada": None},
        "flicker": {"inside": 1.2346, "outside": None},
        "frames_without_face": 1,
    }
    assert Scores().to_json()["identity"] is None
