"""The queue: one job at a time, in order; each ends in one state, and cancelling never waits."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video import finishing
from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import BadFile, BadRequest, HostFailed, Missing, OutOfMemory, Stopped
from easyphoto_video.host import jobs as queue
from easyphoto_video.host.jobs import Job, Jobs, QueueFull, State, ours
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.watch import Viewer, Watch, unwatched, wants_picture
from tests.fake_engine import FakeEngine, plain
from tests.host.fake import FIRST_SEED, FakeHost
from tests.machine import limit, until

SECONDS = limit(60)


class GatedEngine(FakeEngine):
    """Renders one frame for each permit, so that a test decides how far a job comes."""

    def __init__(self) -> None:
        super().__init__(self._paint)
        self.permits = threading.Semaphore(0)
        self.painted = 0

    def _paint(self, shot: Shot, frame: int) -> Frames:
        assert self.permits.acquire(timeout=SECONDS)
        self.painted += 1
        return plain(shot, frame)


class FailingEngine(FakeEngine):
    """Raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        raise self.error


def request(**values: Any) -> Text2Video:
    return Text2Video(**{"frames": 4, "format": "png", **values})


def ended(job: Job) -> Job:
    until(lambda: job.state.is_over)
    return job


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.fixture
def engine(host: FakeHost) -> Iterator[GatedEngine]:
    engine = GatedEngine()
    host.engine = engine
    yield engine
    engine.permits.release(1000)


def test_a_job_becomes_a_file_with_its_request_settled(host: FakeHost) -> None:
    job = ended(Jobs(host).submit(request(format="gif")))
    assert (job.state, job.error) == (State.DONE, None)
    assert job.path == host.outputs / f"00001-{FIRST_SEED}.gif"
    assert (host.outputs / f"00001-{FIRST_SEED}.gif").stat().st_size > 0
    assert (job.request.mark, job.request.width) == (str(FIRST_SEED), 64)
    assert job.frames is not None
    assert job.frames.shape == (4, 64, 64, 3)
    assert set(job.seconds) == {"denoising", "scoring", "writing"}
    assert host.turns == [job.id]


def test_jobs_run_one_by_one_in_order_and_are_numbered(host: FakeHost) -> None:
    jobs = Jobs(host)
    with host.models:
        made = [jobs.submit(request(seed=seed)) for seed in (7, 8, 9)]
        assert [jobs.position(job) for job in made] == [0, 1, 2]
        assert {job.state for job in made} == {State.QUEUED}
    assert [ended(job).path for job in made] == [
        host.outputs / name for name in ("00001-7", "00002-8", "00003-9")
    ]
    assert host.turns == [job.id for job in made]
    assert jobs.all() == made
    assert [jobs.position(job) for job in made] == [0, 0, 0]


def test_jobs_of_many_threads_are_not_mixed(host: FakeHost) -> None:
    inside: list[int] = []

    def paint(shot: Shot, frame: int) -> Frames:
        inside.append(shot.seed)
        return np.full((shot.height, shot.width, 3), shot.seed, np.uint8)

    host.engine = FakeEngine(paint)
    jobs = Jobs(host)
    made: list[Job] = []
    threads = [
        threading.Thread(target=lambda seed=seed: made.append(jobs.submit(request(seed=seed))))
        for seed in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ended(job).state for job in made} == {State.DONE}
    assert inside == [seed for seed in dict.fromkeys(inside) for _ in range(4)]
    assert len({job.path for job in made}) == 12


def test_what_cannot_be_run_is_refused_before_it_waits(host: FakeHost) -> None:
    jobs = Jobs(host)
    with pytest.raises(Missing, match="checkpoint 'none such'"):
        jobs.submit(request(checkpoint="none such"))
    host.outputs.parent.mkdir(parents=True)
    host.outputs.touch()
    with pytest.raises(BadRequest, match="Output"):
        jobs.submit(request())
    assert jobs.all() == []


def test_too_many_waiting_are_refused(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "WAITING", 2)
    jobs = Jobs(host)
    with host.models:
        first, second = jobs.submit(request()), jobs.submit(request())
        with pytest.raises(QueueFull, match="2 jobs wait already"):
            jobs.submit(request())
        jobs.cancel(second)
        third = jobs.submit(request())
    assert ended(first).state is ended(third).state is State.DONE


def test_a_job_that_waits_behind_another_stops_at_once(host: FakeHost, engine: GatedEngine) -> None:
    jobs = Jobs(host)
    first, second, third = (jobs.submit(request()) for _ in range(3))
    until(lambda: first.state is State.RUNNING)
    jobs.cancel(second)
    assert second.state is State.STOPPED
    assert isinstance(second.error, Stopped)
    assert [jobs.position(job) for job in (first, second, third)] == [0, 0, 1]
    engine.permits.release(8)
    assert ended(third).state is State.DONE
    assert host.turns == [first.id, third.id]


def test_a_job_that_waits_for_the_models_stops_at_once(host: FakeHost) -> None:
    jobs = Jobs(host)
    with host.models:
        first, second = jobs.submit(request()), jobs.submit(request())
        until(lambda: host.asked == [first.id])
        jobs.cancel(first)
        assert first.state is State.STOPPED
        assert jobs.position(second) == 0
    assert ended(second).state is State.DONE
    assert first.state is State.STOPPED
    assert isinstance(host.engine, FakeEngine)
    assert len(host.engine.shots) == 1


def test_a_running_job_stops_at_the_next_word_and_the_next_runs(
    host: FakeHost, engine: GatedEngine
) -> None:
    jobs = Jobs(host)
    first, second = jobs.submit(request()), jobs.submit(request())
    engine.permits.release(2)
    until(lambda: engine.painted == 2)
    jobs.cancel(first)
    engine.permits.release(1)
    assert ended(first).state is State.STOPPED
    assert (engine.painted, first.path) == (3, None)
    engine.permits.release(4)
    assert ended(second).state is State.DONE
    assert [entry.name for entry in host.outputs.iterdir()] == [f"00001-{second.request.mark}"]


def test_an_ended_job_stays_as_it_ended(host: FakeHost) -> None:
    jobs = Jobs(host)
    job = ended(jobs.submit(request()))
    jobs.cancel(job)
    assert (job.state, job.error) == (State.DONE, None)


def test_stop_takes_the_running_job_and_leaves_or_takes_those_behind(
    host: FakeHost, engine: GatedEngine
) -> None:
    jobs = Jobs(host)
    made = [jobs.submit(request()) for _ in range(3)]
    until(lambda: made[0].state is State.RUNNING)
    jobs.stop(waiting=False)
    engine.permits.release(1)
    assert ended(made[0]).state is State.STOPPED
    until(lambda: made[1].state is State.RUNNING)
    assert made[2].state is State.QUEUED
    jobs.stop(waiting=True)
    engine.permits.release(1)
    assert {ended(job).state for job in made} == {State.STOPPED}
    assert host.turns == [job.id for job in made[:2]]


def test_interrupt_takes_ones_own_and_nobody_elses(host: FakeHost, engine: GatedEngine) -> None:
    jobs = Jobs(host)
    made = [jobs.submit(request()) for _ in range(4)]
    until(lambda: made[0].state is State.RUNNING)
    jobs.interrupt([])
    jobs.interrupt(["nobody's"])
    # Who only waits takes the first of hers out of the queue.
    jobs.interrupt([made[1].id, made[3].id])
    assert [job.state for job in made] == [
        State.RUNNING,
        State.STOPPED,
        State.QUEUED,
        State.QUEUED,
    ]
    jobs.interrupt([made[2].id, made[0].id])
    engine.permits.release(9)
    states = [ended(job).state for job in made]
    assert states == [State.STOPPED, State.STOPPED, State.DONE, State.DONE]


def test_the_hosts_own_stop_button_stops_the_job_that_runs(
    host: FakeHost, engine: GatedEngine
) -> None:
    jobs = Jobs(host)
    first, second = jobs.submit(request()), jobs.submit(request())
    until(lambda: first.state is State.RUNNING)
    host.stopped = True
    engine.permits.release(5)
    assert ended(first).state is State.STOPPED
    assert ended(second).state is State.DONE


class Interruption(BaseException):
    """As the WebUI's, which is no Exception."""


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OutOfMemory("cpu", "Make fewer frames."), OutOfMemory, "fewer frames"),
        (BadFile("x.ckpt", "is a VAE", "Choose another."), BadFile, "is a VAE"),
        (RuntimeError("the sampler broke"), HostFailed, "RuntimeError: the sampler broke"),
        (MemoryError(), OutOfMemory, "Close other programs"),
        (Interruption("pressed"), HostFailed, "Interruption: pressed"),
        (SystemExit(3), HostFailed, "SystemExit: 3"),
    ],
)
def test_a_failure_is_told_and_the_next_job_runs(
    host: FakeHost, error: BaseException, kind: type[Exception], words: str
) -> None:
    good, host.engine = host.engine, FailingEngine(error)
    jobs = Jobs(host)
    job = ended(jobs.submit(request()))
    assert job.state is State.FAILED
    assert type(job.error) is kind
    assert words in str(job.error)
    host.engine = good
    assert ended(jobs.submit(request())).state is State.DONE


def test_only_what_nobody_foresaw_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    known = Missing("x", "Get it.")
    assert ours(known) is known
    assert capsys.readouterr().err == ""
    assert "please report it" in str(ours(ValueError("odd")))
    assert "ValueError: odd" in capsys.readouterr().err


def test_a_host_that_gives_no_turn_fails_the_job(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def turn(job: str) -> Iterator[None]:
        raise HostFailed("TensorRT is on. Switch it off.")
        yield

    monkeypatch.setattr(host, "turn", turn)
    job = ended(Jobs(host).submit(request()))
    assert (job.state, str(job.error)) == (State.FAILED, "TensorRT is on. Switch it off.")


def test_an_error_keeps_no_frames_alive(host: FakeHost) -> None:
    class Large:
        pass

    there: list[weakref.ref[Large]] = []

    class Engine(FakeEngine):
        def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
            large = Large()
            there.append(weakref.ref(large))
            try:
                raise ValueError(f"below {type(large).__name__}")
            except ValueError as error:
                raise HostFailed("Broken. Try again.") from error

    host.engine = Engine()
    job = ended(Jobs(host).submit(request()))
    assert isinstance(job.error, HostFailed)
    assert isinstance(job.error.__cause__, ValueError)
    gc.collect()
    until(lambda: there[0]() is None)


def test_only_the_newest_clip_and_the_last_jobs_are_kept(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "REMEMBERED", 2)
    jobs = Jobs(host)
    with host.models:
        made = [jobs.submit(request(frames=1)) for _ in range(4)]
    until(lambda: jobs.all() == made[2:])
    assert [job.frames is not None for job in made] == [False, False, False, True]
    with pytest.raises(Missing, match="last 2 jobs"):
        jobs.get(made[0].id)
    assert jobs.get(made[3].id) is made[3]


def test_a_long_clip_is_shown_by_some_of_its_frames(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_shown(host, 130) == 44
    monkeypatch.setattr(finishing, "SHOWN_BYTES", 10 * 64 * 64 * 3)
    assert count_shown(host, 30) == 10
    monkeypatch.setattr(finishing, "SHOWN_BYTES", 1)
    assert count_shown(host, 5) == 1


def count_shown(host: FakeHost, frames: int) -> int:
    job = ended(Jobs(host).submit(request(frames=frames, format="gif")))
    assert job.frames is not None
    assert job.frames.base is None
    return len(job.frames)


@given(st.lists(st.tuples(st.sampled_from(["loading", "denoising"]), st.floats(0, 2))))
def test_progress_never_falls_within_a_stage(words: list[tuple[str, float]]) -> None:
    job = Job(request())
    for stage, fraction in words:
        before = job.progress
        job(stage, fraction)
        assert job.progress.stage == stage
        assert 0 <= job.progress.fraction <= 1
        assert stage != before.stage or job.progress.fraction >= before.fraction
        assert job.progress.eta is None or job.progress.eta >= 0
        assert job.changed.is_set()


def test_a_job_looks_at_a_picture_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(request())
    assert isinstance(job, Viewer)
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    assert wants_picture(job)
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    job.show(picture)
    assert job.preview is picture
    assert not wants_picture(job)


def show(watch: Watch) -> None:
    assert isinstance(watch, Viewer)
    watch.show(np.zeros((1, 8, 8, 3), np.uint8))


def test_a_finished_job_has_no_preview(host: FakeHost) -> None:
    class Engine(FakeEngine):
        def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
            show(watch)
            return super().render(shot, watch)

    host.engine = Engine()
    assert ended(Jobs(host).submit(request())).preview is None


def test_a_state_prints_as_its_word() -> None:
    assert f"{State.DONE} {State.DONE!s}" == "done done"
    assert [state.value for state in State if state.is_over] == ["done", "failed", "stopped"]
