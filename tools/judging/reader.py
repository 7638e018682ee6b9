"""A small network that reads expression, gaze and glasses off a portrait; it learns on drawings.

It is made anew for each judgement, from fixed seeds, in about two minutes of one core.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.clip import Frames
from tools.drawing import render
from tools.world import EXPRESSIONS, GAZES, Person, Pose, pose_tags, random_person, random_pose

KINDS: Mapping[str, tuple[str, ...]] = {
    "expression": EXPRESSIONS,
    "gaze": GAZES,
    "glasses": ("no glasses", "glasses"),
}
"""What is read, and what there is to choose from."""
DRAWINGS = 12_000
_FIRST_SEED = 30_000_000
_BATCH = 32
_FACE = slice(24, 112), slice(20, 108)
_SIDE = 64


class Reader(nn.Module):
    """Four convolutions over the face, and a choice for each kind."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 64)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())
                for a, b in itertools.pairwise(widths)
            ),
            nn.Flatten(),
            nn.Dropout(0.2),
        )
        self.heads = nn.ModuleDict(
            {kind: nn.Linear(widths[-1] * 16, len(names)) for kind, names in KINDS.items()}
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, 64, 64) -> logits of each kind."""
        seen = self.body(x)
        return {kind: head(seen) for kind, head in self.heads.items()}

    @torch.no_grad()
    def read(self, pictures: Frames) -> list[dict[str, str]]:
        """What each of (B, 128, 128, 3) uint8 RGB shows, by kind."""
        self.eval()
        found = self(torch.stack([_seen(picture) for picture in pictures]))
        return [
            {kind: KINDS[kind][int(logits[row].argmax())] for kind, logits in found.items()}
            for row in range(len(pictures))
        ]


def truth(person: Person, pose: Pose) -> dict[str, str]:
    """What a drawing of them shows."""
    tags = pose_tags(pose)
    return {
        "expression": next((tag for tag in tags if tag in EXPRESSIONS), EXPRESSIONS[0]),
        "gaze": next(tag for tag in tags if tag in GAZES),
        "glasses": KINDS["glasses"][person.glasses],
    }


def taught(drawings: int = DRAWINGS) -> Reader:
    """A reader that has seen so many drawings, each once, some of them soft and grainy."""
    torch.manual_seed(7)
    reader = Reader().train()
    optimiser = torch.optim.AdamW(reader.parameters(), 2e-3)
    steps = drawings // _BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        rng = np.random.default_rng((_FIRST_SEED, step))
        pairs = [(random_person(rng), random_pose(rng)) for _ in range(_BATCH)]
        pictures = torch.stack([_seen(_worn(render(*pair), rng)) for pair in pairs])
        truths = [truth(*pair) for pair in pairs]
        loss = torch.stack(
            [
                F.cross_entropy(logits, torch.tensor([KINDS[kind].index(x[kind]) for x in truths]))
                for kind, logits in reader(pictures).items()
            ]
        ).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return reader


def _worn(picture: Frames, rng: np.random.Generator) -> Frames:
    """As a decoder might give it back."""
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.2)))
    grain = rng.normal(0, rng.uniform(0, 8), picture.shape)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


def _seen(picture: Frames) -> Tensor:
    face = cv2.resize(picture[_FACE], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(face).permute(2, 0, 1).float() / 127.5 - 1
