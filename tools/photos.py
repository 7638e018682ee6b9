"""Photos of one rendered person: other clothes, places, looks and light in each.

    python -m tools.photos --out models/embedded/people/demo/photos          the demo person
    python -m tools.photos --person 9500001 --out DIR                        somebody unseen

The embedded model never saw them: the demo person's face lies at or outside the edges of what it
was trained on, and seeds from 9,000,000 on belong to nobody who is trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tools.drawing import render
from tools.world import BACKGROUND, CLOTHES, Person, random_person, random_pose

DEMO = Person(
    style="short hair",
    hair="black",
    eyes="brown",
    skin="fair",
    clothes="white",
    background="grey",
    glasses=False,
    face_width=38.9,
    face_height=40.2,
    jaw=0.17,
    eye_size=0.235,
    eye_spacing=0.47,
    brow_thickness=3.6,
    brow_tilt=-0.06,
    nose_length=0.38,
    mouth_width=0.38,
)
SEED = 9_400_000


def photos(person: Person, seed: int, count: int) -> list[np.ndarray]:
    """(128, 128, 3) uint8 RGB each; the first is frontal, with open eyes and a closed mouth."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        pose = random_pose(rng)
        if number == 0:
            pose = replace(pose, yaw=0.0, roll=0.0, smile=0.0, mouth=0.0, blink=0.0)
        today = replace(
            person,
            clothes=str(rng.choice(list(CLOTHES))),
            background=str(rng.choice(list(BACKGROUND))),
        )
        made.append(render(today, replace(pose, blink=0.0)))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--person", type=int, help="a seed; without, the demo person")
    parser.add_argument("--count", type=int, default=12)
    options = parser.parse_args(arguments)
    seed, person = SEED, DEMO
    if options.person is not None:
        seed = options.person
        person = random_person(np.random.default_rng(seed))
    save(photos(person, seed, options.count), options.out)


def save(pictures: Sequence[np.ndarray], folder: Path) -> None:
    """As 00.png and so on, in a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:02}.png", optimize=True)


if __name__ == "__main__":
    main()
