"""A training in the background: what a page may ask of it at any time, and its stop.

It has a thread of its own, and one turn with the clips: they wait for each other, first come first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError, HostFailed, Stopped
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host.front import Host
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.workshop import Ears, Trained, Workshop
from easyphoto_video.logs import translated
from easyphoto_video.watch import Watch

LEAVING = 20.0
"""Seconds that a training has to stop when the host ends."""


class Run:
    """One training in a thread of its own, in the host's turn; a Viewer too."""

    def __init__(self, host: Host, workshop: Workshop) -> None:
        self._host = host
        self._workshop = workshop
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        """Held while it begins or ends."""
        self._has_begun = self._is_over = False
        self.stage, self.fraction = "waiting", 0.0
        self.photos: Sequence[Photo] = ()
        self.note = ""
        self.pictures: Frames | None = None
        """The last validation, (n, s, s, 3) uint8 RGB."""
        self.error: EasyPhotoError | None = None
        self.trained: Trained | None = None

    @property
    def is_over(self) -> bool:
        """Whether it ended, one way or the other."""
        return self._is_over

    def start(self, request: TrainRequest, files: Sequence[str], *, restart: bool) -> None:
        """Begin, or go on with, the training of these photos."""
        self._thread = threading.Thread(
            target=self._run, args=(request, files, restart), name="train", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End at once while it waits for its turn, else soon; its checkpoints stay."""
        self._stopping.set()
        with self._lock:
            if not self._has_begun and not self._is_over:
                self.error, self._is_over = Stopped("Stopped before it began."), True

    def join(self, seconds: float) -> None:
        """Wait so long, at most, until it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def __call__(self, stage: str, fraction: float, /) -> None:
        """See Watch."""
        if self._stopping.is_set():
            raise Stopped("Stopped.")
        self.stage, self.fraction = stage, fraction

    def wants_picture(self) -> bool:
        """See Viewer."""
        return True

    def show(self, frames: Frames) -> None:
        """See Viewer."""
        self.pictures = frames

    def _run(self, request: TrainRequest, files: Sequence[str], restart: bool) -> None:
        try:
            with self._host.turn("train"):
                if self._begins():
                    self._train(request, [Path(file) for file in files], restart)
        except Exception as error:
            # Without its frames, which hold the networks.
            self.error = translated(error, request.to_json()).with_traceback(None)
        self._is_over = True

    def _begins(self) -> bool:
        """Whether nobody stopped it while it waited."""
        with self._lock:
            self._has_begun = not self._is_over
            return self._has_begun

    def _train(self, request: TrainRequest, files: Sequence[Path], restart: bool) -> None:
        watch: Watch = self
        ears = Ears(watch=watch, photos=self._table, note=self._said)
        self.trained = self._workshop.train(request, files, ears, restart=restart)

    def _table(self, photos: Sequence[Photo]) -> None:
        self.photos = photos

    def _said(self, note: str) -> None:
        self.note = note


class Runs:
    """The trainings of a page: one at a time."""

    def __init__(self, host: Host, workshop: Workshop) -> None:
        self._host = host
        self._workshop = workshop
        self._lock = threading.Lock()
        """Held while one is looked at and begun, so that two presses begin no two."""
        self._is_closed = False
        self.last: Run | None = None
        """Also when the page was left meanwhile."""

    def running(
        self, request: Callable[[], tuple[TrainRequest, Sequence[str]]], restart: bool
    ) -> Run:
        """The one that runs or waits, else a new one of that request; raises what that does."""
        with self._lock:
            if self._is_closed:
                raise HostFailed("The server ends. Start it again; the same training goes on.")
            if self.last is None or self.last.is_over:
                asked, files = request()
                self.last = Run(self._host, self._workshop)
                self.last.start(asked, files, restart=restart)
            return self.last

    def stop(self) -> None:
        """Stop what runs or waits; the same again goes on."""
        if self.last is not None:
            self.last.stop()

    def close(self) -> None:
        """Stop for good and wait for the end; where nothing heeds the stop it is left."""
        with self._lock:
            self._is_closed = True
        self.stop()
        if self.last is not None:
            self.last.join(LEAVING)
