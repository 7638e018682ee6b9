"""What `user-ids` and the commands below it do, and what they print."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.library import LORAS, Library
from easyphoto_video.identity import People, UserId
from easyphoto_video.moves import put_right
from easyphoto_video.people import belongings, delete, make, own, photos_in, rename
from easyphoto_video.people_facts import Facts, facts
from easyphoto_video.people_zip import bring, export

Result = tuple[dict[str, Any], str]
"""As JSON, and as text."""


def run(args: argparse.Namespace) -> str:
    """What a command prints. Raises BadRequest, BadFile and Missing."""
    people = Library(args.data_dir).people
    put_right(people.folder)  # whoever was moved when somebody was killed is there again
    values, text = ACTIONS[args.action](args, people)
    return json.dumps(values, ensure_ascii=False) if args.json else text


def _list(args: argparse.Namespace, people: People) -> Result:
    names = [person.name for person in people.all()]
    return {"user_ids": names}, "\n".join(names) or f"Nobody yet in {people.folder}."


def _show(args: argparse.Namespace, people: People) -> Result:
    return _told(people, people.get(args.name))


def _make(args: argparse.Namespace, people: People) -> Result:
    from easyphoto_video.host.portrait import chooser

    if args.photos is None and args.reference is None:
        step = "Give --photos DIR, a folder with photos, or --reference PICTURE."
        raise BadRequest("Photos", None, "are needed", step)
    photos = photos_in(args.photos) if args.photos else [args.reference]
    lora = Library(args.data_dir).find(LORAS, args.lora)
    choose = chooser(people, lora, args.reference)
    return _told(people, make(people, args.name, photos, lora, choose))


def _rename(args: argparse.Namespace, people: People) -> Result:
    return _told(people, rename(people, args.name, args.new))


def _export(args: argparse.Namespace, people: People) -> Result:
    path = export(people, args.name, args.file)
    return {"path": str(path)}, str(path)


def _import(args: argparse.Namespace, people: People) -> Result:
    return _told(people, bring(people, args.file, replace=args.replace))


def _delete(args: argparse.Namespace, people: People) -> Result:
    person = own(people, args.name, "deleted")
    if not args.yes:
        _ask(person, belongings(people, person, keep_lora=args.keep_lora))
    gone = [str(path) for path in delete(people, args.name, keep_lora=args.keep_lora)]
    return {"deleted": gone}, "\n".join(f"deleted: {path}" for path in gone)


def _ask(person: UserId, gone: list[Path]) -> None:
    """Go on when the person's name is typed. Raises BadRequest."""
    if sys.stdin.isatty():
        print("\n".join(map(str, gone)), file=sys.stderr)
        print(f"To delete this for good, type {person.name}: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() == person.name:
            return
    step = "Nothing was changed. Give --yes to delete it."
    raise BadRequest("User id", person.name, "was not to be deleted without a yes", step)


def _told(people: People, person: UserId) -> Result:
    found = facts(people, person)
    return found.to_json(), _lines(found)


def _lines(found: Facts) -> str:
    size = "x".join(map(str, found.reference_size)) + " px" if found.reference_size else "unread"
    kept = ", ".join(f"{name} ({length})" for name, length in found.embeddings)
    lines = {
        "user id": f"{found.name}{' (comes along)' if found.is_builtin else ''}",
        "reference": f"{found.reference} ({size})",
        "LoRA": f"{found.lora} ({found.lora_from})" if found.lora else "none",
        "base model": found.base_model or "unknown",
        "trained on": found.trained_on,
        "embeddings": kept,
        "problem": found.problem,
    }
    return "\n".join(f"{label}: {line}" for label, line in lines.items() if line)


ACTIONS: Mapping[str, Callable[[argparse.Namespace, People], Result]] = {
    "list": _list,
    "show": _show,
    "make": _make,
    "rename": _rename,
    "export": _export,
    "import": _import,
    "delete": _delete,
}
