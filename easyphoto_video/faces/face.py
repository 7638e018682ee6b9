"""What the room speaks of: a face in a picture, those who find it, and its way through a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames

Floats = npt.NDArray[np.float32]

FIVE = ("left eye", "right eye", "nose", "left corner", "right corner")
"""The five points, in insightface's order; left is the picture's left, the mouth's corners last."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """One face in one picture. Pixel centres lie at whole numbers, x to the right, y down."""

    box: Floats
    """(4,) float32, XYXY in px; may reach over the picture's border."""
    points: Floats
    """(5, 2) float32 px, see FIVE."""
    score: float
    """The detector's confidence, 0..1."""
    dense: Floats | None = None
    """(468, 2) float32 px, MediaPipe's face mesh; None where the detector has none."""
    embedding: Floats | None = None
    """(D,) float32 of length 1; the cosine of two is the likeness of two faces. None: not asked."""


class Detector(Protocol):
    """Finds faces."""

    def detect(self, picture: Frames) -> list[Face]:
        """Every face in (H, W, 3) uint8 RGB, the largest first. Raises BadFile and Missing."""
        ...


class Follower(Protocol):
    """A detector that also finds a face again, cheaply, where it was a frame ago."""

    def detect(self, picture: Frames, *, small: bool = True) -> list[Face]:
        """See Detector; without `small` it spares the costly search for small faces."""
        ...

    def again(self, picture: Frames, last: Face) -> Face | None:
        """The face near where it was, in one model call; None when it is not there any more."""
        ...


class Recogniser(Protocol):
    """Tells persons apart."""

    def embed(self, picture: Frames, points: Floats) -> Floats:
        """The embedding of the face with these five points, (D,) float32 of length 1."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One person through a clip of F frames; rows of frames without the face are NaN."""

    boxes: Floats
    """(F, 4) float32 XYXY px, smoothed."""
    points: Floats
    """(F, 5, 2) float32 px, smoothed."""
    dense: Floats | None
    """(F, 468, 2) float32 px, smoothed; None where the detector has none."""
    seen: npt.NDArray[np.bool_]
    """(F,) whether a model saw the face in that frame; the others are filled or absent."""
    scores: Floats
    """(F,) the detector's confidence; NaN where it was not seen."""
    cuts: npt.NDArray[np.bool_]
    """(F,) whether the frame begins a new scene."""
    embeddings: Floats | None
    """(F, D) of length 1, how the face looks; NaN where it was not measured."""
    embedding: Floats | None
    """(D,) of length 1, the mean over the track; None without a recogniser."""

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(F,) whether the face has a place in that frame, seen or filled."""
        return np.isfinite(self.boxes[:, 0])

    def stretches(self) -> list[slice]:
        """Frames with the face, one after the other, broken at cuts."""
        starts = np.flatnonzero(self.present & ~(np.r_[False, self.present[:-1]] & ~self.cuts))
        found = []
        for start in starts.tolist():
            ends = np.flatnonzero(~self.present[start + 1 :] | self.cuts[start + 1 :])
            found.append(slice(start, start + 1 + int(ends[0]) if len(ends) else len(self.boxes)))
        return found

    def __getitem__(self, rows: slice) -> FaceTrack:
        """The same person in some of the frames."""
        return FaceTrack(
            boxes=self.boxes[rows],
            points=self.points[rows],
            dense=None if self.dense is None else self.dense[rows],
            seen=self.seen[rows],
            scores=self.scores[rows],
            cuts=self.cuts[rows],
            embeddings=None if self.embeddings is None else self.embeddings[rows],
            embedding=self.embedding,
        )
