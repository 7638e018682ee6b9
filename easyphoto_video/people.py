"""User ids made, renamed and deleted, each whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageOps

from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.files import check_file
from easyphoto_video.identity import (
    BEST,
    REFERENCE,
    SUFFIXES,
    People,
    UserId,
    check_name,
    trained_files,
)
from easyphoto_video.lora_base import lora_base
from easyphoto_video.moves import moves, put_right, workbench

PHOTOS = Path("original_backup")
"""Where EasyPhoto keeps the photos as they were given, by number."""
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
TUNED = "ddpo_"
"""What EasyPhoto puts before the name where it has trained on."""
BESIDE = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".json", ".txt", ".civitai.info")
BESIDE += tuple(f".preview{suffix}" for suffix in BESIDE[:5])
"""What the WebUI keeps beside a LoRA, under its name."""
QUALITY = 95

Choose = Callable[[Sequence[Path]], Path]
"""Gives the picture among photos that shows the person best; raises BadRequest when none does."""


def photos_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name. Raises BadRequest when there are none."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    except OSError as error:
        reason = f"cannot be read as a folder ({error.strerror})"
        raise BadRequest("Photos", folder, reason, "Give a folder with photos.") from error
    photos = [path for path in found if path.is_file() and not path.name.startswith(".")]
    if not photos:
        step = f"Put photos of the person into it: {', '.join(PICTURES)}."
        raise BadRequest("Photos", folder, "holds no pictures", step)
    return photos


def check_new(people: People, name: str, besides: str | None = None) -> str:
    """The name, when a new person can have it; `besides` is who will give the place up.

    Raises BadRequest.
    """
    name = check_name(name)
    there = people.named_like(name)
    if there is not None and there.name != besides:
        raise BadRequest(
            "User id", name, f"is there already ({there.name})", "Take another name, or delete it."
        )
    return name


def make(people: People, name: str, photos: Sequence[Path], lora: Path, choose: Choose) -> UserId:
    """A new person from photos and a LoRA that was trained elsewhere, in EasyPhoto's layout.

    The LoRA is copied, unless it lies in a LoRA folder under that name. Raises BadRequest, BadFile
    and Missing.
    """
    put_right(people.folder)
    name = check_new(people, name)
    lora_base(lora)
    if lora.suffix.lower() not in SUFFIXES:
        raise BadFile(lora, "a user id's LoRA is of another kind", f"Give {' or '.join(SUFFIXES)}.")
    there = trained_files(people.loras).get(name)
    if there is not None and not there.samefile(lora):
        step = f"Take another name, or give that LoRA: {there}"
        raise BadRequest("User id", name, "is the name of another LoRA", step, (there.parent,))
    reference = choose(photos)
    file = f"{name}{lora.suffix.lower()}"
    with (
        workbench(people.folder) as bench,
        workbench(people.loras[0]) as other,
        moves(bench) as move,
    ):
        made = bench / name
        write_jpeg(reference, made / REFERENCE)
        _keep_photos(photos, made / PHOTOS)
        (made / BEST).mkdir(parents=True)
        shutil.copyfile(lora, made / BEST / file)
        if there is None:
            shutil.copyfile(lora, other / "lora")
            move(other / "lora", people.loras[0] / file)
        move(made, people.folder / name)
    return people.get(name)


def write_jpeg(source: Path, target: Path) -> None:
    """A picture as an upright JPEG; one that is so already stays as it is. Raises BadFile."""
    check_file(source, "Give another.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Image.open(source) as picture:
            picture.load()
            is_upright = picture.getexif().get(0x0112, 1) == 1
            if picture.format == "JPEG" and picture.mode == "RGB" and is_upright:
                shutil.copyfile(source, target)
                return
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.save(target, "JPEG", quality=QUALITY, subsampling=0)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = f"it is no picture that can be read ({error})"
        raise BadFile(source, reason, "Give another.") from error


def rename(people: People, old: str, new: str) -> UserId:
    """The person under a new name, with the LoRA and what lies beside it.

    Raises BadRequest, BadFile and Missing.
    """
    put_right(people.folder)
    person = own(people, old, "renamed")
    new = check_new(people, new, besides=person.name)
    there = trained_files(people.loras).get(new)
    if there is not None and new != person.name:
        reason = f"is the name of a LoRA ({there})"
        raise BadRequest("User id", new, reason, "Take another name.", (there.parent,))
    stem = person.folder.name
    with workbench(people.folder) as bench, moves(bench) as move:
        for file in (*_weights(person), *lora_files(people, person)):
            head = TUNED if file.name.startswith(TUNED + stem) else ""
            move(file, file.with_name(f"{head}{new}{file.name[len(head + stem) :]}"))
        move(person.folder, people.folder / new)
    return people.get(new)


def delete(people: People, name: str, *, keep_lora: bool = False) -> list[Path]:
    """Take a person away for good; gives what is gone. Raises BadRequest, BadFile and Missing."""
    put_right(people.folder)
    person = own(people, name, "deleted")
    gone = belongings(people, person, keep_lora=keep_lora)
    loras = gone[1:]
    place = loras[0].parent if loras else people.folder
    with workbench(people.folder) as bench, workbench(place) as other, moves(bench) as move:
        for file in loras:
            move(file, other / file.name)
        move(person.folder, bench / "person")
    return gone


def belongings(people: People, person: UserId, *, keep_lora: bool = False) -> list[Path]:
    """What `delete` takes away: the folder first."""
    return [person.folder, *([] if keep_lora else lora_files(people, person))]


def own(people: People, name: str, done: str) -> UserId:
    """The person, when the user may change her. Raises BadRequest and Missing."""
    person = people.get(name)
    if person.is_builtin:
        reason = f"came along with the program and cannot be {done}"
        raise BadRequest("User id", name, reason, "Choose one of your own.")
    return person


def lora_files(people: People, person: UserId) -> list[Path]:
    """The person's LoRA in the LoRA folders, and what lies beside it under its name."""
    lora = trained_files(people.loras).get(person.name)
    if lora is None:
        return []
    names = [f"{lora.stem}{suffix}" for suffix in (*SUFFIXES, *BESIDE)]
    names += [f"{TUNED}{lora.stem}{suffix}" for suffix in SUFFIXES]
    beside = (lora.with_name(name) for name in names)
    return [lora, *(file for file in beside if file != lora and file.is_file())]


def _weights(person: UserId) -> Iterator[Path]:
    """The files of the person's folder that have the person's name."""
    stems = (person.folder.name, TUNED + person.folder.name)
    files = [path for path in person.folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    return (path for path in files if path.stem in stems and path.is_file())


def _keep_photos(photos: Sequence[Path], folder: Path) -> None:
    for number, photo in enumerate(photos):
        with suppress(BadFile):  # what is no picture has been left out of the choice too
            write_jpeg(photo, folder / f"{number}.jpg")
