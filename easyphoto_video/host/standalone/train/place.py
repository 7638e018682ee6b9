"""Where a training's files lie: a person's folder in EasyPhoto's layout.

outputs/easyphoto-user-id-infos/<id>/
    original_backup/<n>.jpg              the photos
    processed_images/train/<n>.jpg .txt  what is trained on, with captions
    user_weights/checkpoint-<step>.safetensors
    user_weights/training.pt, .json      to go on; taken away at the end
    user_weights/best_outputs/<id>.safetensors .jpg
    validation/global_step_<n>_<step>_0.jpg
    ref_image.jpg                        last of all: who has one is a user id
models/Lora/<id>.safetensors
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.identity import BEST, REFERENCE, People

QUALITY = 95
"""Of JPEG files."""
STEP = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Place:
    """The files of one person's training."""

    people: People
    name: str

    @property
    def folder(self) -> Path:
        """The person's."""
        return self.people.folder / self.name

    @property
    def weights(self) -> Path:
        """The folder of what was learnt."""
        return self.folder / "user_weights"

    @property
    def state(self) -> Path:
        """All that going on needs."""
        return self.weights / "training.pt"

    @property
    def asked(self) -> Path:
        """What the training was asked for."""
        return self.weights / "training.json"

    @property
    def reference(self) -> Path:
        """The picture that makes the folder a user id."""
        return self.folder / REFERENCE

    @property
    def best(self) -> Path:
        """What came out."""
        return self.folder / BEST / f"{self.name}.safetensors"

    @property
    def lora(self) -> Path:
        """The same for use."""
        return self.people.loras[0] / f"{self.name}.safetensors"

    def checkpoint(self, step: int) -> Path:
        """What was learnt after so many steps."""
        return self.weights / f"checkpoint-{step}.safetensors"

    def checkpoints(self) -> dict[int, Path]:
        """Those that are there, by step."""
        found = self.weights.glob("checkpoint-*.safetensors")
        return {int(m[1]): path for path in sorted(found) if (m := STEP.fullmatch(path.stem))}

    def validation(self, number: int, step: int) -> Path:
        """A picture drawn after so many steps."""
        return self.folder / "validation" / f"global_step_{number}_{step}_0.jpg"

    def clear(self) -> None:
        """Take away what an earlier training left to go on with, and its checkpoints."""
        self.state.unlink(missing_ok=True)
        self.asked.unlink(missing_ok=True)
        for path in self.checkpoints().values():
            path.unlink()
        shutil.rmtree(self.folder / "validation", ignore_errors=True)

    def backup(self, photos: Sequence[Frames]) -> None:
        """Keep the photos, these and no others."""
        save_all(self.folder / "original_backup", photos)

    def prepare(self, crops: Sequence[Frames], caption: str) -> None:
        """Write what is trained on."""
        folder = self.folder / "processed_images" / "train"
        save_all(folder, crops)
        names = [f"{number}.jpg" for number in range(len(crops))]
        for name in names:
            (folder / name).with_suffix(".txt").write_text(caption, encoding="utf-8")
        lines = [
            json.dumps({"file_name": f"train/{n}", "text": caption}, ensure_ascii=False)
            for n in names
        ]
        put(folder.parent / "metadata.jsonl", "\n".join(lines).encode() + b"\n")


def save_all(folder: Path, pictures: Sequence[Frames]) -> None:
    """The pictures as 0.jpg, 1.jpg and so on, in a folder that then holds nothing else."""
    # The photos may come from this very folder: the old ones stay until the new ones are there.
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for number, picture in enumerate(pictures):
        save_picture(part / f"{number}.jpg", picture)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)


def save_picture(path: Path, picture: Frames) -> None:
    """(H, W, 3) uint8 RGB as JPEG."""
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    put(path, stream.getvalue())


def put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
