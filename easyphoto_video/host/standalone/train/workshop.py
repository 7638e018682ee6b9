"""The workshop: from a person's photos to a user id."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, Recogniser
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host.cast import finders
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.pictures import encoded
from easyphoto_video.host.standalone.train.album import Album, digest, enough, read_album
from easyphoto_video.host.standalone.train.course import Course, Plan, averaged
from easyphoto_video.host.standalone.train.judge import Drawer, Judge, strangers
from easyphoto_video.host.standalone.train.keep import Keeper, lora_notes
from easyphoto_video.host.standalone.train.place import Place
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.settle import checkpoint_of, settled, target_of
from easyphoto_video.host.translated import translated_errors
from easyphoto_video.watch import Watch, unwatched

LESS = "Give a smaller Batch size or LoRA rank, or --precision bf16."


def _nothing(_: Any) -> None:
    """For those who do not listen."""


def _nothing_more() -> None:
    """For those beside whom nobody has models."""


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Who is told what, besides progress."""

    watch: Watch = unwatched
    photos: Callable[[Sequence[Photo]], None] = _nothing
    """The table of photos, also when they are too few."""
    note: Callable[[str], None] = _nothing
    """A sentence, such as from where it goes on."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came out."""

    request: TrainRequest
    lora: Path
    reference: Path
    photos: tuple[Photo, ...]
    scores: dict[int, float]
    """Mean likeness of each checkpoint's validation pictures; empty without a recogniser."""
    taken: tuple[int, ...]
    """The checkpoints that the result is the average of."""
    likeness: float | None
    """Of the result's validation pictures; None without a recogniser."""
    resumed_from: int
    """Steps that an earlier run had done."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "user_id": self.request.user_id,
            "lora": str(self.lora),
            "reference": str(self.reference),
            "request": self.request.to_json(),
            "photos": [photo.to_json() for photo in self.photos],
            "checkpoints": {str(step): round(score, 4) for step, score in self.scores.items()},
            "averaged": list(self.taken),
            "scores": {"identity": None if self.likeness is None else round(self.likeness, 4)},
            "resumed_from": self.resumed_from,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """What the result is made of."""

    taken: tuple[int, ...]
    """Checkpoints, averaged."""
    likeness: float | None
    """Mean of the validation pictures drawn with it; None without a recogniser."""
    picture: Frames
    """(s, s, 3) uint8 RGB, the most alike of them."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Trains user ids with the models of a library."""

    library: Library
    device: str = "auto"
    precision: str = "auto"
    make_room: Callable[[], None] = _nothing_more
    """Called before models are loaded, so that others let theirs go."""

    def train(
        self, request: TrainRequest, files: Sequence[Path], ears: Ears, *, restart: bool = False
    ) -> Trained:
        """Train the person that the photos in these files show.

        The same again goes on from the last checkpoint; `restart` begins anew. The stages are
        photos, loading, encoding, training, validation. Raises BadRequest, BadFile, Missing,
        OutOfMemory, HostFailed, and Stopped when the watch raises it; its checkpoints stay then.
        """
        since = time.perf_counter()
        place = Place(self.library.people, request.user_id)
        keeper = Keeper(place)
        keeper.check(restart=restart)
        target = target_of(self.device, self.precision)
        self.make_room()
        try:
            with translated_errors(target.device, LESS):
                session = self._session(request, files, ears, target)
                keeper.begin(session.request, digest(files), restart=restart)
                return session.run(keeper, ears, since)
        finally:
            gc.collect()
            if target.device.type == "cuda":
                torch.cuda.empty_cache()

    def _session(
        self, request: TrainRequest, files: Sequence[Path], ears: Ears, target: Target
    ) -> _Session:
        data_dir = self.library.data_dir
        request = settled(request, self.library, len(files))
        detector, recogniser = finders(request.face_model, data_dir)
        album = read_album(files, detector, recogniser, request.photos_at_most, ears.watch)
        ears.photos(album.photos)
        enough(album)
        return _Session(
            request=request,
            checkpoint=checkpoint_of(request, self.library),
            album=album,
            finders=(detector, recogniser),
            target=target,
        )


@dataclass(frozen=True, kw_only=True)
class _Session:
    """One training with everything chosen."""

    request: TrainRequest
    checkpoint: Path
    album: Album
    finders: tuple[Detector, Recogniser | None]
    target: Target

    def run(self, keeper: Keeper, ears: Ears, since: float) -> Trained:
        watch, request = ears.watch, self.request
        watch("loading", 0.0)
        models = load_models(self.checkpoint, None, self.target)
        # Latents are what is learnt from, so the VAE rounds nothing.
        models.vae.float()
        watch("loading", 1.0)
        crops = self.album.crops(models.facts.family.side, request.face_crop)
        drawer = Drawer(models=models, target=self.target)
        judge = self._judge(drawer, watch)
        course = Course(models, self._latents(models, crops, watch), self._plan())
        resumed_from = keeper.go_on(course)
        if resumed_from:
            ears.note(f"Going on from step {resumed_from} of {request.steps}.")
        else:
            keeper.prepare(self.album.pictures, list(crops), request.caption)
        while course.done < request.steps:
            watch("training", course.done / request.steps)
            course.step()
            if course.done % request.save_every == 0 or course.done == request.steps:
                self._pause(course, judge, keeper, watch)
        watch("training", 1.0)
        choice = self._choose(course, judge, keeper, watch)
        notes = lora_notes(request, self.checkpoint)
        keeper.finish(course.adapters.state(), notes, self.album.reference, choice.picture)
        return Trained(
            request=request,
            lora=keeper.place.lora,
            reference=keeper.place.reference,
            photos=self.album.photos,
            scores=keeper.scores(),
            taken=choice.taken,
            likeness=choice.likeness,
            resumed_from=resumed_from,
            seconds=time.perf_counter() - since,
        )

    def _judge(self, drawer: Drawer, watch: Watch) -> Judge:
        detector, recogniser = self.finders
        return Judge(
            drawer=drawer,
            detector=detector,
            recogniser=recogniser,
            mean=self.album.mean,
            caption=self.request.caption,
            strangers=strangers(drawer, detector, self.request, watch),
        )

    def _latents(self, models: Models, crops: Frames, watch: Watch) -> Tensor:
        if self.request.flip:
            crops = np.concatenate([crops, crops[:, :, ::-1]])
        with torch.no_grad():
            return encoded(models.vae, np.ascontiguousarray(crops), watch)

    def _plan(self) -> Plan:
        same = ("steps", "rank", "alpha", "learning_rate", "batch", "caption", "seed")
        return Plan(**{name: getattr(self.request, name) for name in same})

    def _pause(self, course: Course, judge: Judge, keeper: Keeper, watch: Watch) -> None:
        """Draw, judge and save, the state last: who is killed before does it again."""
        with course.attached():
            pictures, scores = judge.look(watch)
        keeper.keep(course, lora_notes(self.request, self.checkpoint), pictures, scores)

    def _choose(self, course: Course, judge: Judge, keeper: Keeper, watch: Watch) -> Choice:
        """Fill the course's adapters with the best: an average, unless one alone is better."""
        scores = keeper.scores() or {course.done: -1.0}
        ranked = sorted(scores, key=lambda step: -scores[step])
        choice = self._tried(tuple(ranked[: self.request.best]), course, judge, keeper, watch)
        if choice.likeness is None or choice.likeness >= scores[ranked[0]]:
            return choice
        return self._tried((ranked[0],), course, judge, keeper, watch)

    def _tried(
        self, steps: tuple[int, ...], course: Course, judge: Judge, keeper: Keeper, watch: Watch
    ) -> Choice:
        course.adapters.fill(averaged([keeper.state(step) for step in steps]))
        with course.attached():
            pictures, scores = judge.look(watch)
        best = int(np.argmax(scores)) if scores else 0
        likeness = float(np.mean(scores)) if scores else None
        return Choice(taken=steps, likeness=likeness, picture=pictures[best])
