"""The motion module of a scene, with its motion LoRAs, and the last one again without reading."""

from __future__ import annotations

from pathlib import Path

from easyphoto_video.engine import Scene
from easyphoto_video.host.library import MOTION_LORAS, MOTIONS, Library
from easyphoto_video.motion.lora import read_motion_lora, with_lora
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.read import read_motion
from easyphoto_video.request import NONE

Key = tuple[object, ...]


class MotionShelf:
    """Holds one motion module; files that changed are read again."""

    def __init__(self) -> None:
        self._held: tuple[Key, Motion] | None = None

    def of(self, scene: Scene, library: Library) -> Motion | None:
        """The scene's motion, without gradients; None when every frame stands alone.

        Raises BadRequest, BadFile and Missing.
        """
        if scene.motion == NONE:
            return None
        path = library.find(MOTIONS, scene.motion)
        loras = [(library.find(MOTION_LORAS, x.name), x.weight) for x in scene.motion_loras]
        key = (stamps(path, *(file for file, _ in loras)), tuple(weight for _, weight in loras))
        if self._held is None or self._held[0] != key:
            self._held = None  # before the next is read, so that memory holds one only
            motion = read_motion(path)
            for file, weight in loras:
                motion = with_lora(motion, read_motion_lora(file), weight)
            self._held = (key, motion.eval().requires_grad_(False))
        return self._held[1]

    def clear(self) -> None:
        """Let the module go."""
        self._held = None


def stamps(*paths: Path | None) -> Key:
    """What tells whether files are still the same."""
    return tuple(
        (path, path.stat().st_mtime_ns) if path and path.exists() else path for path in paths
    )
