"""Every route does what docs/api.md says, on a queue that it shares."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from starlette.testclient import TestClient

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import HostFailed, OutOfMemory
from easyphoto_video.host import jobs as queue
from easyphoto_video.host.api import body, people, router
from easyphoto_video.host.api.uploads import Uploads
from easyphoto_video.host.jobs import Jobs, State
from easyphoto_video.modes.registry import request_from
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.setting.kind import LONGEST_LIST, LONGEST_TEXT
from easyphoto_video.video.note import read_note
from tests.fake_engine import FakeEngine, plain
from tests.host.api.conftest import SECONDS, Get
from tests.host.fake import FIRST_SEED, FakeHost, add_person

API = "/easyphoto-video"
POST = f"{API}/text2video"
SHORT = {"frames": 2, "format": "png"}


def submitted(client: TestClient, **values: Any) -> dict[str, Any]:
    answer = client.post(POST, json={**SHORT, **values})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{API}/jobs/{answer.json()['id']}"
    return answer.json()


def test_a_request_becomes_a_job_and_then_a_clip(client: TestClient, ended: Get) -> None:
    job = submitted(client, prompt="a cat", steps=3, format="mp4")
    assert (job["mode"], job["url"], job["error"]) == ("text2video", None, None)
    assert job["request"]["seed"] == FIRST_SEED
    assert request_from(job["request"]).to_json()["steps"] == 3
    done = ended(job["id"])
    assert (done["state"], done["stage"], done["fraction"]) == ("done", "writing", 1.0)
    assert (done["position"], done["eta"], done["kind"]) == (0, None, None)
    assert set(done["seconds"]) == {"denoising", "scoring", "writing"}
    assert done["file"] == f"00001-{FIRST_SEED}.mp4"
    assert done["url"] == f"{API}/jobs/{job['id']}/file"
    assert client.get(done["url"]).headers["content-type"] == "video/mp4"


def test_a_settled_request_can_be_sent_again(client: TestClient, ended: Get) -> None:
    first = ended(submitted(client)["id"])
    second = ended(client.post(POST, json=first["request"]).json()["id"])
    assert second["request"] == first["request"]


@pytest.mark.parametrize("wait", ["true", "1", "", "TRUE"])
def test_one_may_wait_for_the_end(client: TestClient, wait: str) -> None:
    answer = client.post(f"{POST}?wait={wait}", json=SHORT)
    assert (answer.status_code, answer.json()["state"]) == (200, "done")
    assert "location" not in answer.headers


def test_a_failed_job_says_why(client: TestClient, host: FakeHost) -> None:
    def paint(shot: Shot, frame: int) -> Frames:
        raise OutOfMemory("cuda:0", "Make fewer frames.")

    host.engine = FakeEngine(paint)
    job = client.post(f"{POST}?wait=true", json=SHORT).json()
    assert (job["state"], job["kind"], job["field"]) == ("failed", "OutOfMemory", None)
    assert job["error"] == "Out of memory on cuda:0. Make fewer frames."
    assert client.get(f"{API}/jobs/{job['id']}/file").status_code == 404


def test_jobs_wait_in_line_and_are_listed(client: TestClient, host: FakeHost, ended: Get) -> None:
    with host.models:
        made = [submitted(client, seed=seed)["id"] for seed in (5, 6)]
        listed = client.get(f"{API}/jobs").json()["jobs"]
        assert [job["id"] for job in listed] == made
        assert [job["position"] for job in listed] == [0, 1]
        assert [job["state"] for job in listed] == ["queued", "queued"]
        answer = client.get(f"{API}/jobs/{made[0]}/file")
        assert answer.status_code == 404
        assert "queued" in answer.json()["error"]
    assert [ended(id)["file"] for id in made] == ["00001-5", "00002-6"]
    assert host.turns == made


def test_two_calls_at_once_are_queued_and_not_mixed(client: TestClient, host: FakeHost) -> None:
    order: list[int] = []

    def paint(shot: Shot, frame: int) -> Frames:
        order.append(shot.seed)
        time.sleep(0.01)
        return plain(shot, frame)

    host.engine = FakeEngine(paint)
    answers: list[dict[str, Any]] = []

    def call(seed: int) -> None:
        asked = {**SHORT, "seed": seed, "frames": 5}
        answers.append(client.post(f"{POST}?wait=true", json=asked).json())

    threads = [threading.Thread(target=call, args=[seed]) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job["state"] for job in answers] == ["done", "done"]
    assert order in ([1] * 5 + [2] * 5, [2] * 5 + [1] * 5)
    assert {job["file"][5:] for job in answers} == {"-1", "-2"}


@pytest.mark.parametrize(("method", "path"), [("POST", "/cancel"), ("DELETE", "")])
def test_a_job_can_be_cancelled_in_every_state(
    client: TestClient, host: FakeHost, ended: Get, method: str, path: str
) -> None:
    def cancel(id: str) -> tuple[int, str]:
        answer = client.request(method, f"{API}/jobs/{id}{path}")
        return answer.status_code, answer.json()["state"]

    permits = threading.Semaphore(0)
    started = threading.Event()

    def paint(shot: Shot, frame: int) -> Frames:
        started.set()
        assert permits.acquire(timeout=SECONDS)
        return plain(shot, frame)

    host.engine = FakeEngine(paint)
    with host.models:
        at_the_door, running, waiting = (submitted(client)["id"] for _ in range(3))
        assert cancel(at_the_door) == (200, "stopped")
    assert started.wait(SECONDS)
    assert cancel(waiting) == (200, "stopped")
    assert cancel(running) == (202, "running")
    permits.release()
    stopped = ended(running)
    assert (stopped["state"], stopped["kind"], stopped["url"]) == ("stopped", "Stopped", None)
    assert cancel(running) == (200, "stopped")
    permits.release(2)
    done = client.post(f"{POST}?wait=true", json=SHORT).json()
    assert cancel(done["id"]) == (200, "done")


def test_too_many_jobs_are_told_to_come_later(
    client: TestClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WAITING", 1)
    with host.models:
        submitted(client)
        answer = client.post(POST, json=SHORT)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "10"
    assert answer.json()["error"] == "Queue: 1 jobs wait already. Try again later."
    assert answer.json()["kind"] == "BadRequest"


def test_the_people_of_the_data_folder(client: TestClient, host: FakeHost) -> None:
    came_along = client.get(f"{API}/user-ids").json()["user_ids"]
    assert [person["id"] for person in came_along] == ["demo"]
    add_person(host.data_dir, "Ada Lovelace", b"\xff\xd8ada")
    add_person(host.data_dir, "王")
    listed = client.get(f"{API}/user-ids").json()["user_ids"]
    assert [person["id"] for person in listed] == ["Ada Lovelace", "王", "demo"]
    answer = client.get(listed[0]["reference"])
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8ada")
    assert answer.headers["content-type"] == "image/jpeg"
    assert client.get(listed[1]["reference"]).status_code == 200
    missing = client.get(f"{API}/user-ids/Bob/reference")
    assert missing.status_code == 404
    assert "Ada Lovelace, 王" in missing.json()["error"]


def test_the_file_knows_how_it_was_made(
    client: TestClient, host: FakeHost, ended: Get, tmp_path: Path
) -> None:
    done = ended(submitted(client, format="webp", prompt="ein Löwe")["id"])
    copy = tmp_path / "copy.webp"
    copy.write_bytes(client.get(done["url"]).content)
    assert "ein Löwe" in read_note(copy)


@pytest.mark.parametrize("path", ["/schema", "/jobs", "/user-ids"])
def test_head_is_answered_as_get(client: TestClient, path: str) -> None:
    assert client.head(API + path).status_code == 200


def test_authentication_is_the_apps_and_covers_every_route(host: FakeHost, jobs: Jobs) -> None:
    def nobody() -> None:
        raise HTTPException(401, "Who are you?", {"WWW-Authenticate": "Basic"})

    app = FastAPI()
    app.include_router(router(host, jobs), dependencies=[Depends(nobody)])
    client = TestClient(app)
    for method, path in (
        ("POST", "/text2video"),
        ("GET", "/jobs"),
        ("GET", "/jobs/1"),
        ("GET", "/jobs/1/file"),
        ("POST", "/jobs/1/cancel"),
        ("DELETE", "/jobs/1"),
        ("GET", "/user-ids"),
        ("GET", "/user-ids/a/reference"),
        ("GET", "/schema"),
        ("GET", "/nothing"),
    ):
        answer = client.request(method, API + path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Basic"
    assert jobs.all() == []


def test_addresses_hold_below_another_path(host: FakeHost, jobs: Jobs) -> None:
    app = FastAPI()
    app.include_router(router(host, jobs))
    client = TestClient(app, root_path="/sub")
    job = client.post(f"{POST}?wait=true", json=SHORT).json()
    assert job["url"] == f"/sub{API}/jobs/{job['id']}/file"


def test_what_nobody_foresaw_is_told_without_a_traceback(
    client: TestClient,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def settle(request: Text2Video) -> Text2Video:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(host, "settle", settle)
    answer = client.post(POST, json=SHORT)
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "ZeroDivisionError: by zero. The console shows where; please report it.",
        "kind": HostFailed.__name__,
        "field": None,
    }
    assert "in settle" in capsys.readouterr().err


def test_the_routes_are_in_the_apps_own_docs(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        f"{API}/{path}"
        for path in (
            "text2video",
            "image2video",
            "video2video",
            "files",
            "unfinished",
            "unfinished/{id}",
            "unfinished/{id}/resume",
            "schema",
            "jobs",
            "jobs/{id}",
            "jobs/{id}/cancel",
            "jobs/{id}/file",
            "user-ids",
            "user-ids/import",
            "user-ids/{id}",
            "user-ids/{id}/export",
            "user-ids/{id}/reference",
            "user-ids/{id}/rename",
        )
    }


def test_the_docs_name_every_route_and_limit(client: TestClient) -> None:
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    for path, calls in client.get("/openapi.json").json()["paths"].items():
        for method in calls:
            assert f"`{method.upper()} {path}" in text
    for limit in (body.DEEPEST, LONGEST_LIST, f"{LONGEST_TEXT:,}", queue.WAITING, queue.REMEMBERED):
        assert f" {limit} " in text
    assert f"{body.LARGEST >> 20} MiB" in text
    assert f"{people.LARGEST_PHOTOS >> 20} MiB" in text
    assert f"{people.LARGEST_ZIP >> 30} GiB" in text
    assert f"{Uploads.largest >> 30} GiB" in text
    assert f"{Uploads.kept / 3600:g} hours" in text
    assert f" {people.MOST_PHOTOS} at most" in text
    assert all(f"`{state}`" in text for state in State)


def called(app: FastAPI, path: str, messages: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an app answers to messages of a server, without a client in between."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_a_body_without_end_is_left_early(app: FastAPI) -> None:
    taken = 0

    def chunks() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield {"type": "http.request", "body": b" " * 2**16, "more_body": True}

    assert called(app, POST, chunks())[0]["status"] == 413
    assert taken == 17


def test_who_leaves_while_sending_leaves_nothing(app: FastAPI, jobs: Jobs) -> None:
    def messages() -> Iterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b"{", "more_body": True}
        yield {"type": "http.disconnect"}

    assert called(app, POST, messages())[0]["status"] == 400
    assert jobs.all() == []


def test_who_leaves_while_waiting_leaves_the_job(
    app: FastAPI, jobs: Jobs, host: FakeHost, ended: Get
) -> None:
    def messages() -> Iterator[dict[str, Any]]:
        yield {"type": "http.request", "body": b'{"frames": 1}', "more_body": False}
        while True:
            yield {"type": "http.disconnect"}

    with host.models:
        called(app, f"{POST}?wait=true", messages())
        [job] = jobs.all()
        assert job.state is State.QUEUED
    assert ended(job.id)["state"] == "done"
