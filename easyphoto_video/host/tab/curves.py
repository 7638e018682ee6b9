"""A schedule drawn over the frames, or what is wrong with it, as HTML."""

from __future__ import annotations

from html import escape

import numpy as np

from easyphoto_video.curve import parse_curve

WIDTH, HEIGHT, EDGE = 480, 56, 4
"""Units of the drawing; it is as wide as its place."""
POINTS = 240
"""Most frames that are looked at."""
FRAMES = 64
"""Frames that are drawn while their number is open."""


Limits = tuple[float, float]


def curve_of(limits: Limits, text: str | None, frames: float | None, seed: float | None) -> str:
    """What a schedule says of a clip, whose numbers lie in `limits`; empty for an empty one."""
    if not (text or "").strip():
        return ""
    count = int(frames) if frames and frames >= 1 else FRAMES
    rows = range(0, count, max(1, -(-count // POINTS)))
    try:
        values = parse_curve(text or "").values(rows, count, max(int(seed or 0), 0))
        _check(limits, rows, values)
    except ValueError as error:
        return (
            '<div class="easyphoto_video_error" role="alert" translate="no">'
            f"{escape(str(error))}</div>"
        )
    return _drawing(values, count)


def _check(limits: Limits, rows: range, values: np.ndarray) -> None:
    low, high = limits
    for frame, value in zip(rows, values.tolist(), strict=True):
        if not low <= value <= high:
            raise ValueError(f"{value:.4g} at frame {frame} is outside of {low:g} to {high:g}")


def _drawing(values: np.ndarray, count: int) -> str:
    """The lowest value at the bottom, the highest at the top; one that is constant in between."""
    least, most = float(values.min()), float(values.max())
    shares = (values - least) / (most - least) if most > least else np.full(len(values), 0.5)
    across = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    heights = HEIGHT - EDGE - shares * (HEIGHT - 2 * EDGE)
    points = " ".join(f"{EDGE + across * i:.1f},{y:.1f}" for i, y in enumerate(heights))
    if len(values) == 1:
        points = f"{points} {points}"  # a line without length, whose ends are round
    return (
        f'<div class="easyphoto_video_curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none" role="img"><polyline points="{points}"/></svg>'
        f'<p><span>Frames</span> <b translate="no">0 to {count - 1}</b> '
        f'<span>Values</span> <b translate="no">{_range(least, most)}</b></p></div>'
    )


def _range(least: float, most: float) -> str:
    return f"{least:.3g}" if f"{least:.3g}" == f"{most:.3g}" else f"{least:.3g} to {most:.3g}"
