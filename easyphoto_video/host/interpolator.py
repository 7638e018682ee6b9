"""Who makes the frames between frames: optical flow, or a RIFE file of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from easyphoto_video.clip import Frames
from easyphoto_video.host.library import INTERPOLATORS, Library
from easyphoto_video.output_settings import FLOW
from easyphoto_video.request import Request
from easyphoto_video.video.between import Method
from easyphoto_video.video.flow import by_flow

LESS = "Give a smaller Width and Height, or the interpolator flow."


def method_of(request: Request, library: Library, device: Callable[[], str]) -> Method:
    """The method of a settled request; a file's computes on the device.

    Raises Missing, BadRequest and BadFile.
    """
    if request.interpolator == FLOW:
        return by_flow
    import torch  # flow does without

    from easyphoto_video.host.translated import translated_errors
    from easyphoto_video.video.rife import by_rife

    there = device()
    by_file = by_rife(library.find(INTERPOLATORS, request.interpolator), there)

    def guarded(before: Frames, after: Frames, times: Sequence[float]) -> list[Frames]:
        with translated_errors(torch.device(there), LESS):
            return list(by_file(before, after, times))

    return guarded


def settled_interpolator(request: Request, library: Library) -> str:
    """The field `interpolator` as the library lists it; a file of another kind is refused.

    Raises Missing, BadRequest and BadFile.
    """
    if request.interpolator == FLOW:
        return FLOW
    path = library.find(INTERPOLATORS, request.interpolator)
    from easyphoto_video.video.rife import by_rife

    by_rife(path)
    return library.listed(INTERPOLATORS, path)


def interpolators(library: Library) -> list[str]:
    """What can be chosen for the field `interpolator`."""
    return [FLOW, *library.names(INTERPOLATORS)]
