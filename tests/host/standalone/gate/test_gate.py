"""Who comes in through the gate, and how far."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

pytest.importorskip("diffusers")

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.gate.gate import Gate
from easyphoto_video.host.standalone.gate.login import WAITING, Login, TooMany
from easyphoto_video.host.standalone.gate.names import Names
from tests.host.standalone.mounted import BASE, Mounted, upload

TOKEN = "t" * 32
LOCAL = ["/", "/config", "/theme.css", "/gradio_api/info", "/easyphoto-video/jobs"]
WRITING = [
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/cancel"),
    ("POST", "/gradio_api/reset"),
    ("POST", "/easyphoto-video/text2video"),
    ("POST", "/easyphoto-video/files"),
    ("POST", "/easyphoto-video/user-ids"),
    ("DELETE", "/easyphoto-video/user-ids/demo"),
    ("DELETE", "/easyphoto-video/unfinished/00000000"),
    ("OPTIONS", "/easyphoto-video/text2video"),
]


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Mounted:
    return Mounted(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def client(mounted: Mounted) -> Iterator[TestClient]:
    with mounted.client() as client:
        yield client


async def no_pause(seconds: float) -> None:
    assert seconds > 0


@pytest.fixture
def locked(mounted: Mounted) -> TestClient:
    """The same page behind a login, for a browser that has not signed in."""
    login = Login("ada", "pass:word ü", TOKEN, no_pause)
    gate = Gate(mounted.gate.app, Names(), mounted.gate.dropped, login)
    return TestClient(gate, base_url=BASE, follow_redirects=False)


@pytest.mark.parametrize("path", LOCAL)
@pytest.mark.parametrize("host", ["evil.example:7870", "evil.example", "192.168.1.2", ""])
def test_a_name_that_is_led_here_opens_nothing(client: TestClient, path: str, host: str) -> None:
    answer = client.get(path, headers={"host": host, "origin": f"http://{host}"})
    assert answer.status_code == 421
    assert "--host-name" in answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), WRITING)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_no_page_elsewhere_writes(
    client: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    assert client.request(method, path, headers=headers, content=b"x").status_code == 403


def test_no_page_elsewhere_reads_or_shows_ours(client: TestClient) -> None:
    image = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}
    frame = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    for headers in (image, frame, {"origin": "http://localhost:3000"}):
        for path in ("/", "/config", "/easyphoto-video/user-ids/demo/reference"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/").headers["x-frame-options"] == "SAMEORIGIN"


def test_a_socket_is_shut(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join"):
        pass


@pytest.mark.parametrize(
    ("method", "path"), [*WRITING, *(("GET", path) for path in LOCAL[1:]), ("GET", "/nothing")]
)
def test_without_a_login_every_door_is_shut(locked: TestClient, method: str, path: str) -> None:
    assert locked.request(method, path).status_code in {401, 404}
    wrong = {"authorization": f"Bearer {TOKEN}x"}
    assert locked.request(method, path, headers=wrong).status_code in {401, 404}


DOORS_OF_GRADIO = ["/gradio_api/heartbeat/x", "/gradio_api/startup-events", "/gradio_api/app_id"]


@pytest.mark.parametrize("path", [*DOORS_OF_GRADIO, "/static/fonts/x", "/assets/index.js"])
def test_gradio_keeps_none_open_either(locked: TestClient, path: str) -> None:
    assert locked.get(path).status_code == 401


def test_signing_in_opens_the_page_and_signing_out_shuts_it(locked: TestClient) -> None:
    assert locked.get("/").headers["location"] == "/login"
    assert "Sign in" in locked.get("/login").text
    for user, password in (("ada", "wrong"), ("eve", "pass:word ü"), ("", ""), ("ada", "")):
        said = locked.post("/login", data={"user": user, "password": password})
        assert said.status_code == 401
        assert "is wrong" in said.text
    assert locked.get("/").status_code == 303
    given = locked.post("/login", data={"user": "ada", "password": "pass:word ü"})
    cookie = given.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert locked.get("/").status_code == 200
    assert locked.get("/easyphoto-video/jobs").status_code == 200
    path = upload(locked, "a.txt", b"mine")
    assert locked.get(f"/gradio_api/file={path}").content == b"mine"
    locked.get("/logout")
    assert locked.get("/").status_code == 303
    assert locked.get(f"/gradio_api/file={path}").status_code == 401


def test_a_page_elsewhere_signs_nobody_in(locked: TestClient) -> None:
    form = {"user": "ada", "password": "pass:word ü"}
    answer = locked.post("/login", data=form, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403


def test_a_program_comes_with_its_token(locked: TestClient) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert locked.get("/easyphoto-video/jobs", headers=headers).status_code == 200
    for other in (f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ", ""):
        said = locked.get("/easyphoto-video/jobs", headers={"authorization": other})
        assert said.status_code == 401
        assert "Bearer TOKEN" in said.json()["error"]


def test_guesses_wait_for_each_other_and_too_many_are_sent_away() -> None:
    async def guess() -> tuple[list[Any], int]:
        going, most = 0, 0

        async def pause(seconds: float) -> None:
            nonlocal going, most
            going += 1
            most = max(most, going)
            await asyncio.sleep(0)
            going -= 1

        login = Login("ada", "right", TOKEN, pause)
        tries = [login.signed_in("ada", f"{number}") for number in range(2 * WAITING)]
        tries += [login.signed_in("ada", "right")]
        found = await asyncio.gather(*tries, return_exceptions=True)
        assert await login.signed_in("ada", "right")
        return found, most

    found, most = asyncio.run(guess())
    assert most == 1
    assert sum(isinstance(each, TooMany) for each in found) == WAITING + 1
    assert all(each is None or isinstance(each, BadRequest) for each in found)


def test_files_are_neither_too_large_nor_the_last_of_the_disk(
    mounted: Mounted, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, folder = mounted.gate.intake, mounted.gate.dropped.folder

    def parts() -> list[Path]:
        return [path for path in folder.iterdir() if path.is_file()]

    def sent(content: Any) -> int:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        return client.post("/gradio_api/upload", content=content, headers=headers).status_code

    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    body = head + b"0" * 3_000_000 + b"\r\n--x--\r\n"

    def chunked() -> Iterator[bytes]:  # without a length that is told before
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    assert sent(body) == 200
    other = {"content-type": "text/plain"}
    assert client.post("/gradio_api/upload", content=body, headers=other).status_code == 400
    monkeypatch.setattr(intake, "largest", 1_000_000)
    assert sent(body) == 413
    assert sent(chunked()) == 413
    monkeypatch.undo()
    monkeypatch.setattr(intake, "spared", 2**62)
    assert sent(body) == 507
    assert parts() == []


def test_who_has_not_loaded_the_page_drops_nothing(mounted: Mounted) -> None:
    stranger = TestClient(mounted.gate, base_url=BASE)
    answer = stranger.post("/gradio_api/upload", files={"files": ("a", b"x")})
    assert answer.status_code == 403
    assert "Load the page first" in answer.json()["error"]
