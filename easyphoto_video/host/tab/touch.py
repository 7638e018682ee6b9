"""Answering what is touched: with updates of the page, or with a sentence in the red box."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

from easyphoto_video.errors import EasyPhotoError, HostFailed
from easyphoto_video.host.tab.compat import on
from easyphoto_video.host.tab.progress import trouble

Updates = dict[Any, Any]


def touch(
    box: Any,
    event: Callable[..., Any],
    call: Callable[..., Updates],
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
) -> None:
    """Answer an event at once with the call's updates, or with its error's sentence in `box`."""

    def answer(*values: Any) -> Updates:
        try:
            return {box: "", **call(*values)}
        except Exception as error:
            return {box: trouble(told(error))}

    on(event, answer, inputs, [box, *outputs])


def told(error: Exception) -> EasyPhotoError:
    """The error as one of ours; what nobody foresaw goes to the console too."""
    if isinstance(error, EasyPhotoError):
        return error
    traceback.print_exception(type(error), error, error.__traceback__)
    return HostFailed(f"{type(error).__name__}: {error}")
