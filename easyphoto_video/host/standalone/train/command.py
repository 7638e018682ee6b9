"""The command `train`: its options, from the request's fields, and what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from easyphoto_video.host.standalone.options import DEVICES, add_option
from easyphoto_video.host.standalone.progress import progress
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.setting import settings

if TYPE_CHECKING:
    from easyphoto_video.faces.photos import Photo

PRECISIONS = ("auto", "fp32", "bf16")
"""Those whose gradients are not lost."""


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """An option for each field, then the photos, and where to run."""
    fields = parser.add_argument_group("what to train")
    fields.add_argument(
        "--photos", type=Path, required=True, metavar="DIR", help="folder with 10 to 20 photos"
    )
    for field, setting in settings(TrainRequest):
        add_option(fields, field, setting)
    run = parser.add_argument_group("where and how")
    run.add_argument(
        "--restart",
        action="store_true",
        help="begin anew, also in place of a user id that is there; without, the same command "
        "goes on where it was stopped",
    )
    run.add_argument("--device", choices=DEVICES, default="auto", help="what to compute on")
    run.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the weights")


def train(args: argparse.Namespace) -> str:
    """Run the command; what it prints at the end. Raises what Workshop.train raises."""
    given = vars(args)
    names = [field.name for field, _ in settings(TrainRequest)]
    request = TrainRequest(**{name: given[name] for name in names if name in given})
    from easyphoto_video.host.library import Library
    from easyphoto_video.host.standalone.train.album import photo_files
    from easyphoto_video.host.standalone.train.workshop import Ears, Workshop

    files = photo_files(args.photos)
    workshop = Workshop(
        library=Library(args.data_dir), device=args.device, precision=args.precision
    )
    with progress(sys.stderr) as watch:
        ears = Ears(watch=watch, photos=_show_table, note=_note)
        trained = workshop.train(request, files, ears, restart=args.restart)
    return json.dumps(trained.to_json(), ensure_ascii=False) if args.json else str(trained.lora)


def table(photos: Sequence[Photo]) -> str:
    """The photos with their figures, and why those that are left out are."""
    width = max([len(photo.name) for photo in photos] + [5])
    lines = [f"{'photo':<{width}}  face px  sharpness  likeness  left out"]
    for photo in photos:
        alike = "" if photo.likeness is None else f"{photo.likeness:.2f}"
        figures = f"{photo.size:7.0f}  {photo.sharpness:9.0f}  {alike:>8}"
        lines.append(f"{photo.name:<{width}}  {figures}  {photo.refusal}".rstrip())
    return "\n".join(lines)


def _show_table(photos: Sequence[Photo]) -> None:
    _note(table(photos))


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
