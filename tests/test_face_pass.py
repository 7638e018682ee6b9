"""The face pass as a whole, on an engine, a detector and a recogniser without models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import FacePassFailed, OutOfMemory, Stopped
from easyphoto_video.faces.cast import Cast, Person
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.judging import UNMEASURED
from easyphoto_video.recipes import Tools, run
from easyphoto_video.request import Lora, Text2Video
from easyphoto_video.video.note import read_note
from easyphoto_video.watch import Watch, unwatched
from tests.fake_engine import FakeEngine

SIDE, COUNT = 64, 9
POINTS = np.array([[-7, -6], [7, -6], [0, 0], [-5, 8], [5, 8]], np.float32)
JOB = Text2Video(
    prompt="a girl",
    width=96,
    height=96,
    frames=COUNT,
    seed=7,
    cfg=7,
    format="png",
    user_id="ada",
    face_size=SIDE,
    fusion_before=0,
    fusion_after=0,
    color_match=0,
)


def middle(frame: int) -> tuple[float, float]:
    """Where the square face of a frame is."""
    return 40 + 2 * frame, 48


def scene(shot: Shot, frame: int) -> Frames:
    """A red square on noise; in the face pass all is blue."""
    if shot.start is not None:
        return np.full((shot.height, shot.width, 3), (0, 0, 255), np.uint8)
    rng = np.random.default_rng(frame)
    picture = rng.integers(0, 90, (shot.height, shot.width, 3)).astype(np.uint8)
    x, y = middle(frame)
    picture[int(y) - 12 : int(y) + 12, int(x) - 12 : int(x) + 12] = (200, 30, 30)
    return picture


class RedSquare:
    """Finds red squares."""

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, picture: Frames) -> list[Face]:
        self.calls += 1
        y, x = np.nonzero(picture[..., 0].astype(int) - picture[..., 2] > 120)
        if len(x) < 50:
            return []
        box = np.array([x.min(), y.min(), x.max(), y.max()], np.float32)
        points = POINTS + (box[:2] + box[2:]) / 2
        return [Face(box=box, points=points.astype(np.float32), score=0.9)]


class Redness:
    """Tells faces apart by their colour."""

    def embed(self, picture: Frames, points: Floats) -> Floats:
        x, y = points[2].round().astype(int)
        colour = picture[y, x].astype(np.float32) + 1
        return np.asarray(colour / np.linalg.norm(colour), np.float32)


def cast(**options: Any) -> Cast:
    picture = np.full((64, 64, 3), (0, 0, 255), np.uint8)
    face = Face(
        box=np.array([20, 20, 44, 44], np.float32),
        points=(POINTS + 32).astype(np.float32),
        score=1.0,
        embedding=Redness().embed(picture, (POINTS + 32).astype(np.float32)),
    )
    person = Person(name="ada", picture=picture, face=face)
    return replace(Cast(detector=RedSquare(), recogniser=Redness(), people=(person,)), **options)


def made(tmp_path: Path, job: Text2Video, engine: Any = None, **options: Any) -> Any:
    tools = Tools(engine=engine or FakeEngine(scene), cast=lambda _: cast(**options))
    return run(job, tools, tmp_path / "clip.png")


def test_the_face_becomes_the_persons_and_nothing_else_changes(tmp_path: Path) -> None:
    engine = FakeEngine(scene)
    result = made(tmp_path, JOB, engine)
    scene_shot, face_shot = engine.shots
    assert face_shot.start is not None
    assert scene_shot.loras == ()
    assert face_shot.loras == (Lora("user-ids/ada", 0.9),)
    assert (face_shot.width, face_shot.frames, face_shot.start.strength) == (SIDE, COUNT, 0.45)
    for frame, picture in enumerate(result.shown):
        x, y = (int(v) for v in middle(frame))
        assert picture[y, x, 2] > 200 > 50 > picture[y, x, 0]
        far = np.ones(picture.shape[:2], bool)
        far[max(0, y - 22) : y + 22, max(0, x - 22) : x + 22] = False
        assert np.array_equal(picture[far], scene(scene_shot, frame)[far])
    assert result.scores.identity.to_json()["mean"] > 0.95
    assert result.scores.frames_without_face == 0
    assert '"identity"' in read_note(result.path)


def test_without_the_pass_the_clip_is_as_it_was_and_is_scored(tmp_path: Path) -> None:
    engine = FakeEngine(scene)
    result = made(tmp_path, replace(JOB, face_pass=False), engine)
    assert len(engine.shots) == 1
    expected = np.stack([scene(engine.shots[0], frame) for frame in range(COUNT)])
    assert np.array_equal(result.shown, expected)
    assert result.scores.identity.to_json()["mean"] < 0.5


def test_every_stage_at_zero_changes_nothing(tmp_path: Path) -> None:
    result = made(tmp_path, replace(JOB, face_strength=0))
    shot = Shot.of(JOB)
    expected = np.stack([scene(shot, frame) for frame in range(COUNT)])
    assert np.array_equal(result.shown, expected)


def test_a_clip_without_a_face_is_finished_and_says_so(tmp_path: Path) -> None:
    result = made(tmp_path, JOB, FakeEngine())
    assert "No face was found" in result.notes[0]
    assert result.path.exists()
    assert result.scores.to_json()["identity"] is None


def test_without_a_recogniser_the_face_is_redrawn_and_likeness_is_said_to_be_unmeasured(
    tmp_path: Path,
) -> None:
    engine = FakeEngine(scene)
    result = made(tmp_path, JOB, engine, recogniser=None)
    assert len(engine.shots) == 2
    assert result.notes == (UNMEASURED,)
    assert result.scores.to_json()["identity"] is None


def test_a_frame_without_the_face_stays_as_it_was(tmp_path: Path) -> None:
    def hidden(shot: Shot, frame: int) -> Frames:
        if shot.start is None and frame >= 6:
            return np.full((96, 96, 3), 20, np.uint8)
        return scene(shot, frame)

    engine = FakeEngine(hidden)
    result = made(tmp_path, JOB, engine)
    assert engine.shots[1].frames == 6
    assert (result.shown[6:] == 20).all()
    assert result.scores.frames_without_face == 3
    assert result.scores.identity.frames[6:] == (None,) * 3


class Failing(FakeEngine):
    """Fails in the face pass."""

    def __init__(self, error: Exception) -> None:
        super().__init__(scene)
        self.error = error

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        if shot.start is not None:
            raise self.error
        return super().render(shot, watch)


def test_a_pass_that_fails_does_not_cost_the_clip(tmp_path: Path) -> None:
    with pytest.raises(FacePassFailed, match=r"kept in .*clip"):
        made(tmp_path, JOB, Failing(OutOfMemory("cpu", "Give a smaller Face render size.")))
    assert list(tmp_path.iterdir()) != []


def test_a_pass_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        made(tmp_path, JOB, Failing(Stopped("Stopped.")))
    assert list(tmp_path.iterdir()) == []
