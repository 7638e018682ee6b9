"""One job of the command line: from a request to a file and what there is to say of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyphoto_video.host.jobs import place, tools_of
from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.recipes import run
from easyphoto_video.request import Request
from easyphoto_video.unfinished import Unfinished, matching, named, taken
from easyphoto_video.watch import Watch, unwatched


@dataclass(frozen=True)
class Job:
    """A request, and where and how to run it."""

    request: Request
    data_dir: Path
    out: Path | None = None
    """A file or a folder; None is the data folder's own outputs."""
    device: str = "auto"
    precision: str = "auto"
    resumes: bool = False
    """Whether to go on with what was stopped."""


def render(job: Job, watch: Watch = unwatched) -> dict[str, Any]:
    """Run the job; the result as plain JSON values. Bad input is refused before any work."""
    host = StandaloneHost(job.data_dir, job.device, job.precision)
    request = host.settle(job.request)
    if not job.resumes:
        return _made(host, request, None, job.out, watch)
    found = matching(host.outputs, request, any_seed=job.request.seed == -1)
    with taken(found) as resumed:
        return _made(host, resumed.request, resumed, job.out, watch)


def resume(
    id: str,
    data_dir: Path,
    out: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Go on with the unfinished work of that id; see render."""
    host = StandaloneHost(data_dir, device, precision)
    with taken(named(host.outputs, id)) as resumed:
        host.settle(resumed.request)  # its files may be gone
        return _made(host, resumed.request, resumed, out, watch)


def _made(
    host: StandaloneHost,
    request: Request,
    resumed: Unfinished | None,
    out: Path | None,
    watch: Watch,
) -> dict[str, Any]:
    path = place(host, request, out)
    result = run(request, tools_of(host, watch, resumed), path)
    return {**result.to_json(), "peak_rss_mb": peak_rss_mb()}


def peak_rss_mb() -> int:
    """The most memory that this process ever held, in MB of 2^20 bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset >> 20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)
