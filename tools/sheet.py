"""Pictures of what the embedded model draws, for docs/ and the README.

    python -m tools.sheet --out docs [--models DIR]

writes embedded.jpg, 64 portraits and then 8 clips, every second frame, of prompts drawn by fixed
seeds that no training had; and portrait.gif, four clips side by side, whose prompts are unlike each
other. No seed was looked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.host.library import EMBEDDED_FOLDER
from tools.studio import Studio
from tools.world import CLIP_FRAMES, caption, random_clip, random_person, random_pose

COLUMNS = 8
PORTRAITS, CLIPS = 64, 8
IN_GIF = (
    "1girl, bob cut, red hair, blue eyes, fair skin, smile, turning head, green sweater, "
    "yellow background",
    "1girl, short hair, black hair, brown eyes, dark skin, smile, blinking, nodding, red sweater, "
    "purple background",
    "1girl, long hair, blonde hair, blue eyes, fair skin, talking, turning head, blue sweater, "
    "grey background",
    "1girl, bob cut, blue hair, brown eyes, tan skin, glasses, blinking, turning head, "
    "white sweater, green background",
)
_FIRST_SEED = 700_000
_QUALITY = 88
_FRAME_MS = 125


def portraits(studio: Studio, count: int = PORTRAITS) -> list[Frames]:
    """(128, 128, 3) uint8 RGB each."""
    return [_portrait(studio, _FIRST_SEED + i) for i in range(count)]


def _portrait(studio: Studio, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    return studio.draw(caption(random_person(rng), random_pose(rng)), seed)[0]


def clips(studio: Studio, count: int = CLIPS) -> list[Frames]:
    """(16, 128, 128, 3) uint8 RGB each."""
    seeds = range(_FIRST_SEED, _FIRST_SEED + count)
    said = [random_clip(np.random.default_rng(seed)).caption() for seed in seeds]
    return drawn(studio, said, seeds)


def drawn(studio: Studio, said: Sequence[str], seeds: Sequence[int]) -> list[Frames]:
    """A clip of each prompt, (16, 128, 128, 3) uint8 RGB each."""
    return [
        studio.draw(text, seed, CLIP_FRAMES, True) for text, seed in zip(said, seeds, strict=True)
    ]


def grid(pictures: Sequence[Frames]) -> Frames:
    """Rows of COLUMNS pictures, as many as there are whole ones."""
    starts = range(0, len(pictures), COLUMNS)
    return np.concatenate([np.concatenate(pictures[i : i + COLUMNS], 1) for i in starts])


def save_gif(moving: Sequence[Frames], path: Path) -> None:
    """Clips side by side, there and back again, so that the loop has no jump."""
    frames = np.concatenate(moving, axis=2)
    frames = np.concatenate([frames, frames[-2:0:-1]])
    # One palette for all frames: with one each, what stands still would shimmer.
    palette = Image.fromarray(np.concatenate(frames)).quantize(256, kmeans=1)
    first, *rest = (
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    )
    first.save(path, save_all=True, append_images=rest, duration=_FRAME_MS, loop=0, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw both files."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sheet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--models", type=Path, default=EMBEDDED_FOLDER, help="folder of the files")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    studio = Studio(options.models)
    moving = clips(studio)
    pictures = [*portraits(studio), *(frame for clip in moving for frame in clip[::2])]
    sheet = Image.fromarray(grid(pictures))
    sheet.save(options.out / "embedded.jpg", quality=_QUALITY, optimize=True)
    save_gif(drawn(studio, IN_GIF, range(1, 1 + len(IN_GIF))), options.out / "portrait.gif")


if __name__ == "__main__":
    main()
