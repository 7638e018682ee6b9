"""Smoother skin, and a restorer's sharper face, each by an amount; 0 changes nothing."""

from __future__ import annotations

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.cast import Restorer
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.fusion import Crops
from easyphoto_video.faces.mask import eyes_mask, mouth_mask

REACH = 0.03
"""Radius of the smoothing in face sizes."""
LEVELS = 0.08
"""Differences above this share of the range are edges and stay."""


def retouched(crops: Crops, pictures: Frames, masks: Floats, amount: float) -> Frames:
    """(n, s, s, 3) with even skin, by 0..1; eyes and lips stay. 0 gives the same array back.

    Tomasi and Manduchi, Bilateral Filtering, 1998.
    """
    if amount <= 0:
        return pictures
    dense = [None] * len(pictures) if crops.dense is None else list(crops.dense)
    radius = max(REACH * crops.face, 1.0)
    out = []
    for picture, skin, points in zip(pictures, masks, dense, strict=True):
        if points is not None:
            for part in (
                *eyes_mask(points, crops.size, crops.face),
                mouth_mask(points, crops.size, crops.face),
            ):
                skin = skin * (1 - part)
        light = picture.astype(np.float32) / np.float32(255)
        even = cv2.bilateralFilter(light, 0, LEVELS, radius, borderType=cv2.BORDER_REPLICATE)
        out.append(blended(picture, np.asarray(even * 255, np.float32), amount * skin))
    return np.stack(out)


def restored(picture: Frames, restorer: Restorer | None, amount: float) -> Frames:
    """(s, s, 3) with a share of what the restorer makes of it; 0 gives the same array back."""
    if restorer is None or amount <= 0:
        return picture
    found = restorer(picture)
    if found.shape != picture.shape:
        shape = (picture.shape[1], picture.shape[0])
        found = np.asarray(cv2.resize(found, shape, interpolation=cv2.INTER_AREA), np.uint8)
    return blended(
        picture, found.astype(np.float32), np.full(picture.shape[:2], amount, np.float32)
    )


def blended(below: Frames, above: Floats, weight: Floats) -> Frames:
    """(s, s, 3) uint8: `above` over `below` by (s, s) weights 0..1; 0 keeps `below` exactly."""
    mixed = below + weight[..., None] * (above - below)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
