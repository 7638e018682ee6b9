"""Which of some photos shows a person best: the one that becomes a user id's reference picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.faces.face import Detector, Recogniser
from easyphoto_video.faces.insight import PackRecogniser, packs
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.faces.photos import LEAST_FACE, Photo, examined, reference_of
from easyphoto_video.host.cast import EMBEDDED_PACK, ORDER, PACKS, mesh_folder
from easyphoto_video.identity import People
from easyphoto_video.lora_base import FAMILIES, lora_base
from easyphoto_video.video.still import read_picture

SHOWN = 5
"""Photos that a refusal names."""
STEP = f"Give a sharp photo of one person alone, her face {LEAST_FACE} px at least."


@dataclass(frozen=True)
class Chooser:
    """Chooses a reference picture; see people.Choose."""

    detector: Detector
    recogniser: Recogniser | None
    given: Path | None = None
    """The picture to take, when somebody said which."""

    def __call__(self, photos: Sequence[Path]) -> Path:
        """The best of the photos, or the given one. Raises BadRequest when it shows no face."""
        paths = [self.given] if self.given else list(photos)
        pictures = [(str(number), _read(path)) for number, path in enumerate(paths)]
        found = examined(pictures, self.detector, self.recogniser, len(pictures))
        if self.given and found[0].face is not None:
            return self.given
        if not any(photo.is_good for photo in found):
            raise _without_face(paths, found)
        return paths[int(reference_of(found).name)]


def chooser(people: People, lora: Path, given: Path | None = None) -> Callable[..., Path]:
    """A Chooser with what finds faces here, and a recogniser for the LoRA's world if one is there.

    Raises Missing without what finds faces, and BadFile.
    """
    detector = MeshDetector(mesh_folder(people.data_dir))
    return Chooser(detector, _recogniser(people.data_dir, lora), given)


def _recogniser(data_dir: Path, lora: Path) -> Recogniser | None:
    """None without a pack, or without the package that runs it: one chooses less well then."""
    pack = _pack(data_dir, lora)
    try:
        return None if pack is None else PackRecogniser(pack)
    except Missing:
        return None


def _pack(data_dir: Path, lora: Path) -> Path | None:
    """Drawn faces are told apart by the recogniser that knows them, photos by a pack's."""
    if lora_base(lora).width == next(iter(FAMILIES)):
        return EMBEDDED_PACK
    there = packs(data_dir / PACKS)
    name = next((name for name in (*ORDER, *there) if name in there), None)
    return None if name is None else data_dir / PACKS / name


def _read(path: Path) -> Frames | None:
    try:
        return read_picture(path)
    except BadFile:
        return None


def _without_face(paths: Sequence[Path], found: Sequence[Photo]) -> BadRequest:
    reasons = [f"{path.name}: {photo.refusal}" for path, photo in zip(paths, found, strict=True)]
    rest = len(reasons) - SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    told = "; ".join(reasons[:SHOWN])
    return BadRequest("Photos", len(paths), f"show no face to go by ({told}{more})", STEP)
