"""A picture of what the embedded model draws: `python -m tools.sheet docs/embedded.png`.

Two rows of portraits, then a clip, every third frame, without and with the motion module.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from easyphoto_video.host.library import EMBEDDED_FOLDER
from tools.studio import Studio
from tools.world import CLIP_FRAMES, caption, random_clip, random_person, random_pose

COLUMNS = 6
_FIRST_SEED = 700_000
_CLIP_SEED = 700_002


def sheet(studio: Studio) -> np.ndarray:
    """(512, 768, 3) uint8 RGB."""
    images = [_portrait(studio, _FIRST_SEED + i) for i in range(2 * COLUMNS)]
    said = random_clip(np.random.default_rng(_CLIP_SEED)).caption()
    for moving in (False, True):
        images += list(studio.draw(said, _CLIP_SEED, CLIP_FRAMES, moving)[::3])
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
    Image.fromarray(sheet(Studio(options.models))).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
