"""The stand-alone page as it is mounted, and its events as anybody can send them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from starlette.testclient import TestClient

from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.gate.gate import Gate
from easyphoto_video.host.standalone.gate.options import Access
from easyphoto_video.host.standalone.page import application
from easyphoto_video.host.standalone.train.run import Runs
from easyphoto_video.host.standalone.train.tab import train_side
from easyphoto_video.host.standalone.train.workshop import Workshop
from tests.host.fake import FakeHost

BASE = "http://127.0.0.1:7870"
FILES = ("file", "image", "video", "gallery", "uploadbutton")
"""What gradio calls components whose values may be files."""
TEXTS = ("textbox", "dropdown")
"""The same of those that may hold any text; of the rest, gradio takes numbers and truths alone."""


class Mounted:
    """A page on a host without models."""

    def __init__(self, data: Path, access: Access | None = None) -> None:
        self.host = FakeHost(data)
        self.jobs = Jobs(self.host)
        self.gate = asyncio.run(self._built(access))

    async def _built(self, access: Access | None) -> Gate:
        """Inside a loop, for else gradio makes one and leaves it open."""
        workshop = Workshop(library=Library(self.host.data_dir, paths=False))
        runs = Runs(self.host, workshop)
        sides = [lambda views: train_side(self.host, runs, views)]
        return application(self.host, self.jobs, local=True, sides=sides, access=access)

    def client(self, *, gated: bool = True) -> TestClient:
        """A browser that has loaded the page; without the gate, gradio alone stands before us."""
        app = cast(Any, self.gate if gated else self.gate.app)
        client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
        client.get("/")
        return client


class Events:
    """The events of a page, from what it tells every browser of itself."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        config = client.get("/config").json()
        self.parts: dict[int, Any] = {part["id"]: part for part in config["components"]}
        self.all: list[Any] = [each for each in config["dependencies"] if each["backend_fn"]]

    def takes_files(self, event: Any) -> bool:
        return any(self.parts[id]["type"] in FILES for id in event["inputs"])

    def values(self, event: Any) -> list[Any]:
        """What a page that was just loaded sends."""
        return [self.parts[id]["props"].get("value") for id in event["inputs"]]

    def forged(self, event: Any, value: Any, kinds: tuple[str, ...] = FILES) -> list[Any]:
        """The same, with this value in every field of these kinds."""
        held = zip(event["inputs"], self.values(event), strict=True)
        return [value if self.parts[id]["type"] in kinds else old for id, old in held]

    def send(self, event: Any, data: list[Any], client: TestClient | None = None) -> str:
        """All that the queue answers, whether or not the page would go through it."""
        client = client or self._client
        session, body = self._body(event, data)
        answer = client.post("/gradio_api/queue/join", json=body)
        if answer.status_code != 200:
            return f"{answer.status_code} {answer.text}"
        return client.get(f"/gradio_api/queue/data?session_hash={session}").text

    def send_directly(self, event: Any, data: list[Any]) -> str:
        """The answer as the page asks for it: most of its events go around the queue."""
        if event["queue"] is not False:
            return self.send(event, data)
        _, body = self._body(event, data)
        return self._client.post("/gradio_api/run/predict", json=body).text

    def _body(self, event: Any, data: list[Any]) -> tuple[str, dict[str, Any]]:
        session = secrets.token_hex(5)
        return session, {"data": data, "fn_index": event["id"], "session_hash": session}


def upload(client: TestClient, name: str, content: bytes) -> str:
    """Drop a file into the page; the path that gradio gives it."""
    answer = client.post("/gradio_api/upload", files={"files": (name, content)})
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def file_data(path: str, **more: Any) -> dict[str, Any]:
    """A file as the page sends it."""
    return {"path": path, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}, **more}


def shapes(path: str) -> Iterator[Any]:
    """That file in every shape that gradio, or one that reads on, might take for one."""
    plain = file_data(path)
    yield from (plain, [plain], [[plain]], {"value": plain}, {"image": plain, "caption": ""})
    yield from ({"root": [plain]}, [{"image": plain}], [{"video": plain, "caption": None}])
    yield from ({"background": plain, "layers": [plain], "composite": plain}, {"video": plain})
    yield from (path, [path], {"path": path}, {"name": path, "is_file": True, "data": None})
    yield file_data(path, is_stream=True)
    yield file_data(path, url=f"{BASE}/gradio_api/file={path}")
    yield file_data("", url=f"file://{path}")
    yield file_data(f"/gradio_api/file={path}", url=f"/gradio_api/file={path}")
    yield file_data(f"file://{path}")
    yield {"url": path, "meta": {"_type": "gradio.FileData"}}
    yield json.dumps(plain)
