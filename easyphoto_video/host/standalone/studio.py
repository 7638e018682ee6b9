"""A studio: a library's models on one device, and the sessions that draw with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from easyphoto_video.engine import Scene
from easyphoto_video.host.library import CHECKPOINTS, VAES, Library
from easyphoto_video.host.shelf import Key, MotionShelf, stamps
from easyphoto_video.host.standalone import lean as lean  # first, see there
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.model.swift import Kernels
from easyphoto_video.host.standalone.session import StandaloneSession
from easyphoto_video.motion.module import Motion
from easyphoto_video.request import AUTO


class Studio:
    """Keeps the last models and the last motion module for the next session."""

    def __init__(self, library: Library, target: Target) -> None:
        self.library = library
        self.target = target
        self.kernels = Kernels()
        self._models: tuple[Key, Models] | None = None
        self._motions = MotionShelf()

    @contextmanager
    def open(self) -> Iterator[StandaloneSession]:
        """See Engine."""
        session = StandaloneSession(self)
        try:
            yield session
        finally:
            session.close()

    def models(self, scene: Scene) -> Models:
        """The networks of a scene; the last ones again if their files are the same."""
        checkpoint = self.library.find(CHECKPOINTS, scene.checkpoint)
        vae = None if scene.vae == AUTO else self.library.find(VAES, scene.vae)
        key = stamps(checkpoint, checkpoint.with_suffix(".yaml"), vae)
        if self._models is None or self._models[0] != key:
            self._models = None  # before the next are read, so that memory holds one only
            self._models = (key, load_models(checkpoint, vae, self.target))
        return self._models[1]

    def motion(self, scene: Scene) -> Motion | None:
        """The motion module of a scene on its device; None when every frame stands alone."""
        motion = self._motions.of(scene, self.library)
        return motion and motion.to(self.target.device, self.target.dtype)
