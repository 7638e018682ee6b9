"""Light and colour of a redrawn face, brought to those of the clip, steadily over time.

Reinhard et al., Color Transfer between Images, 2001, in CIELAB, over a mask.
"""

from __future__ import annotations

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.smooth import smoothed

STEADY = 4.0
"""Frames over which means and spreads are smoothed, to both sides."""
LEAST_SPREAD = 1.0
MOST_GAIN = 2.0
"""How much contrast may be added or taken."""


def matched(pictures: Frames, targets: Frames, masks: Floats, amount: float) -> Frames:
    """(n, s, s, 3) pictures with the targets' mean and spread in Lab, under (n, s, s) masks.

    `amount` 0..1 of the way; 0 gives the same array back. Frames are neighbours in time.
    """
    if amount <= 0:
        return pictures
    have = smoothed(np.stack([_facts(p, m) for p, m in zip(pictures, masks, strict=True)]), STEADY)
    want = smoothed(np.stack([_facts(p, m) for p, m in zip(targets, masks, strict=True)]), STEADY)
    return np.stack([_moved(p, h, w, amount) for p, h, w in zip(pictures, have, want, strict=True)])


def _facts(picture: Frames, mask: Floats) -> Floats:
    """(2, 3): mean and spread of Lab under the mask; all of the picture where it is empty."""
    lab = _lab(picture).reshape(-1, 3)
    weight = mask.reshape(-1) if mask.any() else np.ones(mask.size, np.float32)
    mean = np.average(lab, axis=0, weights=weight)
    spread = np.sqrt(np.average((lab - mean) ** 2, axis=0, weights=weight))
    return np.stack([mean, spread]).astype(np.float32)


def _moved(picture: Frames, have: Floats, want: Floats, amount: float) -> Frames:
    gain = np.maximum(want[1], LEAST_SPREAD) / np.maximum(have[1], LEAST_SPREAD)
    gain = np.clip(gain, 1 / MOST_GAIN, MOST_GAIN)
    lab = _lab(picture)
    lab += amount * ((lab - have[0]) * gain + want[0] - lab)
    levels = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _lab(picture: Frames) -> Floats:
    return np.asarray(
        cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32
    )
