"""A person's album: photos read, checked and cut out for a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.faces.crop import CropPlan, cut, views
from easyphoto_video.faces.face import Detector, Face, FaceTrack, Floats, Recogniser
from easyphoto_video.faces.photos import Photo, examined, mean_embedding, reference_of
from easyphoto_video.files import is_folder, trouble_with
from easyphoto_video.video.still import read_picture
from easyphoto_video.watch import Watch

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")
"""What is taken for a photo in a folder; one that cannot be read is listed and left out."""
LEAST = 3
WANTED = "Give 10 to 20 sharp photos of one person, each with one large face, in different light."
REASONS = 4
"""Photos named in a refusal."""


@dataclass(frozen=True, kw_only=True)
class Album:
    """Photos with their figures, and the embedding that they share."""

    photos: tuple[Photo, ...]
    mean: Floats | None
    """(D,) of length 1; None without a recogniser."""

    @property
    def good(self) -> list[Photo]:
        """Those that are trained on."""
        return [photo for photo in self.photos if photo.is_good]

    @property
    def pictures(self) -> list[Frames]:
        """Of the good ones, (H, W, 3) uint8 RGB each, of any size."""
        return [photo.picture for photo in self.good if photo.picture is not None]

    @property
    def reference(self) -> Frames:
        """(H, W, 3) uint8 RGB, the photo that shows the person best."""
        picture = reference_of(self.photos).picture
        assert picture is not None
        return picture

    def crops(self, side: int, ratio: float) -> Frames:
        """(N, side, side, 3) uint8 RGB, the faces of the good ones as the face pass cuts them."""
        plan = CropPlan(width=side, height=side, ratio=ratio)
        pairs = [(p.picture, p.face) for p in self.good]
        return np.stack([crop(pic, face, plan) for pic, face in pairs if pic is not None and face])


def photo_files(folder: Path) -> list[Path]:
    """The photos in a folder, sorted by name. Raises BadRequest for none."""
    if not is_folder(folder):
        raise BadRequest("Photos", folder, "is no folder", "Name the folder of the photos.")
    there = sorted(folder.iterdir(), key=lambda path: path.name)
    found = [p for p in there if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    if not found:
        raise BadRequest("Photos", folder, "holds no pictures", WANTED)
    return found


def read_album(
    files: Sequence[Path],
    detector: Detector,
    recogniser: Recogniser | None,
    at_most: int,
    watch: Watch,
) -> Album:
    """The photos of these files, each examined; see `enough` for whether they do."""
    pictures = []
    for number, file in enumerate(files):
        watch("photos", number / len(files))
        pictures.append((file.name, _picture(file)))
    photos = examined(pictures, detector, recogniser, at_most)
    watch("photos", 1.0)
    return Album(photos=tuple(photos), mean=mean_embedding(photos))


def enough(album: Album) -> None:
    """Raise BadRequest, with the reasons, when too few photos are good."""
    count = len(album.good)
    if count >= LEAST:
        return
    left_out = [f"{p.name}: {p.refusal}" for p in album.photos if not p.is_good]
    more = f"; and {len(left_out) - REASONS} more" if len(left_out) > REASONS else ""
    reasons = f" ({'; '.join(left_out[:REASONS])}{more})" if left_out else ""
    raise BadRequest(
        "Photos",
        count,
        f"of {len(album.photos)} can be used, and {LEAST} are needed{reasons}",
        WANTED,
    )


def digest(files: Sequence[Path]) -> list[str]:
    """What the files hold, to know them again."""
    return sorted(sha256(file.read_bytes()).hexdigest() for file in files if not trouble_with(file))


def crop(picture: Frames, face: Face, plan: CropPlan) -> Frames:
    """(height, width, 3) uint8 RGB, the face of one picture as the face pass cuts it."""
    still = FaceTrack(
        boxes=face.box[None],
        points=face.points[None],
        dense=None,
        seen=np.ones(1, bool),
        scores=np.full(1, face.score, np.float32),
        cuts=np.zeros(1, bool),
        embeddings=None,
        embedding=None,
    )
    return cut(picture, views(still, plan)[0], (plan.width, plan.height))


def _picture(file: Path) -> Frames | None:
    try:
        return read_picture(file)
    except BadFile:
        return None
