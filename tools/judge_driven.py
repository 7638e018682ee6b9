"""Measure the small network that is driven: a table, and 1 when a bar is missed.

    python -m tools.judge_driven [--file FILE] [--persons 64] [--sheet PNG] [--json]

Films of held-out persons drive themselves and others; the renderer says what should come of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.face import Detector, Recogniser
from easyphoto_video.faces.insight import PackRecogniser
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.warp.fomm.read import read_fomm
from tools.judging.acting import READ, Take, Takes, near, readings, takes, whole
from tools.judging.line import Line
from tools.likeness import PACK, embedding_of
from tools.train.export import DRIVEN

PERSONS = 64
OWN_BAR, OTHER_BAR, NEAR_BAR = 26.0, 25.0, 21.0
CORRELATION_BAR, LEAST_GAIN, MOST_GAIN = 0.9, 0.7, 1.2
LIKENESS_BAR = 0.8
MOST_BYTES = 4e6
LOOKED_AT = (3, 8, 13)
"""Frames of a film whose likeness is asked for."""
IN_SHEET, COLUMNS = 8, (0, 2, 4, 6, 8, 10, 12, 14)


def psnr_lines(made: Sequence[Takes]) -> list[Line]:
    """Against the truth, of all frames but the first."""

    def line(name: str, values: Iterable[list[float]], low: float | None) -> Line:
        found = np.array([value for film in values for value in film])
        note = f"{len(found)} frames of {len(made)} films, the worst {found.min():.1f}"
        return Line(name=name, value=float(found.mean()), unit="dB", low=low, note=note)

    return [
        line("driven by herself", (whole(one.own) for one in made), OWN_BAR),
        line("driven by another", (whole(one.other) for one in made), OTHER_BAR),
        line("driven by another, absolute", (whole(one.absolute) for one in made), None),
        line("her own eyes and mouth", (near(one.own) for one in made), NEAR_BAR),
        line("another's eyes and mouth", (near(one.other) for one in made), NEAR_BAR),
        line("left as it is", (whole(_still(one.own)) for one in made), None),
    ]


def _still(take: Take) -> Take:
    """The same with nothing moved, for a comparison."""
    return Take(**{**vars(take), "made": np.broadcast_to(take.source, take.made.shape)})


def following_lines(made: Sequence[Takes]) -> list[Line]:
    """How well yaw, blink and mouth follow a stranger, over the frames of all films."""
    asked, read = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for one in made:
        for name, wanted, found in readings(one.other):
            asked[name].append(wanted)
            read[name].append(found)
    lines = []
    for name in READ:
        x, y = np.array(asked[name]), np.array(read[name])
        correlation = float(np.corrcoef(x, y)[0, 1]) if y.std() else 0.0
        gain = float(np.polyfit(x, y, 1)[0])
        note = f"{len(x)} frames; off by {np.abs(x - y).mean():.2f} in the mean"
        lines += [
            Line(name=f"{name}, correlation", value=correlation, unit="", low=CORRELATION_BAR),
            Line(
                name=f"{name}, gain",
                value=gain,
                unit="x",
                low=LEAST_GAIN,
                high=MOST_GAIN,
                note=note,
            ),
        ]
    return lines


def likeness_line(made: Sequence[Takes], detector: Detector, recogniser: Recogniser) -> Line:
    """How like the source the driven frames are, over how like her true renderings are."""
    reached, real = [], []
    for one in made:
        take = one.other
        for i in LOOKED_AT:
            reached.append(_likeness(take.made[i], take.source, detector, recogniser))
            real.append(_likeness(take.true[i], take.source, detector, recogniser))
    lost = sum(value == 0.0 for value in reached)
    cosines = f"{np.mean(reached):.2f} / {np.mean(real):.2f}"
    return Line(
        name="likeness to the source",
        value=float(np.mean(reached) / np.mean(real)),
        unit="x rendered",
        low=LIKENESS_BAR,
        note=f"{len(reached)} frames, {lost} without a face; {cosines}",
    )


def _likeness(frame: Frames, source: Frames, detector: Detector, recogniser: Recogniser) -> float:
    """The cosine; 0 where no face is found."""
    one, other = (embedding_of(x, detector, recogniser) for x in (frame, source))
    return 0.0 if one is None or other is None else float(one @ other)


def sheet(made: Sequence[Takes]) -> Frames:
    """Rows of three, RGB: the driver, another person driven by it, and the truth."""
    rows = []
    for one in made[:IN_SHEET]:
        take = one.other
        blank = np.full_like(take.source, 255)
        for first, film in ((blank, take.driver), (take.source, take.made), (blank, take.true)):
            rows.append(np.hstack([first, *(film[i] for i in COLUMNS)]))
    return np.vstack(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or its lines as JSON; 0 when every bar is reached."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.judge_driven",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", type=Path, default=EMBEDDED_FOLDER / DRIVEN)
    parser.add_argument("--faces", type=Path, default=BESIDE, help="folder of what finds faces")
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--sheet", type=Path, help="a picture of what comes of it")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    model = read_fomm(options.file).float()
    detector, recogniser = MeshDetector(options.faces), PackRecogniser(PACK)
    made = [takes(model, number) for number in range(options.persons)]
    if options.sheet:
        cv2.imwrite(str(options.sheet), sheet(made)[..., ::-1])
    lines = [
        *psnr_lines(made),
        *following_lines(made),
        likeness_line(made, detector, recogniser),
        Line(
            name="file",
            value=options.file.stat().st_size / 1e6,
            unit="MB",
            high=MOST_BYTES / 1e6,
        ),
    ]
    if options.json:
        print(json.dumps([line.to_json() for line in lines]))
    else:
        print(*lines, sep="\n")
    return 0 if all(line.passed for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
