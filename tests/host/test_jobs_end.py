"""Work is resumed once, nothing is discarded under it, and what ends gives back what it had."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video import recipes
from easyphoto_video.engine import Shot
from easyphoto_video.errors import BadFile, BadRequest, FacePassFailed, HostFailed, Missing
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host import jobs as queue
from easyphoto_video.host.jobs import Job, Jobs, State
from easyphoto_video.unfinished import discard, taken, unfinished
from tests.fake_engine import FakeEngine, plain
from tests.host.fake import FakeHost
from tests.host.test_jobs import GatedEngine, ended, request, until

LONG = {"frames": 24, "span": 8, "span_overlap": 0, "seed": 5}


class Failing(FakeEngine):
    """Fails at the second span."""

    def __init__(self) -> None:
        super().__init__(self._paint)

    def _paint(self, shot: Shot, frame: int) -> np.ndarray:
        if shot.first:
            raise BadFile("film.safetensors", "it is gone", "Put it back.")
        return plain(shot, frame)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path, Failing())


@pytest.fixture
def id(host: FakeHost) -> str:
    """Work of which a span is done."""
    assert ended(Jobs(host).submit(request(**LONG))).state is State.FAILED
    host.engine = FakeEngine()
    (found,) = unfinished(host.outputs)
    return found.id


def test_work_is_resumed_once_though_it_is_asked_for_often(host: FakeHost, id: str) -> None:
    jobs = Jobs(host)
    accepted: list[Job] = []
    refused: list[BadRequest] = []

    def resume() -> None:
        try:
            accepted.append(jobs.resume(id))
        except BadRequest as error:
            refused.append(error)

    with host.models:
        threads = [threading.Thread(target=resume) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(accepted), len(refused)) == (1, 7)
        assert "waits for its turn" in str(refused[0])
        assert unfinished(host.outputs) == []
        with pytest.raises(BadRequest, match="waits for its turn"):
            discard(host.outputs, id)
    assert ended(accepted[0]).state is State.DONE
    with pytest.raises(Missing):
        jobs.resume(id)
    until(lambda: not (host.outputs / ".unfinished").exists())


def test_who_gives_up_waiting_gives_the_work_back(host: FakeHost, id: str) -> None:
    jobs = Jobs(host)
    with host.models:
        jobs.cancel(jobs.resume(id))
        (found,) = unfinished(host.outputs)
        again = jobs.resume(found.id)
    assert ended(again).state is State.DONE


def test_what_cannot_wait_gives_the_work_back(
    host: FakeHost, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "place", lambda *rest: (_ for _ in ()).throw(HostFailed("full")))
    with pytest.raises(HostFailed, match="full"):
        Jobs(host).resume(id)
    with taken(unfinished(host.outputs)[0]):
        pass


def test_the_end_stops_what_runs_and_counts_what_waits(tmp_path: Path) -> None:
    host = FakeHost(tmp_path, GatedEngine())
    jobs = Jobs(host)
    assert jobs.close() == 0
    jobs = Jobs(host)
    made = [jobs.submit(request()) for _ in range(3)]
    until(lambda: made[0].state is State.RUNNING)
    closing = threading.Thread(target=lambda: counted.append(jobs.close()))
    counted: list[int] = []
    closing.start()
    until(lambda: made[2].state is State.STOPPED)
    assert isinstance(host.engine, GatedEngine)
    host.engine.permits.release(10)
    closing.join()
    assert counted == [2]
    assert {job.state for job in made} == {State.STOPPED}
    with pytest.raises(HostFailed, match="The server ends"):
        jobs.submit(request())
    assert list(host.outputs.iterdir()) == []


def test_a_clip_whose_faces_fail_is_kept_and_can_be_had(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*rest: object) -> None:
        raise BadFile("pack.onnx", "it is damaged", "Fetch it again.")

    host.engine = FakeEngine()
    host.faces = lambda request: Cast.__new__(Cast)
    monkeypatch.setattr(recipes, "with_faces", fail)
    job = ended(Jobs(host).submit(request(format="gif")))
    assert job.state is State.FAILED
    assert isinstance(job.error, FacePassFailed)
    assert job.path is not None
    assert job.path == job.error.path
    assert job.path.is_file()
