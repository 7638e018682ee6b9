"""A training in the background: what a page may ask of it at any time, and its stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError, Stopped
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host.front import Host
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.workshop import Ears, Trained, Workshop
from easyphoto_video.logs import translated
from easyphoto_video.watch import Watch


class Run:
    """One training in a thread of its own, in the host's turn; a Viewer too."""

    def __init__(self, host: Host, workshop: Workshop) -> None:
        self._host = host
        self._workshop = workshop
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
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
        return self._thread is not None and not self._thread.is_alive()

    def start(self, request: TrainRequest, files: Sequence[str], *, restart: bool) -> None:
        """Begin, or go on with, the training of these photos."""
        self._thread = threading.Thread(
            target=self._run, args=(request, files, restart), name="train", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let it end soon; its checkpoints stay."""
        self._stopping.set()

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
        watch: Watch = self
        ears = Ears(watch=watch, photos=self._table, note=self._said)
        try:
            with self._host.turn("train"):
                paths = [Path(file) for file in files]
                self.trained = self._workshop.train(request, paths, ears, restart=restart)
        except Exception as error:
            # Without its frames, which hold the networks.
            self.error = translated(error, request.to_json()).with_traceback(None)

    def _table(self, photos: Sequence[Photo]) -> None:
        self.photos = photos

    def _said(self, note: str) -> None:
        self.note = note
