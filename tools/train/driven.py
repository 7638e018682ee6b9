"""The small network that is driven: who finds the key points, then who moves and paints.

The renderer gives what nobody has of photographs: true key points, and the truth of a transfer to
another person. So the detector learns alone, from true points; the generator learns on true points
first, which are exact, and then on those that the detector finds. In part of its samples the points
come from another person who acts the same, as they do in use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from easyphoto_video.warp.fomm.config import (
    DenseConfig,
    DetectorConfig,
    FommConfig,
    GeneratorConfig,
)
from easyphoto_video.warp.fomm.generator import Fomm, Generator
from easyphoto_video.warp.fomm.points import KeyPointDetector, KeyPoints
from easyphoto_video.warp.fomm.relative import Transfer, transferred
from tools.acting import POINTS, driver_pose, film, key_points, moved, rest_pose, source_pose
from tools.drawing import render
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.train.picture_loss import blurless, counts, distance
from tools.world import Person, Pose, random_person

CONFIG = FommConfig(
    detector=DetectorConfig(
        points=len(POINTS), jacobians=len(POINTS), widths=(12, 32, 64, 96, 128), shrink=2, padding=3
    ),
    dense=DenseConfig(points=len(POINTS), widths=(16, 32, 64, 96, 128), shrink=2, variance=0.003),
    generator=GeneratorConfig(widths=(24, 48), residuals=3),
    aligned_flow=True,
)
"""One step down alone, so that features are moved at half the size; flow and features are of one
size there, so that nothing has to be enlarged."""

_FACES, _PAIRS = 4, 2
_TRANSFERRED = 0.4
"""Share of samples whose points come from another person."""
_SETTLED = 0.5
"""From which share of the last stage on norms keep what they have counted, as they do in use."""
_MOVED = 0.5
_HELD_OUT = 9_700_000
_RELATIVE = Transfer()


def to_tensor(pictures: list[np.ndarray]) -> Tensor:
    """(H, W, 3) uint8 RGB each -> (N, 3, H, W) float32 in 0..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True)
class Scene:
    """A picture of somebody, and two frames of who drives it: the first, and the one to follow."""

    person: Person
    pose: Pose
    actor: Person
    first: Pose
    driving: Pose

    @property
    def truth(self) -> tuple[Person, Pose]:
        """Who and how the made picture should be."""
        return self.person, moved(self.pose, self.driving, self.first)


def own_scene(rng: np.random.Generator) -> Scene:
    """Somebody who drives her own picture."""
    person, pose = random_person(rng), source_pose(rng)
    return Scene(person, pose, person, pose, driver_pose(rng))


def other_scene(rng: np.random.Generator) -> Scene:
    """Somebody at rest, driven by another who begins at rest too, if not quite the same."""
    pose, first, driving = rest_pose(rng), rest_pose(rng), driver_pose(rng)
    return Scene(random_person(rng), pose, random_person(rng), first, _within(driving, pose, first))


def _within(driving: Pose, pose: Pose, first: Pose) -> Pose:
    """The driver's pose, such that the pose of the source is the one that was drawn for it."""
    return moved(driving, first, pose)


def true_points(pairs: list[tuple[Person, Pose]]) -> KeyPoints:
    """What a perfect detector would find, for N persons in poses."""
    value, axes = zip(*(key_points(*pair) for pair in pairs), strict=True)
    return KeyPoints(*(torch.from_numpy(np.stack(x).astype(np.float32)) for x in (value, axes)))


def drawn(pairs: list[tuple[Person, Pose]]) -> Tensor:
    """(N, 3, 128, 128) in 0..1."""
    return to_tensor([render(*pair) for pair in pairs])


Finder = Callable[[list[tuple[Person, Pose]]], KeyPoints]


def found_by(detector: KeyPointDetector) -> Finder:
    """Key points as the detector finds them in drawings."""

    @torch.no_grad()
    def find(pairs: list[tuple[Person, Pose]]) -> KeyPoints:
        return detector(drawn(pairs))

    return find


def followed(scenes: list[Scene], find: Finder) -> tuple[KeyPoints, KeyPoints]:
    """The key points that the source goes to, and those that it comes from, for each scene."""
    source = find([(scene.person, scene.pose) for scene in scenes])
    driving = find([(scene.actor, scene.driving) for scene in scenes])
    others = [i for i, scene in enumerate(scenes) if scene.actor is not scene.person]
    if not others:
        return driving, source
    first = find([(scenes[i].actor, scenes[i].first) for i in others])
    for row, i in enumerate(others):
        one = slice(i, i + 1)
        made = transferred(driving[one], first[row : row + 1], source[one], _RELATIVE)
        assert driving.jacobian is not None and made.jacobian is not None
        driving.value[one], driving.jacobian[one] = made.value, made.jacobian
    return driving, source


def train_detector(fleet: Fleet, budget: Budget) -> KeyPointDetector:
    """Single pictures, half of them as drivers hold themselves, half as sources do."""
    torch.manual_seed(21)
    model = KeyPointDetector(CONFIG.detector).train()

    def loss(draw: Draw) -> Tensor:
        pairs = [
            (random_person(draw.numpy), (driver_pose, source_pose)[i % 2](draw.numpy))
            for i in range(_FACES)
        ]
        found, true = model(drawn(pairs)), true_points(pairs)
        assert found.jacobian is not None and true.jacobian is not None
        return (
            10 * (found.value - true.value).abs().mean()
            + (found.jacobian - true.jacobian).abs().mean()
        )

    pairs = [pair for scene in _held_out() for pair in ((scene.person, scene.pose), scene.truth)]
    pictures, true = drawn(pairs), true_points(pairs)

    @torch.no_grad()
    def score(average: nn.Module) -> str:
        found = average(pictures)
        off = (found.value - true.value).norm(dim=-1) * 63.5
        turned = (found.jacobian - true.jacobian).abs().mean()
        return f"points off by {off.mean():.2f} px, most by {off.max():.1f}, axes {turned:.3f}"

    course = Course(budget=budget, model=model, loss=loss, score=score, batch=_FACES)
    average = train(course, fleet)
    assert isinstance(average, KeyPointDetector)
    return average


def new_generator() -> Generator:
    """A generator that has learnt nothing yet."""
    torch.manual_seed(22)
    return Generator(CONFIG)


def train_generator(
    model: Generator, detector: KeyPointDetector | None, fleet: Fleet, budget: Budget
) -> Generator:
    """On the true points, or on those of a detector, which stays as it is."""
    find = true_points if detector is None else found_by(detector)
    model.requires_grad_(True)

    def loss(draw: Draw) -> Tensor:
        model.train(detector is None or draw.progress < _SETTLED)
        rng = draw.numpy
        kinds = (other_scene if rng.random() < _TRANSFERRED else own_scene for _ in range(_PAIRS))
        scenes = [kind(rng) for kind in kinds]
        true = [scene.truth for scene in scenes]
        target, weight = drawn(true), counts(true_points(true).value, 128)
        source = model.encode(drawn([(scene.person, scene.pose) for scene in scenes]))
        flow = model.flow(source, *followed(scenes, find))
        error = distance(model.paint(source, flow), target, weight)
        return error + _MOVED * blurless(model.moved(source.picture, flow), target, weight)

    held = _held_out()
    course = Course(
        budget=budget,
        model=model,
        loss=loss,
        score=lambda average: _score(average, held, find),
        batch=_PAIRS,
    )
    average = train(course, fleet)
    assert isinstance(average, Generator)
    return average


def assembled(detector: KeyPointDetector, generator: Generator) -> Fomm:
    """Both in one, ready for use."""
    with torch.device("meta"):
        model = Fomm(CONFIG)
    model.kp_detector, model.generator = detector, generator
    return model.eval()


def _held_out(persons: int = 3) -> list[Scene]:
    """Frames of films that persons drive themselves by, then of the same films for others."""
    scenes = []
    for i in range(persons):
        rng = np.random.default_rng(_HELD_OUT + i)
        person, poses = random_person(rng), film(rng)
        scenes += [Scene(person, poses[0], person, poses[0], poses[k]) for k in (5, 11)]
    rng = np.random.default_rng(_HELD_OUT - 1)
    strangers = [replace(scene, person=random_person(rng), pose=rest_pose(rng)) for scene in scenes]
    return scenes + strangers


@torch.no_grad()
def _score(model: nn.Module, scenes: list[Scene], find: Finder) -> str:
    assert isinstance(model, Generator)
    truths = [scene.truth for scene in scenes]
    source = model.encode(drawn([(scene.person, scene.pose) for scene in scenes]))
    flow = model.flow(source, *followed(scenes, find))
    target = drawn(truths)
    weight = (counts(true_points(truths).value, 128) > 2).float()
    made = model.paint(source, flow)
    half = len(scenes) // 2
    told = []
    for rows in (slice(half), slice(half, None)):
        error = (made[rows] - target[rows]).square()
        whole = error.mean((1, 2, 3))
        near = (error.mean(1, keepdim=True) * weight[rows]).sum((1, 2, 3))
        near = near / weight[rows].sum((1, 2, 3))
        told.append("/".join(f"{float((-10 * x.log10()).mean()):.2f}" for x in (whole, near)))
    moved = (model.moved(source.picture, flow)[:half] - target[:half]).square().mean((1, 2, 3))
    return (
        f"whole/eyes and mouth: own {told[0]} dB, others {told[1]} dB, "
        f"only moved {float((-10 * moved.log10()).mean()):.2f} dB"
    )
