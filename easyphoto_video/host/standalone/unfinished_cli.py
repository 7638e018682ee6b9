"""`unfinished` and `resume`: clips that were stopped, listed, discarded and gone on with."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easyphoto_video.host.standalone.options import add_run_options
from easyphoto_video.request import mode_of
from easyphoto_video.watch import Watch

if TYPE_CHECKING:
    from easyphoto_video.unfinished import Unfinished

Command = Callable[..., argparse.ArgumentParser]


def add_unfinished_commands(
    command: Command, show: Callable[..., None], go_on: Callable[..., None]
) -> None:
    """Both commands; `show` and `go_on` run them."""
    listed = command(
        "unfinished",
        show,
        "List the clips that were stopped and can be gone on with.",
        needs_room=False,
    )
    listed.add_argument("--discard", metavar="ID", help="remove what is done of one, for good")
    listed.add_argument(
        "--sweep",
        action="store_true",
        help="remove what nobody can go on with: of other versions, damaged, or left half-written "
        "in the data folder by what was killed",
    )
    resumed = command("resume", go_on, "Go on with a clip that was stopped; its request is known.")
    resumed.add_argument("id", metavar="ID", help="as `unfinished` lists it")
    add_run_options(resumed)


def told(args: argparse.Namespace) -> str:
    """What `unfinished` prints, after it has discarded what it should. Raises Missing."""
    from easyphoto_video.host.library import OUTPUTS
    from easyphoto_video.unfinished import discard, leftovers, unfinished

    outputs = args.data_dir / OUTPUTS
    if args.discard is not None:
        discard(outputs, args.discard)
        done = {"discarded": args.discard}
        return json.dumps(done) if args.json else f"Discarded {args.discard}."
    if args.sweep:
        return _swept(args, outputs)
    found, left = unfinished(outputs), leftovers(outputs)
    if args.json:
        facts = {
            "unfinished": [_facts(each) for each in found],
            "leftovers": [each.to_json() for each in left],
        }
        return json.dumps(facts, ensure_ascii=False)
    lines = [each.line for each in found]
    if left:
        lines += [each.line for each in left]
        lines.append("Remove what cannot be gone on with by `unfinished --sweep`.")
    return "\n".join(lines) or f"Nothing is unfinished in {outputs}."


def _swept(args: argparse.Namespace, outputs: Path) -> str:
    from easyphoto_video.host.library import Library
    from easyphoto_video.leftovers import sweep_all

    swept = sweep_all(outputs, Library(args.data_dir).people)
    gone = [*map(str, swept.paths), *swept.works]
    if args.json:
        return json.dumps({"swept": gone}, ensure_ascii=False)
    return "\n".join(f"removed: {each}" for each in gone) or "There was nothing to remove."


def resumed(args: argparse.Namespace, watch: Watch) -> dict[str, Any]:
    """Go on with the clip; the result as plain JSON values. Raises Missing and what jobs raise."""
    from easyphoto_video.host.standalone.job import resume

    place: tuple[Path, Path | None] = args.data_dir, args.out
    return resume(args.id, *place, args.device, args.precision, watch)


def _facts(found: Unfinished) -> dict[str, Any]:
    return {
        "id": found.id,
        "mode": mode_of(found.request),
        "spans": found.spans,
        "stopped": round(found.stopped, 3),
        "request": found.request.to_json(),
    }
