"""What differs between gradio 3.41, 4.40 and 6, asked of its signatures and never of its version.

Else the tab keeps to what all of them have: `gr.update`, updates by component in a dict, and
generators.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import gradio as gr


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
    made = kind(**known(kind, **options))
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


def upload_of(file: Any) -> str | None:
    """The path of what a gr.File gives: a text, or something with a name."""
    return None if file is None else str(getattr(file, "name", file))


def _private(event: Callable[..., Any]) -> dict[str, Any]:
    """Our API is our own; gradio's list shows none of the tab's events."""
    return known(event, api_visibility="private") or {"api_name": False}


def blocks(**options: Any) -> gr.Blocks:
    """An empty page, or part of one."""
    return gr.Blocks(**known(gr.Blocks, **options))
