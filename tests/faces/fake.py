"""A detector for tests that need none of the networks: faces are white squares."""

from __future__ import annotations

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Face

PLACES = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.75], [0.65, 0.75]], np.float32)
"""The five points in a box of side 1."""


class WhiteSquares:
    """A Follower. Finds white squares of 12 px and more on anything darker."""

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, picture: Frames, *, small: bool = True) -> list[Face]:
        """See Detector."""
        self.calls += 1
        white = (picture.min(axis=2) > 250).astype(np.uint8)
        _, _, found, _ = cv2.connectedComponentsWithStats(white)
        faces = [
            face_at(np.array([x, y, x + width - 1, y + height - 1], np.float32))
            for x, y, width, height, area in found[1:]
            # A background that is white itself is no square of this size.
            if 12 <= width <= 0.9 * picture.shape[1]
            and height >= 12
            and area > 0.7 * width * height
        ]
        return sorted(faces, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))

    def again(self, picture: Frames, last: Face) -> Face | None:
        """See Follower."""
        middle = (last.box[:2] + last.box[2:]) / 2
        for face in self.detect(picture):
            if (
                np.abs((face.box[:2] + face.box[2:]) / 2 - middle) < last.box[2:] - last.box[:2]
            ).all():
                return face
        return None


def face_at(box: np.ndarray) -> Face:
    """A face in an XYXY box, px."""
    box = box.astype(np.float32)
    return Face(box=box, points=box[:2] + PLACES * (box[2:] - box[:2]), score=0.9)


def picture_with(*boxes: tuple[int, int, int], size: tuple[int, int] = (512, 512)) -> Frames:
    """A grey picture of `size` (H, W) with white squares (x, y, side)."""
    picture = np.full((*size, 3), 127, np.uint8)
    for x, y, side in boxes:
        picture[y : y + side, x : x + side] = 255
    return picture
