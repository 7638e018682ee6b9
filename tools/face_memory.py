"""Peak memory of following, cutting out and blending a long clip beside a short one.

    python3 -m tools.face_memory VIDEO [FRAMES ...]

Runs each length in a process of its own, the film over and over until it is long enough; frames are
read one by one, once to follow and once to cut out and blend, and none is kept.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video import face_files
from easyphoto_video.clip import Frames
from easyphoto_video.faces.blend import paste
from easyphoto_video.faces.crop import CropPlan, cut, to_crop, views
from easyphoto_video.faces.mask import face_mask
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.faces.track import follow

LENGTHS = (64, 512)


def frames_of(path: Path, count: int) -> Iterator[Frames]:
    """`count` frames (H, W, 3) uint8 RGB of the film, from its beginning again after its end."""
    return islice(_again_and_again(path), count)


def work(path: Path, count: int) -> None:
    """Follow the largest face, cut it out, turn it negative and blend it back in each frame."""
    track = follow(frames_of(path, count), MeshDetector(face_files.BESIDE), total=count)[0]
    plan = CropPlan()
    size = (plan.width, plan.height)
    path_of_crop, blended = views(track, plan), 0
    for index, frame in enumerate(frames_of(path, count)):
        if not track.present[index]:
            continue
        view = path_of_crop[index]
        dense = None if track.dense is None else to_crop(track.dense[index], view)
        mask = face_mask(to_crop(track.points[index], view), dense, size, plan.face)
        negative = np.subtract(255, cut(frame, view, size))
        blended += int((paste(frame, negative, view, mask) != frame).any())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} frames, {blended} blended: peak {peak:.0f} MB")


def main(arguments: list[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("frames", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args(arguments)
    for count in options.frames:
        if options.here:
            work(options.video, count)
            continue
        started = time.perf_counter()
        command = [sys.executable, "-m", "tools.face_memory", "--here", str(options.video)]
        subprocess.run([*command, str(count)], check=True)
        print(f"  {(time.perf_counter() - started) / count * 1000:.0f} ms a frame")


def _again_and_again(path: Path) -> Iterator[Frames]:
    while True:
        film = cv2.VideoCapture(str(path))
        found, frame = film.read()
        if not found:
            raise SystemExit(f"{path} is no film that OpenCV reads.")
        while found:
            yield np.ascontiguousarray(np.asarray(frame, np.uint8)[:, :, ::-1])
            found, frame = film.read()


if __name__ == "__main__":
    main()
