"""A small network in OpenCV's dnn, whose calls are counted."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video.errors import BadFile
from easyphoto_video.face_files import COMMAND
from easyphoto_video.faces.face import Floats

STEP = f"Bring it anew: {COMMAND}"


class Net:
    """A .tflite file as a function of one picture. May be called from several threads."""

    def __init__(self, file: Path) -> None:
        # OpenCV 5's own engine shows one output only.
        engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
        extra = () if engine is None or cv2.__version__.startswith("4") else (engine,)
        try:
            self._net = cv2.dnn.readNetFromTFLite(str(file), *extra)
            self._names = tuple(self._net.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise BadFile(file, "OpenCV cannot read it as a .tflite model", STEP) from error
        self._lock = threading.Lock()
        self.calls = 0
        """How often it was asked."""

    def __call__(self, picture: Floats) -> dict[str, Floats]:
        """The outputs by name for (H, W, 3) float32 RGB of the network's own size and range."""
        blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
        with self._lock:
            self.calls += 1
            self._net.setInput(blob)
            found = self._net.forward(self._names)
        return {
            name: np.array(out, np.float32) for name, out in zip(self._names, found, strict=True)
        }
