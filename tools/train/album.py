"""Stage 2: the pictures that the later stages learn from, as latents with their captions.

The album is cut into sheets, each a file, so that workers share the encoding and a stopped run
goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from diffusers import AutoencoderKL

from tools.drawing import looks, render
from tools.head import Head
from tools.models import LATENT, SCALE, encode
from tools.train.fleet import Fleet
from tools.train.vae import to_tensor
from tools.world import CLIP_FRAMES, Person, Pose, caption, random_clip, random_person, random_pose

SHEET = 512
HELD = 2 * SHEET
"""The last pictures of an album are there to measure by, not to learn from."""
_AT_ONCE = 2
_CELL = 8
_FACE, EYE, _MOUTH = 2.0, 8.0, 10.0
"""What cells count; with 4 the mouth's shape stayed deaf to its words, being so few cells, and the
eyes blinked half as often as they should."""
_POOL = 16
_FIRST_SEED = {"still": 1_000_000, "clip": 2_000_000, "twin": 3_000_000}

Subject: TypeAlias = tuple[Person, Pose, str]
"""Whom a picture shows, how she holds her head, and its caption."""


@dataclass(frozen=True, kw_only=True)
class Sheets:
    """How many sheets of twins, stills and clips an album has."""

    twins: int
    stills: int
    clips: int


@dataclass(frozen=True)
class Album:
    """N pictures: twins, stills, clips.

    Those before `first_still` are twins, two in a row that differ in the expression alone; those
    from `first_clip` on are clips of CLIP_FRAMES in a row.
    """

    latents: torch.Tensor
    """(N, 4, 16, 16) float32, deviation about 1."""
    weights: torch.Tensor
    """(N, 1, 16, 16) float32: what each cell counts, more in the face, most at eyes and mouth."""
    colours: torch.Tensor
    """(N, 64, 3) float32 in -1..1: the picture averaged in 8x8 cells."""
    captions: list[str]
    alone: list[str]
    """What each picture's caption would be if it were a still, which its clip's does not say."""
    first_still: int
    first_clip: int


def make_album(vae: AutoencoderKL, fleet: Fleet, sheets: Sheets) -> Album:
    """Encode the sheets that are missing, wait for the other workers, and read all.

    The first two sheets of clips come last, so that albums of any size are measured by the same
    pictures.
    """
    folder = fleet.out / "album"
    folder.mkdir(exist_ok=True)
    names = [("twin", i) for i in range(sheets.twins)]
    names += [("still", i) for i in range(sheets.stills)]
    names += [("clip", i) for i in reversed(range(sheets.clips))]
    paths = [folder / f"{kind}-{i:03}.npz" for kind, i in names]
    subjects = [_subjects(kind, i) for kind, i in names]
    for sheet, path in list(zip(subjects, paths, strict=True))[fleet.rank :: fleet.workers]:
        if not path.exists():
            _make_sheet(sheet, path, vae, fleet.device)
    fleet.wait()
    firsts = sheets.twins * SHEET, (sheets.twins + sheets.stills) * SHEET
    return _read(paths, list(chain.from_iterable(subjects)), firsts)


def _subjects(kind: str, sheet: int) -> list[Subject]:
    rng = np.random.default_rng(_FIRST_SEED[kind] + sheet)
    if kind == "still":
        pairs = [(random_person(rng), random_pose(rng)) for _ in range(SHEET)]
        return [(person, pose, caption(person, pose)) for person, pose in pairs]
    if kind == "twin":
        twins = [twin for _ in range(SHEET // 2) for twin in same_but_for_the_mouth(rng)]
        return [(person, pose, caption(person, pose)) for person, pose in twins]
    clips = [random_clip(rng) for _ in range(SHEET // CLIP_FRAMES)]
    return [(clip.person, pose, clip.caption()) for clip in clips for pose in clip.poses]


def same_but_for_the_mouth(rng: np.random.Generator) -> list[tuple[Person, Pose]]:
    """The same person twice, with two expressions."""
    person, pose = random_person(rng), replace(random_pose(rng), blink=0.0)
    mouths = [(0.0, 0.0), (rng.uniform(0.8, 1.0), 0.0), (0.0, rng.uniform(0.6, 1.0))]
    chosen = rng.permutation(len(mouths))[:2]
    return [(person, replace(pose, smile=mouths[i][0], mouth=mouths[i][1])) for i in chosen]


def _counts(person: Person, pose: Pose) -> np.ndarray:
    """(16, 16): 1, more where the face is, most where eyes and mouth are.

    Those two say most of what a prompt asks for and what a clip shows, in a tenth of the cells.
    """
    weight, head = np.ones(LATENT[1:], np.float32), Head(person, pose)
    x0, y0, x1, y1 = (edge / _CELL for edge in head.box())
    weight[round(y0 + 1) : round(y1), round(x0) : round(x1)] = _FACE
    for (u, v), counts in zip(looks(person), (EYE, EYE, _MOUTH), strict=True):
        points = head.surface(np.array(u), np.array(v)) / _CELL
        (x0, y0), (x1, y1) = np.floor(points.min(0)), np.ceil(points.max(0))
        weight[int(y0) : int(y1), int(x0) : int(x1)] = counts
    return weight


@torch.no_grad()
def _make_sheet(subjects: list[Subject], path: Path, vae: AutoencoderKL, device: str) -> None:
    latents, colours = [], []
    for start in range(0, SHEET, _AT_ONCE):
        batch = subjects[start : start + _AT_ONCE]
        pictures = to_tensor(np.stack([render(person, pose) for person, pose, _ in batch]))
        latents.append(encode(vae, pictures.to(device)).mode().cpu() * SCALE)
        colours.append(torch.nn.functional.avg_pool2d(pictures, _POOL).flatten(2).mT)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        latents=torch.cat(latents).half().numpy(),
        colours=torch.cat(colours).half().numpy(),
        weights=np.stack([_counts(person, pose) for person, pose, _ in subjects]),
    )
    part.replace(path)


def _read(paths: list[Path], subjects: list[Subject], firsts: tuple[int, int]) -> Album:
    sheets = [dict(np.load(path)) for path in paths]
    latents, colours, weights = (
        torch.from_numpy(np.concatenate([sheet[key] for sheet in sheets])).float()
        for key in ("latents", "colours", "weights")
    )
    captions = [text for _, _, text in subjects]
    alone = [caption(person, pose) for person, pose, _ in subjects]
    return Album(latents, weights[:, None], colours, captions, alone, *firsts)
