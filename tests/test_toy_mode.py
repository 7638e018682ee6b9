"""A mode without diffusion goes everywhere where modes go, by its one line in the registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from easyphoto_video.errors import Stopped
from easyphoto_video.host.api import router
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.infotext import to_infotext, values_of
from easyphoto_video.modes.registry import request_from
from easyphoto_video.video.read import open_video
from tests.host.fake import FakeHost
from tests.host.tab.drive import Driven
from tests.toy_mode import Dawn, registered

LEVELS = [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]


@pytest.fixture(autouse=True)
def there() -> Iterator[None]:
    with registered():
        yield


def levels(path: Path) -> list[int]:
    return [int(np.unique(frame)[0]) for frame in open_video(path).frames()]


def test_by_the_command_line_and_from_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "clip.png"
    words = ["dawn", "--frames", "10", "--step", "3", "--data-dir", str(tmp_path)]
    assert main([*words, "--json", "--out", str(out)]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert levels(Path(said["path"])) == LEVELS
    assert main(["info", said["path"], "--json"]) == 0
    note = json.loads(capsys.readouterr().out)
    again = request_from(note["request"])
    assert again == Dawn(frames=10, step=3, width=64, height=64, format="png")
    assert values_of(to_infotext(again)) == again.to_json()


def test_a_field_that_it_does_not_have_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dawn", "--steps", "3", "--data-dir", str(tmp_path)]) == 2
    assert "--steps" in capsys.readouterr().err


def test_by_the_api_and_on_where_it_stopped(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    jobs = Jobs(host)
    app = FastAPI()
    app.include_router(router(host, jobs))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        body = {"frames": 10, "step": 3, "format": "png"}
        done = client.post("/easyphoto-video/dawn?wait=true", json=body).json()
        assert done["state"] == "done"
        refused = client.post("/easyphoto-video/dawn", json={**body, "prompt": "a cat"})
        assert refused.status_code == 422
        assert "prompt" in refused.json()["error"]
        schema = client.get("/easyphoto-video/schema").json()
        assert "step" in schema["$defs"]["dawn"]["properties"]


def test_what_was_stopped_goes_on_with_its_state(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    from easyphoto_video.host.jobs import tools_of
    from easyphoto_video.recipes import run
    from easyphoto_video.unfinished import taken, unfinished

    job = host.settle(Dawn(frames=10, format="png"))

    def stop(stage: str, fraction: float) -> None:
        if stage == "drawing" and fraction >= 0.6:
            raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(job, tools_of(host, stop), tmp_path / "clip.png")
    (left,) = unfinished(host.outputs)
    assert left.spans == 2
    with taken(left) as resumed:
        result = run(
            resumed.request, tools_of(host, lambda *_: None, resumed), tmp_path / "clip.png"
        )
    assert levels(result.path) == LEVELS


def test_in_the_page(tmp_path: Path, event_loops: None) -> None:
    tab = Driven(tmp_path)
    (mode,) = [part for part in tab.values if tab.values[part] == "text2video"]
    tab.values[mode] = "dawn"
    tab.set(dawn_step=3, dawn_frames=10, dawn_format="png")
    last = list(tab.stream())[-2]
    assert "Done" in last["progress"]
    (clip,) = [path for path in tab.host.outputs.iterdir() if not path.name.startswith(".")]
    assert levels(clip) == LEVELS
