"""One queue for the tab and the API: requests wait their turn, run, and are remembered."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError, FacePassFailed, HostFailed, Missing, Stopped
from easyphoto_video.host.front import Host
from easyphoto_video.host.states import Progress, QueueFull, State
from easyphoto_video.logs import translated
from easyphoto_video.recipes import Result, Tools, run
from easyphoto_video.request import Request
from easyphoto_video.unfinished import Unfinished, named, taken, working
from easyphoto_video.video.place import check_writable, destination, room_needed
from easyphoto_video.watch import Watch
from easyphoto_video.work import check_room

__all__ = ["Job", "Jobs", "Progress", "QueueFull", "State", "ours", "place", "tools_of"]

REMEMBERED = 50
"""Ended jobs that can still be asked for."""
WAITING = 100
"""Most jobs that may wait."""
LEAVING = 20.0
"""Seconds that what runs has to stop when the host ends."""
LOOKS = 1.0
"""Seconds between two pictures of what is becoming."""


class Job:
    """A settled request on its way to a file. It is the watch of its own recipe."""

    def __init__(
        self,
        request: Request,
        resumed: Unfinished | None = None,
        held: ExitStack | None = None,
    ) -> None:
        """What is resumed was taken already, and `held` gives it back."""
        self.id = secrets.token_hex(8)
        self.request = request
        self._resumed = resumed
        self._held = held or ExitStack()
        self.state = State.QUEUED
        self.progress = Progress()
        self.preview: Frames | None = None
        """The last frames shown, (n, h, w, 3) uint8 RGB."""
        self.path: Path | None = None
        """Where the clip lies, when done, or when it failed and is kept without the face pass."""
        self.seconds: dict[str, float] = {}
        """By stage, when done."""
        self.scores: dict[str, Any] | None = None
        """How good the clip is, when done, as JSON has it; None where nothing was measured."""
        self.notes: tuple[str, ...] = ()
        """Sentences about the clip, when done."""
        self.frames: Frames | None = None
        """Some frames of the finished clip, evenly spread; only the newest job keeps them."""
        self.error: EasyPhotoError | None = None
        """Why it failed or stopped; there before the state says so."""
        self.changed = threading.Event()
        """Set whenever something above changed; whoever waits clears it."""
        self._lock = threading.Lock()
        """Held while the state moves on."""
        self._cancelled = threading.Event()
        self._is_stopped: Callable[[], bool] = lambda: False
        self._since = time.monotonic()
        self._looked = 0.0

    def cancel(self) -> None:
        """End at once while it waits, else as soon as the watch is next told something."""
        self._cancelled.set()
        with self._lock:
            if self.state is State.QUEUED:
                self.error, self.state = Stopped("Stopped before it began."), State.STOPPED
                self._held.close()
        self.changed.set()

    def __call__(self, stage: str, fraction: float) -> None:
        """See Watch. Raises Stopped."""
        if self._cancelled.is_set() or self._is_stopped():
            raise Stopped("Stopped.")
        now = time.monotonic()
        fraction = min(1.0, fraction)
        if stage == self.progress.stage:
            fraction = max(fraction, self.progress.fraction)
        else:
            self._since = now
        spent = now - self._since
        eta = spent / fraction - spent if fraction > 0.02 else None
        self.progress = Progress(stage, fraction, eta)
        self.changed.set()

    def wants_picture(self) -> bool:
        """See Viewer."""
        return time.monotonic() - self._looked >= LOOKS

    def show(self, frames: Frames) -> None:
        """See Viewer."""
        self.preview, self._looked = frames, time.monotonic()
        self.changed.set()

    def run(self, host: Host) -> None:
        """Wait for the turn, render and write; never raises, the state says how it ended.

        A job that was cancelled while it waited gives its turn back at once.
        """
        try:
            with host.turn(self.id):
                if not self._begin():
                    return
                self._is_stopped = host.is_stopped
                self("loading", 0.0)
                tools = tools_of(host, self, self._resumed)
                self._keep(run(self.request, tools, place(host, self.request)))
        except Stopped as error:
            self._end(State.STOPPED, error)
        except FacePassFailed as error:
            self.path = error.path
            self._end(State.FAILED, error)
        except BaseException as error:  # the WebUI's own interruption is no Exception
            self._end(State.FAILED, ours(error, self.request))
        else:
            self._end(State.DONE)

    def _begin(self) -> bool:
        """Whether it still waited and runs now."""
        with self._lock:
            if self.state.is_over:
                return False
            self.state = State.RUNNING
        self.changed.set()
        return True

    def _end(self, state: State, error: EasyPhotoError | None = None) -> None:
        """Settle how it ended, unless that is settled."""
        self.preview = None
        self._held.close()
        with self._lock:
            if not self.state.is_over:
                self.error, self.state = _bare(error), state
        self.changed.set()

    def _keep(self, result: Result) -> None:
        self.path, self.seconds, self.notes = result.path, result.seconds, result.notes
        self.scores = result.scores.to_json()
        self.frames = result.shown


class Jobs:
    """The queue. One job runs at a time, in a thread of the queue's own; first come, first run."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.RLock()
        """Held while what is below changes."""
        self._line: list[Job] = []
        """Those that run or wait, in order; some may be over already."""
        self._known: dict[str, Job] = {}
        self._worker: threading.Thread | None = None
        self._is_closed = False

    def submit(self, request: Request) -> Job:
        """Settle the request and put it into the queue.

        Raises BadRequest, BadFile and Missing when it cannot be run, and QueueFull when too many
        wait.
        """
        self._check_room()
        return self._queued(Job(self._host.settle(request)))

    def resume(self, id: str) -> Job:
        """Put unfinished work into the queue, to go on where it stopped. Raises as submit does.

        From now on it is that job's alone.
        """
        self._check_room()
        with ExitStack() as held:
            resumed = held.enter_context(taken(named(self._host.outputs, id)))
            self._host.settle(resumed.request)
            job = Job(resumed.request, resumed, held.pop_all())
        try:
            return self._queued(job)
        except BaseException:
            job.cancel()
            raise

    def _queued(self, job: Job) -> Job:
        place(self._host, job.request)
        with self._lock:
            if self._is_closed:
                raise HostFailed("The server ends. Start it again, and send the request again.")
            self._check_room()
            self._tidy()
            self._known[job.id] = job
            self._line.append(job)
            if self._worker is None:
                worker = threading.Thread(target=self._work, name="easyphoto", daemon=True)
                worker.start()
                self._worker = worker
        return job

    def get(self, id: str) -> Job:
        """The job of that id. Raises Missing."""
        with self._lock:
            job = self._known.get(id)
        if job is None:
            raise Missing(f"Job {id!r}", f"The last {REMEMBERED} jobs are remembered.")
        return job

    def all(self) -> list[Job]:
        """Every job that is remembered, oldest first."""
        with self._lock:
            return list(self._known.values())

    def cancel(self, job: Job) -> None:
        """Stop a job; one that waits ends at once, one that runs at its watch's next word."""
        job.cancel()

    def interrupt(self, ids: list[str]) -> None:
        """Stop the first of these jobs that runs, else the first that waits; nobody else's."""
        with self._lock:
            own = [job for job in self._live() if job.id in ids]
        for job in own[:1]:
            job.cancel()

    def stop(self, *, waiting: bool) -> None:
        """Stop the running job, and with `waiting` those behind it too."""
        with self._lock:
            line = self._live()
        running = [job for job in line if job.state is State.RUNNING][:1]
        for job in reversed(line) if waiting else running:  # so that none moves up meanwhile
            job.cancel()

    def close(self) -> int:
        """Stop everything for good and wait for what runs; how many jobs waited.

        Where something does not heed the stop, it is left after a while.
        """
        with self._lock:
            self._is_closed = True
            worker = self._worker
            states = [job.state for job in self._line]
        self.stop(waiting=True)
        # One that only waits for the host's turn has nothing to put away.
        if worker is not None and State.RUNNING in states:
            worker.join(LEAVING)
        return states.count(State.QUEUED)

    def position(self, job: Job) -> int:
        """How many jobs of the queue come before this one; 0 when it runs or is over."""
        with self._lock:
            line = self._live()
        return line.index(job) if job in line else 0

    def _work(self) -> None:
        while job := self._next():
            job.run(self._host)

    def _next(self) -> Job | None:
        """The next job; None when there is none, and then the thread ends."""
        with self._lock:
            self._tidy()
            if not self._line:
                self._worker = None
                return None
            return self._line[0]

    def _live(self) -> list[Job]:
        return [job for job in self._line if not job.state.is_over]

    def _check_room(self) -> None:
        with self._lock:
            waiting = sum(job.state is State.QUEUED for job in self._line)
        if waiting >= WAITING:
            raise QueueFull(waiting)

    def _tidy(self) -> None:
        """Let go of what is over, but for the last jobs and the last frames."""
        self._line = self._live()
        over = [job for job in self._known.values() if job.state.is_over]
        for job in over[: max(0, len(over) - REMEMBERED)]:
            del self._known[job.id]
        for job in [job for job in over if job.frames is not None][:-1]:
            job.frames = None


def tools_of(host: Host, watch: Watch, resumed: Unfinished | None = None) -> Tools:
    """What a host's recipes work with; unfinished work lies beside its finished clips.

    What is resumed is `taken` already.
    """
    return Tools(
        engine=host.engine,
        watch=watch,
        cast=host.cast,
        between=host.between,
        work=lambda request: working(host.outputs, request, resumed),
    )


def place(host: Host, request: Request, out: Path | None = None) -> Path:
    """Where the clip of a settled request goes: see `destination`.

    The queue asks twice: when the request comes, so that it is refused before it waits, and when it
    runs, for its number. Raises BadRequest when it cannot be written.
    """
    path = destination(out, host.outputs, request.format, str(request.seed))
    size = request.width, request.height, request.frames * request.interpolation
    check_writable(path, room_needed(request.format, *size))
    check_room(host.outputs, request)
    return path


def ours(error: BaseException, request: Request | None = None) -> EasyPhotoError:
    """An error of the house; what we did not foresee is logged, see `translated`."""
    return translated(error, request and request.to_json())


def _bare(error: EasyPhotoError | None) -> EasyPhotoError | None:
    """The error without the places that it came through, whose variables may be whole models."""
    link: BaseException | None = error
    while link:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error
