"""The routes of the API, on a queue that the tab shares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match

from easyphoto_video.errors import EasyPhotoError, Missing
from easyphoto_video.host.api import files
from easyphoto_video.host.api.answers import (
    PREFIX,
    Refused,
    failure,
    job_json,
    job_url,
    root_of,
    truth,
    unfinished_json,
)
from easyphoto_video.host.api.body import read_object, request_of
from easyphoto_video.host.api.people import PeopleApi
from easyphoto_video.host.api.schema import schema
from easyphoto_video.host.api.uploads import Uploads
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Job, Jobs, ours
from easyphoto_video.request import MODES
from easyphoto_video.unfinished import discard, leftovers, unfinished

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
POLL = 0.1
"""Seconds between two looks at a job that somebody waits for."""


def router(host: Host, jobs: Jobs) -> APIRouter:
    """The API as routes below /easyphoto-video, for `app.include_router`.

    Authentication is the app's: give it as `dependencies`. Nothing is imported by a call.
    """
    routes = APIRouter(prefix=PREFIX, route_class=_route(host), tags=["EasyPhoto Video"])
    api, people = _Api(host, jobs, routes.routes), PeopleApi(host)
    for mode in MODES:
        routes.add_api_route(f"/{mode}", api.submit(mode), methods=["POST"], status_code=202)
    for path, call in (
        ("/schema", api.schema),
        ("/jobs", api.all),
        ("/jobs/{id}", api.get),
        ("/jobs/{id}/file", api.file),
        ("/unfinished", api.unfinished),
        *people.gets(),
    ):
        routes.add_api_route(path, call, methods=["GET"], response_model=None)
        routes.add_api_route(
            path, call, methods=["HEAD"], response_model=None, include_in_schema=False
        )
    for method, path, call in (*people.changes(), *api.changes()):
        routes.add_api_route(path, call, methods=[method], response_model=None)
    routes.add_api_route(
        "/{path:path}", api.nowhere, methods=METHODS, response_model=None, include_in_schema=False
    )
    return routes


def _route(host: Host) -> type[APIRoute]:
    """A route whose errors are answers of ours; those of the app's authentication stay its own."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    return await handle(request)
                except HTTPException:
                    raise
                except ClientDisconnect:
                    return Response(status_code=400)
                except Exception as error:
                    return failure(ours(error), host=host)

            return guarded

    return Route


class _Api:
    """One method for each route. Those that are not async run in threads."""

    def __init__(self, host: Host, jobs: Jobs, routes: list[BaseRoute]) -> None:
        self._host = host
        self._jobs = jobs
        self._routes = routes
        self._uploads = Uploads(host, jobs)

    def changes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """The routes that change something, by method, but for those that make a clip."""
        return [
            ("POST", "/jobs/{id}/cancel", self.cancel),
            ("DELETE", "/jobs/{id}", self.cancel),
            ("POST", "/files", self.take),
            ("POST", "/unfinished/{id}/resume", self.resume),
            ("DELETE", "/unfinished/{id}", self.discard),
        ]

    def submit(self, mode: str) -> Callable[[Request], Awaitable[Response]]:
        """The call that makes a clip."""

        async def submit(request: Request) -> Response:
            wait = truth(request, "wait")
            values = await read_object(request)
            try:
                job = await run_in_threadpool(self._submit, mode, values)
            except EasyPhotoError as error:
                status = 422 if isinstance(error, Missing) else None
                return failure(error, status, self._host)
            return await self._followed(job, request, wait)

        submit.__doc__ = f"{MODES[mode].__doc__} With ?wait=true the answer comes when it is over."
        return submit

    def schema(self) -> Response:
        """JSON Schema of every mode: labels, ranges, defaults and what can be chosen now."""
        return JSONResponse(schema(self._host))

    def all(self, request: Request) -> Response:
        """The jobs that are remembered, oldest first."""
        root = root_of(request)
        jobs = [job_json(job, self._jobs, self._host, root) for job in self._jobs.all()]
        return JSONResponse({"jobs": jobs})

    def get(self, id: str, request: Request) -> Response:
        """Where a job stands."""
        return self._answer(self._jobs.get(id), request, 200)

    def file(self, id: str, request: Request) -> Response:
        """The finished clip; pictures come as a zip."""
        job = self._jobs.get(id)
        if job.path is None or not job.state.is_over:
            step = "Ask again when its state is done." if not job.state.is_over else "Run it again."
            raise Missing(f"The clip of job {id}, which is {job.state},", step)
        return files.clip(job.path, request)

    def cancel(self, id: str, request: Request) -> Response:
        """Stop a job; 202 when it still has to notice."""
        job = self._jobs.get(id)
        self._jobs.cancel(job)
        return self._answer(job, request, 200 if job.state.is_over else 202)

    async def take(self, request: Request) -> Response:
        """Keep a picture or a film, whose name in the answer is what fields of a request take."""
        return JSONResponse(await self._uploads.take(request), 201)

    def unfinished(self) -> Response:
        """Work that was stopped and can be gone on with, the newest first; and what cannot."""
        outputs = self._host.outputs
        found = [unfinished_json(each, self._host) for each in unfinished(outputs)]
        left = [each.to_json() for each in leftovers(outputs)]
        return JSONResponse({"unfinished": found, "leftovers": left})

    async def resume(self, id: str, request: Request) -> Response:
        """Go on where it was stopped: a job like any other."""
        wait = truth(request, "wait")
        try:
            job = await run_in_threadpool(self._jobs.resume, id)
        except EasyPhotoError as error:
            return failure(error, host=self._host)
        return await self._followed(job, request, wait)

    def discard(self, id: str) -> Response:
        """Remove work that was stopped, for good."""
        discard(self._host.outputs, id)
        return JSONResponse({"discarded": id})

    def nowhere(self, request: Request) -> Response:
        """What is asked of no address, or of one that knows other methods."""
        method, path = request.method, request.url.path
        allowed = sorted(
            name
            for route in self._routes
            if isinstance(route, APIRoute) and route.matches(request.scope)[0] is Match.PARTIAL
            for name in route.methods or ()
        )
        if not allowed:
            modes = " or ".join(f"POST {PREFIX}/{mode}" for mode in MODES)
            raise Missing(f"{method} {path}", f"Use {modes}, or see docs/api.md.")
        step = f"Use {' or '.join(allowed)}."
        answer = failure(Refused(405, ("Method", method), f"does not suit {path}", step))
        answer.headers["allow"] = ", ".join(allowed)
        return answer

    def _submit(self, mode: str, values: dict[str, Any]) -> Job:
        self._uploads.prune()
        return self._jobs.submit(request_of(mode, values, self._host, self._uploads.path))

    async def _followed(self, job: Job, request: Request, wait: bool) -> Response:
        """The answer to who submitted it: at once, or when it is over or nobody listens."""
        while wait and not job.state.is_over and not await request.is_disconnected():
            await asyncio.sleep(POLL)
        return self._answer(job, request, 200 if wait else 202)

    def _answer(self, job: Job, request: Request, status: int) -> Response:
        root = root_of(request)
        headers = {"Location": job_url(job, root)} if status == 202 else None
        told = job_json(job, self._jobs, self._host, root)
        return JSONResponse(told, status, headers)
