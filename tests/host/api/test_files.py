"""Clips over HTTP: whole and in parts, as a browser asks for them, also through a packing host."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from easyphoto_video import recipes
from easyphoto_video.errors import BadFile
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host.api import files
from tests.host.api.conftest import Get
from tests.host.fake import FakeHost

API = "/easyphoto-video"


@pytest.fixture
def url(client: TestClient, host: FakeHost, ended: Get) -> str:
    """Of a file that holds 1000 known bytes."""
    job = client.post(f"{API}/text2video", json={"frames": 1, "format": "gif"}).json()
    done = ended(job["id"])
    (host.outputs / done["file"]).write_bytes(DATA)
    return done["url"]


DATA = np.random.default_rng(1).bytes(1000)


def test_a_whole_file(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-length"] == "1000"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'inline; filename="00001-1000.gif"'
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, 999),
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-5000", 990, 999),
        ("bytes=-10", 990, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=999-999999999999999999", 999, 999),
    ],
)
def test_a_part_of_a_file(client: TestClient, url: str, asked: str, first: int, last: int) -> None:
    answer = client.get(url, headers={"range": asked})
    assert answer.content == DATA[first : last + 1]
    assert answer.headers["content-length"] == str(last + 1 - first)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000"


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=1--2"],
)
def test_what_is_no_part_is_the_whole(client: TestClient, url: str, asked: str) -> None:
    answer = client.get(url, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=2000-3000", "bytes=-0", "bytes=20-10"])
def test_a_part_outside_is_refused(client: TestClient, url: str, asked: str) -> None:
    answer = client.get(url, headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1000"
    assert "outside the 1000 bytes" in answer.json()["error"]


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=40,
)
@given(st.integers(0, 1100), st.integers(0, 1100))
def test_any_part_is_that_part(client: TestClient, url: str, first: int, last: int) -> None:
    answer = client.get(url, headers={"range": f"bytes={first}-{last}"})
    if answer.status_code == 416:
        assert first > min(last, 999)
    else:
        assert answer.content == DATA[first : last + 1]


def test_parts_of_another_version_are_not_mixed(
    client: TestClient, host: FakeHost, url: str
) -> None:
    tag = client.get(url).headers["etag"]
    part = {"range": "bytes=0-9", "if-range": tag}
    assert client.get(url, headers=part).status_code == 206
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304
    next(host.outputs.iterdir()).write_bytes(b"another")
    assert client.get(url, headers=part).content == b"another"
    assert client.get(url, headers={"if-none-match": tag}).status_code == 200


def test_head_tells_the_size_and_sends_nothing(client: TestClient, url: str) -> None:
    answer = client.head(url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "1000"


def test_a_large_file_goes_in_pieces(
    client: TestClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 7)
    assert client.get(url, headers={"range": "bytes=3-900"}).content == DATA[3:901]


def test_a_deleted_file_is_missing(client: TestClient, host: FakeHost, url: str) -> None:
    next(host.outputs.iterdir()).unlink()
    answer = client.get(url)
    assert answer.status_code == 404
    assert answer.json()["error"].endswith("make it again.")


def test_a_clip_whose_faces_failed_is_given(
    client: TestClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*rest: object) -> None:
        raise BadFile("pack.onnx", "it is damaged", "Fetch it again.")

    host.faces = lambda request: Cast.__new__(Cast)
    monkeypatch.setattr(recipes, "with_faces", fail)
    asked = {"frames": 1, "format": "gif"}
    job = client.post(f"{API}/text2video?wait=true", json=asked).json()
    assert (job["state"], job["kind"]) == ("failed", "FacePassFailed")
    answer = client.get(job["url"])
    assert answer.status_code == 200
    assert answer.content == (host.outputs / job["file"]).read_bytes()


def test_pictures_come_as_a_zip(client: TestClient, ended: Get) -> None:
    made = client.post(f"{API}/text2video", json={"frames": 3, "format": "png"}).json()
    answer = client.get(ended(made["id"])["url"])
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'inline; filename="00001-1000.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        frames = [
            np.asarray(Image.open(io.BytesIO(archive.read(name))))
            for name in sorted(archive.namelist())
            if name.endswith(".png")
        ]
    assert [int(frame[0, 0, 0]) for frame in frames] == [63, 127, 191]
    assert client.head(ended(made["id"])["url"]).content == b""


def test_a_host_that_packs_its_answers_leaves_films_alone(
    app: FastAPI, url: str, tmp_path: Path
) -> None:
    """As A1111 does, whose own middleware reads every answer besides."""
    app.middleware_stack = None
    app.add_middleware(GZipMiddleware, minimum_size=10)

    @app.middleware("http")
    async def timed(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        return await call_next(request)

    client = TestClient(app)
    packs = {"accept-encoding": "gzip"}
    assert client.get(f"{API}/schema", headers=packs).headers["content-encoding"] == "gzip"
    answer = client.get(url, headers={**packs, "range": "bytes=100-899"})
    assert (answer.status_code, answer.content) == (206, DATA[100:900])
    assert answer.headers["content-encoding"] == "identity"
    waited = client.post(f"{API}/text2video?wait=true", json={"frames": 1, "format": "png"})
    assert waited.json()["state"] == "done"
