"""Stage 2: the pictures that the later stages learn from, as latents with their captions.

The album is cut into sheets, each a file, so that workers share the encoding and a stopped run
goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from tools.drawing import render
from tools.head import Head
from tools.models import LATENT, SCALE, encode
from tools.train.fleet import Fleet
from tools.train.vae import to_tensor
from tools.world import CLIP_FRAMES, Person, Pose, caption, random_clip, random_person, random_pose

STILL_SHEETS = 10
CLIP_SHEETS = 12
SHEET = 512
_CELL = 8
_POOL = 16
_FIRST_SEED = 1_000_000


@dataclass(frozen=True)
class Album:
    """N pictures; those from `first_clip` on are clips of CLIP_FRAMES in a row."""

    latents: torch.Tensor
    """(N, 4, 16, 16) float32, deviation about 1."""
    weights: torch.Tensor
    """(N, 1, 16, 16) float32: what each cell counts, more in the face."""
    colours: torch.Tensor
    """(N, 64, 3) float32 in -1..1: the picture averaged in 8x8 cells."""
    captions: list[str]
    first_clip: int


def make_album(vae: AutoencoderKL, fleet: Fleet) -> Album:
    """Encode the sheets that are missing, wait for the other workers, and read all."""
    folder = fleet.out / "album"
    folder.mkdir(exist_ok=True)
    count = STILL_SHEETS + CLIP_SHEETS
    for i in range(fleet.rank, count, fleet.workers):
        path = folder / f"{i:03}.npz"
        if not path.exists():
            _make_sheet(i, path, vae, fleet.device)
    fleet.wait()
    return _read([folder / f"{i:03}.npz" for i in range(count)])


def _subjects(sheet: int) -> list[tuple[Person, Pose, str]]:
    rng = np.random.default_rng(_FIRST_SEED + sheet)
    if sheet < STILL_SHEETS:
        pairs = [(random_person(rng), random_pose(rng)) for _ in range(SHEET)]
        return [(person, pose, caption(person, pose)) for person, pose in pairs]
    clips = [random_clip(rng) for _ in range(SHEET // CLIP_FRAMES)]
    return [(clip.person, pose, clip.caption()) for clip in clips for pose in clip.poses]


def _face(person: Person, pose: Pose) -> np.ndarray:
    """(16, 16): 1, and 2 where the face is."""
    weight = np.ones(LATENT[1:], np.float32)
    x0, y0, x1, y1 = (edge / _CELL for edge in Head(person, pose).box())
    weight[round(y0 + 1) : round(y1), round(x0) : round(x1)] = 2.0
    return weight


@torch.no_grad()
def _make_sheet(sheet: int, path: Path, vae: AutoencoderKL, device: str) -> None:
    subjects, latents, colours = _subjects(sheet), [], []
    for start in range(0, SHEET, 16):
        batch = subjects[start : start + 16]
        pictures = to_tensor(np.stack([render(person, pose) for person, pose, _ in batch]))
        latents.append(encode(vae, pictures.to(device)).mode().cpu() * SCALE)
        colours.append(torch.nn.functional.avg_pool2d(pictures, _POOL).flatten(2).mT)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        latents=torch.cat(latents).half().numpy(),
        colours=torch.cat(colours).half().numpy(),
        weights=np.stack([_face(person, pose) for person, pose, _ in subjects]),
        captions=np.array([text for _, _, text in subjects]),
    )
    part.replace(path)


def _read(paths: list[Path]) -> Album:
    sheets = [dict(np.load(path)) for path in paths]
    latents, colours, weights = (
        torch.from_numpy(np.concatenate([sheet[key] for sheet in sheets])).float()
        for key in ("latents", "colours", "weights")
    )
    captions = [str(text) for sheet in sheets for text in sheet["captions"]]
    return Album(latents, weights[:, None], colours, captions, STILL_SHEETS * SHEET)
