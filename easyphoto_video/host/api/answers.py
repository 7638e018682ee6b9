"""What the API says: jobs and errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from easyphoto_video import errors
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.host.api.names import request_json
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Job, Jobs, QueueFull
from easyphoto_video.host.places import PROGRAM, Places
from easyphoto_video.request import mode_of
from easyphoto_video.unfinished import Unfinished

PREFIX = "/easyphoto-video"
SENTENCE = 1000
"""Most characters of an error; what was sent is shortened, what to do next stays."""
TRUTHS = {"true": True, "1": True, "": True, "false": False, "0": False}
RETRY = {"Retry-After": "10"}


class Refused(BadRequest):
    """A call that is no request of ours yet; `status` is what HTTP says of it."""

    def __init__(self, status: int, what: tuple[str, object], reason: str, next_step: str) -> None:
        super().__init__(*what, reason, next_step)
        self.status = status


def failure(
    error: EasyPhotoError, status: int | None = None, host: Host | None = None
) -> JSONResponse:
    """The answer to a call that failed, by default with the status that belongs to the error."""
    headers = RETRY if isinstance(error, QueueFull) else None
    return JSONResponse(told(error, host), status or _status(error), headers)


def told(error: EasyPhotoError | None, host: Host | None = None) -> dict[str, Any]:
    """An error as `error`, the sentence, `kind`, its class in errors.py, and `field`, the label of
    the field that is to blame; null where there is none. Where files lie is left out, below the
    data folder of `host` up to there."""
    if error is None:
        return {"error": None, "kind": None, "field": None}
    field = _shortened(error.field) if isinstance(error, BadRequest) else None
    sentence = places_of(host).sentence(error)
    return {"error": _shortened(sentence), "kind": _kind(error), "field": field}


def places_of(host: Host | None) -> Places:
    """Who leaves out where files lie."""
    return Places(host.data_dir if host else PROGRAM)


def job_json(job: Job, jobs: Jobs, host: Host, root: str = "") -> dict[str, Any]:
    """Where a job stands; `root` is the path below which the API is served."""
    state, progress = job.state, job.progress
    done = job.path if state.is_over else None
    return {
        "id": job.id,
        "mode": mode_of(job.request),
        "state": state.value,
        "position": jobs.position(job),
        "stage": progress.stage,
        "fraction": round(progress.fraction, 4),
        "eta": None if progress.eta is None or state.is_over else round(progress.eta, 1),
        "request": request_json(job.request, host.outputs),
        "seconds": {stage: round(spent, 3) for stage, spent in job.seconds.items()},
        "scores": job.scores,
        "notes": [places_of(host).without(note) for note in job.notes],
        "file": done.name if done else None,
        "url": f"{job_url(job, root)}/file" if done else None,
        **told(job.error, host),
    }


def unfinished_json(stopped: Unfinished, host: Host) -> dict[str, Any]:
    """Work that can be gone on with."""
    return {
        "id": stopped.id,
        "mode": mode_of(stopped.request),
        "spans": stopped.spans,
        "stopped": round(stopped.stopped, 3),
        "request": request_json(stopped.request, host.outputs),
    }


def root_of(request: Request) -> str:
    """The path below which the app is served."""
    return request.scope.get("root_path", "")


def truth(request: Request, name: str) -> bool:
    """A word of the query that is true or false; absent is false. Raises Refused."""
    asked = request.query_params.get(name, "false")
    if asked.lower() not in TRUTHS:
        raise Refused(422, (name, asked), "is neither true nor false", f"Give {name}=true.")
    return TRUTHS[asked.lower()]


def job_url(job: Job, root: str) -> str:
    """The address of a job, without scheme and host."""
    return f"{root}{PREFIX}/jobs/{job.id}"


STATUSES: Mapping[type[EasyPhotoError], int] = {
    QueueFull: 429,
    Missing: 404,
    BadRequest: 422,
    BadFile: 422,
    EasyPhotoError: 500,
}


def _status(error: EasyPhotoError) -> int:
    if isinstance(error, Refused):
        return error.status
    return next(status for kind, status in STATUSES.items() if isinstance(error, kind))


def _kind(error: EasyPhotoError) -> str:
    """The class of errors.py that the error is one of."""
    kinds = (kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return next(kinds).__name__


def _shortened(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    half = SENTENCE // 2
    return text if len(text) <= SENTENCE else f"{text[:half]} … {text[-half:]}"
