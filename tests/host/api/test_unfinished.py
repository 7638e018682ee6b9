"""What was stopped is listed, gone on with to the same clip, and discarded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import OutOfMemory
from easyphoto_video.video.read import open_video
from easyphoto_video.watch import Watch, unwatched
from tests.fake_engine import FakeEngine
from tests.host.fake import FakeHost

API = "/easyphoto-video"
NOTHING: dict[str, Any] = {"unfinished": [], "leftovers": []}
LONG: dict[str, Any] = {"frames": 20, "span": 8, "span_overlap": 2, "format": "png", "seed": 4}


class Failing(FakeEngine):
    """Runs out of memory at the third span."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        if len(self.shots) == 2:
            raise OutOfMemory("cpu", "Make it smaller.")
        return super().render(shot, watch)


@pytest.fixture
def stopped(client: TestClient, host: FakeHost) -> Iterator[dict[str, Any]]:
    """A clip of which two spans are done."""
    host.engine = Failing()
    job = client.post(f"{API}/text2video?wait=true", json=LONG).json()
    assert (job["state"], job["kind"]) == ("failed", "OutOfMemory")
    [found] = client.get(f"{API}/unfinished").json()["unfinished"]
    host.engine = FakeEngine()
    yield found


def test_it_is_gone_on_with_to_the_same_clip(
    client: TestClient, host: FakeHost, stopped: dict[str, Any]
) -> None:
    assert (stopped["mode"], stopped["spans"], stopped["request"]["seed"]) == ("text2video", 2, 4)
    answer = client.post(f"{API}/unfinished/{stopped['id']}/resume")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{API}/jobs/{answer.json()['id']}"
    again = client.post(f"{API}/text2video?wait=true", json=LONG).json()
    resumed = client.get(f"{API}/jobs/{answer.json()['id']}").json()
    assert (resumed["state"], again["state"]) == ("done", "done")
    assert client.get(f"{API}/unfinished").json() == NOTHING
    one, other = (open_video(host.outputs / job["file"]).frames() for job in (resumed, again))
    assert np.array_equal(list(one), list(other))


def test_it_can_be_waited_for(client: TestClient, stopped: dict[str, Any]) -> None:
    answer = client.post(f"{API}/unfinished/{stopped['id']}/resume?wait=true")
    assert (answer.status_code, answer.json()["state"]) == (200, "done")


def test_it_is_discarded(client: TestClient, host: FakeHost, stopped: dict[str, Any]) -> None:
    answer = client.delete(f"{API}/unfinished/{stopped['id']}")
    assert (answer.status_code, answer.json()) == (200, {"discarded": stopped["id"]})
    assert client.get(f"{API}/unfinished").json() == NOTHING
    assert not (host.outputs / ".unfinished" / stopped["id"]).exists()


@pytest.mark.parametrize("id", ["ffffffff", "..", "%2e%2e", "..%2f..", "", "x" * 3000])
def test_what_is_not_there_is_told(
    client: TestClient, host: FakeHost, stopped: dict[str, Any], id: str
) -> None:
    for answer in (
        client.post(f"{API}/unfinished/{id}/resume"),
        client.delete(f"{API}/unfinished/{id}"),
    ):
        assert answer.status_code in {404, 405}
        assert answer.json()["kind"] in {"Missing", "BadRequest"}
    assert (host.outputs / ".unfinished" / stopped["id"]).exists()


def test_it_is_resumed_once_and_not_discarded_while_it_waits(
    client: TestClient, host: FakeHost, stopped: dict[str, Any]
) -> None:
    address = f"{API}/unfinished/{stopped['id']}"
    with host.models:
        answers = [client.post(f"{address}/resume") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 422, 422, 422]
        assert "stop that job first" in answers[1].json()["error"]
        assert client.delete(address).status_code == 422
    job = answers[0].json()["id"]
    while (state := client.get(f"{API}/jobs/{job}").json()["state"]) in {"queued", "running"}:
        pass
    assert state == "done"


def test_what_cannot_be_gone_on_with_is_told_and_discarded(
    client: TestClient, host: FakeHost, stopped: dict[str, Any]
) -> None:
    (host.outputs / ".unfinished" / stopped["id"] / "job.json").write_text('{"version": "0.0.1"}')
    told = client.get(f"{API}/unfinished").json()
    assert told["unfinished"] == []
    (left,) = told["leftovers"]
    assert (left["id"], left["spans"]) == (stopped["id"], 2)
    assert "0.0.1" in left["reason"]
    assert client.post(f"{API}/unfinished/{left['id']}/resume").status_code == 422
    assert client.delete(f"{API}/unfinished/{left['id']}").status_code == 200
    assert client.get(f"{API}/unfinished").json() == NOTHING
