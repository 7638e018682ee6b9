"""Photos of one person: the same each time, varied, and of nobody that the model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.request import PROMPT
from tools.photos import DEMO, SEED, main, photos
from tools.world import random_person

CAME_ALONG = EMBEDDED_FOLDER / "people" / "demo" / "photos"
MEASURES = [name for name, value in vars(DEMO).items() if isinstance(value, float)]


def test_the_photos_that_come_along_are_those_that_are_drawn() -> None:
    files = sorted(CAME_ALONG.iterdir())
    assert len(files) == 12 and sum(file.stat().st_size for file in files) < 300_000
    for file, drawn in zip(files, photos(DEMO, SEED, 12), strict=True):
        kept = np.asarray(Image.open(file).convert("RGB")).astype(int)
        assert np.abs(kept - drawn).mean() < 1


def test_the_demo_person_lies_outside_the_trained_world() -> None:
    rng = np.random.default_rng(0)
    people = [random_person(rng) for _ in range(2000)]
    seen = {name: [getattr(person, name) for person in people] for name in MEASURES}
    inside = {
        name for name in MEASURES if min(seen[name]) <= getattr(DEMO, name) <= max(seen[name])
    }
    assert inside == {"face_height"}
    said = PROMPT.split(", ")
    assert f"{DEMO.hair} hair" not in said and f"{DEMO.eyes} eyes" not in said


def test_photos_vary_and_a_seed_draws_them_again(tmp_path: Path) -> None:
    drawn = photos(DEMO, SEED, 6)
    corners = {tuple(picture[0, 0]) for picture in drawn}
    assert len(corners) > 1
    assert len({picture.tobytes() for picture in drawn}) == 6
    for folder in ("one", "again"):
        main(["--person", "9500001", "--count", "2", "--out", str(tmp_path / folder)])
    one, again = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "again"))
    assert [file.name for file in one] == ["00.png", "01.png"]
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in again]


@pytest.mark.parametrize("seed", [9_500_001, 9_500_002])
def test_another_seed_is_somebody_else(seed: int) -> None:
    person = random_person(np.random.default_rng(seed))
    assert not np.array_equal(photos(person, seed, 1)[0], photos(DEMO, SEED, 1)[0])
