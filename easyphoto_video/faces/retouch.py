"""Smoother skin, and a restorer's sharper face, each by an amount; 0 changes nothing."""

from __future__ import annotations

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.cast import Restorer
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.fusion import EYES, LIPS, blended
from easyphoto_video.faces.mask import face_size, soft

REACH = 0.03
"""Radius of the smoothing in face sizes."""
LEVELS = 0.08
"""Differences above this share of the range are edges and stay."""


def retouched(picture: Frames, points: Floats, mask: Floats, amount: float) -> Frames:
    """(s, s, 3) with even skin, by 0..1; eyes and lips stay. 0 gives the same array back.

    Tomasi and Manduchi, Bilateral Filtering, 1998, on (468, 2) or five points of the crop.
    """
    if amount <= 0:
        return picture
    radius = max(REACH * face_size(points), 1.0)
    light = picture.astype(np.float32) / np.float32(255)
    even = cv2.bilateralFilter(light, 0, LEVELS, radius, borderType=cv2.BORDER_REPLICATE)
    skin = mask
    if len(points) > 5:
        for outline in (LIPS, *EYES):
            hull = cv2.convexHull(points[list(outline)].astype(np.float32))[:, 0]
            skin = skin * (1 - soft(np.asarray(hull, np.float32), len(mask), radius))
    above = np.clip(np.rint(even * 255), 0, 255).astype(np.uint8)
    return blended(picture, above, amount * skin)


def restored(picture: Frames, restorer: Restorer | None, amount: float) -> Frames:
    """(s, s, 3) with a share of what the restorer makes of it; 0 gives the same array back."""
    if restorer is None or amount <= 0:
        return picture
    found = restorer(picture)
    if found.shape != picture.shape:
        shape = (picture.shape[1], picture.shape[0])
        found = cv2.resize(found, shape, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return blended(picture, found, np.full(picture.shape[:2], amount, np.float32))
