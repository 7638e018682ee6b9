"""The portraits: the same seed draws the same, captions say what is drawn, clips flow."""

from __future__ import annotations

import numpy as np
import pytest

from tools.canvas import SIZE
from tools.drawing import render, render_clip
from tools.head import Head
from tools.probe import PARTS, right
from tools.world import (
    CLIP_FRAMES,
    Person,
    Pose,
    caption,
    random_clip,
    random_person,
    random_pose,
    vary,
    vocabulary,
)


def someone(seed: int) -> tuple[Person, Pose]:
    rng = np.random.default_rng(seed)
    return random_person(rng), random_pose(rng)


def test_same_seed_draws_the_same_portrait_and_another_seed_another() -> None:
    first, again, other = render(*someone(1)), render(*someone(1)), render(*someone(2))
    assert first.shape == (SIZE, SIZE, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_captions_name_the_colours_that_are_drawn() -> None:
    for seed in range(200):
        person, pose = someone(seed)
        assert all(right(render(person, pose), person).values()), (seed, person, pose)
        said = caption(person, pose)
        assert f"{person.hair} hair" in said and f"{person.background} background" in said


def test_the_probe_notices_a_colour_that_was_not_asked_for() -> None:
    person, pose = someone(3)
    for part in PARTS:
        others = {"hair": "blonde", "skin": "dark", "clothes": "white", "background": "yellow"}
        if getattr(person, part) == others[part]:
            continue
        repainted = Person(**{**vars(person), part: others[part]})
        assert right(render(repainted, pose), person)[part] is False


def test_the_face_box_holds_the_face_and_moves_with_the_head() -> None:
    person, _ = someone(4)
    left, ahead, turned = (Head(person, Pose(shift=s)).box() for s in (-1.0, 0.0, 1.0))
    assert left[0] < ahead[0] < turned[0]
    x0, y0, x1, y1 = ahead
    assert 0 < x0 < 64 < x1 < SIZE and 0 < y0 < 64 < y1 < SIZE


def test_a_blink_and_an_open_mouth_change_the_picture_only_inside_the_face() -> None:
    person, _ = someone(5)
    x0, y0, x1, y1 = Head(person, Pose()).box()
    still = render(person, Pose())
    for pose in (Pose(blink=1.0), Pose(mouth=1.0), Pose(smile=1.0)):
        changed = (render(person, pose) != still).any(axis=-1)
        assert changed.any()
        changed[y0:y1, x0:x1] = False
        assert not changed.any()


@pytest.mark.parametrize("seed", range(6))
def test_clips_are_smooth_and_move(seed: int) -> None:
    clip = random_clip(np.random.default_rng(seed))
    frames = render_clip(clip).astype(float)
    assert len(frames) == CLIP_FRAMES
    steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    far = np.abs(frames[8:] - frames[:-8]).mean()
    assert 0.2 < steps.mean() < 8
    assert far > 1.4 * steps.mean()


def test_clip_captions_name_what_happens() -> None:
    for seed in range(40):
        clip = random_clip(np.random.default_rng(seed))
        blinks, talks = (
            max(getattr(pose, name) for pose in clip.poses) > 0.5 for name in ("blink", "mouth")
        )
        assert ("blinking" in clip.caption()) == blinks
        assert ("talking" in clip.caption()) == talks
        assert ("nodding" in clip.caption()) != ("turning head" in clip.caption())


def test_varied_captions_keep_to_the_vocabulary_of_the_whole_one() -> None:
    rng = np.random.default_rng(0)
    whole = random_clip(rng).caption()
    assert set(whole.split(", ")) <= set(vocabulary())
    varied = {vary(whole, rng) for _ in range(200)}
    assert "" in varied and whole in varied and len(varied) > 50
