"""Who is who from frame to frame: faces that are found become paths, by place and by likeness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.blaze import iou
from easyphoto_video.faces.face import Detector, Face, Floats, Recogniser

TOUCHING = 0.3
"""Two faces whose boxes share more of their union are one."""
DOUBTS = 3
"""Searches in a row that do not find somebody who is followed; then she is lost."""
ONE_PLACE = 0.5
"""Two paths whose faces overlap by more follow the same face."""
FAR = 1.0
"""In widths of the face: how far it may be from where it is expected, and 8 % more a frame."""
UNKNOWN = -2.0


@dataclass(eq=False)
class Trail:
    """One person so far."""

    faces: dict[int, Face] = field(default_factory=dict)
    """By frame, the last at the end."""
    embeddings: dict[int, Floats] = field(default_factory=dict)
    scene: int = 0
    """The last scene that it was seen in."""
    is_live: bool = True
    """Whether it was seen in the last frame."""
    doubts: int = 0
    """Searches in a row that did not find it."""

    @property
    def last(self) -> int:
        """The last frame that it was seen in."""
        return next(reversed(self.faces))

    @property
    def embedding(self) -> Floats | None:
        """(D,) of length 1, the mean so far."""
        if not self.embeddings:
            return None
        mean = np.mean(list(self.embeddings.values()), axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-9)

    def expected(self, frame: int) -> Floats:
        """(4,) the box if it goes on as it did; it slows down the longer it is not seen."""
        last = self.last
        box = self.faces[last].box
        before = [seen for seen in range(last - 4, last) if seen in self.faces]
        if not before:
            return box
        speed = (box - self.faces[before[0]].box) / (last - before[0])
        return (box + speed * min(frame - last, 8)).astype(np.float32)

    def nearness(self, face: Face, frame: int) -> float:
        """1 where it is expected, 0 at the end of where it may be, less beyond."""
        box, there = face.box, self.expected(frame)
        width = max(float(there[2] - there[0]), float(box[2] - box[0]), 1.0)
        way = np.abs((box[:2] + box[2:]) - (there[:2] + there[2:])).max() / 2
        return 1 - float(way) / width / (FAR * (1 + 0.08 * (frame - self.last - 1)))

    def until(self, frame: int) -> Trail:
        """The path as it was at that frame."""
        return Trail(faces={seen: face for seen, face in self.faces.items() if seen <= frame})

    def lose(self, last: int) -> None:
        """It is gone, and what it took for the face after that frame was another."""
        self.is_live = False
        for seen in [seen for seen in self.faces if seen > last]:
            del self.faces[seen]
            self.embeddings.pop(seen, None)

    def likeness(self, embedding: Floats | None) -> float | None:
        """The cosine to the path's mean; None where one of both is not known."""
        own = self.embedding
        return None if own is None or embedding is None else float(own @ embedding)


class Paths:
    """Everybody so far; feed it frame by frame."""

    def __init__(self, detector: Detector, recogniser: Recogniser | None, alike: float) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._alike = alike
        self._again = getattr(detector, "again", None)
        self.paths: list[Trail] = []
        self.scene = 0

    @property
    def live(self) -> list[Trail]:
        """Those seen in the last frame."""
        return [path for path in self.paths if path.is_live]

    def cut(self) -> None:
        """A new scene begins: nobody is where she was."""
        self.scene += 1
        for path in self.paths:
            path.is_live = False

    def go_on(self, frame: int, picture: Frames) -> bool:
        """Look where everybody was; whether all are still there and nobody stands for another."""
        if self._again is None:
            return False
        live = self.live
        for path in live:
            face = self._again(picture, path.faces[path.last])
            if face is None:
                path.is_live = False
            else:
                path.faces[frame] = face
        there = [path for path in live if path.is_live]
        clashes = self._settle_clashes(frame, picture, there)
        return not clashes and len(there) == len(live)

    def look(self, frame: int, picture: Frames, *, small: bool = True) -> None:
        """Search the picture, and give every face that nobody holds yet to somebody.

        Whoever was just found again keeps that face: two ways of looking at one face differ by more
        than a face moves, and a path would jump.
        """
        held = [path for path in self.live if frame in path.faces]
        spares = {} if small or self._again is None else {"small": False}
        found = self._detector.detect(picture, **spares)
        for path in held:
            seen = any(iou(face.box, path.faces[frame].box) > TOUCHING for face in found)
            path.doubts = 0 if seen else path.doubts + 1
            path.is_live = path.doubts < DOUBTS
        faces = [
            face
            for face in found
            if all(iou(face.box, path.faces[frame].box) <= TOUCHING for path in held)
        ]
        known = [self._embedded(picture, face) for face in faces]
        for path in self.paths:
            path.is_live = path.is_live and path in held
        self._share_out(frame, faces, known)

    def _share_out(self, frame: int, faces: list[Face], known: list[Floats | None]) -> None:
        free = set(range(len(faces)))
        for _, path, number in self._matches(frame, faces, known):
            if number in free and not path.is_live:
                free.discard(number)
                self._give(path, frame, faces[number], known[number])
        for number in sorted(free):
            path = Trail()
            self.paths.append(path)
            self._give(path, frame, faces[number], known[number])

    def remember(self, frame: int, picture: Frames) -> None:
        """Measure how everybody looks in this frame."""
        for path in self.live:
            if frame not in path.embeddings:
                embedding = self._embedded(picture, path.faces[frame])
                if embedding is not None:
                    path.embeddings[frame] = embedding

    def _matches(
        self, frame: int, faces: list[Face], known: list[Floats | None]
    ) -> list[tuple[float, Trail, int]]:
        """Possible pairs of a path and a face, the best first."""
        pairs = (
            (self._fit(path, frame, face, embedding), path, number)
            for path in self.paths
            if not path.is_live
            for number, (face, embedding) in enumerate(zip(faces, known, strict=True))
        )
        return sorted((pair for pair in pairs if pair[0] > 0), key=lambda pair: -pair[0])

    def _fit(self, path: Trail, frame: int, face: Face, embedding: Floats | None) -> float:
        """How well a face goes on a path; 0 or less does not."""
        likeness = path.likeness(embedding)
        is_here = path.scene == self.scene
        near = path.nearness(face, frame) if is_here else UNKNOWN
        if likeness is None:
            return near
        if likeness >= self._alike:
            return 1 + likeness + max(near, 0.0)
        # A face that does not look like it (yet: it may have turned) must be where it is expected.
        return min(near, 0.5) + likeness - self._alike if near > 0.5 else UNKNOWN + near

    def _settle_clashes(self, frame: int, picture: Frames, there: list[Trail]) -> bool:
        clashes = False
        for number, one in enumerate(there):
            for other in there[number + 1 :]:
                if not (one.is_live and other.is_live):
                    continue
                if iou(one.faces[frame].box, other.faces[frame].box) > ONE_PLACE:
                    clashes = True
                    apart = _last_apart(one, other, frame)
                    self._loser(frame, picture, (one, other), apart).lose(apart)
        return clashes

    def _loser(self, frame: int, picture: Frames, both: tuple[Trail, Trail], apart: int) -> Trail:
        """Of two paths at one face, the one that it is not."""
        likes = [path.likeness(self._embedded(picture, path.faces[frame])) for path in both]
        if None in likes:
            # Whoever is covered slides along with who is before her: what came earlier counts.
            likes = [path.until(apart).nearness(path.faces[frame], frame) for path in both]
        return both[1] if (likes[0] or 0) >= (likes[1] or 0) else both[0]

    def _give(self, path: Trail, frame: int, face: Face, embedding: Floats | None) -> None:
        path.faces[frame] = face
        path.is_live = True
        path.scene = self.scene
        if embedding is not None:
            path.embeddings[frame] = embedding

    def _embedded(self, picture: Frames, face: Face) -> Floats | None:
        if face.embedding is not None or self._recogniser is None:
            return face.embedding
        return self._recogniser.embed(picture, face.points)


def _last_apart(one: Trail, other: Trail, frame: int) -> int:
    """The last frame in which two paths did not touch; the first of either where they always do."""
    first = max(next(iter(one.faces)), next(iter(other.faces)))
    for seen in range(frame - 1, first, -1):
        if not (seen in one.faces and seen in other.faces):
            return seen
        if iou(one.faces[seen].box, other.faces[seen].box) <= TOUCHING:
            return seen
    return first
