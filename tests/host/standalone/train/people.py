"""A small world for trainings: photos, and those who find and tell apart what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Face, Floats
from tests.faces.fake import face_at


class MiddleFace:
    """A Detector: the middle of every picture that is not flat is a face."""

    def __init__(self, _folder: object = None) -> None:
        pass

    def detect(self, picture: Frames) -> list[Face]:
        """See Detector."""
        if picture.std() < 1:
            return []
        height, width = picture.shape[:2]
        side = 0.5 * min(height, width)
        corner = np.array([width - side, height - side]) / 2
        return [face_at(np.concatenate([corner, corner + side - 1]))]


class MeanColour:
    """A Recogniser by the colour of the whole picture."""

    def __init__(self, _pack: object = None) -> None:
        pass

    def embed(self, picture: Frames, points: Floats) -> Floats:
        """See Recogniser."""
        colour = picture.reshape(-1, 3).mean(axis=0) + 1
        return np.asarray(colour / np.linalg.norm(colour), np.float32)


def picture(seed: int, side: int = 128) -> Frames:
    """Noise, coarse and fine."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (8, 8, 3)).repeat(side // 8, axis=0).repeat(side // 8, axis=1)
    return (coarse + rng.integers(-40, 40, (side, side, 3))).astype(np.uint8)


def write_photos(folder: Path, seeds: Sequence[int] = (1, 2, 3, 4)) -> Path:
    """A folder with a picture for each seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        Image.fromarray(picture(seed)).save(folder / f"{seed}.png")
    return folder
