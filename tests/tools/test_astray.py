"""What noise leans towards while the motion module is trained."""

from __future__ import annotations

import numpy as np
import torch

from tools.head import Head
from tools.train.album import EYE, Album, _counts
from tools.train.astray import one_eye, stray, wink, winks
from tools.train.loop import Draw
from tools.world import CLIP_FRAMES, Pose, random_person


def _draw(seed: int = 0) -> Draw:
    return Draw(np.random.default_rng(seed), torch.Generator().manual_seed(seed), 0.0)


def _weights(pose: Pose) -> torch.Tensor:
    counts = _counts(random_person(np.random.default_rng(1)), pose)
    return torch.from_numpy(counts)[None, None].repeat(CLIP_FRAMES, 1, 1, 1)


def test_the_two_eyes_are_all_the_cells_of_eyes_and_each_is_where_it_is_drawn() -> None:
    person = random_person(np.random.default_rng(1))
    for yaw in (-0.3, 0.0, 0.3):
        pose = Pose(yaw=yaw)
        left, right = (one_eye(_weights(pose), side)[0, 0] for side in (False, True))
        assert torch.equal(left + right, (_weights(pose)[0, 0] == EYE).float())
        drawn = Head(person, pose).surface(
            person.eye_spacing * np.array([-1.0, 1.0]), np.full(2, -0.08)
        )
        (lx, ly), (rx, ry) = (drawn // 8).astype(int)
        assert left[ly, lx] == 1 and right[ry, rx] == 1


def test_a_clip_in_which_nothing_moves_cannot_wink() -> None:
    still = torch.randn(1, 4, 16, 16).repeat(CLIP_FRAMES, 1, 1, 1)
    assert not wink(_draw(), still, _weights(Pose()), CLIP_FRAMES).any()


def test_a_wink_is_in_one_eye_and_comes_from_another_moment() -> None:
    clip = torch.zeros(CLIP_FRAMES, 4, 16, 16)
    clip[8:11] = 1.0
    for seed in range(8):
        weights = _weights(Pose())
        way = wink(_draw(seed), clip, weights, CLIP_FRAMES)
        where = (way != 0).any(0).any(0)
        sides = [one_eye(weights, side)[0, 0].bool() for side in (False, True)]
        assert sum(bool((where & side).any()) for side in sides) == 1
        assert not (where & ~(sides[0] | sides[1])).any()
        assert way.abs().max() <= 1 and way[8:11].max() <= 0 and way[:8].min() >= 0


def test_pictures_of_a_clip_wink_as_their_clip_does_and_stills_do_not() -> None:
    weights = _weights(Pose())
    stills, clip = torch.randn(8, 4, 16, 16), torch.zeros(CLIP_FRAMES, 4, 16, 16)
    clip[8:11] = 1.0
    # Of the album's fields only these three are read, so the rest is left empty.
    album = Album(
        latents=torch.cat([stills, clip, clip + 5]),
        weights=torch.cat([weights[:8], weights, weights]),
        colours=torch.empty(0), captions=[], alone=[], first_still=0, first_clip=8,
    )  # fmt: skip
    picks, shut = np.arange(len(album.latents)), 0
    for seed in range(8):
        way = winks(_draw(seed), album, picks)
        assert not way[:8].any()
        assert way[8:].abs().max() <= 1
        shut += int((way[8:].flatten(1) != 0).any(1).sum())
    assert shut > 16


def test_frames_stray_at_most_half_way_and_not_towards_themselves() -> None:
    x0, strangers = torch.zeros(64, 4, 2, 2), torch.ones(64, 4, 2, 2)
    way = stray(_draw(), x0, strangers)
    assert way.min() >= 0 and way.max() <= 0.5
    assert 13 < int((way.flatten(1).max(1).values > 0).sum()) < 39
    assert not stray(_draw(), x0, x0).any()
