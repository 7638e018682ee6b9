"""The page's server: the tab and the API on one port, or why not."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from easyphoto_video.host.jobs import Jobs, State
from easyphoto_video.host.library import Library
from easyphoto_video.host.places import PROGRAM
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.standalone.gate.gate import Gate
from easyphoto_video.host.standalone.page import application, leave
from easyphoto_video.host.standalone.train.run import Runs
from easyphoto_video.host.standalone.train.workshop import Workshop
from easyphoto_video.request import Text2Video
from tests.host.fake import FakeHost


def client_of(data_dir: Path) -> TestClient:
    async def served() -> Gate:
        """Inside a loop, for else gradio makes one and leaves it open."""
        host = FakeHost(data_dir)
        return application(host, Jobs(host), local=True)

    return TestClient(asyncio.run(served()), base_url="http://127.0.0.1")


def test_the_page_and_the_api_share_a_port(tmp_path: Path) -> None:
    with client_of(tmp_path) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "EasyPhoto Video" in page.text
        assert "switch_to_easyphoto_video" in page.text
        assert client.get("/easyphoto-video/schema").status_code == 200
        assert client.get("/easyphoto-video/nothing").status_code == 404


def test_gradio_serves_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    outputs = tmp_path / "outputs" / "easyphoto-video"
    outputs.mkdir(parents=True)
    (outputs / "a.gif").write_bytes(b"GIF89a")
    with client_of(tmp_path) as client:
        for path in (outputs / "a.gif", tmp_path / "secret.txt", PROGRAM / "launch.py"):
            answer = client.get(f"/gradio_api/file={path}")
            assert answer.status_code == 404
            assert str(path.parent) not in answer.text


def test_a_port_that_is_taken_is_said(loopback: None, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["page", "--port", str(port)]) == 2
    assert f"--port: {port} cannot be used" in capsys.readouterr().err
    assert main(["page", "--port", "70000"]) == 2


def test_the_end_says_what_is_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = FakeHost(tmp_path)
    jobs, runs = Jobs(host), Runs(host, Workshop(library=Library(tmp_path)))
    with host.models:
        made = [jobs.submit(Text2Video(frames=1, format="gif")) for _ in range(3)]
        leave(jobs, runs)
    assert "3 waiting job(s) are forgotten" in capsys.readouterr().err
    assert {job.state for job in made} == {State.STOPPED}
    leave(jobs, runs)
    assert capsys.readouterr().err == ""
