"""Colour: a redrawn face takes on the light of the one that it replaces, steadily over time.

Mean and spread in Lab, after Reinhard et al., Color Transfer between Images, 2001.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.level import levelled

Tones = npt.NDArray[np.float64]
"""(F, 2, 3): mean and spread of L, a and b; NaN where there was nothing to measure."""

LEAST_SPREAD = 0.5
"""In Lab: what is flatter has no contrast to match."""
MOST = 1.6
"""Factor by which contrast grows or shrinks at most."""


def match_colour(
    crops: Frames, targets: Frames, masks: Floats, amount: float, smoothing: float = 4.0
) -> Frames:
    """(F, h, w, 3) uint8: the crops, as far as `amount` 0..1 in the colours of the targets.

    Both are measured where the masks (F, h, w) are, and levelled over `smoothing` frames to both
    sides, so that a face does not flicker with its mask. 0 gives the same array.
    """
    if amount == 0:
        return crops
    own = levelled(tones(crops, masks), smoothing)
    wanted = levelled(tones(targets, masks), smoothing)
    return np.stack([toned(*each, amount) for each in zip(crops, own, wanted, strict=True)])


def tones(pictures: Frames, masks: Floats) -> Tones:
    """How each picture (F, h, w, 3) looks where its mask (F, h, w) is."""
    return np.stack([tone(*each) for each in zip(pictures, masks, strict=True)])


def tone(picture: Frames, mask: Floats) -> Tones:
    """(2, 3), see Tones."""
    total = float(mask.sum())
    if total <= 0:
        return np.full((2, 3), np.nan)
    inside = mask > 0
    values, weights = to_lab(picture)[inside].astype(np.float64), mask[inside] / total
    mean = weights @ values
    return np.stack([mean, np.sqrt(weights @ (values - mean) ** 2)])


def toned(picture: Frames, own: Tones, wanted: Tones, amount: float = 1.0) -> Frames:
    """The picture, as far as `amount`, moved from its own tone (2, 3) to the wanted one."""
    if amount == 0 or not (np.isfinite(own).all() and np.isfinite(wanted).all()):
        return picture
    has_contrast = np.minimum(own[1], wanted[1]) > LEAST_SPREAD
    ratio = np.divide(wanted[1], own[1], where=has_contrast, out=np.ones(3))
    gain = 1 + amount * (np.clip(ratio, 1 / MOST, MOST) - 1)
    shift = own[0] + amount * (wanted[0] - own[0]) - gain * own[0]
    return to_rgb(to_lab(picture) * gain.astype(np.float32) + shift.astype(np.float32))


def to_lab(picture: Frames) -> Floats:
    """(h, w, 3) uint8 RGB -> float32 L 0..100, a and b about -128..127."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def to_rgb(lab: Floats) -> Frames:
    """The way back."""
    rgb = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32)
    return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)
