"""What the driven network learns from: key points, scenes, transfers, and its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from easyphoto_video.warp.fomm.points import KeyPointDetector
from easyphoto_video.warp.fomm.read import read_fomm
from tools.acting import MOUTH, POINTS, driver_pose, film, key_points, moved, source_pose
from tools.drawing import render
from tools.train import driven
from tools.train.export import DRIVEN, export_driven
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, train
from tools.train.picture_loss import counts, distance
from tools.world import Person, Pose, random_person

pytestmark = pytest.mark.slow(reason="recipes of the small networks, which rarely change")

AWAY = 1e-6


def someone(seed: int = 0) -> Person:
    return replace(random_person(np.random.default_rng(seed)), glasses=False, skin="fair")


def test_points_lie_on_what_is_drawn() -> None:
    """Lashes, lips and nostrils are darker than the skin about them, in whatever pose."""
    rng = np.random.default_rng(4)
    for seed in range(8):
        person, pose = someone(seed), replace(driver_pose(rng), blink=0.0)
        picture = render(person, pose).astype(int).sum(-1)
        value, _ = key_points(person, pose)
        columns, rows = np.round((value + 1) * 63.5).astype(int).T
        for name in ("left upper lid", "right upper lid", "upper lip", "left corner"):
            i = POINTS.index(name)
            near = picture[rows[i] - 2 : rows[i] + 3, columns[i] - 2 : columns[i] + 3]
            assert near.min() < 0.75 * 3 * 220, (seed, name)


def test_points_follow_the_head() -> None:
    """A shift moves all alike; the axes are the columns of how a small step on the face moves."""
    person, pose = someone(), Pose(yaw=0.2, pitch=0.05)
    (here, axes), (there, same) = (
        key_points(person, pose),
        key_points(person, replace(pose, shift=2.0)),
    )
    assert np.allclose(there - here, (2 / 63.5, 0), atol=AWAY)
    assert np.allclose(axes, same, atol=1e-6)
    frontal = key_points(person, Pose())[1]
    nose = POINTS.index("nose")
    assert np.allclose(frontal[nose][:, 0], (1, 0), atol=0.02)
    open_mouth = key_points(person, replace(pose, mouth=1.0))[0]
    still = [i for i in range(len(POINTS)) if i not in range(*MOUTH.indices(len(POINTS)))]
    assert np.allclose(open_mouth[still], here[still], atol=AWAY)
    assert open_mouth[MOUTH][3, 1] > here[MOUTH][3, 1] + 0.1


def test_a_film_begins_at_rest_and_acts() -> None:
    for seed in range(20):
        poses = film(np.random.default_rng(seed))
        assert poses[0].mouth == poses[0].blink == poses[0].smile == 0
        assert abs(poses[0].yaw) <= 0.06
        assert max(pose.blink for pose in poses) > 0.9
        assert max(pose.mouth for pose in poses) > 0.4
        assert np.ptp([pose.yaw for pose in poses]) > 0.1
        assert all(abs(pose.yaw) <= 0.3 for pose in poses)


def test_a_transfer_out_and_back() -> None:
    rng = np.random.default_rng(1)
    source, driving, first = source_pose(rng), driver_pose(rng), source_pose(rng)
    back = moved(moved(source, driving, first), first, driving)
    assert vars(back) == pytest.approx(vars(source))
    assert vars(moved(source, first, first)) == pytest.approx(vars(source))


@torch.no_grad()
def test_true_points_of_a_double_are_those_of_the_truth() -> None:
    """Somebody who is driven by another of just her measures ends where she would end herself."""
    rng = np.random.default_rng(2)
    person, pose, driving = someone(), source_pose(rng), driver_pose(rng)
    scene = driven.Scene(person, pose, replace(person), pose, driving)
    assert scene.actor is not scene.person
    made, source = driven.followed([scene], driven.true_points)
    true = driven.true_points([scene.truth])
    assert torch.allclose(made.value, true.value, atol=1e-5)
    assert made.jacobian is not None and true.jacobian is not None
    assert torch.allclose(made.jacobian, true.jacobian, atol=1e-4)
    assert torch.equal(source.value, driven.true_points([(person, pose)]).value)


def test_other_scenes_end_in_poses_of_the_world() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        scene = driven.other_scene(rng)
        person, pose = scene.truth
        assert person is scene.person and person != scene.actor
        assert abs(pose.yaw) <= 0.3 + AWAY and -AWAY <= pose.blink <= 1 + AWAY


def test_the_loss_counts_most_at_the_mouth() -> None:
    points = driven.true_points([(someone(), Pose(mouth=1.0))])
    weight = counts(points.value, 128)
    x, y = ((points.value[0, POINTS.index("lower lip")] + 1) * 63.5).round().int().tolist()
    assert weight[0, 0, y, x] > 11
    assert weight.max() <= 12
    assert weight[0, 0, 0, 0] == pytest.approx(1, abs=1e-3)
    picture = driven.drawn([(someone(), Pose(mouth=1.0))])
    shut = driven.drawn([(someone(), Pose())])
    assert distance(picture, picture, weight) == 0
    assert distance(shut, picture, weight) > 2 * distance(shut, picture, torch.ones_like(weight))


@torch.no_grad()
def test_the_file_is_small_and_says_what_it_is(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made = driven.assembled(KeyPointDetector(driven.CONFIG.detector), driven.new_generator())
    export_driven(made, tmp_path)
    file = tmp_path / DRIVEN
    assert file.stat().st_size < 4e6
    read = read_fomm(file).float()
    assert read.config == driven.CONFIG
    picture = driven.drawn([(someone(), Pose())])
    off = read.kp_detector(picture).value - made.kp_detector(picture).value
    assert off.abs().max() < 1e-2


def test_what_norms_count_goes_into_the_average(tmp_path: Path) -> None:
    """Else the averaged network would normalise by what it counted before it learnt anything."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).train()

    def course() -> Course:
        return Course(
            budget=Budget("norms", 200, 1e-3, 5),
            model=model,
            loss=lambda draw: (model(draw.normal(2, 1, 4, 4) + 3) - 1).square().mean(),
            score=lambda _: "",
            batch=1,
        )

    average = train(course(), Fleet(out=tmp_path))
    mine, theirs = dict(average.named_buffers()), dict(model.named_buffers())
    assert torch.allclose(mine["1.running_mean"], theirs["1.running_mean"], atol=0.2)
    assert not torch.allclose(mine["1.running_mean"], torch.zeros(2), atol=0.2)
    assert mine["1.num_batches_tracked"] == theirs["1.num_batches_tracked"]
