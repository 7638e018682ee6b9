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
LEVELS = 0.05
"""Contrast, as a share of the range, from which on there is an edge, which stays."""


def retouched(crops: Crops, pictures: Frames, masks: Floats, amount: float) -> Frames:
    """(n, s, s, 3) with even skin, by 0..1; eyes and lips stay. 0 gives the same array back.

    He, Sun and Tang, Guided Image Filtering, 2013; a bilateral filter costs twenty times as much.
    """
    if amount <= 0:
        return pictures
    dense = [None] * len(pictures) if crops.dense is None else list(crops.dense)
    radius = max(round(REACH * crops.face), 1)
    out = []
    for picture, mask, points in zip(pictures, masks, dense, strict=True):
        skin = mask if points is None else _bare(mask, points, crops)
        even = np.float32(255) * _guided(picture.astype(np.float32) / np.float32(255), radius)
        out.append(blended(picture, even, amount * skin))
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


def _bare(mask: Floats, dense: Floats, crops: Crops) -> Floats:
    """The mask without eyes and lips."""
    parts = *eyes_mask(dense, crops.size, crops.face), mouth_mask(dense, crops.size, crops.face)
    return np.prod([1 - part for part in parts], axis=0) * mask


def _guided(light: Floats, radius: int) -> Floats:
    """The picture guided by itself: flat where its contrast lies below LEVELS."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(light, size)
    variance = np.maximum(cv2.blur(light * light, size) - mean * mean, 0)
    gain = variance / (variance + LEVELS**2)
    return np.asarray(cv2.blur(gain, size) * light + cv2.blur(mean - gain * mean, size), np.float32)
