"""Keeping a training: what is written on the way, how it is gone on with, and what comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors.torch import save
from torch import Tensor

from easyphoto_video import __version__
from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest
from easyphoto_video.files import parsed
from easyphoto_video.host.standalone.train.course import Course
from easyphoto_video.host.standalone.train.place import Place, put, save_picture
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.identity import trained_files
from easyphoto_video.tensors import load_state_dict, read_metadata

SCORE = "easyphoto_video_identity"
"""The note in a checkpoint's file of how alike its validation pictures are."""
BEGIN_ANEW = "give --restart to begin anew"
CHUNK = 1 << 20


class Keeper:
    """Writes and reads the files of one person's training."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def check(self, *, restart: bool) -> None:
        """Raise BadRequest when the name belongs to somebody whose training is over."""
        place = self.place
        if place.asked.is_file() or restart:
            return
        person = place.people.named_like(place.name)
        if person is not None or place.name in trained_files(place.people.loras):
            what = "is a user id already" if person else "is the name of a LoRA already"
            raise BadRequest("User id", place.name, what, f"Take another name, or {BEGIN_ANEW}.")

    def begin(self, request: TrainRequest, photos: Sequence[str], *, restart: bool) -> None:
        """Note what is asked. Raises BadRequest when another training under this name is open."""
        place = self.place
        if restart:
            place.clear()
        asked = {"request": request.to_json(), "photos": list(photos)}
        if not place.asked.is_file():
            put(place.asked, json.dumps(asked, ensure_ascii=False, indent=2).encode())
            return
        other = _differing(parsed(place.asked.read_text("utf-8")), asked)
        if other:
            raise BadRequest(
                "User id",
                place.name,
                f"has a training that is not over, with other {other}",
                f"Give the same to go on, or {BEGIN_ANEW}.",
            )

    def go_on(self, course: Course) -> int:
        """Put the course where the last checkpoint was; the steps done, 0 without one."""
        if self.place.state.is_file():
            course.load(self.place.state)
        return course.done

    def prepare(self, photos: Sequence[Frames], crops: Sequence[Frames], caption: str) -> None:
        """Keep the photos and what is trained on."""
        self.place.backup(photos)
        self.place.prepare(crops, caption)

    def keep(
        self,
        course: Course,
        notes: Mapping[str, str],
        pictures: Frames,
        scores: Sequence[float],
    ) -> None:
        """Write the checkpoint, its pictures, and, last, the state to go on from."""
        step = course.done
        for number, picture in enumerate(pictures):
            save_picture(self.place.validation(number, step), picture)
        said = {SCORE: f"{np.mean(scores):.4f}"} if scores else {}
        said |= {"ss_steps": str(step)}
        put(self.place.checkpoint(step), save(course.adapters.state(), {**notes, **said}))
        course.save(self.place.state)

    def scores(self) -> dict[int, float]:
        """How alike each checkpoint's pictures are, by step."""
        notes = {step: read_metadata(path) for step, path in self.place.checkpoints().items()}
        return {step: float(said[SCORE]) for step, said in sorted(notes.items()) if SCORE in said}

    def state(self, step: int) -> dict[str, Tensor]:
        """A checkpoint's tensors."""
        return load_state_dict(self.place.checkpoint(step))

    def finish(
        self, state: dict[str, Tensor], notes: Mapping[str, str], who: Frames, best: Frames
    ) -> None:
        """Write the LoRA where EasyPhoto has it; with the reference picture it is a user id."""
        place = self.place
        content = save(state, dict(notes))
        put(place.best, content)
        save_picture(place.best.with_suffix(".jpg"), best)
        put(place.lora, content)
        save_picture(place.reference, who)
        place.state.unlink(missing_ok=True)
        place.asked.unlink(missing_ok=True)


def lora_notes(request: TrainRequest, checkpoint: Path) -> dict[str, str]:
    """What a LoRA's file says of itself, in kohya's words."""
    return {
        "ss_base_model_version": "sd_v1",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(request.rank),
        "ss_network_alpha": str(request.alpha),
        "ss_sd_model_name": checkpoint.name,
        "ss_new_sd_model_hash": _hash(checkpoint),
        "ss_output_name": request.user_id,
        "ss_learning_rate": str(request.learning_rate),
        "ss_batch_size_per_device": str(request.batch),
        "ss_max_train_steps": str(request.steps),
        "ss_seed": str(request.seed),
        "ss_tag_frequency": json.dumps({"train": {request.caption: 1}}, ensure_ascii=False),
        "easyphoto_video": __version__,
    }


def _hash(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """What differs between two trainings, for people."""
    if old.get("photos") != new["photos"]:
        return "photos"
    before, now = old.get("request"), new["request"]
    if not isinstance(before, dict) or not isinstance(now, dict):
        return "settings"
    return ", ".join(name for name in now if before.get(name) != now[name])
