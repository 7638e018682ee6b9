"""One queue for the tab and the API: requests wait their turn, run, and are remembered."""

from __future__ import annotations

import secrets
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, EasyPhotoError, HostFailed, Missing, Stopped
from easyphoto_video.host.front import Host
from easyphoto_video.recipes import Result, Tools, run
from easyphoto_video.request import Text2Video
from easyphoto_video.video.place import check_writable, destination, room_needed

REMEMBERED = 50
"""Ended jobs that can still be asked for."""
WAITING = 100
"""Most jobs that may wait."""
SHOWN = 64
"""Most frames that a job keeps of its clip."""
LOOKS = 1.0
"""Seconds between two pictures of what is becoming."""


class State(str, Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.FAILED, State.STOPPED)


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    stage: str = ""
    """As the watch names it: loading, encoding, denoising, decoding, writing."""
    fraction: float = 0.0
    """Of the stage, 0..1."""
    eta: float | None = None
    """Seconds until the stage ends, None before there is a guess."""


class Job:
    """A settled request on its way to a file. It is the watch of its own recipe."""

    def __init__(self, request: Text2Video) -> None:
        self.id = secrets.token_hex(8)
        self.request = request
        self.state = State.QUEUED
        self.progress = Progress()
        self.preview: Frames | None = None
        """The last frames shown, (n, h, w, 3) uint8 RGB."""
        self.path: Path | None = None
        """Where the finished clip lies."""
        self.seconds: dict[str, float] = {}
        """By stage, when done."""
        self.frames: Frames | None = None
        """Some frames of the finished clip, evenly spread; only the newest job keeps them."""
        self.error: EasyPhotoError | None = None
        self.changed = threading.Event()
        """Set whenever something above changed; whoever waits clears it."""
        self._cancelled = threading.Event()
        self._is_stopped: Callable[[], bool] = lambda: False
        self._since = time.monotonic()
        self._looked = 0.0

    def cancel(self) -> None:
        """Stop as soon as the watch is next told something."""
        self._cancelled.set()
        self.changed.set()

    def __call__(self, stage: str, fraction: float) -> None:
        """See Watch. Raises Stopped."""
        if self._cancelled.is_set() or self._is_stopped():
            raise Stopped("Stopped.")
        now = time.monotonic()
        if stage != self.progress.stage:
            self._since = now
        spent = now - self._since
        eta = spent / fraction - spent if fraction > 0.02 else None
        self.progress = Progress(stage, min(1.0, fraction), eta)
        self.changed.set()

    def wants_picture(self) -> bool:
        """See Viewer."""
        return time.monotonic() - self._looked >= LOOKS

    def show(self, frames: Frames) -> None:
        """See Viewer."""
        self.preview, self._looked = frames, time.monotonic()
        self.changed.set()

    def run(self, host: Host) -> None:
        """Wait for the turn, render and write; never raises, the state says how it ended."""
        try:
            with host.turn(self.id):
                self._is_stopped = host.is_stopped
                self.state = State.RUNNING
                self("loading", 0.0)
                tools = Tools(engine=host.engine, watch=self)
                self._keep(run(self.request, tools, _path(host, self.request)))
            self.state = State.DONE
        except Stopped as error:
            self.error, self.state = error, State.STOPPED
        except EasyPhotoError as error:
            self.error, self.state = error, State.FAILED
        except Exception as error:
            traceback.print_exc()
            self.error = HostFailed(f"{type(error).__name__}: {error}")
            self.state = State.FAILED
        finally:
            self.preview = None
            self.changed.set()

    def _keep(self, result: Result) -> None:
        self.path, self.seconds = result.path, result.seconds
        count = len(result.clip)
        stride = max(1, -(-count // SHOWN))
        self.frames = result.clip.frames[::stride].copy()


class Jobs:
    """The queue. One job runs at a time, in a thread of the queue's own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._known: dict[str, Job] = {}
        self._worker: threading.Thread | None = None

    def submit(self, request: Text2Video) -> Job:
        """Settle the request and put it into the queue.

        Raises BadRequest, BadFile and Missing when it cannot be run, and BadRequest when too many
        wait.
        """
        settled = self._host.settle(request)
        _path(self._host, settled)
        job = Job(settled)
        with self._lock:
            if len(self._waiting) >= WAITING:
                raise BadRequest(
                    "Queue", len(self._waiting), "jobs wait already", "Try again later."
                )
            self._remember(job)
            self._waiting.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="easyphoto", daemon=True)
                self._worker.start()
        return job

    def get(self, id: str) -> Job:
        """The job of that id. Raises Missing."""
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
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                job.error, job.state = Stopped("Stopped before it began."), State.STOPPED
        job.cancel()

    def stop(self, *, waiting: bool) -> None:
        """Stop the running job, and with `waiting` those behind it too."""
        for job in self.all():
            if job.state is State.RUNNING or (waiting and job.state is State.QUEUED):
                self.cancel(job)

    def position(self, job: Job) -> int:
        """How many jobs of the queue come before this one; 0 when it runs or is over."""
        with self._lock:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def _work(self) -> None:
        while job := self._next():
            job.run(self._host)

    def _next(self) -> Job | None:
        """The next job; None when there is none, and then the thread ends."""
        with self._lock:
            if not self._waiting:
                self._worker = None
                return None
            return self._waiting.popleft()

    def _remember(self, job: Job) -> None:
        self._known[job.id] = job
        over = [old for old in self._known.values() if old.state.is_over]
        for old in over[: max(0, len(over) - REMEMBERED)]:
            del self._known[old.id]
        for old in over[:-1]:
            old.frames = None


def _path(host: Host, request: Text2Video) -> Path:
    """Where the clip of a settled request goes. Raises BadRequest when it cannot be written."""
    path = destination(None, host.outputs, request.format, str(request.seed))
    need = room_needed(request.format, request.width, request.height, request.frames)
    check_writable(path, need)
    return path
