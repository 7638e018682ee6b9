"""The modes as wholes, on an engine without a model."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import BadRequest
from easyphoto_video.family import SD1
from easyphoto_video.kit import Tools
from easyphoto_video.modes.held_pictures import settled_pictures
from easyphoto_video.modes.image2video import Image2Video
from easyphoto_video.modes.source_film import settled_film
from easyphoto_video.modes.video2video import Video2Video
from easyphoto_video.recipes import run
from easyphoto_video.video.read import open_video
from tests.fake_engine import FakeEngine

WHITE = 255


@pytest.fixture
def film(tmp_path: Path) -> tuple[Path, Frames]:
    """A folder of pictures, and these."""
    frames = np.random.default_rng(0).integers(0, 256, (10, 64, 80, 3)).astype(np.uint8)
    folder = tmp_path / "film"
    folder.mkdir()
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:02d}.png")
    return folder, frames


def settled(job: Any) -> Any:
    """As the files that it names choose; a film may stay as it is here."""
    choose: Any = settled_film if isinstance(job, Video2Video) else settled_pictures
    return replace(job, **choose(job, replace(SD1, side=64)))


def job_of(film: Path, **values: Any) -> Video2Video:
    first = Video2Video(
        video=str(film), fps=Fraction(8), user_id="none", format="png", seed=1, cfg=7
    )
    asked = replace(first, **values)
    return settled(asked)


def white(shot: Shot, frame: int) -> Frames:
    return np.full((shot.height, shot.width, 3), WHITE, np.uint8)


def made(job: Video2Video | Image2Video, engine: FakeEngine, out: Path) -> Frames:
    result = run(job, Tools(engine=engine), out)
    return np.stack(list(open_video(result.path).frames()))


def test_a_film_that_is_not_redrawn_stays_to_the_bit(
    film: tuple[Path, Frames], tmp_path: Path
) -> None:
    engine = FakeEngine(white)
    assert np.array_equal(made(job_of(film[0]), engine, tmp_path / "out.png"), film[1])
    assert engine.shots == []


def test_a_film_is_redrawn_from_its_own_frames_span_by_span(
    film: tuple[Path, Frames], tmp_path: Path
) -> None:
    engine = FakeEngine(white)
    job = job_of(film[0], redraw=0.5, width=80, height=64, span=8, span_overlap=2)
    assert (made(job, engine, tmp_path / "out.png") == WHITE).all()
    first, second = (shot.start for shot in engine.shots)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.frames, film[1][: len(first.frames)])
    assert first.strengths(6) == (0.5,) * 6
    assert second.strengths(6)[:3] == (0, 0, 0.5)


def test_outside_of_the_mask_a_redrawn_film_stays_to_the_bit(
    film: tuple[Path, Frames], tmp_path: Path
) -> None:
    mask = np.zeros((64, 80), np.uint8)
    mask[:32] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    values = {"redraw": 0.5, "width": 80, "height": 64, "mask_video": str(tmp_path / "mask.png")}
    found = made(job_of(film[0], **values), FakeEngine(white), tmp_path / "out.png")
    assert (found[:, :32] == WHITE).all()
    assert np.array_equal(found[:, 32:], film[1][:, 32:])


def test_a_stretch_of_a_film(film: tuple[Path, Frames], tmp_path: Path) -> None:
    job = job_of(film[0], start_time=0.25, end_time=0.75)
    assert np.array_equal(made(job, FakeEngine(white), tmp_path / "out.png"), film[1][2:6])


@pytest.mark.parametrize("order", ["reverse", "ping-pong"])
def test_a_film_runs_backward(film: tuple[Path, Frames], tmp_path: Path, order: str) -> None:
    found = made(job_of(film[0], order=order), FakeEngine(white), tmp_path / "out.png")
    back = film[1][::-1]
    expected = back if order == "reverse" else np.concatenate([film[1], back[1:-1]])
    assert np.array_equal(found, expected)


def test_frames_between_come_between(film: tuple[Path, Frames], tmp_path: Path) -> None:
    found = made(job_of(film[0], interpolation=3), FakeEngine(white), tmp_path / "out.png")
    assert np.array_equal(found[::3], film[1])
    assert len(found) == 28


@pytest.mark.parametrize("last", [False, True])
def test_pictures_are_fitted_and_held(
    film: tuple[Path, Frames], tmp_path: Path, last: bool
) -> None:
    engine = FakeEngine(white)
    asked = Image2Video(
        image=str(film[0] / "00.png"),
        last_image=str(film[0] / "01.png") if last else "",
        frames=6,
        seed=1,
        cfg=7,
        format="png",
    )
    job = settled(asked)
    assert (job.width, job.height) == (80, 64)
    made(job, engine, tmp_path / "out.png")
    start = engine.shots[0].start
    assert start is not None
    assert np.array_equal(start.frames, film[1][: 1 + last])
    assert start.strengths(6)[0] == 0
    assert (start.strengths(6)[-1] == 0) is last


@pytest.mark.parametrize(("kind", "label"), [(Image2Video, "Image"), (Video2Video, "Video")])
def test_what_is_missing_is_named(kind: type[Image2Video] | type[Video2Video], label: str) -> None:
    with pytest.raises(BadRequest, match=f"^{label}"):
        settled(kind())


def test_what_is_shown_is_spread_over_a_film_that_runs_backward(
    film: tuple[Path, Frames], tmp_path: Path
) -> None:
    job = job_of(film[0], order="reverse")
    result = run(job, Tools(engine=FakeEngine(white)), tmp_path / "out.png")
    assert np.array_equal(result.shown, film[1][::-1])
