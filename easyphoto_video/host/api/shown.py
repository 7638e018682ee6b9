"""The route of what the page shows: only what was offered, by a name that nobody can guess."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.host.api import files
from easyphoto_video.host.api.answers import failure
from easyphoto_video.host.offers import SHOWN, Offers

SAVED = (".zip",)
"""What a browser saves instead of showing it."""


def shown_router(offers: Offers) -> APIRouter:
    """The route, for `app.include_router`, before those of the API."""
    routes = APIRouter(prefix=f"/{SHOWN}", include_in_schema=False)

    def shown(token: str, name: str, request: Request) -> Response:
        try:
            offer = offers.get(token)
            answer = files.clip(offer.path, request, offer.name)
        except EasyPhotoError as error:
            return failure(error)
        if offer.path.suffix.lower() in SAVED:
            answer.headers["content-disposition"] = files.disposition("attachment", offer.name)
        # Whatever a file holds, it is no page of ours.
        answer.headers["content-security-policy"] = "sandbox; default-src 'none'"
        return answer

    for method in ("GET", "HEAD"):
        routes.add_api_route("/{token}/{name}", shown, methods=[method], response_model=None)
    return routes
