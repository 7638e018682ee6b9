"""How near made frames come to the true ones that were left out of a film.

    python3 -m tools.between_bench VIDEO ... [--every N] [--pairs N] [--rife FILE] [--out FOLDER]

Leaves out all but every Nth frame and restores the middle one of each gap, by every method. PSNR is
that of the mean squared error over all pairs. With --out the hardest gap of each film is written as
a picture: before, truth, after, and below what each method made.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.video.between import (
    Method,
    by_repeating,
    is_cut,
)
from easyphoto_video.video.flow import by_flow
from easyphoto_video.video.read import open_video
from tests.video.blend import by_blending

Gap = tuple[Frames, Frames, Frames]
"""Before, truth, after."""
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def gaps_of(path: Path, every: int, pairs: int) -> list[Gap]:
    """Spread over the film; frames that only repeat the one before are left out first."""
    kept: list[Frames] = []
    for frame in open_video(path).frames():
        if not kept or np.abs(frame.astype(np.int16) - kept[-1]).mean() > 0.05:
            kept.append(frame)
    starts = np.linspace(0, len(kept) - 1 - every, pairs).astype(int)
    return [(kept[i], kept[i + every // 2], kept[i + every]) for i in starts]


def ssim(one: Frames, other: Frames) -> float:
    """Mean SSIM (Wang et al. 2004) of the luminance of two pictures (H, W, 3) uint8 RGB."""
    x, y = (cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (one, other))
    mx, my, xx, yy, xy = (
        cv2.GaussianBlur(values, (11, 11), 1.5) for values in (x, y, x * x, y * y, x * y)
    )
    vx, vy, covariance = xx - mx * mx, yy - my * my, xy - mx * my
    top = (2 * mx * my + C1) * (2 * covariance + C2)
    return float((top / ((mx * mx + my * my + C1) * (vx + vy + C2))).mean())


def measured(gaps: list[Gap], method: Method) -> str:
    """PSNR in dB, SSIM and seconds of the processor for a frame."""
    errors, likes, start = list[float](), list[float](), time.process_time()
    made = [next(iter(method(before, after, [0.5]))) for before, _, after in gaps]
    seconds = (time.process_time() - start) / len(gaps)
    for frame, (_, truth, _) in zip(made, gaps, strict=True):
        errors.append(float(np.mean((frame.astype(np.float64) - truth) ** 2)))
        likes.append(ssim(frame, truth))
    psnr = 10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9))
    return f"{psnr:6.2f} dB  {np.mean(likes):.4f}  {seconds:.2f} s"


def sheet(gaps: list[Gap], methods: dict[str, Method]) -> Frames:
    """The gap with the most motion: before, truth, after; below it what the methods made."""
    before, truth, after = max(gaps, key=lambda gap: float(cv2.absdiff(gap[0], gap[2]).mean()))
    made = [next(iter(method(before, after, [0.5]))) for method in methods.values()]
    made += [np.zeros_like(before)] * (3 - len(made))
    top = [before, truth, after] + [np.zeros_like(before)] * (len(made) - 3)
    return np.vstack([np.hstack(top), np.hstack(made)])


def main(arguments: list[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--rife", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    methods: dict[str, Method] = {
        "repeat": by_repeating,
        "blend": by_blending,
        "flow": by_flow,
    }
    if asked.rife:
        from easyphoto_video.video.rife import by_rife

        methods["rife"] = by_rife(asked.rife)
    for path in asked.videos:
        gaps = gaps_of(path, asked.every, asked.pairs)
        cuts = sum(is_cut(before, after) for before, _, after in gaps)
        print(f"{path.name}, every {asked.every}: {len(gaps)} gaps, {cuts} taken for cuts")
        for name, method in methods.items():
            print(f"  {name:7s} {measured(gaps, method)}", flush=True)
        if asked.out:
            asked.out.mkdir(parents=True, exist_ok=True)
            picture = cv2.cvtColor(sheet(gaps, methods), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(asked.out / f"{path.stem}-{asked.every}.png"), picture)


if __name__ == "__main__":
    main()
