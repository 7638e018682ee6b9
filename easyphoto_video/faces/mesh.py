"""BlazeFace and MediaPipe's face mesh: boxes, five points and 468 dense points, and following.

Mesh: Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, 2019
(arXiv 1907.06724), and MediaPipe's face_landmark graph; its numbering is that of
canonical_face_model_uv_visualization.png there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import Missing
from easyphoto_video.face_files import COMMAND, DETECTOR, MESH, are_in
from easyphoto_video.faces.blaze import OVERLAP, Blaze, Spot, iou
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.faces.net import Net

SIDE = 192
"""px of the mesh's square input."""
ROI, WIDER = 1.5, 2.0
"""How much larger than the face the mesh's view is, and where it sees no face so. Glasses can hide
one from the first look: of 640 drawn portraits 4 are missed with it alone, with both none."""
LEAST_PRESENCE = 0.5
"""Below, the mesh itself says that there is no face."""
EYES = ((33, 133), (362, 263))
"""Outer and inner corner of the left eye, inner and outer of the right, as the picture has them."""
NOSE, MOUTH = 4, (61, 291)
TILES = ((2, 0.5), (4, 0.25))
"""For small faces: parts of the longer side that a tile is, and what of it two tiles share."""
LEAST_TILE = 160
"""px of a tile's side; in smaller ones, a face that was missed before is too coarse."""


def find_mesh_files(folders: Iterable[Path]) -> Path:
    """The first of these folders that holds both networks. Raises Missing."""
    found = next(filter(are_in, folders), None)
    if found is None:
        raise Missing(
            f"What finds faces ({DETECTOR.name}, {MESH.name})", f"Fetch it once (1.5 MB): {COMMAND}"
        )
    return found


class MeshDetector:
    """See Follower. The box of a face encloses its dense points."""

    def __init__(self, folder: Path) -> None:
        """With the folder of `find_mesh_files`; raises BadFile."""
        self._blaze = Blaze(folder / DETECTOR.name)
        self._mesh = Net(folder / MESH.name)

    @property
    def calls(self) -> int:
        """How often a model was asked."""
        return self._blaze.net.calls + self._mesh.calls

    def detect(self, picture: Frames, *, small: bool = True) -> list[Face]:
        """See Detector. With `small`, faces below 8 % of a large picture are searched for too,
        in tiles, where a look at the whole finds none: down to 3 %, with 22 calls where a picture
        of 16:9 holds no face at all, and 35 where it is a square."""
        faces = self._seen(picture, self._blaze.spots(picture))
        for parts, shared in TILES if small else ():
            side = max(picture.shape[:2]) // parts
            if faces or side < LEAST_TILE:
                break
            faces = self._seen(picture, self._in_tiles(picture, side, shared))
        return faces

    def again(self, picture: Frames, last: Face) -> Face | None:
        """See Follower."""
        view = _view_of_points(last.points if last.dense is None else last.dense, last.points)
        face = self._look(picture, view, 1.0)
        if face is None or not _is_same_place(face, last):
            return None
        return face

    def _look(self, picture: Frames, view: Floats, score: float) -> Face | None:
        """The face that the mesh sees in a view; None when it sees none."""
        seen = cv2.warpAffine(
            picture, view, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        raw = self._mesh(np.divide(seen, 255, dtype=np.float32))
        sizes = {out.size: out.reshape(-1) for out in raw.values()}
        presence = 1 / (1 + math.exp(-float(sizes[1][0])))
        if presence < LEAST_PRESENCE:
            return None
        flat = sizes[468 * 3].reshape(468, 3)[:, :2]
        dense = (flat @ view[:, :2].T + view[:, 2]).astype(np.float32)
        return Face(
            box=np.concatenate([dense.min(axis=0), dense.max(axis=0)]),
            points=five(dense),
            score=min(presence, score),
            dense=dense,
        )

    def _seen(self, picture: Frames, spots: list[Spot]) -> list[Face]:
        """The faces that the mesh sees too."""
        faces = [
            self._look(picture, _view_of_spot(spot, ROI), spot.score)
            or self._look(picture, _view_of_spot(spot, WIDER), spot.score)
            for spot in spots
        ]
        return _apart([face for face in faces if face is not None])

    def _in_tiles(self, picture: Frames, side: int, shared: float) -> list[Spot]:
        """What is found in overlapping squares, in px of the picture."""
        height, width = picture.shape[:2]
        starts = itertools.product(_starts(width, side, shared), _starts(height, side, shared))
        found: list[Spot] = []
        for x, y in starts:
            corner = np.array([x, y], np.float32)
            for spot in self._blaze.spots(picture[y : y + side, x : x + side]):
                box = spot.box + np.tile(corner, 2)
                if all(iou(box, other.box) < OVERLAP for other in found):
                    points = spot.points + corner
                    found.append(Spot(box=box, points=points, score=spot.score))
        return found


def _starts(length: int, side: int, shared: float) -> list[int]:
    """Where tiles begin along a length that they cover, px."""
    rest = max(0, length - side)
    count = 1 + math.ceil(rest / (side * (1 - shared)))
    return [round(start) for start in np.linspace(0, rest, count)]


def five(dense: Floats) -> Floats:
    """(468, 2) dense points -> (5, 2), see FIVE."""
    eyes = [dense[list(corners)].mean(axis=0) for corners in EYES]
    return np.stack([*eyes, dense[NOSE], *dense[list(MOUTH)]]).astype(np.float32)


def _view_of_spot(spot: Spot, roi: float) -> Floats:
    corners = spot.box.reshape(2, 2)
    return _view(corners.mean(axis=0), spot.points[:2], corners, roi)


def _view_of_points(points: Floats, eyes: Floats) -> Floats:
    """The view around points, upright along the eyes."""
    along = eyes[1] - eyes[0]
    angle = math.atan2(float(along[1]), float(along[0]))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    upright = points @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    corners = np.stack([low, high])
    return _view(((low + high) / 2) @ turn, eyes[:2], corners, ROI)


def _view(centre: np.ndarray, eyes: np.ndarray, corners: np.ndarray, roi: float) -> Floats:
    """(2, 3) float32: from the mesh's input to the picture, for a box of that size there."""
    along = eyes[1] - eyes[0]
    angle = math.atan2(float(along[1]), float(along[0]))
    scale = roi * max(float(np.max(corners[1] - corners[0])), 1.0) / SIDE
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    middle = np.full(2, (SIDE - 1) / 2)
    return np.concatenate([turn, (centre - turn @ middle)[:, None]], axis=1).astype(np.float32)


def _is_same_place(face: Face, last: Face) -> bool:
    """Whether a face moved and grew no more than one does from frame to frame."""
    size, was = face.box[2:] - face.box[:2], last.box[2:] - last.box[:2]
    moved = np.abs((face.box[:2] + face.box[2:]) - (last.box[:2] + last.box[2:])) / 2
    grown = float(np.prod(size) / max(float(np.prod(was)), 1.0))
    return bool((moved < 0.5 * was.max()).all()) and 0.5 < grown < 2


def _apart(faces: list[Face]) -> list[Face]:
    """The largest first; of those at the same place only the surest."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(iou(face.box, other.box) < OVERLAP for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))
