"""A request as the WebUI's infotext and back, and what others wrote there as far as we have it.

    PROMPT
    Negative prompt: NEGATIVE
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, EasyPhoto Video: "{...}"

The last entry is the whole request, so what we wrote comes back exactly; the others are for people
and for programs that do not know us.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.modes.registry import MODES, request_from
from easyphoto_video.request import Request, Sampled
from easyphoto_video.setting import settings

KEY = "EasyPhoto Video"
"""The entry that holds our request."""
NEGATIVE = "Negative prompt:"
LEAST_PAIRS = 3
"""As in the WebUI: a last line with fewer entries is a part of the prompt."""
ENTRY = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
SIZE = re.compile(r"(\d+)x(\d+)")

PLAIN = {
    "Prompt": "prompt",
    "Negative prompt": "negative",
    "Steps": "steps",
    "CFG scale": "cfg",
    "Seed": "seed",
    "Size-1": "width",
    "Size-2": "height",
    "Clip skip": "clip_skip",
}
"""The WebUI's names of our fields."""
AUTOMATIC = {
    "Karras": ("DPM++ 2M", "DPM++ SDE", "DPM++ 2S a", "DPM2", "DPM2 a", "Restart"),
    "Exponential": ("DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE"),
}
"""What the WebUI's schedule type `Automatic` means for these samplers; for others it is plain."""
SCHEDULES = ("Karras", "Exponential", "Polyexponential")


def to_infotext(request: Request) -> str:
    """The request as infotext; `values_of` gives it back."""
    is_sampled = isinstance(request, Sampled)
    entries = {
        # At least LEAST_PAIRS in all, or it would be read as a prompt.
        **(_sampling_entries(request) if is_sampled else {"Frames": request.frames}),
        "Size": f"{request.width}x{request.height}",
        **({"Model": request.checkpoint, "Clip skip": request.clip_skip} if is_sampled else {}),
        KEY: json.dumps(request.to_json(), ensure_ascii=False),
    }
    last = ", ".join(f"{name}: {_quoted(str(value))}" for name, value in entries.items())
    if not is_sampled:
        return last
    negative = [f"{NEGATIVE} {request.negative}"] if request.negative else []
    return "\n".join([request.prompt, *negative, last])


def _sampling_entries(request: Sampled) -> dict[str, Any]:
    return {
        "Steps": request.steps,
        **_sampler_entries(request.sampler),
        "CFG scale": f"{request.cfg:g}",
        "Seed": request.seed,
    }


def values_of(text: str) -> dict[str, Any]:
    """What a text says of a request: plain JSON values by field, as `Request.to_json` gives them.

    Reads our infotext, the note of a file of ours (then `mode` and every field are there), and the
    infotext of the WebUI's txt2img (then what both have). Text without entries is a prompt; empty
    text says nothing. Raises BadRequest when it is ours and cannot be used.
    """
    if not text.strip():
        return {}
    note = _note(text)
    return values_of_note(note) if note is not None else values_of_parameters(parsed(text))


def values_of_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """As `values_of`, from an infotext that the WebUI or `parsed` has taken apart."""
    if ours := parameters.get(KEY):
        note = _note(str(ours))
        if note is None:
            raise _unreadable(ours)
        return values_of_note(note)
    return _plain_values(parameters)


def values_of_note(note: Mapping[str, Any]) -> dict[str, Any]:
    """As `values_of`, from the JSON object in a file of ours or in an infotext of ours.

    Fields that this version does not know are left out, and those it lacks have their defaults.
    """
    values = note.get("request", note)
    mode = MODES.get(str(values.get("mode"))) if isinstance(values, dict) else None
    if mode is None:
        raise _unreadable(note)
    known = {"mode", *(field.name for field, _ in settings(mode.request))}
    return request_from({name: values[name] for name in values if name in known}).to_json()


def parsed(text: str) -> dict[str, str]:
    """An infotext taken apart into the WebUI's names, without the defaults that it adds.

    A size is `Size-1` (width) and `Size-2`.
    """
    *lines, last = text.strip().split("\n")
    pairs = ENTRY.findall(last)
    if len(pairs) < LEAST_PAIRS:
        lines, pairs = [*lines, last], []
    entries = _prompts(lines)
    if pairs:  # what the WebUI leaves out when it is so
        entries = {"Negative prompt": "", "Clip skip": "1", **entries}
    for name, value in pairs:
        size = SIZE.fullmatch(value)
        found = {f"{name}-1": size[1], f"{name}-2": size[2]} if size else {name: _unquoted(value)}
        entries.update(found)
    return entries


def _prompts(lines: list[str]) -> dict[str, str]:
    starts = (i for i, line in enumerate(lines) if line.strip().startswith(NEGATIVE))
    start = next(starts, len(lines))
    prompt, negative = "\n".join(lines[:start]).strip(), "\n".join(lines[start:]).strip()
    if not negative:
        return {"Prompt": prompt}
    return {"Prompt": prompt, "Negative prompt": negative.removeprefix(NEGATIVE).strip()}


def _plain_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that can be used as they stand; a number that we do not allow is left out."""
    declared = {field.name: setting for field, setting in settings(Sampled)}
    values: dict[str, Any] = {}
    for name, field in PLAIN.items():
        value = parameters.get(name)
        if value is None:
            continue
        try:
            number = value if field in ("prompt", "negative") else _number(str(value))
            declared[field].check(number)
        except (BadRequest, ValueError):
            continue
        values[field] = number
    if sampler := parameters.get("Sampler"):
        values["sampler"] = _sampler(str(sampler), str(parameters.get("Schedule type", "")))
    return values


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _sampler(name: str, schedule: str) -> str:
    """The WebUI's sampler and schedule type as one name."""
    if schedule == "Automatic":
        schedule = next((kind for kind, names in AUTOMATIC.items() if name in names), "")
    if schedule in ("", "Uniform") or name.endswith(SCHEDULES):
        return name
    return f"{name} {schedule}"


def _sampler_entries(sampler: str) -> dict[str, str]:
    for schedule in SCHEDULES:
        if sampler.endswith(f" {schedule}"):
            return {"Sampler": sampler.removesuffix(f" {schedule}"), "Schedule type": schedule}
    return {"Sampler": sampler}


def _note(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is; None for any other text."""
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return note if isinstance(note, dict) else None


def _quoted(text: str) -> str:
    """As the WebUI quotes; also what begins with a quote, which it would take for the end."""
    return json.dumps(text, ensure_ascii=False) if re.search(r'[,\n:"]', text) else text


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def _unreadable(given: object) -> BadRequest:
    return BadRequest(
        "Parameters",
        str(given)[:80],
        "is no request that this version knows",
        f"Modes: {', '.join(MODES)}.",
    )
