"""The host's samplers by the names that a request uses."""

from __future__ import annotations

from easyphoto_video.host.checks import check_sampler
from easyphoto_video.host.webui.facade import here
from easyphoto_video.request import SAMPLERS

AUTOMATIC, EVEN = "Automatic", "Uniform"


def names() -> list[str]:
    """What is offered: our own names, then the host's further samplers."""
    return list(dict.fromkeys([*SAMPLERS, *here().shown_samplers()]))


def sampler_of(name: str) -> tuple[str, str]:
    """The host's sampler and schedule for `SAMPLER` or `SAMPLER SCHEDULE`. Raises BadRequest.

    Our own names mean the same as stand-alone: evenly spaced unless they say Karras. Others leave
    the schedule to the host.
    """
    known = here().samplers()
    if name in known:
        is_ours = name in SAMPLERS and f"{name} Karras" in SAMPLERS
        return name, EVEN if is_ours else AUTOMATIC
    for schedule in here().schedules():
        for label in (schedule.label, schedule.name, *(schedule.aliases or ())):
            plain = name.removesuffix(f" {label}")
            if plain != name and plain in known:
                return plain, schedule.label
    check_sampler(name, names())
    raise AssertionError(f"the host offers {name} and does not know it")
