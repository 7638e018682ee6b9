"""One job of the command line: from a request to a file and what there is to say of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.standalone.settle import settle
from easyphoto_video.recipes import Tools, run
from easyphoto_video.request import Text2Video
from easyphoto_video.video.place import check_writable, destination, room_needed
from easyphoto_video.watch import Watch, unwatched

OUTPUTS = Path("outputs") / "easyphoto-video"


@dataclass(frozen=True)
class Job:
    """A request, and where and how to run it."""

    request: Text2Video
    data_dir: Path
    out: Path | None = None
    """A file or a folder; None is the data folder's own outputs."""
    device: str = "auto"
    precision: str = "auto"


def render(job: Job, watch: Watch = unwatched) -> dict[str, Any]:
    """Run the job; the result as plain JSON values. Bad input is refused before any work."""
    library = Library(job.data_dir)
    request = settle(job.request, library)
    folder = job.data_dir / OUTPUTS
    path = destination(job.out, folder, request.format, str(request.seed))
    check_writable(path, room_needed(request.format, request.width, request.height, request.frames))
    engine = StandaloneEngine(library, job.device, job.precision)
    result = run(request, Tools(engine=engine, watch=watch), path)
    return {**result.to_json(), "peak_rss_mb": peak_rss_mb()}


def peak_rss_mb() -> int:
    """The most memory that this process ever held, in MB of 2^20 bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset >> 20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)
