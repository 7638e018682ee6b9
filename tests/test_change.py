"""A film that nothing would change is refused, with the switch that would; anything else is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.errors import BadRequest
from easyphoto_video.family import SD1
from easyphoto_video.modes.change import check_change
from easyphoto_video.modes.source_film import settled_film
from easyphoto_video.modes.video2video import Video2Video


@pytest.fixture
def film(tmp_path: Path) -> Path:
    folder = tmp_path / "film"
    folder.mkdir()
    for number in range(4):
        picture = np.full((48, 64, 3), 40 * number, np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


def settled(film: Path, **values: Any) -> Video2Video:
    usual = {"video": str(film), "fps": 8, "user_id": "none", "seed": 1, "cfg": 7}
    job = Video2Video(**{**usual, **values})
    return replace(job, **settled_film(job, replace(SD1, side=64)))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "User id: 'none' leaves the film as it is.*Choose a User id.*Redraw above 0"),
        ({"face_pass": True}, "Choose a User id"),
        ({"prompt": "a man", "steps": 3}, "Choose a User id"),
        ({"end_time": 0.2}, "Choose a User id"),
        ({"format": "gif", "order": "reverse"}, "Choose a User id"),
        ({"width": 64, "height": 48}, "Choose a User id"),
        ({"scene_weight": 1, "user_id": "ann", "face_pass": False}, "Face pass: 'off' leaves"),
        (
            {"user_id": "ann", "face_strength": 0, "fusion_before": 0, "fusion_after": 0},
            r"Face redraw strength: 0\.0 leaves .*Reference fusion above 0",
        ),
    ],
)
def test_what_would_change_nothing_is_refused(
    film: Path, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        check_change(settled(film, **values))


@pytest.mark.parametrize(
    "values",
    [
        {"redraw": 0.1},
        {"redraw_schedule": "0:(0.2)"},
        {"interpolation": 2},
        {"width": 32, "height": 24},
        {"user_id": "ann"},
        {"more_user_ids": ("ann",)},
        {"user_id": "ann", "face_strength": 0},
        {"user_id": "ann", "face_strength": 0, "face_schedule": "0:(0.3)"},
    ],
)
def test_what_changes_anything_is_done(film: Path, values: dict[str, Any]) -> None:
    check_change(settled(film, **values))
