"""The stand-alone engine: renders shots with the models of a library."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.host.library import Library
from easyphoto_video.watch import Watch, unwatched

if TYPE_CHECKING:
    from easyphoto_video.host.standalone.studio import Studio


class StandaloneEngine:
    """See Engine. Keeps the last models it used, so that the next render finds them ready.

    `device` and `precision` as in `device.target`.
    """

    def __init__(self, library: Library, device: str = "auto", precision: str = "auto") -> None:
        self._library = library
        self._wish = (device, precision)
        self._studio: Studio | None = None

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Engine. The stages are loading, encoding (with a start), denoising and decoding."""
        watch("loading", 0.0)
        if self._studio is None:
            # Here, because torch and diffusers take seconds and the watch should know by then.
            from easyphoto_video.host.standalone.device import target
            from easyphoto_video.host.standalone.studio import Studio

            self._studio = Studio(self._library, target(*self._wish))
        return self._studio.render(shot, watch)

    def release(self) -> None:
        """Let the models go; the next render loads them again."""
        if self._studio is None:
            return
        self._studio = None
        import torch  # it is there already

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
