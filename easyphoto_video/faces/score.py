"""How good a clip is: likeness of each frame, and flicker that no motion explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import FaceTrack, Floats
from easyphoto_video.faces.mask import face_mask

FAR = 1.0
"""px: where the way there and back differ by more, something was hidden."""
LEAST_SEEN = 0.4
"""Share of the picture that two frames must have in common to be neighbours in one scene."""
LONGEST = 512
"""px of the longer side at which flicker is measured."""


@dataclass(frozen=True)
class Likeness:
    """Cosines of the frames' faces to the reference."""

    frames: tuple[float | None, ...]
    """None where the face is not there."""

    @property
    def known(self) -> list[float]:
        """Of the frames with the face."""
        return [cosine for cosine in self.frames if cosine is not None]

    def to_json(self) -> dict[str, Any] | None:
        """Mean, worst and all of them; None without any."""
        if not self.known:
            return None
        frames = [None if cosine is None else round(cosine, 4) for cosine in self.frames]
        mean = float(np.mean(self.known))
        return {"mean": round(mean, 4), "worst": round(min(self.known), 4), "frames": frames}


@dataclass(frozen=True)
class Flicker:
    """Mean change between neighbouring frames that no motion explains, in grey levels 0..255."""

    inside: float | None
    """In the face; None without one."""
    outside: float | None
    """Elsewhere."""

    def to_json(self) -> dict[str, Any]:
        """Rounded."""
        both = {"inside": self.inside, "outside": self.outside}
        return {name: None if x is None else round(x, 4) for name, x in both.items()}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What was measured of a clip; None where it could not be."""

    identity: Likeness | None = None
    """Of the first person."""
    others: tuple[tuple[str, Likeness], ...] = ()
    """Of further people, by user id."""
    flicker: Flicker | None = None
    frames_without_face: int | None = None
    """In which the first person is not there."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: identity.mean, identity.worst, flicker.inside and so on."""
        return {
            "identity": self.identity and self.identity.to_json(),
            "others": {name: likeness.to_json() for name, likeness in self.others},
            "flicker": self.flicker and self.flicker.to_json(),
            "frames_without_face": self.frames_without_face,
        }


class FlickerMeter:
    """Measures flicker of frames that come one after the other; memory holds two.

    Flow by OpenCV's DIS (Kroeger et al., Fast Optical Flow using Dense Inverse Search, 2016).
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._before: tuple[Frames, Frames] | None = None
        self._sums = np.zeros((2, 2))

    def add(self, frame: Frames, face: Floats | None = None) -> None:
        """The next frame (H, W, 3) and the mask (H, W) of the faces in it; None is none."""
        scale = min(1.0, LONGEST / max(frame.shape[:2]))
        shape = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
        small = np.asarray(cv2.resize(frame, shape, interpolation=cv2.INTER_AREA), np.uint8)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._before is not None and self._before[0].shape == small.shape:
            rest, seen = self._residual(self._before, (small, grey))
            # Over a cut nearly nothing finds its way back, and what does so by chance says nothing.
            seen = seen * (seen.mean() > LEAST_SEEN)
            weight = np.zeros(shape[::-1], np.float32)
            if face is not None:
                weight = np.asarray(cv2.resize(face, shape, interpolation=cv2.INTER_AREA))
            for row, share in enumerate((weight, 1 - weight)):
                self._sums[row] += float((rest * share * seen).sum()), float((share * seen).sum())
        self._before = (small, grey)

    def result(self) -> Flicker:
        """Over all frames so far."""
        inside, outside = (
            total / weight if weight > 1 else None for total, weight in self._sums.tolist()
        )
        return Flicker(inside, outside)

    def _residual(
        self, before: tuple[Frames, Frames], now: tuple[Frames, Frames]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(h, w) grey levels that the flow leaves, and where both frames show the same thing."""
        there = self._flow.calc(before[1], now[1], None)  # type: ignore[call-overload]
        back = self._flow.calc(now[1], before[1], None)  # type: ignore[call-overload]
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in there.shape[1::-1])), axis=-1)
        places = (grid + there).astype(np.float32)
        moved = cv2.remap(now[0], places[..., 0], places[..., 1], cv2.INTER_LINEAR)
        return_ = cv2.remap(back, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
        seen = (np.linalg.norm(there + return_, axis=-1) < FAR).astype(np.float32)
        rest = np.abs(moved.astype(np.float32) - before[0]).mean(axis=2)
        return rest, seen


def faces_in(tracks: Sequence[FaceTrack], frame: int, shape: tuple[int, int]) -> Floats | None:
    """(H, W) float32 mask of the tracks' faces in a frame; None when there is none."""
    height, width = shape
    found: Floats | None = None
    for track in tracks:
        if not track.present[frame]:
            continue
        dense = None if track.dense is None else track.dense[frame]
        side = float((track.boxes[frame, 2:] - track.boxes[frame, :2]).max())
        mask = face_mask(track.points[frame], dense, (width, height), side, feather=0, grow=0)
        found = mask if found is None else np.maximum(found, mask)
    return found
