"""The stand-alone engine: opens sessions that draw with the models of a library."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Session, Shot
from easyphoto_video.host.library import Library
from easyphoto_video.watch import Watch, unwatched

if TYPE_CHECKING:
    from easyphoto_video.host.standalone.studio import Studio


class StandaloneEngine:
    """See Engine. Keeps the last models it used, so that the next session finds them ready.

    `device` and `precision` as in `device.target`.
    """

    @property
    def controls(self) -> frozenset[str]:
        """See Engine."""
        from easyphoto_video.unet.controls import KINDS

        return frozenset(KINDS)

    def __init__(self, library: Library, device: str = "auto", precision: str = "auto") -> None:
        self._library = library
        self._wish = (device, precision)
        self._studio: Studio | None = None

    @contextmanager
    def open(self) -> Iterator[Session]:
        """See Engine."""
        with ExitStack() as held:
            yield _Lazy(self, held)

    def release(self) -> None:
        """See Engine."""
        if self._studio is None:
            return
        self._studio = None
        import torch  # it is there already

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def studio(self) -> Studio:
        """The models; made at the first shot, because torch and diffusers take seconds and the
        watch should know by then."""
        if self._studio is None:
            from easyphoto_video.host.standalone.device import target
            from easyphoto_video.host.standalone.studio import Studio

            self._studio = Studio(self._library, target(*self._wish))
        return self._studio


class _Lazy:
    """See Session. Its studio is opened with the first shot."""

    def __init__(self, engine: StandaloneEngine, held: ExitStack) -> None:
        self._engine = engine
        self._held = held
        self._session: Session | None = None

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Session."""
        watch("loading", 0.0)
        if self._session is None:
            self._session = self._held.enter_context(self._engine.studio().open())
        return self._session.render(shot, watch)
