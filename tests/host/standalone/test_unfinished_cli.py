"""`unfinished` lists what was stopped and discards it, `resume` goes on to the same clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.errors import Stopped
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.standalone.job import Job, render
from easyphoto_video.request import request_from
from easyphoto_video.unfinished import unfinished
from easyphoto_video.video.read import open_video
from tests.host.standalone.small import write_library

LONG: dict[str, Any] = {
    "mode": "text2video",
    "checkpoint": "tiny",
    "motion": "none",
    "user_id": "none",
    "width": 64,
    "height": 64,
    "frames": 18,
    "span": 8,
    "span_overlap": 2,
    "steps": 1,
    "seed": 5,
    "format": "png",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("data"))


@pytest.fixture
def id(place: Path) -> str:
    """A clip that was stopped in its last span."""

    def watch(stage: str, fraction: float) -> None:
        if stage == "denoising" and fraction > 0.7:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        render(Job(request_from(LONG), place, device="cpu", precision="fp32"), watch)
    [found] = unfinished(place / "outputs" / "easyphoto-video")
    return found.id


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(argv) == 0
    return capsys.readouterr().out.strip()


def test_resume_goes_on_to_the_same_clip(
    place: Path, id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data-dir", str(place))
    assert said(capsys, "unfinished", *data).startswith(f"{id}  ")
    [listed] = json.loads(said(capsys, "unfinished", *data, "--json"))["unfinished"]
    assert (listed["id"], listed["mode"], listed["spans"]) == (id, "text2video", 2)
    assert listed["request"]["seed"] == 5
    on = (*data, "--device", "cpu", "--precision", "fp32", "--out", str(tmp_path))
    made = json.loads(said(capsys, "resume", id, *on, "--json"))
    assert Path(made["path"]).parent == tmp_path
    assert said(capsys, "unfinished", *data).startswith("Nothing is unfinished in ")
    whole = render(Job(request_from(LONG), place, device="cpu", precision="fp32"))
    one, other = (list(open_video(path["path"]).frames()) for path in (made, whole))
    assert len(one) == 18
    assert np.array_equal(one, other)


def test_it_is_discarded(place: Path, id: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("unfinished", "--data-dir", str(place))
    assert json.loads(said(capsys, *argv, "--discard", id, "--json")) == {"discarded": id}
    assert json.loads(said(capsys, *argv, "--json")) == {"unfinished": [], "leftovers": []}


@pytest.mark.parametrize("argv", [["resume"], ["unfinished", "--discard"]])
@pytest.mark.parametrize("id", ["ffffffff", "..", ""])
def test_what_is_not_there_is_told(
    argv: list[str], id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, id, "--data-dir", str(tmp_path)]) == 2
    assert f"Unfinished work {id!r} is missing." in capsys.readouterr().err
