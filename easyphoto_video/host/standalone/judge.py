"""`judge`: the scores of any film, animation or folder of pictures, against a user id."""

from __future__ import annotations

import argparse
from typing import Any

from easyphoto_video.errors import BadFile
from easyphoto_video.host.cast import cast_of
from easyphoto_video.host.library import EMBEDDED
from easyphoto_video.identity import People
from easyphoto_video.judging import roles, scored
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.video.read import open_video
from easyphoto_video.watch import Watch


def judge(args: argparse.Namespace, watch: Watch) -> dict[str, Any]:
    """The scores as plain JSON values, under `scores`. Raises BadRequest, BadFile and Missing."""
    model = args.face_model or EMBEDDED
    request = Text2Video(user_id=args.user_id, face_model=model, face_pass=False)
    cast = cast_of(request, People(args.data_dir))
    if cast is None:
        raise BadFile(args.video, "nobody is named to compare it with", "Give --user-id NAME.")
    video = open_video(args.video)
    found, notes = roles(video.frames(), request, cast, watch, video.count)
    scores = scored(video.frames(), found, cast.recogniser, watch)
    return {"path": str(args.video), "scores": scores.to_json(), "notes": list(notes)}


def told(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    scores = result["scores"]
    identity, flicker = scores["identity"] or {}, scores["flicker"] or {}
    rows = {
        "likeness, mean": identity.get("mean"),
        "likeness, worst": identity.get("worst"),
        "flicker in the face": flicker.get("inside"),
        "flicker elsewhere": flicker.get("outside"),
        "frames without the face": scores["frames_without_face"],
    }
    lines = [f"{name}: {'-' if value is None else value}" for name, value in rows.items()]
    return "\n".join([*lines, *result["notes"]])
