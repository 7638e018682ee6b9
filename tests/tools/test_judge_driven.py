"""The judge of the driven network: what it reads off renderings is what they were drawn with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from easyphoto_video.warp.fomm.points import KeyPointDetector
from tools import judge_driven
from tools.acting import film, moved, rest_pose
from tools.drawing import render
from tools.judging.acting import Take, Takes, boxes, near, psnr, readings, takes, whole
from tools.train import driven
from tools.world import Person, Pose, random_person

pytestmark = pytest.mark.slow(reason="recipes of the small networks, which rarely change")


def perfect(number: int = 0) -> Take:
    """What a network without fault would make of a film."""
    rng = np.random.default_rng(number)
    person, actor, poses = random_person(rng), random_person(rng), film(rng, 8)
    rest = rest_pose(rng)
    wanted = [moved(rest, pose, poses[0]) for pose in poses]
    true = np.stack([render(person, pose) for pose in wanted])
    driver = np.stack([render(actor, pose) for pose in poses])
    return Take(person, true[0], driver[1:], true[1:], tuple(wanted[1:]), true[1:])


def lines(take: Take) -> dict[str, float]:
    found = judge_driven.following_lines([Takes(own=take, other=take, absolute=take)])
    return {line.name: line.value for line in found}


def test_true_frames_follow_wholly_and_still_ones_not_at_all() -> None:
    take = perfect()
    told = lines(take)
    assert all(value == pytest.approx(1, abs=0.05) for value in told.values()), told
    still = replace(take, made=np.broadcast_to(take.source, take.made.shape))
    assert all(abs(lines(still)[f"{name}, gain"]) < 0.3 for name in ("yaw", "blink", "mouth"))


def test_half_of_a_movement_is_a_gain_of_half() -> None:
    take = perfect(3)
    half = [replace(pose, yaw=pose.yaw / 2, mouth=pose.mouth / 2) for pose in take.poses]
    made = np.stack([render(take.person, pose) for pose in half])
    read = [
        (wanted, found)
        for name, wanted, found in readings(replace(take, made=made), every=1)
        if name == "yaw"
    ]
    wanted, found = np.array(read).T
    assert np.polyfit(wanted, found, 1)[0] == pytest.approx(0.5, abs=0.1)


def test_psnr_of_parts() -> None:
    take = perfect()
    assert min(whole(take)) == min(near(take)) > 70
    darker = replace(take, made=np.clip(take.made.astype(int) - 10, 0, 255).astype(np.uint8))
    assert np.mean(whole(darker)) == pytest.approx(20 * np.log10(255 / 10), abs=0.7)
    assert psnr(take.true[0], take.true[0]) == psnr(take.true[1], take.true[1])


def test_boxes_lie_on_eyes_and_mouth() -> None:
    """What a blink and a smile change lies within them."""
    person: Person = replace(random_person(np.random.default_rng(5)), glasses=False)
    pose = Pose(yaw=0.2)
    left, right, mouth = boxes(person, pose)
    for change, places in (({"blink": 1.0}, [left, right]), ({"mouth": 1.0}, [mouth])):
        changed = render(person, replace(pose, **change)) != render(person, pose)
        total = changed.sum()
        for box in places:
            changed[box] = False
        assert changed.sum() < 0.1 * total, change


@torch.no_grad()
def test_a_network_without_training_is_judged_as_such() -> None:
    torch.manual_seed(0)
    model = driven.assembled(KeyPointDetector(driven.CONFIG.detector), driven.new_generator())
    made = takes(model, 1)
    assert made.own.made.shape == made.other.true.shape == (15, 128, 128, 3)
    assert made.own.poses[0] != made.other.poses[0]
    assert np.array_equal(made.own.source, render_first(made))
    told = judge_driven.psnr_lines([made])
    assert not any(line.passed for line in told if line.low is not None)
    assert judge_driven.sheet([made]).shape == (3 * 128, 9 * 128, 3)


def render_first(made: Takes) -> np.ndarray:
    """The film's first frame, from the number alone."""
    rng = np.random.default_rng(9_600_001)
    person, poses = random_person(rng), film(rng)
    return render(person, poses[0])
