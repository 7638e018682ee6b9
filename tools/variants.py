"""How a clip moves when the host cuts the UNet's calls in another way than usual.

    python -m tools.hosted --webui DIR --python EXE variants [--save FILE | --against FILE]

Each prompt says the same as the first, so a clip that holds together moves as much as the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, render
from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import PROMPT

THRICE = f"{PROMPT} BREAK {PROMPT} BREAK {PROMPT}"
TWO = f"{PROMPT} :0.5 AND {PROMPT} :0.5"
NEAR = 0.05
"""How far the movement may be from the usual one's."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "usual": (PROMPT, {}),
    "conditions one by one": (PROMPT, {"batch_cond_uncond": False}),
    "three chunks": (THRICE, {}),
    "three chunks, one by one": (THRICE, {"batch_cond_uncond": False}),
    "AND": (TWO, {}),
    "AND, one by one": (TWO, {"batch_cond_uncond": False}),
    "NGMS": (PROMPT, {"s_min_uncond": 1.0}),
    "NGMS and AND": (TWO, {"s_min_uncond": 1.0}),
}


def movement(frames: Frames) -> float:
    """Mean difference of a frame to the next, in levels."""
    return float(np.abs(np.diff(frames.astype(np.int16), axis=0)).mean())


def report(host: Any, arguments: Sequence[str], say: Callable[[str], None]) -> int:
    """A line for each variant; 1 when one moves otherwise than the usual one."""
    usual, code = _given(arguments), 0
    for name, (prompt, options) in VARIANTS.items():
        try:
            moved = movement(_clip(host, prompt, options))
        except EasyPhotoError as error:
            say(f"{name:26} refused: {error}")
            continue
        usual = usual or moved
        far = abs(moved / usual - 1)
        code = code if far <= NEAR else 1
        say(f"{name:26} {moved:7.3f} levels  {far:6.2%} from the usual")
    if "--save" in arguments:
        Path(arguments[-1]).write_text(json.dumps(usual), encoding="utf-8")
    return code


def _given(arguments: Sequence[str]) -> float | None:
    if "--against" not in arguments:
        return None
    return float(json.loads(Path(arguments[-1]).read_text(encoding="utf-8")))


def _clip(host: Any, prompt: str, options: dict[str, Any]) -> Frames:
    asked = Text2Video(
        prompt=prompt, seed=7, steps=10, frames=8, checkpoint="embedded", sampler="Euler"
    )
    with ExitStack() as changed:
        changed.enter_context(_set(options))
        settled = host.settle(asked)
        with host.turn("variants"):
            return render(host.engine, Shot.of(settled))


@contextmanager
def _set(options: dict[str, Any]) -> Iterator[None]:
    from easyphoto_video.host.webui import common

    with common.options(**options):
        yield
