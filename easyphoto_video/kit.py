"""Tools: what a recipe works with, whichever host it runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from easyphoto_video.engine import Engine
from easyphoto_video.faces.cast import Cast
from easyphoto_video.request import Request
from easyphoto_video.temporary import temporary
from easyphoto_video.video.between import Method
from easyphoto_video.video.flow import by_flow
from easyphoto_video.watch import Watch, unwatched
from easyphoto_video.work import Work


@contextmanager
def passing(request: Request) -> Iterator[Work]:
    """Work that nobody goes on with: its folder goes with the `with`."""
    with temporary("work-") as folder:
        yield Work(folder)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a recipe works with."""

    engine: Engine
    watch: Watch = unwatched
    cast: Callable[[Request], Cast | None] = lambda request: None
    """Who finds faces for a request and whose they shall be; None when nobody is asked for."""
    between: Callable[[Request], Method] = lambda request: by_flow
    """Who makes the frames between frames for a request."""
    work: Callable[[Request], AbstractContextManager[Work]] = passing
    """Where the spans of a request are kept while it runs."""
