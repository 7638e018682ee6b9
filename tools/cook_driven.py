"""Make the small network that is driven: `python -m tools.cook_driven --out DIR`.

It goes on where it stopped. One process alone, since batch norms count what each process sees.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from tools.train.driven import assembled, new_generator, train_detector, train_generator
from tools.train.export import export_driven
from tools.train.fleet import Fleet
from tools.train.loop import Budget

DETECTOR = Budget("detector", 20_000, 2e-3, 201)
ON_TRUE = Budget("on_true_points", 12_000, 2e-3, 202)
ON_FOUND = Budget("on_found_points", 24_000, 1.5e-3, 203)


def main(arguments: Sequence[str] | None = None) -> None:
    """Every stage in order, and the file; a finished stage costs nothing."""
    parser = argparse.ArgumentParser(prog="python -m tools.cook_driven", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints and results"
    )
    parser.add_argument(
        "--now", action="store_true", help="write the file of what is learnt so far, and stop"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full budget")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    fleet = Fleet(out=options.out, scale=options.scale, now=options.now)
    generator = train_generator(new_generator(), None, fleet, ON_TRUE)
    detector = train_detector(fleet, DETECTOR)
    generator = train_generator(generator, detector, fleet, ON_FOUND)
    export_driven(assembled(detector, generator), options.out / "embedded")


if __name__ == "__main__":
    main()
