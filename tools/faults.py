"""What goes wrong in a WebUI while we render, one thing after the other, and what it leaves behind.

    python -m tools.hosted --webui DIR --python EXE faults

Runs inside the host's process, or beside the small host of the tests: it only needs `modules`. At
each place an exception is raised, or the user's button pressed; after it a plain picture must be
bit-equal to the one before, and options, hooks, betas and lists as they were.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from easyphoto_video.engine import Shot, Start
from easyphoto_video.errors import EasyPhotoError, Stopped
from easyphoto_video.modes.text2video import Text2Video
from tools.host_state import SIDE, STEPS, TEXT, plain, state

WEBUI = "easyphoto_video.host.webui"
FRAMES = 4


class Planted(RuntimeError):
    """The exception that is raised at a place."""


@dataclass(frozen=True)
class Place:
    """Where something goes wrong."""

    name: str
    target: str
    """`package.module:attribute`, a callable as its caller looks it up."""
    at: int = 1
    """On which of its calls, from 1."""
    does: Callable[[], None] | None = None
    """What happens instead of the exception."""
    after: bool = False
    """Whether it happens when the call is over."""
    starts: bool = False
    """Whether the shot begins from pictures."""
    switches: bool = False
    """Whether the shot wants another checkpoint and another VAE than are loaded."""


def interrupt() -> None:
    """The user presses the host's own button."""
    from modules import shared

    shared.state.interrupted = True


def no_memory() -> None:
    """The GPU is full."""
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


CLIP, ENGINE, BORROWED = f"{WEBUI}.clip", f"{WEBUI}.engine", f"{WEBUI}.borrowed"
FACADE, DENOISER = f"{WEBUI}.a1111:A1111", f"{WEBUI}.denoiser:WindowedDenoiser"
MODULE = "easyphoto_video.motion.module"

PLACES = (
    Place("reading the checkpoint's name", f"{WEBUI}.settle:checkpoint_info"),
    Place("choosing the motion module", "easyphoto_video.host.settling:settled_motion"),
    Place("looking at the host's UNet", f"{FACADE}.check_unet"),
    Place("reading the motion module", "easyphoto_video.host.shelf:MotionShelf.of"),
    Place("finding the checkpoint", f"{ENGINE}:checkpoint_info"),
    Place("switching the checkpoint", "modules.sd_models:reload_model_weights", switches=True),
    Place("having switched", "modules.sd_models:reload_model_weights", after=True, switches=True),
    Place("looking at the model", f"{BORROWED}:check_model"),
    Place("switching the VAE", "modules.sd_vae:reload_vae_weights", switches=True),
    Place("fitting the motion", f"{ENGINE}:fitted"),
    Place("encoding the pictures", f"{ENGINE}:encoded", starts=True),
    Place("making the mask small", f"{ENGINE}:latent_mask", starts=True),
    Place("moving the motion to the device", f"{MODULE}:Motion.to"),
    Place("working out the betas", f"{ENGINE}:alphas_cumprod"),
    Place("making the host's run", f"{ENGINE}:clip_run"),
    Place("beginning the host's run", "modules.processing:process_images"),
    Place("reading the prompt's networks", f"{CLIP}:parsed"),
    Place("activating the LoRA", "modules.extra_networks:activate", after=True),
    Place("making conditions", "modules.prompt_parser:get_learned_conditioning"),
    Place("spreading conditions", f"{CLIP}:spread"),
    Place("spreading composed conditions", f"{CLIP}:spread_composed"),
    Place("before attaching", "easyphoto_video.motion.attach:fitted"),
    Place("while attaching", "torch.nn:Module.register_forward_hook", at=2),
    Place("making the sampler", "modules.sd_samplers:create_sampler"),
    Place("planning the windows", f"{CLIP}:Calls.of"),
    Place("the first look at noise", f"{DENOISER}.forward"),
    Place("the first step", f"{DENOISER}.forward", after=True),
    Place("the third step", f"{DENOISER}.forward", at=3),
    Place("fusing windows", f"{WEBUI}.windowed:fused", at=2),
    Place("inside the motion module", f"{MODULE}:TemporalTransformer.forward", at=7),
    Place("the host's progress", "tools.faults:callback_state"),
    Place("looking at what becomes", f"{FACADE}.look"),
    Place("beginning from pictures", f"{CLIP}:ClipProcessing._strength", starts=True),
    Place("out of memory", f"{MODULE}:TemporalTransformer.forward", does=no_memory),
    Place("taking the LoRA out", "modules.extra_networks:activate", at=2, after=True),
    Place("decoding the first frame", "modules.processing:decode_latent_batch"),
    Place("decoding a later frame", "modules.processing:decode_latent_batch", at=3),
    Place("noting the request", "easyphoto_video.recipes:note_of"),
    Place("beginning the file", "easyphoto_video.video.write:Writer.__enter__"),
    Place("writing frames", "easyphoto_video.video.write:Writer.add"),
    Place("finishing the file", "easyphoto_video.video.write:Writer._finish"),
    Place("naming the file", "easyphoto_video.video.write:publish"),
    Place("interrupt while loading", f"{BORROWED}:check_model", does=interrupt),
    Place("interrupt while encoding", f"{ENGINE}:encoded", does=interrupt, starts=True),
    Place("interrupt before sampling", f"{CLIP}:parsed", does=interrupt),
    Place("interrupt in a step", f"{DENOISER}.forward", at=2, does=interrupt),
    Place("interrupt while decoding", "modules.processing:decode_latent_batch", does=interrupt),
    Place("interrupt while writing", "easyphoto_video.video.write:Writer.add", does=interrupt),
)

UNDISTURBED = Place(
    "nothing at all", "modules.processing:process_images", does=lambda: None, switches=True
)
"""A clip that comes to its end, with another checkpoint and VAE."""
NOTHING, NEVER = "nothing", "never came there"


@dataclass(frozen=True)
class Finding:
    """How a place went."""

    place: str
    ended: str
    """The exception that came out, by its type."""
    wrong: tuple[str, ...]
    """What is not as it was; empty is well."""


def callback_state() -> None:
    """Stands for the method of whatever class the host's sampler has."""


@contextmanager
def planted(place: Place) -> Iterator[list[int]]:
    """While it lasts, the place goes wrong; yields a list that has an entry for each time."""
    owner, name = _owner(place.target)
    static = inspect.getattr_static(owner, name)
    original = getattr(owner, name)
    calls: list[int] = []
    fired: list[int] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        is_now = len(calls) == place.at
        if is_now and not place.after:
            _happen(place, fired)
        result = original(*args, **kwargs)
        if is_now and place.after:
            _happen(place, fired)
        return result

    setattr(owner, name, call)
    try:
        yield fired
    finally:
        setattr(owner, name, static)


def _happen(place: Place, fired: list[int]) -> None:
    fired.append(1)
    if place.does is None:
        raise Planted(place.name)
    place.does()


def _owner(target: str) -> tuple[Any, str]:
    if target == "tools.faults:callback_state":
        return _sampler_class(), "callback_state"
    module, _, path = target.partition(":")
    *parts, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in parts:
        owner = getattr(owner, part)
    return owner, name


def _sampler_class() -> type:
    from modules import sd_samplers, shared

    return type(sd_samplers.create_sampler("Euler a", shared.sd_model))


class Looker:
    """A watch that wants to see pictures all the time, and stops when the host's button says so."""

    def __init__(self, is_stopped: Callable[[], bool]) -> None:
        self._is_stopped = is_stopped

    def __call__(self, stage: str, fraction: float) -> None:
        """See Watch."""
        if self._is_stopped():
            raise Stopped("Stopped.")

    def wants_picture(self) -> bool:
        """See Viewer."""
        return True

    def show(self, frames: Any) -> None:
        """See Viewer."""


def request(**changes: Any) -> Text2Video:
    """A small request with two key frames and two windows."""
    usual: dict[str, Any] = {
        "prompt": f"0: {TEXT}\n3: a dog",
        "negative": "blurry",
        "seed": 11,
        "width": SIDE,
        "height": SIDE,
        "frames": FRAMES,
        "context": 3,
        "overlap": 1,
        "steps": STEPS,
        "cfg": 5,
        "sampler": "Euler a",
        "format": "png",
    }
    return Text2Video(**{**usual, **changes})


def run(host: Any, place: Place, asked: Text2Video, folder: Path) -> str:
    """Render and write with the place going wrong; the name of what came out of it."""
    from easyphoto_video.recipes import Tools
    from easyphoto_video.recipes import run as write

    with planted(place) as fired:
        try:
            with host.turn("faults"):
                settled = host.settle(asked)
                engine: Any = _Starting(host.engine) if place.starts else host.engine
                watch = Looker(host.is_stopped)
                write(settled, Tools(engine=engine, watch=watch), folder / "clip.png")
            ended = NOTHING
        except (EasyPhotoError, Planted) as error:
            ended = type(error).__name__
    return ended if fired else NEVER


@dataclass(frozen=True)
class _Starting:
    """An engine whose shots begin from grey pictures, of which the middle may change."""

    engine: Any

    @property
    def controls(self) -> frozenset[str]:
        """See Engine."""
        return self.engine.controls

    @contextmanager
    def open(self) -> Iterator[_StartingSession]:
        """See Engine."""
        with self.engine.open() as session:
            yield _StartingSession(session)

    def release(self) -> None:
        """See Engine."""
        self.engine.release()


@dataclass(frozen=True)
class _StartingSession:
    session: Any

    def render(self, shot: Shot, watch: Any) -> Any:
        """See Session."""
        frames = np.full((shot.frames, shot.height, shot.width, 3), 90, np.uint8)
        mask = np.zeros(frames.shape[:3], np.float32)
        mask[:, 16:48, 16:48] = 1
        start = Start(frames=frames, strength=0.5, mask=mask)
        return self.session.render(replace(shot, start=start), watch)


def _others(host: Any) -> dict[str, str]:
    """Another checkpoint than the loaded one, and a VAE where there is one."""
    from modules import shared

    loaded = shared.sd_model.sd_checkpoint_info.name
    names = [name for name in host.choices("checkpoint") if name not in ("auto", loaded)]
    vaes = [name for name in host.choices("vae") if name not in ("auto", "none")]
    return {"checkpoint": names[0], "vae": vaes[0] if vaes else "none"}


def check(host: Any, place: Place, pictures: list[bytes], folder: Path) -> Finding:
    """Let one place go wrong and compare what was there before with what is there after.

    `pictures` are those of `plain` before anything went wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Choosing looks files up anew, and so comes before the state is taken.
    loras = {"loras": host.choices("loras")[:1]}
    asked = request(**loras, **(_others(host) if place.switches else {}))
    before = state()
    ended = run(host, place, asked, folder)
    after = state()
    wrong = [name for name, value in before.items() if after[name] != value]
    if plain() != pictures:
        wrong.append("a plain picture")
    if (ended == NOTHING) != (place is UNDISTURBED) or ended == NEVER:
        wrong.append(ended)
    left = sorted(entry.name for entry in folder.iterdir())
    if left and place is not UNDISTURBED:
        wrong.append(f"left {left}")
    return Finding(place.name, ended, tuple(wrong))


def check_all(host: Any, folder: Path) -> Iterator[Finding]:
    """A clip that nothing disturbs, then every place in turn."""
    pictures = plain()
    yield check(host, UNDISTURBED, pictures, folder)
    for i, place in enumerate(PLACES):
        yield check(host, place, pictures, folder / f"{i:02d}")
