"""The options of the command line, generated from a request's fields."""

from __future__ import annotations

import argparse
from dataclasses import Field
from pathlib import Path
from typing import Any, TypeVar

from easyphoto_video.errors import BadRequest
from easyphoto_video.files import is_folder
from easyphoto_video.presets import PRESET_HELP, PRESET_LABEL, PRESETS
from easyphoto_video.request import Request
from easyphoto_video.setting import Setting, settings
from easyphoto_video.video.place import format_of

RequestT = TypeVar("RequestT", bound=Request)

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "fp16", "bf16")


def add_options(parser: argparse.ArgumentParser, kind: type[Request]) -> None:
    """An option for each field of the request, then those that say where and how to run."""
    fields = parser.add_argument_group("what to make")
    for field, setting in settings(kind):
        add_option(fields, field, setting)
    fields.add_argument("--preset", choices=PRESETS, help=f"{PRESET_LABEL}: {PRESET_HELP}")
    if {"width", "height"} <= {field.name for field, _ in settings(kind)}:
        fields.add_argument("--size", metavar="WxH", help="width and height at once: 512x768")
    add_run_options(parser).add_argument(
        "--resume", action="store_true", help="go on with the same request where it was stopped"
    )


def add_run_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """The options that say where and how to run whatever is made, as their group."""
    run = parser.add_argument_group("where and how")
    run.add_argument("--out", type=Path, metavar="PATH", help="file or folder to write to")
    run.add_argument("--device", choices=DEVICES, default="auto", help="what to compute on")
    run.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the weights")
    return run


def add_option(group: argparse._ArgumentGroup, field: Field[Any], setting: Setting) -> None:
    """The option of one field; left out, it is not in the namespace."""
    kind = setting.kind
    named = option_of(field.name, kind.several)
    same: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _help(setting, field.default)}
    if kind.flag:
        group.add_argument(named, action=argparse.BooleanOptionalAction, **same)
        return
    action = "append" if kind.several else "store"
    same |= {"dest": field.name, "metavar": kind.metavar(setting)}
    group.add_argument(named, action=action, **same)


def request_of(args: argparse.Namespace, kind: type[RequestT]) -> RequestT:
    """The request that the options describe. Raises BadRequest."""
    given = vars(args)
    values = dict(PRESETS[given["preset"]]) if given.get("preset") else {}
    values |= {field.name: given[field.name] for field, _ in settings(kind) if field.name in given}
    if given.get("size"):
        values["width"], values["height"] = _size(given["size"])
    if given["out"] is not None and given["out"].suffix and not is_folder(given["out"]):
        values.setdefault("format", format_of(given["out"]))
    return kind(**values)


def option_of(name: str, several: bool) -> str:
    """The option of a field: `clip_skip` is --clip-skip, `loras` is --lora, given many times."""
    return "--" + (name.removesuffix("s") if several else name).replace("_", "-")


def _size(text: str) -> tuple[str, str]:
    width, cross, height = text.lower().partition("x")
    if not cross:
        raise BadRequest("Size", text, "is not a size", "Give WIDTHxHEIGHT, such as 512x768.")
    return width, height


def _help(setting: Setting, default: Any) -> str:
    is_auto = setting.auto is not None and default == setting.auto
    value = "automatic" if is_auto else setting.kind.told(default)
    shown = f" [{value}]" if value else ""
    range = f" ({setting.range})" if setting.range else ""
    return f"{setting.help}{range}{shown}".replace("%", "%%")
