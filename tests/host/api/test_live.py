"""The malformed calls and two jobs at once against a host that runs, given by WEBUI_URL.

python -m tools.webui --webui DIR --python EXE -- python -m pytest tests/host/api/test_live.py
"""

from __future__ import annotations

import http.client
import json
import os
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.host.api.test_malformed import CALLS, JSON, POST
from tests.machine import limit, until

URL = urlsplit(os.environ.get("WEBUI_URL", ""))
SECONDS = limit(300)
"""What takes longer hangs."""
SMALL = {"frames": 4, "steps": 2, "width": 64, "height": 64, "format": "gif"}

pytestmark = pytest.mark.skipif(not URL.hostname, reason="WEBUI_URL names no host that runs")


def call(method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON of the answer, without a client that would mend the path."""
    connection = http.client.HTTPConnection(str(URL.hostname), URL.port, timeout=SECONDS)
    try:
        with suppress(ConnectionError):  # who sends too much may be answered before the end
            connection.request(method, path, content, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def submit(**values: Any) -> dict[str, Any]:
    status, job = call("POST", POST, json.dumps({**SMALL, **values}).encode(), JSON)
    assert status == 202, job
    return job


def ended(id: str) -> dict[str, Any]:
    def job() -> dict[str, Any]:
        return call("GET", f"/easyphoto-video/jobs/{id}", b"", {})[1]

    until(lambda: job()["state"] not in {"queued", "running"}, seconds=300, pause=0.2)
    return job()


def test_malformed_calls_are_refused_and_the_next_good_one_works() -> None:
    wrong = []
    for asked in CALLS:
        status, said = call(asked.method, asked.path, asked.content, asked.headers)
        if status != asked.status or set(said) != {"error", "kind", "field"}:
            wrong.append((asked.method, asked.path, asked.content[:60], status, said))
    assert not wrong
    assert ended(submit(seed=1)["id"])["state"] == "done"


def test_jobs_are_queued_and_can_be_cancelled() -> None:
    first, second, third = (submit(seed=seed)["id"] for seed in (2, 3, 4))
    status, stopped = call("POST", f"/easyphoto-video/jobs/{third}/cancel", b"", {})
    assert (status, stopped["state"]) == (200, "stopped")
    done = [ended(id) for id in (first, second)]
    assert [job["state"] for job in done] == ["done", "done"]
    assert done[0]["file"] < done[1]["file"]
