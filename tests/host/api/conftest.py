"""The API on a host without models, and a client that sees what a browser would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from easyphoto_video.host.api import router
from easyphoto_video.host.jobs import Jobs
from tests.host.fake import FakeHost
from tests.machine import limit, until

SECONDS = limit(60)
"""After which it hangs."""

Get = Callable[[str], dict[str, Any]]


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.fixture
def jobs(host: FakeHost) -> Iterator[Jobs]:
    jobs = Jobs(host)
    yield jobs
    jobs.stop(waiting=True)


@pytest.fixture
def app(host: FakeHost, jobs: Jobs) -> FastAPI:
    app = FastAPI()
    app.include_router(router(host, jobs))
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Inside its `with`, for else each call begins and ends a thread with an event loop."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def ended(client: TestClient) -> Get:
    """Asks for a job until it is over."""

    def ended(id: str) -> dict[str, Any]:
        def job() -> dict[str, Any]:
            return client.get(f"/easyphoto-video/jobs/{id}").json()

        until(lambda: job()["state"] not in {"queued", "running"})
        return job()

    return ended
