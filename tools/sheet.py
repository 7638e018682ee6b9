"""A picture of what the embedded model draws: `python -m tools.sheet docs/embedded.png`.

Two rows of portraits, then a clip, every second frame, without and with the motion module.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from easyphoto_video.host.standalone.library import EMBEDDED_FOLDER
from tools.studio import Studio
from tools.world import CLIP_FRAMES, caption, random_clip, random_person, random_pose

COLUMNS = 8
_FIRST_SEED = 700_000
_CLIP_SEED = 700_003


def sheet(studio: Studio) -> np.ndarray:
    """(512, 1024, 3) uint8 RGB."""
    images = [_portrait(studio, _FIRST_SEED + i) for i in range(2 * COLUMNS)]
    said = random_clip(np.random.default_rng(_CLIP_SEED)).caption()
    for moving in (False, True):
        images += list(studio.draw(said, _CLIP_SEED, CLIP_FRAMES, moving)[::2])
    rows = [np.concatenate(images[i : i + COLUMNS], 1) for i in range(0, len(images), COLUMNS)]
    return np.concatenate(rows)


def _portrait(studio: Studio, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return studio.draw(caption(random_person(rng), random_pose(rng)), seed)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the sheet into a PNG file."""
    parser = argparse.ArgumentParser(prog="python -m tools.sheet", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, default=EMBEDDED_FOLDER, help="folder of the files")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    picture = cv2.cvtColor(sheet(Studio(options.models)), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(options.out), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        parser.error(f"cannot write {options.out}: name an existing folder and a .png file")


if __name__ == "__main__":
    main()
