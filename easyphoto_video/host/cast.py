"""The cast of a request: the models of faces that are there, and the persons it names."""

from __future__ import annotations

from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.embeddings import Recognised, reference_embedding
from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.face_files import BESIDE, FOLDER
from easyphoto_video.faces.cast import Cast, Person, Restorer
from easyphoto_video.faces.face import Detector, Face, Floats, Recogniser
from easyphoto_video.faces.insight import PackRecogniser, is_installed, packs
from easyphoto_video.faces.mesh import MeshDetector, find_mesh_files
from easyphoto_video.files import is_folder
from easyphoto_video.host.library import EMBEDDED, EMBEDDED_FOLDER
from easyphoto_video.identity import People, UserId
from easyphoto_video.request import AUTO, NONE, Request, Sampled
from easyphoto_video.video.still import read_picture

PACKS = Path("models") / "insightface" / "models"
EMBEDDED_PACK = EMBEDDED_FOLDER / "faces"
ORDER = ("antelopev2", "buffalo_l", "buffalo_s")
"""Packs in the order in which auto takes them; then those of other names."""


def cast_of(request: Request, people: People, restorer: Restorer | None = None) -> Cast | None:
    """Who finds faces for a settled request, and whose they shall be; None when it names nobody.

    Raises Missing and BadFile.
    """
    if not isinstance(request, Sampled) or not request.people:
        return None
    detector, recogniser = finders(request.face_model, people.data_dir)
    everybody = [person_of(people.get(name), detector, recogniser) for name in request.people]
    return Cast(
        detector=detector, recogniser=recogniser, people=tuple(everybody), restorer=restorer
    )


def finders(face_model: str, data_dir: Path) -> tuple[MeshDetector, PackRecogniser | None]:
    """Who finds faces, and who tells them apart by a settled `face_model`.

    Raises Missing and BadFile.
    """
    pack = pack_of(face_model, data_dir)
    recogniser = None if pack is None else PackRecogniser(pack)
    return MeshDetector(mesh_folder(data_dir)), recogniser


def check_faces(request: Sampled, people: People) -> None:
    """Raise Missing and BadRequest, before any work, for models of faces that are not there."""
    if request.people:
        mesh_folder(people.data_dir)
        pack_of(request.face_model, people.data_dir)


def settled_model(request: Sampled, data_dir: Path, *, is_embedded: bool) -> str:
    """The field `face_model` chosen: the pack that goes with the checkpoint.

    Without what runs packs, auto goes without; the result says that likeness was not measured.
    """
    if request.face_model not in (AUTO, ""):
        return request.face_model
    if not is_installed():
        return NONE
    if is_embedded:
        return EMBEDDED
    there = packs(data_dir / PACKS)
    return next((name for name in (*ORDER, *there) if name in there), NONE)


def face_models(data_dir: Path) -> list[str]:
    """What can be chosen for the field `face_model`."""
    return [AUTO, NONE, EMBEDDED, *packs(data_dir / PACKS)]


def mesh_folder(data_dir: Path) -> Path:
    """Where the two networks that find faces lie. Raises Missing."""
    return find_mesh_files((data_dir / FOLDER, BESIDE))


def pack_of(name: str, data_dir: Path) -> Path | None:
    """The folder of a pack by its name; None for none. Raises Missing."""
    if name == NONE:
        return None
    folder = EMBEDDED_PACK if name == EMBEDDED else data_dir / PACKS / Path(name).name
    if not is_folder(folder):
        raise Missing(
            f"Face recognition {name!r}",
            f"Put the pack into {data_dir / PACKS}, or download one, for use without profit: "
            "python3 launch.py fetch buffalo_l --accept-licence",
            (data_dir,),
        )
    return folder


def person_of(person: UserId, detector: Detector, recogniser: Recogniser | None) -> Person:
    """Somebody as her reference picture shows her. Raises BadFile when it shows no face."""
    picture = read_picture(person.reference)
    faces = detector.detect(picture)
    if not faces:
        raise BadFile(person.reference, "no face is found in it", "Give another reference picture.")
    face = faces[0]
    embedding = None if recogniser is None else _embedding(person, picture, face, recogniser)
    whole = Face(
        box=face.box, points=face.points, score=face.score, dense=face.dense, embedding=embedding
    )
    return Person(name=person.name, picture=picture, face=whole)


def _embedding(person: UserId, picture: Frames, face: Face, recogniser: Recogniser) -> Floats:
    """As it is kept beside the picture, where the recogniser can be known again."""
    if not isinstance(recogniser, PackRecogniser):
        return recogniser.embed(picture, face.points)
    known = Recognised(recogniser.file.parent.name, recogniser.file)
    return reference_embedding(person, known, lambda _: recogniser.embed(picture, face.points))
