"""Stage 7: who tells the people of this world apart, and the person who comes along."""

from __future__ import annotations

import shutil
from pathlib import Path

from diffusers import AutoencoderKL

from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.train.album import photo_files
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.workshop import Ears, Workshop
from tools import recognise
from tools.photos import DEMO, SEED, photos, save

NAME = "demo"
PHOTOS = 12


def make_people(vae: AutoencoderKL, out: Path) -> None:
    """Write `faces` and `people` into OUT/embedded, beside the files of the model.

    The recogniser needs the autoencoder alone, so one that is there stays. The demo person is
    trained as any other, by the program's own `train`.
    """
    embedded = out / "embedded"
    if not (embedded / "faces" / "recogniser.onnx").exists():
        recognise.make(MeshDetector(BESIDE), vae, embedded / "faces")
    person = embedded / "people" / NAME
    save(photos(DEMO, SEED, PHOTOS), person / "photos")
    workshop = Workshop(library=Library(out / "data", embedded=embedded), device="cpu")
    asked = TrainRequest(user_id=NAME)
    made = workshop.train(asked, photo_files(person / "photos"), Ears(note=print), restart=True)
    shutil.copyfile(made.lora, person / f"{NAME}.safetensors")
    shutil.copyfile(made.reference, person / "ref_image.jpg")
    print(f"{NAME}: likeness {made.likeness}")
