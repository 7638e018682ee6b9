"""Following a face, against looking at every frame in the order of calls of the original.

EasyPhoto asks models of faces 20 times for each frame, each frame by itself: 10 times it detects,
7 times it parses, twice it fuses and once it enlarges (aigc-apps/sd-webui-EasyPhoto 6c1f895,
scripts/easyphoto_infer.py, defaults of video to video). Its networks are not here, so ours stand
for all: 10 detections of two calls.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.clips import LAUNCH, PROMPT
from bench.measure import Row, alone, in_turn, peak_mb
from bench.plan import Plan
from easyphoto_video.clip import Frames
from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.face import Face, FaceTrack
from easyphoto_video.faces.mesh import MeshDetector, find_mesh_files
from easyphoto_video.faces.track import follow
from easyphoto_video.video.read import open_video

ORIGINAL_CALLS = 20
"""Of a model for each frame."""
DRAWN_FRAMES = 16
Distances = npt.NDArray[np.float64]


class EachFrame:
    """A detector for `follow` that knows nothing of the frame before, and asks as often as the
    original does. It looks at what it found once more, as one look is off by pixels itself."""

    def __init__(self, detector: MeshDetector) -> None:
        self._detector = detector

    def detect(self, picture: Frames) -> list[Face]:
        """See Detector."""
        began = self._detector.calls
        once = self._detector.detect(picture)
        faces = [self._detector.again(picture, face) or face for face in once]
        # A detection is two calls, so one below would end one above, in our favour.
        while self._detector.calls - began < ORIGINAL_CALLS - 1:
            self._detector.detect(picture)
        return faces


def face(plan: Plan) -> Iterator[Row]:
    """Frames a second, calls per frame, and how far the tracks are apart."""
    with tempfile.TemporaryDirectory() as folder:
        yield from alone(_face, plan, plan.video or _drawn(plan, Path(folder)))


def _drawn(plan: Plan, folder: Path) -> Path:
    """A clip that the embedded model draws."""
    path = folder / "drawn.mp4"
    options = ["--prompt", PROMPT, "--frames", str(DRAWN_FRAMES), "--steps", "8", "--seed", "1"]
    command = [sys.executable, str(LAUNCH), "text2video", *options, "--user-id", "none"]
    places = ["--out", str(path), "--data-dir", str(folder)]
    subprocess.run([*command, *places], check=True, capture_output=True)
    return path


def _face(plan: Plan, film: Path) -> list[Row]:
    frames = list(islice(open_video(film).frames(), plan.face_frames))
    detector = MeshDetector(find_mesh_files([BESIDE]))
    ours, theirs = partial(follow, frames, detector), partial(follow, frames, EachFrame(detector))
    found: list[FaceTrack] = []
    calls: list[float] = []
    for run in (ours, theirs):
        before = detector.calls
        found.append(run()[0])
        calls.append((detector.calls - before) / len(frames))
    spent = in_turn({"ours": ours, "theirs": theirs}, plan.repeats, clock=plan.clock)
    what = f"{film.name}, {len(frames)} frames {frames[0].shape[1]}x{frames[0].shape[0]}"
    against = "every frame as the original"
    per_second = [len(frames) / spent[side] for side in ("ours", "theirs")]
    points, boxes = distances(*found)
    apart = partial(Row, case="face", unit="px")
    return [
        Row(
            case="face",
            what=what,
            unit="frames/s",
            ours=per_second[0],
            theirs=per_second[1],
            against=against,
            peak_mb=peak_mb(),
            samples=plan.repeats,
        ),
        Row(case="face", what=what, unit="calls/frame", ours=calls[0], theirs=calls[1]),
        apart(what="middles of the five points apart, median", ours=float(np.median(points))),
        apart(what="middles of the five points apart, most", ours=float(points.max())),
        apart(what="middles of the boxes apart, most", ours=float(boxes.max())),
    ]


def distances(one: FaceTrack, other: FaceTrack) -> tuple[Distances, Distances]:
    """Between the middles of two tracks' five points, and of their boxes: px, where both are."""
    both = np.isfinite(one.boxes).all(axis=1) & np.isfinite(other.boxes).all(axis=1)
    points = one.points.mean(axis=1) - other.points.mean(axis=1)
    boxes = (one.boxes - other.boxes).reshape(-1, 2, 2).mean(axis=1)
    return (
        np.linalg.norm(points[both].astype(float), axis=1),
        np.linalg.norm(boxes[both].astype(float), axis=1),
    )
