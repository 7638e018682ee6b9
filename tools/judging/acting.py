"""What is read off frames of the driven network, and what they are held against: the renderer.

Nothing here is learnt. How far a head is turned, lids are shut and a mouth is open is read by
rendering the same person with every such value, and taking the one that is nearest to the frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.warp.fomm.animate import animate
from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.fomm.relative import Transfer
from tools.acting import film, moved, rest_pose
from tools.canvas import SIZE
from tools.drawing import looks, render
from tools.head import Head
from tools.train.driven import to_tensor
from tools.world import Person, Pose, random_person

FIRST_SEED = 9_600_000
"""Of persons and films that no training drew, of the recogniser's neither."""
BATCH = 5
READ: dict[str, np.ndarray] = {
    "yaw": np.linspace(-0.39, 0.39, 27),
    "blink": np.linspace(0.0, 1.0, 11),
    "mouth": np.r_[0.0, np.linspace(0.15, 1.0, 10)],
}
"""What is read, and the values that are tried."""


@dataclass(frozen=True, eq=False)
class Take:
    """A picture that was driven through a film, frame by frame; the first frame is left out."""

    person: Person
    source: Frames
    """(128, 128, 3) uint8 RGB, as all pictures here."""
    driver: Frames
    """(F, 128, 128, 3)."""
    made: Frames
    """(F, 128, 128, 3)."""
    poses: tuple[Pose, ...]
    """What the made frames should show."""
    true: Frames
    """(F, 128, 128, 3): the person rendered in these poses."""


@dataclass(frozen=True, eq=False)
class Takes:
    """The same film three times."""

    own: Take
    """Driven by herself, relative."""
    other: Take
    """Somebody else at rest, relative."""
    absolute: Take
    """Somebody else at rest, by the driver's own points."""


def takes(model: Fomm, number: int) -> Takes:
    """A held-out film with one person and another, by their number."""
    rng = np.random.default_rng(FIRST_SEED + number)
    actor, poses = random_person(rng), film(rng)
    person, pose = random_person(rng), rest_pose(rng)
    driver = np.stack([render(actor, one) for one in poses])
    relative, absolute = Transfer(), Transfer(relative=False)
    # An absolute transfer puts the source's face where the driver's is.
    wanted = [moved(pose, one, poses[0]) for one in poses]
    return Takes(
        own=_take(model, (actor, poses[0]), driver, poses, relative),
        other=_take(model, (person, pose), driver, wanted, relative),
        absolute=_take(model, (person, pose), driver, list(poses), absolute),
    )


def _take(
    model: Fomm, source: tuple[Person, Pose], driver: Frames, poses: list[Pose], how: Transfer
) -> Take:
    picture = render(*source)
    batches = (to_tensor(list(rows)) for rows in _batches(driver))
    made = [to_pictures(batch) for batch in animate(model, to_tensor([picture]), batches, how)]
    true = np.stack([render(source[0], pose) for pose in poses])
    return Take(
        source[0], picture, driver[1:], np.concatenate(made)[1:], tuple(poses[1:]), true[1:]
    )


def _batches(frames: Frames) -> Iterator[Frames]:
    for start in range(0, len(frames), BATCH):
        yield frames[start : start + BATCH]


def to_pictures(batch: torch.Tensor) -> Frames:
    """(N, 3, H, W) in 0..1 -> (N, H, W, 3) uint8."""
    return (batch * 255).round().clamp(0, 255).permute(0, 2, 3, 1).to(torch.uint8).numpy()


def psnr(made: Frames, true: Frames) -> float:
    """In dB, of one picture or part."""
    error = np.square(made.astype(float) - true).mean()
    return 10 * float(np.log10(255**2 / max(error, 1e-3)))


def whole(take: Take) -> list[float]:
    """PSNR of each frame."""
    return [psnr(made, true) for made, true in zip(take.made, take.true, strict=True)]


def near(take: Take) -> list[float]:
    """PSNR of each frame's eyes and mouth."""
    found = []
    for made, true, pose in zip(take.made, take.true, take.poses, strict=True):
        mask = np.zeros((SIZE, SIZE), bool)
        for box in boxes(take.person, pose):
            mask[box] = True
        found.append(psnr(made[mask], true[mask]))
    return found


Box = tuple[slice, slice]


def boxes(person: Person, pose: Pose) -> list[Box]:
    """Rows and columns of left eye, right eye and mouth, as they lie in this pose."""
    head, found = Head(person, pose), []
    for (u0, u1), (v0, v1) in looks(person):
        corners = head.surface(np.array([u0, u1, u0, u1]), np.array([v0, v0, v1, v1]))
        (x0, y0), (x1, y1) = (
            np.floor(corners.min(0)).astype(int),
            np.ceil(corners.max(0)).astype(int),
        )
        found.append((slice(max(y0, 0), y1), slice(max(x0, 0), x1)))
    return found


def readings(take: Take, every: int = 2) -> Iterable[tuple[str, float, float]]:
    """What was asked for and what is read, by its name, of every so many-th frame."""
    for made, pose in list(zip(take.made, take.poses, strict=True))[::every]:
        left, right, mouth = boxes(take.person, pose)
        face = Head(take.person, pose).box()
        places = {
            "yaw": [(slice(face[1], face[3]), slice(face[0], face[2]))],
            "blink": [left, right],
            "mouth": [mouth],
        }
        for name, values in READ.items():
            errors = _errors(made, take.person, pose, (name, values), places[name])
            asked = getattr(pose, name)
            yield name, 0.0 if name == "mouth" and asked < 0.15 else asked, _lowest(values, errors)


def _errors(
    made: Frames, person: Person, pose: Pose, tried: tuple[str, np.ndarray], places: list[Box]
) -> np.ndarray:
    """How far the frame is, in these places, from renderings with each value."""
    name, values = tried
    drawings = [render(person, replace(pose, **{name: float(value)})) for value in values]
    return np.array(
        [
            sum(np.square(made[box].astype(float) - drawing[box]).sum() for box in places)
            for drawing in drawings
        ]
    )


def _lowest(values: np.ndarray, errors: np.ndarray) -> float:
    """Where the errors are least, between the values that were tried."""
    i = int(errors.argmin())
    if not 0 < i < len(values) - 1 or values[i] - values[i - 1] > 0.12:
        return float(values[i])
    before, here, after = errors[i - 1 : i + 2]
    share = 0.5 * (before - after) / (before - 2 * here + after)
    return float(values[i] + share * (values[i + 1] - values[i]))
