"""How well the recogniser of the embedded world tells people apart whom it never saw.

    python -m tools.likeness                 renderings
    python -m tools.likeness --drawn         portraits that the embedded model draws, too

It asks the file that comes along, by the same code as the face pass.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.face import Detector, Floats, Recogniser
from easyphoto_video.faces.insight import PackRecogniser
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.host.library import EMBEDDED_FOLDER
from tools.drawing import render
from tools.recognise import sitting
from tools.world import Person, Pose, caption, random_person, random_pose

UNSEEN = 9_100_000
"""First seed of the persons here; the recogniser learnt on lower ones, and was chosen by others."""
PACK = EMBEDDED_FOLDER / "faces"
MISTAKES = 0.01
"""Share of strangers who are accepted."""
LOOKALIKES: dict[str, tuple[str, ...]] = {
    "of the same skin and eyes": ("skin", "eyes"),
    "of the same skin, eyes and hair": ("skin", "eyes", "hair"),
    "who differ in the face's measures alone": ("skin", "eyes", "hair", "style", "glasses"),
}


@dataclass(frozen=True, eq=False)
class Look:
    """Somebody as she was in one picture."""

    owner: int
    """Whose face it is."""
    person: Person
    """With that day's hair, clothes and glasses."""
    is_usual: bool
    """Whether she wears the hair and the glasses that she always does."""
    embedding: Floats


def renderings(
    detector: Detector, recogniser: Recogniser, persons: int, each: int, first: int = UNSEEN
) -> list[Look]:
    """Persons on several days, where the detector sees them."""
    looks = []
    for owner in range(persons):
        rng = np.random.default_rng(first + owner)
        person = random_person(rng)
        for _ in range(each):
            today = sitting(person, rng)
            picture = render(today, random_pose(rng))
            found = embedding_of(picture, detector, recogniser)
            usual = all(
                getattr(today, part) == getattr(person, part)
                for part in ("hair", "style", "glasses")
            )
            if found is not None:
                looks.append(Look(owner, today, usual, found))
    return looks


def portraits(
    draw: Callable[[Person, Pose, int], Frames],
    see: Callable[[Frames], Floats | None],
    persons: int,
    each: int,
) -> list[Look]:
    """The same from words: `draw` is given a seed, and whose face comes is its own affair."""
    looks = []
    for owner in range(persons):
        rng = np.random.default_rng(UNSEEN + owner)
        person = random_person(rng)
        for number in range(each):
            found = see(draw(person, random_pose(rng), each * owner + number))
            if found is not None:
                looks.append(Look(owner, person, True, found))
    return looks


def embedding_of(picture: Frames, detector: Detector, recogniser: Recogniser) -> Floats | None:
    """Of the largest face; None without one."""
    faces = detector.detect(picture)
    return recogniser.embed(picture, faces[0].points) if faces else None


def figures(looks: Sequence[Look]) -> dict[str, float]:
    """Shares of true and false accepts at the threshold of MISTAKES, and cosines."""
    found = np.stack([look.embedding for look in looks])
    cosines = found @ found.T
    once = np.triu(np.ones_like(cosines, dtype=bool), 1)
    own = _equal([look.owner for look in looks])
    usual = np.array([look.is_usual for look in looks])
    threshold = float(np.quantile(cosines[~own & once], 1 - MISTAKES))
    same, as_usual = cosines[own & once], cosines[own & once & usual & usual[:, None]]
    strangers = cosines[~own & once]
    told = {
        "threshold": threshold,
        "true accepts": _share(same, threshold),
        "true accepts, usual hair and glasses": _share(as_usual, threshold),
        "same person, mean": float(same.mean()),
        "same person, spread": float(same.std()),
        "strangers, mean": float(strangers.mean()),
        "strangers, spread": float(strangers.std()),
    }
    for name, parts in LOOKALIKES.items():
        alike = _equal([tuple(getattr(look.person, part) for part in parts) for look in looks])
        rivals = cosines[~own & once & alike]
        if rivals.size:
            told[f"false accepts of strangers {name}"] = _share(rivals, threshold)
            told[f"cosine of strangers {name}"] = float(rivals.mean())
    return told


def _share(cosines: npt.NDArray[np.float32], threshold: float) -> float:
    return float((cosines >= threshold).mean()) if cosines.size else float("nan")


def _equal(keys: Sequence[object]) -> npt.NDArray[np.bool_]:
    """(N, N) whether two keys are equal."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    row = np.array([numbers[key] for key in keys])
    return row == row[:, None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, recognise and tell."""
    parser = argparse.ArgumentParser(prog="python -m tools.likeness", description=__doc__)
    parser.add_argument("--faces", type=Path, default=BESIDE, help="folder of what finds faces")
    parser.add_argument("--pack", type=Path, default=PACK)
    parser.add_argument("--persons", type=int, default=240)
    parser.add_argument("--drawn", action="store_true", help="the embedded model's portraits too")
    options = parser.parse_args(arguments)
    detector, recogniser = MeshDetector(options.faces), PackRecogniser(options.pack)
    _tell("renderings", figures(renderings(detector, recogniser, options.persons, 6)))
    if options.drawn:
        from tools.studio import Studio  # torch takes its time

        studio = Studio()
        looks = portraits(
            lambda person, pose, seed: studio.draw(caption(person, pose), seed)[0],
            lambda picture: embedding_of(picture, detector, recogniser),
            persons=10,
            each=4,
        )
        _tell("drawn by the model from the same words", figures(looks))


def _tell(title: str, told: dict[str, float]) -> None:
    print(title)
    for name, value in told.items():
        print(f"  {name:68}{value:6.3f}")


if __name__ == "__main__":
    main()
