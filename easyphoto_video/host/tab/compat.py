"""What differs between gradio 3.41, 4.40 and 6, asked of its signatures and never of its version.

Else the tab keeps to what all of them have: `gr.update`, updates by component in a dict, and
generators.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadRequest

TAKES_FILES = ("File", "Image", "Video", "Gallery", "UploadButton")
"""Classes of components whose values may be files."""


def known(call: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Those options that the call has a parameter for."""
    parameters = _of_class(call) if isinstance(call, type) else _parameters(call)
    return {name: value for name, value in options.items() if name in parameters}


def _parameters(call: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(call).parameters)


# A page is made of a thousand components of a dozen classes, and looking is slow.
_of_class = lru_cache(maxsize=64)(_parameters)


def make(kind: Callable[..., Any], **options: Any) -> Any:
    """A component or a layout, without the options that this gradio does not know.

    The WebUI writes values and ranges of components into its ui-config.json at the first start, and
    from then on they would win over our own later ones; so nothing of ours is saved there.
    """
    made = _guarded(kind)(**known(kind, **options))
    made.do_not_save_to_config = True
    return made


def on(
    event: Callable[..., Any],
    call: Callable[..., Any],
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    *,
    many: bool = False,
) -> None:
    """Run `call` when the event happens.

    `many` lets it run for several people at once, each in the queue; else it goes around the queue
    and the last event wins.
    """
    options = {
        "show_progress": "hidden",
        "queue": many,
        "concurrency_limit": None,
        "trigger_mode": "once" if many else "always_last",
        **_private(event),
    }
    event(call, inputs=list(inputs), outputs=list(outputs), **known(event, **options))


def upload_folder() -> Path:
    """Where gradio keeps what a page sent to it."""
    named = os.environ.get("GRADIO_TEMP_DIR")
    return Path(named or Path(tempfile.gettempdir()) / "gradio").resolve()


def upload_of(file: Any) -> str | None:
    """The path of what a gr.File gives: a text, or something with a name.

    An event names its file by a path and may have been written by anybody, so only what lies where
    gradio keeps what was sent is taken. Raises BadRequest for others.
    """
    if file is None:
        return None
    path = str(getattr(file, "name", file))
    if not was_sent(path):
        raise BadRequest(
            "File",
            Path(path).name[:100],
            "was not sent to this page",
            "Drop it into the field again.",
        )
    return path


def was_sent(path: str) -> bool:
    """Whether a path leads to a file among those that a page sent."""
    try:
        found = Path(path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # nothing, or no path at all
        return False
    return found.is_file() and upload_folder() in found.parents


@lru_cache(maxsize=64)
def _guarded(kind: Any) -> Any:
    """The component's class, but that it takes no file by a path that leads elsewhere, and shows an
    address as it is.

    The oldest gradio copies whatever path an event names before any function of ours is asked; the
    newest fetches what an address of ours leads to, unless it stands there twice.
    """
    if kind.__name__ not in TAKES_FILES:
        return kind

    def preprocess(self: Any, payload: Any) -> Any:
        for path in _paths(payload):
            if not was_sent(path):
                raise gr.Error("This file was not sent to this page. Drop it into the field again.")
        return kind.preprocess(self, payload)

    def postprocess(self: Any, value: Any) -> Any:
        shown = kind.postprocess(self, value)
        path = getattr(shown, "path", None)
        if isinstance(path, str) and path.startswith(("http://", "https://")):
            shown.url = path
        return shown

    # gradio asks the class for its name and its parameters, and both are as they were.
    own = {"preprocess": preprocess, "postprocess": postprocess}
    own |= {"__init__": kind.__init__, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), {**own, "__doc__": kind.__doc__})


def _paths(payload: Any) -> Iterator[str]:
    """The paths in what an event brings for a component: objects with `name` or `path`."""
    if hasattr(payload, "model_dump"):
        payload = payload.model_dump()
    if isinstance(payload, dict):
        is_file = payload.get("is_file", True)
        named = [payload.get("path"), payload.get("name") if is_file else None]
        yield from (str(path) for path in named if path)
        payload = list(payload.values())
    if isinstance(payload, (list, tuple)):
        for each in payload:
            yield from _paths(each)


def _private(event: Callable[..., Any]) -> dict[str, Any]:
    """Our API is our own; gradio's list shows none of the tab's events."""
    return known(event, api_visibility="private") or {"api_name": False}


def blocks(**options: Any) -> gr.Blocks:
    """An empty page, or part of one."""
    return gr.Blocks(**known(gr.Blocks, **options))
