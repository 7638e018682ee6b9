"""Masks: where a face is, with soft edges, in the pixels of its crop or of a picture.

The outlines are lists of MediaPipe's face mesh: FACEMESH_LIPS, FACEMESH_LEFT_EYE and
FACEMESH_RIGHT_EYE of its face_mesh_connections, in order; left is the picture's left.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from easyphoto_video.faces.crop import upright
from easyphoto_video.faces.face import Floats

LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
FOREHEAD = 0.3
"""Share by which what lies above the eyes is drawn out: the mesh ends below the hair."""
WIDE, TALL, BELOW = 0.74, 1.0, -0.14
"""Half axes of a face and how far its middle lies below that of eyes and mouth, by `upright`'s
measure; fitted to the mesh's outline on real faces."""
CORNER = 8
"""Which of an eye's line is its second corner; the first is the first."""
SOFT = 0.2
"""Width of a socket's soft edge, in distances of the eye's corners."""
SOCKET = 0.75, 0.65
"""Half axes of what an eye takes when it is wide open, in distances of its corners."""
BORDER = 0.04
"""Sides of the picture over which a mask fades out before the border."""
BITS = 6
"""Of a pixel's fraction, in what OpenCV draws."""


def face_mask(
    points: Floats,
    dense: Floats | None,
    size: tuple[int, int],
    face: float,
    *,
    feather: float = 0.15,
    grow: float = 0.04,
) -> Floats:
    """(h, w) float32, 1 on the face and 0 off it, for `size` (w, h) px.

    From the dense points (468, 2) the hull, else from the five (5, 2) an ellipse, with the
    forehead and a little of the hair. `face` is the size of the face in px; in its measure
    `feather` is the width of the soft edge, 0 a hard one, and `grow` how far the edge lies
    outside. It is 0 at the border of the picture, whatever lies there.
    """
    outline = _ellipse(points) if dense is None else _hull(points, dense)
    centre = outline.mean(axis=0)
    away = outline - centre
    length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    mask = _filled(outline + away / length * grow * face, size)
    return _faded(softened(mask, feather * face))


def eyes_mask(dense: Floats, size: tuple[int, int], face: float) -> tuple[Floats, Floats]:
    """Two of (h, w) float32: the left and the right eye with their lids, softly."""
    left, right = (_part(dense[list(of)], size, face, 0.05) for of in (LEFT_EYE, RIGHT_EYE))
    return left, right


def sockets_mask(dense: Floats, size: tuple[int, int]) -> Floats:
    """(h, w) float32: both eyes as far as they reach when they are wide open, softly."""
    turns = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    parts = []
    for line in (LEFT_EYE, RIGHT_EYE):
        one, other = dense[line[0]], dense[line[CORNER]]
        across = SOCKET[0] * (other - one)
        up = SOCKET[1] * np.array([one[1] - other[1], other[0] - one[0]])
        ring = np.outer(np.cos(turns), across) + np.outer(np.sin(turns), up)
        filled = _filled(((one + other) / 2 + ring).astype(np.float32), size)
        parts.append(softened(filled, SOFT * float(np.linalg.norm(other - one))))
    left, right = parts
    return np.maximum(left, right)


def mouth_mask(dense: Floats, size: tuple[int, int], face: float) -> Floats:
    """(h, w) float32: the lips and what lies between them, softly."""
    return _part(dense[list(LIPS)], size, face, 0.04)


def redraw_mask(mask: Floats, block: int = 8) -> Floats:
    """(h, w) float32, 1 wherever a latent takes part in the mask, and one latent around; else 0.

    A latent is a square of `block` px; what is blended in by half must be redrawn wholly.
    """
    height, width = mask.shape
    rows, columns = -(-height // block), -(-width // block)
    padded = np.pad(mask, ((0, rows * block - height), (0, columns * block - width)))
    used = padded.reshape(rows, block, columns, block).max(axis=(1, 3)) > 0
    near = cv2.dilate(used.astype(np.uint8), np.ones((3, 3), np.uint8))
    full = np.asarray(near, np.float32).repeat(block, axis=0).repeat(block, axis=1)
    return full[:height, :width].astype(np.float32)


def softened(mask: Floats, width: float) -> Floats:
    """The mask with its edge spread over `width` px, half to each side; 0 is the same mask."""
    if width <= 0:
        return mask
    # The middle 95 % of a Gaussian edge are four standard deviations wide.
    soft = cv2.GaussianBlur(mask, (0, 0), max(width / 4, 0.3), borderType=cv2.BORDER_REPLICATE)
    return np.clip(np.asarray(soft, np.float32), 0, 1)


def _part(outline: Floats, size: tuple[int, int], face: float, grow: float) -> Floats:
    grown = cv2.convexHull(outline)[:, 0]
    centre = grown.mean(axis=0)
    away = grown - centre
    length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return softened(_filled(grown + away / length * grow * face, size), 1.5 * grow * face)


def _filled(outline: Floats, size: tuple[int, int]) -> Floats:
    """The inside of a closed line, (h, w) 0..1, edges to a fraction of a pixel."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    # Far points would overflow OpenCV's fixed-point numbers.
    near = np.clip(outline, -8 * max(size), 8 * max(size))
    corners = np.rint(near * 2**BITS).astype(np.int32)
    cv2.fillPoly(canvas, [corners], 255, lineType=cv2.LINE_AA, shift=BITS)
    return (canvas / 255).astype(np.float32)


def _hull(points: Floats, dense: Floats) -> Floats:
    """The outline of the dense points, (n, 2), with the forehead drawn out."""
    along = upright(points)
    down = np.array([-along.imag, along.real]) / max(abs(along), 1e-6)
    above = np.maximum(-(dense - points[:2].mean(axis=0)) @ down, 0)
    return cv2.convexHull((dense - FOREHEAD * above[:, None] * down).astype(np.float32))[:, 0]


def _ellipse(points: Floats) -> Floats:
    along = upright(points)
    right, down = np.array([along.real, along.imag]), np.array([-along.imag, along.real])
    middle = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2 + BELOW * down
    turns = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    line = WIDE * np.outer(np.cos(turns), right) + TALL * np.outer(np.sin(turns), down)
    return (middle + line).astype(np.float32)


def _faded(mask: Floats) -> Floats:
    """The mask led down to 0 at the picture's border."""
    fades = []
    for length in mask.shape:
        off = np.minimum(np.arange(length), np.arange(length)[::-1])
        fades.append(np.clip(off / max(BORDER * length, 1), 0, 1))
    return (mask * np.outer(*fades)).astype(np.float32)
