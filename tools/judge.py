"""Measure the embedded model: `python -m tools.judge` prints a table, and exits 1 below a bar.

    python -m tools.judge [--models DIR] [--only vae words motion person size] [--json]

35 minutes on one core: 500 renderings through the autoencoder, 64 portraits, 8 clips
with and without the motion module, and three persons trained from 12 photos each (`person` trains
on the files that come along, whatever --models says).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.host.library import EMBEDDED_FOLDER
from tools.judging.eyes import wink_line
from tools.judging.faces import found_line, person_lines
from tools.judging.line import Line
from tools.judging.motion import clips, motion_lines
from tools.judging.words import word_lines
from tools.studio import Studio
from tools.train.vae import errors

PORTRAITS = 500
WHOLE_BAR, FACE_BAR = 30.0, 27.0
MOST_BYTES = 25e6


def vae_lines(studio: Studio) -> list[Line]:
    """How well the autoencoder gives back portraits that it never saw."""
    found = errors(studio.vae(), PORTRAITS, "cpu")
    note = f"{PORTRAITS} held-out renderings"
    return [
        Line(name="VAE, whole picture", value=found.whole, unit="dB", low=WHOLE_BAR, note=note),
        Line(name="VAE, face box", value=found.face, unit="dB", low=FACE_BAR, note=note),
    ]


def clip_lines(studio: Studio) -> list[Line]:
    """Motion, and whether faces are found in all that moves."""
    detector, made = MeshDetector(BESIDE), clips(studio)
    return [
        *motion_lines(made, detector),
        wink_line(made.sampled, made.rendered, detector),
        found_line(made.sampled, detector),
    ]


def size_lines(studio: Studio) -> list[Line]:
    """All that comes along, in MB."""
    total = sum(file.stat().st_size for file in studio.folder.rglob("*") if file.is_file())
    return [Line(name="all files", value=total / 1e6, unit="MB", high=MOST_BYTES / 1e6)]


PARTS: dict[str, Callable[[Studio], list[Line]]] = {
    "size": size_lines,
    "vae": vae_lines,
    "words": word_lines,
    "motion": clip_lines,
    "person": lambda _: person_lines(MeshDetector(BESIDE)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or its lines as JSON; 0 when every bar is reached."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.judge",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", type=Path, default=EMBEDDED_FOLDER, help="folder of the files")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    studio = Studio(options.models)
    lines = []
    for part in options.only:
        found = PARTS[part](studio)
        lines += found
        if not options.json:
            print(*found, sep="\n", flush=True)
    if options.json:
        print(json.dumps([line.to_json() for line in lines]))
    return 0 if all(line.passed for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
