"""Measure the embedded model: `python -m tools.judge` prints a table, and exits 1 below a bar."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from easyphoto_video.host.library import EMBEDDED_FOLDER
from tools.drawing import render, render_clip
from tools.probe import PARTS, chance, right
from tools.studio import Studio
from tools.train.vae import errors
from tools.world import CLIP_FRAMES, caption, random_clip, random_person, random_pose

Rights = dict[str, bool]

PORTRAITS = 200
PROMPTS = 32
CLIPS = 8
_FIRST_SEED = 800_000

PSNR_BAR = 26.0
COLOUR_BAR = 0.6
COLOUR_PARTS = ("hair", "background")
MOTION_BAR = 3.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure of the table; `bar` is what it is held to, if anything."""

    name: str
    value: float
    unit: str
    note: str = ""
    bar: str = ""
    passed: bool = True

    def __str__(self) -> str:
        verdict = f"{self.bar} {'reached' if self.passed else 'MISSED'}" if self.bar else ""
        return f"{self.name:<44}{self.value:>8.2f} {self.unit:<9}{verdict:<26}{self.note}".rstrip()


def vae_lines(studio: Studio) -> list[Line]:
    """How well the autoencoder gives back portraits that it never saw."""
    found = errors(studio.vae(), PORTRAITS, "cpu")
    note = f"{PORTRAITS} held-out renderings"
    bar = f">= {PSNR_BAR:.0f} dB"
    passed = found.whole >= PSNR_BAR
    return [
        Line(
            name="VAE, whole picture",
            value=found.whole,
            unit="dB",
            note=note,
            bar=bar,
            passed=passed,
        ),
        Line(name="VAE, face box", value=found.face, unit="dB", note=note),
    ]


def colour_lines(studio: Studio) -> list[Line]:
    """How often the palette colour nearest to what a part shows is the prompted one."""
    sampled, rendered = [], []
    for i in range(PROMPTS):
        rng = np.random.default_rng(_FIRST_SEED + i)
        person, pose = random_person(rng), random_pose(rng)
        picture = studio.draw(caption(person, pose), seed=_FIRST_SEED + i)[0]
        sampled.append(right(picture, person))
        rendered.append(right(render(person, pose), person))
    return [_colour_line(part, sampled, rendered) for part in PARTS]


def _colour_line(
    part: str, sampled: list[dict[str, bool]], rendered: list[dict[str, bool]]
) -> Line:
    share, of_renderings = (float(np.mean([x[part] for x in xs])) for xs in (sampled, rendered))
    barred = part in COLOUR_PARTS
    return Line(
        name=f"prompted {part} colour right",
        value=100 * share,
        unit="%",
        note=f"{PROMPTS} prompts; chance {100 * chance(part):.0f} %, "
        f"renderings {100 * of_renderings:.0f} %",
        bar=f">= {100 * COLOUR_BAR:.0f} %" if barred else "",
        passed=share >= COLOUR_BAR or not barred,
    )


def difference(frames: np.ndarray, lag: int = 1) -> float:
    """The mean absolute difference of frames (F, H, W, 3) `lag` apart, in levels of 255."""
    return float(np.abs(frames[lag:].astype(float) - frames[:-lag]).mean())


def motion_lines(studio: Studio) -> list[Line]:
    """How much a clip changes from frame to frame, beside rendered clips of the same prompts."""
    clips = [random_clip(np.random.default_rng(_FIRST_SEED + i)) for i in range(CLIPS)]
    kinds = {"rendered": [render_clip(clip) for clip in clips]}
    for name, moving in (("sampled", True), ("without motion module", False)):
        kinds[name] = [
            studio.draw(clip.caption(), _FIRST_SEED + i, CLIP_FRAMES, moving)
            for i, clip in enumerate(clips)
        ]
    base = float(np.mean([difference(frames) for frames in kinds["rendered"]]))
    return [_motion_line(name, frames, base) for name, frames in kinds.items()]


def _motion_line(name: str, clips: list[np.ndarray], base: float) -> Line:
    step = float(np.mean([difference(frames) for frames in clips]))
    far = float(np.mean([difference(frames, CLIP_FRAMES // 2) for frames in clips]))
    barred = name == "sampled"
    return Line(
        name=f"clip difference, {name}",
        value=step,
        unit="levels",
        note=f"{step / base:.2f} x rendered; 8 frames apart {far / step:.1f} x as much",
        bar=f"<= {MOTION_BAR:.0f} x {base:.2f}" if barred else "",
        passed=step <= MOTION_BAR * base or not barred,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or its lines as JSON; 0 when every bar is reached."""
    parser = argparse.ArgumentParser(prog="python -m tools.judge", description=__doc__)
    parser.add_argument("--models", type=Path, default=EMBEDDED_FOLDER, help="folder of the files")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    studio = Studio(options.models)
    lines = []
    for measure in (vae_lines, colour_lines, motion_lines):
        found = measure(studio)
        lines += found
        if not options.json:
            print(*found, sep="\n", flush=True)
    if options.json:
        print(json.dumps([asdict(line) for line in lines]))
    return 0 if all(line.passed for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
