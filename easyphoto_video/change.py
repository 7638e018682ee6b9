"""Whether a settled request would change anything of the film that it begins from."""

from __future__ import annotations

from easyphoto_video.errors import BadRequest
from easyphoto_video.material import film_size
from easyphoto_video.request import NONE, Request, Video2Video

OR_REDRAW = "or give a Redraw above 0, which draws the whole picture anew"


def check_change(request: Request) -> None:
    """Raise BadRequest for a film that would come back with every picture as it is.

    Which time is taken of it, in which order and in which format it is written, makes no new
    picture; another size and frames between frames do. `request` is settled.
    """
    if not isinstance(request, Video2Video) or request.redraws or request.interpolation > 1:
        return
    if (request.width, request.height) != film_size(request):
        return
    rest = f"leaves the film as it is, as does a Redraw of {request.redraw:g}"
    if not request.people:
        step = f"Choose a User id, whose face the film shall get, {OR_REDRAW}."
        raise BadRequest("User id", request.user_id or NONE, rest, step)
    if not request.face_pass:
        raise BadRequest("Face pass", "off", rest, f"Switch it on, {OR_REDRAW}.")
    if not _changes_faces(request):
        step = f"Give more of it or a Reference fusion above 0, {OR_REDRAW}."
        raise BadRequest("Face redraw strength", request.face_strength, rest, step)


def _changes_faces(request: Request) -> bool:
    """Whether the face pass does anything to a face but match its colours with its own."""
    shares = (
        request.face_strength,
        request.fusion_before,
        request.fusion_after,
        request.skin_retouch,
        request.restore_weight if request.restore not in ("", NONE) else 0,
    )
    return any(shares) or bool(request.face_schedule.strip())
