"""What enters for a clip enters once, however many spans it has, and leaves once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.engine import render
from easyphoto_video.errors import Stopped
from easyphoto_video.faces.cast import Cast, Person
from easyphoto_video.faces.face import Face
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone import engine as engines
from easyphoto_video.host.standalone import session, studio
from easyphoto_video.kit import Tools
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.recipes import run
from easyphoto_video.request import Lora
from tests.host.standalone.small import shot

SPANS = 10
JOB = Text2Video(
    prompt="a cat",
    negative="blurry",
    checkpoint="tiny",
    motion="mm_v2",
    loras=(Lora("strong", 0.2),),
    user_id="ada",
    user_weight=0,
    face_prompt="a face",
    seed=7,
    cfg=5,
    width=64,
    height=64,
    face_size=64,
    frames=8 * SPANS,
    span=8,
    span_overlap=0,
    steps=1,
    sampler="DDIM",
    format="png",
)


class Middle:
    """Finds one face, in the middle of whatever it is shown."""

    def detect(self, picture: Frames) -> list[Face]:
        size = np.array(picture.shape[1::-1], np.float32)
        points = size / 2 + np.array([[-7, -6], [7, -6], [0, 0], [-5, 8], [5, 8]], np.float32)
        box = np.concatenate([size / 2 - 12, size / 2 + 12]).astype(np.float32)
        return [Face(box=box, points=points.astype(np.float32), score=0.9)]


def cast() -> Cast:
    picture = np.full((64, 64, 3), 128, np.uint8)
    (face,) = Middle().detect(picture)
    return Cast(
        detector=Middle(), recogniser=None, people=(Person(name="ada", picture=picture, face=face),)
    )


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each thing is done, by what it is done with."""
    counts: Counter[str] = Counter()

    def count(module: Any, name: str, what: Callable[..., list[str]]) -> None:
        call = getattr(module, name)

        def counting(*args: Any, **named: Any) -> Any:
            counts.update(f"{name} {each}" for each in what(*args))
            return call(*args, **named)

        monkeypatch.setattr(module, name, counting)

    count(studio, "load_models", lambda path, *_: [path.name])
    count(session, "read_lora", lambda path: [path.name])
    count(session, "merged", lambda _unet, _text, merges: [str(len(merges))])
    count(session, "encode_all", lambda texts, *_: list(texts))
    count(session, "fitted", lambda *_: ["motion"])
    return counts


def test_a_clip_of_many_spans_with_its_faces(
    counted: Counter[str], data: Path, tmp_path: Path
) -> None:
    engine = engines.StandaloneEngine(Library(data), "cpu", "fp32")
    result = run(JOB, Tools(engine=engine, cast=lambda _: cast()), tmp_path / "clip.png")
    assert result.scores.frames_without_face == 0
    assert counted == {
        "load_models tiny.safetensors": 1,
        "read_lora strong.safetensors": 1,
        # The clip and the face are a scene each.
        "merged 1": 2,
        "fitted motion": 2,
        "encode_all a cat": 1,
        "encode_all a face": 1,
        "encode_all blurry": 2,
    }


def stop(stage: str, fraction: float) -> None:
    raise Stopped("Enough.")


def test_what_entered_for_a_session_is_gone_after_it(data: Path) -> None:
    engine = engines.StandaloneEngine(Library(data), "cpu", "fp32")
    plain, changed = shot(), shot(loras="strong", motion="mm_v2")
    first = render(engine, plain)
    with engine.open() as opened:
        other = opened.render(changed)
        assert np.array_equal(opened.render(plain), first)
        assert np.array_equal(opened.render(changed), other)
        with pytest.raises(Stopped):
            opened.render(replace(changed, seed=8), stop)
    assert (other != first).any()
    assert np.array_equal(render(engine, plain), first)
