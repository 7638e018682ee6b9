"""How clips move, beside rendered clips of the same prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.fusion import eye_openings
from easyphoto_video.faces.mesh import MeshDetector
from tools.drawing import render_clip
from tools.judging.line import FIRST_SEED, Line
from tools.models import decode, encode
from tools.probe import PARTS, shown
from tools.studio import Studio
from tools.train.vae import to_pictures, to_tensor
from tools.world import CLIP_FRAMES, Clip, random_clip

CLIPS = 8
LEAST_CHANGE, MOST_CHANGE = 0.5, 1.6
"""Frame-to-frame change, over that of rendered clips."""
MOST_DEVIATION = 1.5
ALIVE_BAR = 75.0
BLINK = 0.8
"""Eyes have blinked when their opening fell below this share of its median. In 40 drawn clips it is
0.77 at most where they do, and 0.87 at least where they do not."""
TURN = 0.13
"""A head has turned when its nose wandered so far between the eyes, in their distance. In drawn
clips it is 0.16 at least where it does, and 0.11 at most where it does not."""


@dataclass(frozen=True, eq=False)
class Clips:
    """The same prompts as drawn and as sampled, with and without the motion module."""

    asked: Sequence[Clip]
    rendered: Sequence[Frames]
    decoded: Sequence[Frames]
    """The drawn ones through the autoencoder: a drawing's flat colours do not waver at all."""
    sampled: Sequence[Frames]
    still: Sequence[Frames]


def clips(studio: Studio, count: int = CLIPS) -> Clips:
    """Clips that no training drew, (16, 128, 128, 3) uint8 RGB each."""
    asked = [random_clip(np.random.default_rng(FIRST_SEED + i)) for i in range(count)]
    sampled, still = (
        [
            studio.draw(clip.caption(), FIRST_SEED + i, CLIP_FRAMES, moving)
            for i, clip in enumerate(asked)
        ]
        for moving in (True, False)
    )
    rendered = [render_clip(clip) for clip in asked]
    return Clips(asked, rendered, [_decoded(studio, clip) for clip in rendered], sampled, still)


@torch.no_grad()
def _decoded(studio: Studio, frames: Frames) -> Frames:
    vae = studio.vae()
    return np.concatenate(
        [to_pictures(decode(vae, encode(vae, to_tensor(frame[None])).mode())) for frame in frames]
    )


def motion_lines(shown_clips: Clips, detector: MeshDetector) -> list[Line]:
    """Change, steadiness of the colours, and blinks and turns."""
    return [*change_lines(shown_clips), *colour_lines(shown_clips), alive_line(
        shown_clips, detector
    )]  # fmt: skip


def difference(frames: Frames, lag: int = 1) -> float:
    """The mean absolute difference of frames (F, H, W, 3) `lag` apart, in levels of 255."""
    return float(np.abs(frames[lag:].astype(float) - frames[:-lag]).mean())


def change_lines(shown_clips: Clips) -> list[Line]:
    """How much a clip changes from frame to frame, over what rendered clips do."""
    base = float(np.mean([difference(frames) for frames in shown_clips.rendered]))
    kinds = {
        "rendered": shown_clips.rendered,
        "sampled": shown_clips.sampled,
        "without motion module": shown_clips.still,
    }
    lines = []
    for name, frames in kinds.items():
        step = float(np.mean([difference(clip) for clip in frames]))
        far = float(np.mean([difference(clip, CLIP_FRAMES // 2) for clip in frames]))
        smooth = far / step if step else 0.0
        barred = name == "sampled"
        lines.append(
            Line(
                name=f"clip difference, {name}",
                value=step / base,
                unit="x rendered",
                low=LEAST_CHANGE if barred else None,
                high=MOST_CHANGE if barred else None,
                note=f"{step:.2f} levels of 255; 8 frames apart {smooth:.1f} x as much",
            )
        )
    return lines


def colour_lines(shown_clips: Clips) -> list[Line]:
    """How much each part's colour wavers over a clip, over what rendered clips do when decoded."""
    sampled, rendered = (
        {part: float(np.mean([deviation(clip, part) for clip in each])) for part in PARTS}
        for each in (shown_clips.sampled, shown_clips.decoded)
    )
    note = ", ".join(f"{part} {sampled[part]:.2f} / {rendered[part]:.2f}" for part in PARTS)
    return [
        Line(
            name="colours over time",
            value=sum(sampled.values()) / sum(rendered.values()),
            unit="x rendered",
            high=MOST_DEVIATION,
            note=f"levels of 255, sampled / rendered and decoded: {note}",
        )
    ]


def deviation(frames: Frames, part: str) -> float:
    """The standard deviation over time of a part's colour, mean of the channels, in levels."""
    return float(np.std([shown(frame, part) for frame in frames], axis=0).mean())


def alive_line(shown_clips: Clips, detector: MeshDetector) -> Line:
    """In how many clips the eyes blink or the head turns, as the face model sees it."""
    shares = {
        name: np.array([_acts(clip, detector) for clip in each])
        for name, each in (("sampled", shown_clips.sampled), ("rendered", shown_clips.rendered))
    }
    (blink, turn), (drawn_blink, drawn_turn) = (100 * x.mean(axis=0) for x in shares.values())
    return Line(
        name="eyes blink or head turns",
        value=100 * float(shares["sampled"].any(axis=1).mean()),
        unit="%",
        low=ALIVE_BAR,
        note=f"{len(shown_clips.sampled)} clips; blinks {blink:.0f} % (rendered "
        f"{drawn_blink:.0f} %), turns {turn:.0f} % ({drawn_turn:.0f} %)",
    )


def _acts(frames: Frames, detector: MeshDetector) -> tuple[bool, bool]:
    """Whether somebody blinks, and whether she turns."""
    # Each frame by itself: following smooths a blink away.
    found = [faces[0].dense for frame in frames if (faces := detector.detect(frame))]
    seen = [points for points in found if points is not None]
    if not seen:
        return False, False
    dense = np.stack(seen)
    return blinks(dense), turns(dense)


def blinks(dense: Floats) -> bool:
    """Whether both eyes of (F, 468, 2) shut together at some time."""
    openings = np.array([eye_openings(points) for points in dense]).mean(axis=1)
    return bool(openings.min() < BLINK * np.median(openings))


def turns(dense: Floats) -> bool:
    """Whether the nose of (F, 468, 2) wanders between the eyes."""
    left, right, nose = dense[:, [33, 133]].mean(1), dense[:, [362, 263]].mean(1), dense[:, 4]
    along = right - left
    place = ((nose - left) * along).sum(1) / (along**2).sum(1)
    return bool(np.ptp(place) > TURN)
