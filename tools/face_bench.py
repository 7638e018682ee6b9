"""What following a face costs and gives: a table over films, and memory against their length.

    python -m tools.face_bench FILM...

For each film: frames with the face of the largest track, tracks, calls of a model per frame, frames
a second, and the root mean square of the second difference of the box's middle in px, as it is
found in every frame by itself and as it is followed. Then the peak of memory of following, cutting
out and laying back 64 and 512 frames of the first film, over and over, each in its own process
(Linux). Exit code 1 when the two differ by more than 10 %, 2 when a film cannot be used.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.blend import paste
from easyphoto_video.faces.crop import CropPlan, cut, to_crop, views
from easyphoto_video.faces.face import FaceTrack, Floats
from easyphoto_video.faces.mask import face_mask
from easyphoto_video.faces.mesh import MeshDetector, find_mesh_files
from easyphoto_video.faces.track import follow
from easyphoto_video.video.read import Video, open_video

SHORT, LONG, MORE = 64, 512, 1.1
"""Frames of the two runs, and how much more memory the long one may take."""
HEAD = ("film", "frames", "faces", "tracks", "calls", "fps", "raw px", "px")


def main(arguments: list[str]) -> int:
    """Prints the table and returns the exit code."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if arguments[0].isdecimal():
            return _pass(open_video(arguments[1]), int(arguments[0]))
        print("".join(name.rjust(9) for name in HEAD))
        for name in arguments:
            print(_row(open_video(name)), flush=True)
        return _memory(arguments[0])
    except EasyPhotoError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _row(video: Video) -> str:
    detector = MeshDetector(find_mesh_files([BESIDE]))
    began = time.perf_counter()
    tracks = follow(video.frames(), detector)
    seconds, calls = time.perf_counter() - began, detector.calls
    count = video.count
    if not tracks:
        return f"{video.path.name:>9}{count:9}        0        0{calls / count:9.2f}"
    raw = np.full((count, 4), np.nan, np.float32)
    for number, frame in enumerate(video.frames()):
        if found := detector.detect(frame):
            raw[number] = found[0].box
    return (
        f"{video.path.name:>9}{count:9}{int(tracks[0].present.sum()):9}{len(tracks):9}"
        f"{calls / count:9.2f}{count / seconds:9.0f}"
        f"{jitter(raw):9.3f}{jitter(tracks[0].boxes):9.3f}"
    )


def jitter(boxes: Floats) -> float:
    """Root mean square of the second difference of the middles of (F, 4) boxes, px."""
    bend = np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, 2, axis=0)
    return float(np.sqrt(np.nanmean((bend**2).sum(axis=1))))


def _memory(film: str) -> int:
    peaks = []
    for count in (SHORT, LONG):
        command = [sys.executable, "-m", "tools.face_bench", str(count), film]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        peaks.append(int(done.stdout) / 1024)
        print(f"{count} frames: at most {peaks[-1]:.0f} MB")
    return 0 if peaks[1] <= MORE * peaks[0] else 1


def _pass(video: Video, count: int) -> int:
    """Follow, cut out and lay back; prints this process's peak in KiB."""
    tracks = follow(_looped(video, count), MeshDetector(find_mesh_files([BESIDE])))
    for _ in _laid_back(_looped(video, count), tracks[0]):
        pass
    status = Path("/proc/self/status").read_text().split()
    # Not getrusage: a child begins with its parent's peak there.
    print(status[status.index("VmHWM:") + 1])
    return 0


def _laid_back(frames: Iterator[Frames], track: FaceTrack) -> Iterator[Frames]:
    plan = CropPlan()
    size = (plan.width, plan.height)
    for number, (frame, view) in enumerate(zip(frames, views(track, plan), strict=True)):
        if np.isfinite(view).all():
            dense = None if track.dense is None else to_crop(track.dense[number], view)
            mask = face_mask(to_crop(track.points[number], view), dense, size, plan.face)
            yield paste(frame, cut(frame, view, size), view, mask)


def _looped(video: Video, count: int) -> Iterator[Frames]:
    rounds = -(-count // video.count)
    return islice((frame for _ in range(rounds) for frame in video.frames()), count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
