"""Which motion module a request gets, and whether it fits the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.host.checks import check_context
from easyphoto_video.host.library import EMBEDDED, MOTION_LORAS, MOTIONS, Library
from easyphoto_video.host.shelf import Key, stamps
from easyphoto_video.motion.lora import read_motion_lora
from easyphoto_video.motion.read import read_motion
from easyphoto_video.motion.spec import MotionSpec
from easyphoto_video.request import AUTO, NONE, Lora, Sampled

PREFERRED = ("v3", "v2", "v1", "AnimateLCM")
"""Motion modules in the order in which auto takes them; the last wants its own sampler."""


@dataclass(frozen=True, kw_only=True)
class UnetFacts:
    """The UNet that motion and persons go into, as far as these care."""

    name: str
    """The checkpoint, for people."""
    channels: tuple[int, ...]
    """Width of each level."""
    text_width: int
    """Of the text that it listens to."""
    is_embedded: bool

    def __str__(self) -> str:
        return f"{self.name} has {'/'.join(map(str, self.channels))} channels"


def settled_motion(request: Sampled, body: UnetFacts, library: Library) -> dict[str, object]:
    """The fields `motion` and `motion_loras` with their files chosen, by the library's names.

    Raises BadRequest, BadFile and Missing when there is no such file, or none that fits.
    """
    if request.motion == NONE:
        if request.motion_loras:
            first = str(request.motion_loras[0])
            reason = "has nothing to change without a motion module"
            raise BadRequest("Motion LoRA", first, reason, "Choose a motion module too.")
        return {"motion": NONE}
    path = _path(request, body, library)
    spec = built(path)
    if spec.channels != body.channels:
        raise BadFile(
            path,
            f"this is {spec}, and {body}",
            "Choose a motion module of the checkpoint's family, or auto.",
        )
    check_context(spec, request.context, request.frames)
    named = ((library.find(MOTION_LORAS, x.name), x.weight) for x in request.motion_loras)
    loras = [(read_motion_lora(file).source, weight) for file, weight in named]
    return {
        "motion": library.listed(MOTIONS, path),
        "motion_loras": tuple(Lora(library.listed(MOTION_LORAS, p), w) for p, w in loras),
    }


def _path(request: Sampled, body: UnetFacts, library: Library) -> Path:
    if request.motion != AUTO:
        return library.find(MOTIONS, request.motion)
    if body.is_embedded:
        return library.find(MOTIONS, EMBEDDED)
    there = [(_spec(path), path) for _, path in library.files(MOTIONS)]
    fitting = [(spec.name, path) for spec, path in there if spec and spec.channels == body.channels]
    if not fitting:
        raise Missing(
            f"A motion module that fits {body.name} ({'/'.join(map(str, body.channels))} channels) "
            f"in {library.folders(MOTIONS)[0]}",
            "See what can be downloaded: python3 launch.py fetch. Motion module none renders "
            "stills.",
            (library.data_dir,),
        )
    return min(fitting, key=lambda found: PREFERRED.index(found[0]))[1]


def built(path: Path) -> MotionSpec:
    """What a motion file is built like; one that has not changed is not read again.

    Raises BadFile and Missing.
    """
    return _read(path, stamps(path))


@lru_cache(maxsize=64)
def _read(path: Path, _stamps: Key) -> MotionSpec:
    return read_motion(path).spec


def _spec(path: Path) -> MotionSpec | None:
    """None for the other files of the folder, such as motion LoRAs."""
    try:
        return built(path)
    except BadFile:
        return None
