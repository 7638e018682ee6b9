"""The scores of a clip as a small picture: likeness over time, and the figures beneath."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 480, 72
"""Units of the drawing; it is as wide as the panel."""
EDGE = 4


def plot(scores: Mapping[str, Any] | None, notes: Sequence[str] = ()) -> str:
    """HTML of scores in their JSON form, and of sentences about the clip; empty for neither."""
    said = "".join(f"<p class='easyphoto_video_note'>{escape(note)}</p>" for note in notes)
    identity = (scores or {}).get("identity") or {}
    drawing = _drawing(identity.get("frames") or [])
    return f"<div class='easyphoto_video_scores'>{said}{drawing}{_figures(scores or {})}</div>"


def _drawing(values: Sequence[float | None]) -> str:
    """A line for each stretch of frames with the face; 0 is at the bottom, 1 at the top."""
    lines = "".join(f"<polyline points='{points}'/>" for points in _stretches(values))
    if not lines:
        return ""
    label = "Likeness of each frame"
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' preserveAspectRatio='none' role='img' "
        f"aria-label='{label}'><title>{label}</title>{lines}</svg>"
    )


def _stretches(values: Sequence[float | None]) -> list[str]:
    across = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    found: list[list[str]] = [[]]
    for frame, value in enumerate(values):
        if value is None or not math.isfinite(value):
            found.append([])
            continue
        y = HEIGHT - EDGE - max(0.0, min(1.0, value)) * (HEIGHT - 2 * EDGE)
        found[-1].append(f"{EDGE + across * frame:.1f},{y:.1f}")
    # A lone frame becomes a dot: a line without length, whose ends are round.
    return [" ".join(points * 2 if len(points) == 1 else points) for points in found if points]


def _figures(scores: Mapping[str, Any]) -> str:
    identity, flicker = scores.get("identity") or {}, scores.get("flicker") or {}
    told = [
        ("Likeness, mean", identity.get("mean"), "{:.2f}"),
        ("Likeness, worst", identity.get("worst"), "{:.2f}"),
        ("Flicker in the face", flicker.get("inside"), "{:.2f}"),
        ("Flicker elsewhere", flicker.get("outside"), "{:.2f}"),
        ("Frames without the face", scores.get("frames_without_face"), "{}"),
    ]
    rows = (
        f"<dt>{label}</dt><dd>{form.format(value)}</dd>"
        for label, value, form in told
        if value is not None
    )
    body = "".join(rows)
    return f"<dl>{body}</dl>" if body else ""
