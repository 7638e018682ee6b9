"""The options of `user-ids` and of what can be done with one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_people_commands(parser: argparse.ArgumentParser) -> None:
    """The commands below `user-ids`; none of them is the list."""
    parser.set_defaults(action="list")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        # What stands before the command's name holds too.
        unless: dict[str, Any] = {"default": argparse.SUPPRESS}
        sub.add_argument("--json", action="store_true", help="print one JSON line", **unless)
        data = "folder with models/ and outputs/; may be an existing WebUI"
        sub.add_argument("--data-dir", type=Path, metavar="DIR", help=data, **unless)
        sub.set_defaults(action=name, parser=sub)
        return sub

    command("list", "List the trained persons of the data folder.")
    show = command("show", "Say what there is of a person, and what her LoRA was trained on.")
    show.add_argument("name", metavar="NAME")
    make = command("make", "Make a user id from photos and a LoRA that was trained elsewhere.")
    make.add_argument("name", metavar="NAME")
    make.add_argument("--photos", type=Path, metavar="DIR", help="folder with photos; one will do")
    lora = "her LoRA: a file, or its name in models/Lora"
    make.add_argument("--lora", required=True, metavar="FILE", help=lora)
    reference = "the reference picture [the photo that shows her best]"
    make.add_argument("--reference", type=Path, metavar="PICTURE", help=reference)
    rename = command("rename", "Give a user id another name, with its LoRA.")
    rename.add_argument("name", metavar="OLD")
    rename.add_argument("new", metavar="NEW")
    export = command("export", "Put a user id into one zip file, for another machine.")
    export.add_argument("name", metavar="NAME")
    export.add_argument("file", type=Path, metavar="FILE.zip", help="or a folder to put it into")
    bring = command("import", "Take a user id from a zip file.")
    bring.add_argument("file", type=Path, metavar="FILE.zip")
    replace = "in place of the user id of that name"
    bring.add_argument("--replace", action="store_true", help=replace)
    delete = command("delete", "Delete a user id and its LoRA for good.")
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("--yes", action="store_true", help="without asking")
    delete.add_argument("--keep-lora", action="store_true", help="leave what is in models/Lora")
