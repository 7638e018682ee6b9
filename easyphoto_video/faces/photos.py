"""Photos of one person: which can be trained on, how good each is, which shows her best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, Face, Floats, Recogniser

LEAST_FACE = 48
"""px of the face's longer side."""
LEAST_SHARP = 12.0
"""Variance of the Laplacian of the face at SIDE px, in grey levels squared."""
SIDE = 128
LEAST_ALIKE = 0.25
"""Cosine to the mean of the others, below which it is somebody else."""
LEAST_SHARE = 0.5
"""The same, in the median of all."""
RIVAL = 0.4
"""Area of another face, in that of the largest, from which it could be meant as well."""
TWIN = 2.0
"""Mean difference in grey levels, at 32 x 32 px, below which two pictures are the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """One photo and what was found out about it."""

    name: str
    picture: Frames | None
    """(H, W, 3) uint8 RGB; None when it cannot be read."""
    faces: tuple[Face, ...] = ()
    """Who could be meant, the likeliest first."""
    sharpness: float = 0.0
    """See LEAST_SHARP."""
    likeness: float | None = None
    """Cosine to the mean of the others; None without a recogniser."""
    refusal: str = ""
    """Why it is left out; empty when it is good."""

    @property
    def is_good(self) -> bool:
        """Whether it can be trained on."""
        return not self.refusal

    @property
    def face(self) -> Face | None:
        """The person's face; None when there is none."""
        return self.faces[0] if self.faces else None

    @property
    def size(self) -> float:
        """px, the longer side of the face; 0 without one."""
        return float((self.face.box[2:] - self.face.box[:2]).max()) if self.face else 0.0

    @property
    def merit(self) -> float:
        """For choosing the reference picture: likeness, level eyes, a look at the camera; 0..1."""
        if self.face is None:
            return 0.0
        alike = 1.0 if self.likeness is None else max(self.likeness, 0.0)
        return alike * _upright(self.face) * max(0.0, 1 - _turn(self.face))

    def to_json(self) -> dict[str, object]:
        """A row of the table."""
        return {
            "photo": self.name,
            "face_px": round(self.size),
            "sharpness": round(self.sharpness, 1),
            "likeness": None if self.likeness is None else round(self.likeness, 3),
            "left_out": self.refusal or None,
        }


def examined(
    pictures: Sequence[tuple[str, Frames | None]],
    detector: Detector,
    recogniser: Recogniser | None,
    at_most: int,
) -> list[Photo]:
    """Each photo, by its name, with its face and figures; those that are left out say why.

    A picture is (H, W, 3) uint8 RGB, or None when it cannot be read. Of the good ones the `at_most`
    most alike stay. Raises what the detector and the recogniser raise.
    """
    photos = [_looked_at(name, picture, detector, recogniser) for name, picture in pictures]
    photos = _without_twins(_compared([_measured(photo) for photo in photos]))
    good = sorted((p for p in photos if p.is_good), key=lambda p: -(p.likeness or p.sharpness))
    extra = {id(photo) for photo in good[at_most:]}
    return [
        _refused(p, "others look more like the person") if id(p) in extra else p for p in photos
    ]


def reference_of(photos: Sequence[Photo]) -> Photo:
    """The good photo that shows the person best."""
    return max((photo for photo in photos if photo.is_good), key=lambda photo: photo.merit)


def mean_embedding(photos: Sequence[Photo]) -> Floats | None:
    """(D,) of length 1 over the good photos; None without a recogniser."""
    known = [p.face.embedding for p in photos if p.is_good and p.face is not None]
    rows = [embedding for embedding in known if embedding is not None]
    return _unit(np.sum(np.stack(rows), axis=0)) if rows else None


def _looked_at(
    name: str, picture: Frames | None, detector: Detector, recogniser: Recogniser | None
) -> Photo:
    photo = Photo(name=name, picture=picture)
    if picture is None:
        return _refused(photo, "it cannot be read as a picture")
    found = detector.detect(picture)
    if not found:
        return _refused(photo, "no face is found in it")
    faces = [face for face in found if _area(face) >= RIVAL * _area(found[0])]
    if recogniser is not None:
        faces = [replace(f, embedding=recogniser.embed(picture, f.points)) for f in faces]
    return replace(photo, faces=tuple(faces))


def _measured(photo: Photo) -> Photo:
    if photo.picture is None or photo.face is None:
        return photo
    photo = replace(photo, sharpness=_sharpness(photo.picture, photo.face))
    if photo.size < LEAST_FACE:
        return _refused(photo, f"the face is {photo.size:.0f} px large, {LEAST_FACE} are needed")
    return photo if photo.sharpness >= LEAST_SHARP else _refused(photo, "the face is not sharp")


def _compared(photos: list[Photo]) -> list[Photo]:
    """Among several faces in a photo the person's, and how alike she is to the other photos."""
    alone = [photo for photo in photos if len(photo.faces) == 1]
    mean = mean_embedding(alone)
    if mean is None:
        several = "several faces of about the same size are in it; crop it to one"
        return [_refused(p, several) if len(p.faces) > 1 else p for p in photos]
    photos = [_measured(replace(p, faces=_likest_first(p.faces, mean))) for p in photos]
    if not any(photo.is_good for photo in photos):
        return photos
    total = np.sum(np.stack([_embedding(p) for p in photos if p.is_good]), axis=0)
    photos = [
        p if p.face is None else replace(p, likeness=_likeness(_embedding(p), total, p.is_good))
        for p in photos
    ]
    median = np.median([p.likeness or 0.0 for p in photos if p.is_good])
    least = max(LEAST_ALIKE, LEAST_SHARE * float(median))
    return [
        _refused(p, "it does not look like the person of the others")
        if p.likeness is not None and p.likeness < least
        else p
        for p in photos
    ]


def _likest_first(faces: tuple[Face, ...], mean: Floats) -> tuple[Face, ...]:
    def likeness(face: Face) -> float:
        return -1.0 if face.embedding is None else float(face.embedding @ mean)

    return tuple(sorted(faces, key=likeness, reverse=True))


def _embedding(photo: Photo) -> Floats:
    found = photo.face and photo.face.embedding
    return np.zeros(1, np.float32) if found is None else found


def _likeness(own: Floats, total: Floats, is_in: bool) -> float:
    """To the mean of the others; of a photo that is alone, to itself."""
    others = total - own if is_in else total
    return float(own @ _unit(others)) if np.linalg.norm(others) > 1e-3 else 1.0


def _without_twins(photos: list[Photo]) -> list[Photo]:
    seen: list[tuple[Floats, str]] = []
    out = []
    for photo in photos:
        if photo.is_good and photo.picture is not None:
            own = _glance(photo.picture)
            twin = next((name for g, name in seen if np.abs(g - own).mean() < TWIN), None)
            seen.append((own, photo.name))
            photo = photo if twin is None else _refused(photo, f"it is the same picture as {twin}")
        out.append(photo)
    return out


def _refused(photo: Photo, reason: str) -> Photo:
    return replace(photo, refusal=photo.refusal or reason)


def _sharpness(picture: Frames, face: Face) -> float:
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = (round(float(v)) for v in face.box)
    inside = picture[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    if not inside.size:
        return 0.0
    grey = cv2.cvtColor(inside, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_64F).var())


def _glance(picture: Frames) -> Floats:
    """(32, 32, 3) float32, the picture as a saved or resized copy of it shows it too."""
    return np.asarray(cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA), np.float32)


def _upright(face: Face) -> float:
    """1 for level eyes, 0 for a quarter turn."""
    along = face.points[1] - face.points[0]
    roll = abs(float(np.degrees(np.arctan2(along[1], along[0]))))
    return max(0.0, (90 - roll) / 90)


def _turn(face: Face) -> float:
    """0 for a frontal face, about 1 for a profile."""
    eyes, along = face.points[:2].mean(axis=0), face.points[1] - face.points[0]
    return abs(float((face.points[2] - eyes) @ along)) / max(float(along @ along), 1e-6) * 2


def _area(face: Face) -> float:
    return float(np.prod(face.box[2:] - face.box[:2]))


def _unit(vector: np.ndarray) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
