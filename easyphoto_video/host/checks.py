"""What a shot can ask of its models; each check raises BadRequest before any work."""

from __future__ import annotations

from collections.abc import Sequence

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.spec import MotionSpec

LCM_STEPS = 50
"""Steps that LCM was distilled from, and so the most that it can take."""


def check_sampler(sampler: str, known: Sequence[str]) -> None:
    """A host has only so many samplers."""
    if sampler not in known:
        raise BadRequest("Sampler", sampler, "is not known", f"Choose one of: {', '.join(known)}.")


def check_steps(sampler: str, steps: int) -> None:
    """LCM knows few steps."""
    if sampler == "LCM" and steps > LCM_STEPS:
        raise BadRequest(
            "Steps",
            steps,
            "is too much for the sampler LCM",
            f"Give 1 to {LCM_STEPS}; 4 to 8 are usual.",
        )


def check_clip_skip(clip_skip: int, layers: int) -> None:
    """A text encoder has only so many layers to skip."""
    if clip_skip > layers:
        reason = f"is more than the {layers} layers of the checkpoint's text encoder"
        raise BadRequest("Clip skip", clip_skip, reason, f"Give 1 to {layers}.")


def check_context(spec: MotionSpec, context: int, frames: int) -> None:
    """A motion module knows only so many positions in time."""
    if min(context, frames) > spec.positions:
        raise BadRequest(
            "Context length",
            context,
            f"is more than {spec.name} can see at once",
            f"Give 1 to {spec.positions}.",
        )
