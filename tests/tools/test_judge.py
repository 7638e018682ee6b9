"""The judge's instruments, on what is known to be so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.mesh import MeshDetector
from tools.drawing import render, render_clip
from tools.judging.eyes import wink_line
from tools.judging.line import Line
from tools.judging.motion import Clips, blinks, change_lines, colour_lines, turns
from tools.judging.reader import KINDS, taught, truth
from tools.judging.words import balanced
from tools.judging.words import colour_lines as word_colours
from tools.photos import DEMO
from tools.world import Pose, random_clip, random_person, random_pose


@pytest.mark.parametrize(
    ("value", "low", "high", "passed"),
    [
        (1.0, None, None, True),
        (1.0, 1.0, None, True),
        (0.9, 1.0, None, False),
        (1.6, 0.5, 1.6, True),
        (1.7, 0.5, 1.6, False),
        (float("nan"), 0.5, None, False),
        (float("nan"), None, 1.6, False),
    ],
)
def test_a_line_passes_within_its_bars_alone(
    value: float, low: float | None, high: float | None, passed: bool
) -> None:
    line = Line(name="x", value=value, unit="%", low=low, high=high)
    assert line.passed is passed
    assert ("MISSED" in str(line)) is not passed
    assert json.loads(json.dumps(line.to_json()))["passed"] is passed


def test_telling_apart_is_half_for_one_who_always_says_the_same() -> None:
    truths = [{"gaze": "looking left"}, {"gaze": "looking right"}, {"gaze": "looking right"}]
    blind = [{"gaze": "looking right"}] * 3
    assert balanced("looking left", "gaze", truths, truths) == 100
    assert balanced("looking left", "gaze", truths, blind) == 50


@pytest.mark.slow(reason="trains a network; the judge of the recipe rarely changes")
def test_a_reader_learns_what_drawings_show() -> None:
    reader = taught(1_600)
    rng = np.random.default_rng(77)
    asked = [(random_person(rng), random_pose(rng)) for _ in range(60)]
    seen = reader.read(np.stack([render(*who) for who in asked]))
    truths = [truth(*who) for who in asked]
    for kind in KINDS:
        assert np.mean([a[kind] == b[kind] for a, b in zip(seen, truths, strict=True)]) > 0.6, kind


def test_drawings_have_the_colours_of_their_prompts() -> None:
    rng = np.random.default_rng(78)
    asked = [(random_person(rng), random_pose(rng)) for _ in range(16)]
    right = np.stack([render(*who) for who in asked])
    lines = word_colours(asked, right, right)
    assert all(line.value == 100 for line in lines)
    assert any(line.value < 85 for line in word_colours(asked, np.roll(right, 1, 0), right))


def test_a_clip_is_as_lively_and_as_steady_as_itself() -> None:
    asked = [random_clip(np.random.default_rng(seed)) for seed in (1, 2)]
    drawn = [render_clip(clip) for clip in asked]
    decoded = [clip ^ (np.arange(16, dtype=np.uint8) % 2)[:, None, None, None] for clip in drawn]
    same = Clips(asked, drawn, decoded, drawn, drawn)
    assert [line.value for line in change_lines(same)] == [1, 1, 1]
    assert colour_lines(replace(same, sampled=decoded))[0].value == 1
    frozen = replace(same, sampled=[clip[:1].repeat(16, 0) for clip in drawn])
    assert not change_lines(frozen)[1].passed
    lamp = 60 * (np.arange(16) % 2)[:, None, None, None]
    lit = [np.clip(clip.astype(int) + lamp, 0, 255).astype(np.uint8) for clip in drawn]
    assert not colour_lines(replace(same, sampled=lit))[0].passed


def mesh(opening: float, nose: float) -> np.ndarray:
    """(468, 2) with both eyes 20 px wide and 40 px apart."""
    dense = np.zeros((468, 2), np.float32)
    for (up, down, left, right), x in (((159, 145, 33, 133), 30), ((386, 374, 362, 263), 70)):
        dense[[left, right]] = [[x - 10, 50], [x + 10, 50]]
        dense[[up, down]] = [[x, 50 - opening / 2], [x, 50 + opening / 2]]
    dense[4] = [50 + nose, 70]
    return dense


def test_blinks_and_turns_are_told_from_stillness_and_from_each_other() -> None:
    still = np.stack([mesh(8, 0)] * 16)
    blinking = np.stack([mesh(2 if i in (7, 8) else 8, 0) for i in range(16)])
    turning = np.stack([mesh(8, 8 * np.sin(i / 3)) for i in range(16)])
    assert (blinks(still), turns(still)) == (False, False)
    assert (blinks(blinking), turns(blinking)) == (True, False)
    assert (blinks(turning), turns(turning)) == (False, True)


def test_an_eye_that_shuts_alone_is_told_from_a_blink() -> None:
    poses = [Pose(blink=1.0 if 5 <= i < 8 else 0.0) for i in range(12)]
    drawn = np.stack([render(DEMO, pose) for pose in poses])
    winking = drawn.copy()
    winking[5:7, :, 64:] = drawn[0, :, 64:]
    line = wink_line([winking], [drawn], MeshDetector(BESIDE))
    assert line.value == pytest.approx(100 * 2 / 3)
    assert line.note == "2 of 3 frames with a shut eye (rendered 0 of 3)"


def test_truth_reads_the_pose() -> None:
    assert truth(DEMO, Pose()) == {
        "expression": "neutral",
        "gaze": "looking at viewer",
        "glasses": "no glasses",
    }
    wearing = replace(DEMO, glasses=True)
    assert truth(wearing, Pose(yaw=-0.3, smile=1))["gaze"] == "looking left"
