"""The API on the stand-alone host: the clip of the command line, and no file but those offered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

pytest.importorskip("diffusers")

from easyphoto_video.clip import Frames
from easyphoto_video.host.api import router
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.host.standalone.job import Job, render
from easyphoto_video.modes.registry import request_from
from tests.host.api.validator import is_valid
from tests.host.standalone.small import write_library

POST = "/easyphoto-video/text2video"
SMALL: dict[str, Any] = {
    "checkpoint": "tiny",
    "motion": "mm_v2",
    "loras": ["strong:0.5"],
    "width": 64,
    "height": 64,
    "frames": 3,
    "steps": 2,
    "seed": 5,
    "format": "png",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[TestClient]:
    host = StandaloneHost(data, "cpu", "fp32", paths=False)
    jobs = Jobs(host)
    app = FastAPI()
    app.include_router(router(host, jobs))
    yield TestClient(app, raise_server_exceptions=False)
    jobs.stop(waiting=True)


def pictures(folder: Path) -> Frames:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def test_api_and_command_line_make_the_same_clip(client: TestClient, data: Path) -> None:
    made = client.post(f"{POST}?wait=true", json=SMALL).json()
    assert made["state"] == "done", made["error"]
    request = request_from({"mode": "text2video", **SMALL})
    told = render(Job(request, data, device="cpu", precision="fp32"))
    assert told["request"] == made["request"]
    ours, theirs = (
        pictures(data / "outputs" / "easyphoto-video" / Path(path).name)
        for path in (made["file"], told["path"])
    )
    assert ours.shape == (3, 64, 64, 3)
    assert np.array_equal(ours, theirs)
    assert Path(told["path"]).name == "00002-5"


def test_the_schema_offers_the_files_and_the_settled_request_is_valid(client: TestClient) -> None:
    schema = client.get("/easyphoto-video/schema").json()
    offered = schema["$defs"]["text2video"]["properties"]
    assert "tiny.safetensors" in offered["checkpoint"]["enum"]
    assert offered["motion"]["enum"][:3] == ["auto", "none", "embedded"]
    made = client.post(f"{POST}?wait=true", json=SMALL).json()
    assert made["request"]["checkpoint"] == "tiny.safetensors"
    assert is_valid(made["request"], schema)


@pytest.mark.parametrize(
    "field", ["checkpoint", "vae", "motion", "loras", "motion_loras", "prompt"]
)
@pytest.mark.parametrize(
    "name",
    [
        "../../../secret.safetensors",
        "{data}/secret.safetensors",
        "a\0b",
    ],
)
def test_no_name_leads_out_of_its_folder(
    client: TestClient, data: Path, field: str, name: str
) -> None:
    (data / "secret.safetensors").write_bytes(
        (data / "models" / "Lora" / "strong.safetensors").read_bytes()
    )
    name = name.replace("{data}", str(data))
    value: Any = [name] if field.endswith("loras") else name
    value = f"a cat <lora:{name}:1>" if field == "prompt" else value
    answer = client.post(POST, json={**SMALL, field: value})
    assert answer.status_code == 422
    assert answer.json()["kind"] in {"Missing", "BadRequest"}
    assert "its path" not in answer.json()["error"]


@pytest.mark.parametrize("prompt", ["(" * 20_000, "[" * 20_000, "[a:" * 6000, "<lora:" * 3000])
def test_no_prompt_is_too_deep(client: TestClient, prompt: str) -> None:
    answer = client.post(POST, json={**SMALL, "prompt": prompt, "frames": 1, "steps": 1})
    assert answer.status_code in {202, 422}, answer.text
    client.delete(f"/easyphoto-video/jobs/{answer.json().get('id')}")
