"""Keys of a prompt over frames, read from the two known syntaxes.

Lines, as sd-webui-animatediff has them: a head, lines `N: prompt`, a tail; head and tail are joined
with commas to every key's prompt. JSON, as Deforum has it: `{"0": "...", "max_f/2": "..."}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from easyphoto_video.expression import Expression, ScheduleError
from easyphoto_video.key_frame import frame_at, parse_frame, trimmed

KEY_LINE = re.compile(r"^\s*([0-9]+)\s*:\s?(.*)$")
LINE_END = re.compile(r"\r\n|\r|\n")
JSON_START = re.compile(
    r"""\s*\{\s*(?:"\s*(?:[-+0-9]|max_f)|"[^"\n]*"\s*:|(?:'[^'\n]*'|[0-9]+)\s*:\s*["'])"""
)
"""An object, also where somebody only meant one; `{2::a|b}` and `{"a"|b}` are plain prompts."""
NEGATIVE = "--neg"
LONGEST = 10_000_000
"""Characters at most of all prompts together, each with its head and tail."""
JSON = json.JSONDecoder()


@dataclass(frozen=True)
class PromptKey:
    """A prompt from a frame on; `place` is where the key stands in the text, from 0."""

    frame: int | Expression
    prompt: str
    place: int

    @property
    def label(self) -> str:
        """The frame as it is written."""
        return str(self.frame) if isinstance(self.frame, int) else self.frame.text


def has_keys(text: str) -> bool:
    """Whether a prompt has keys, or was meant to; else it holds as it is for the whole clip."""
    return bool(JSON_START.match(text) or any(map(KEY_LINE.match, LINE_END.split(text))))


def read_keys(text: str) -> list[PromptKey]:
    """The keys of a text that `has_keys`, as written. Raises ScheduleError."""
    return list(_json_keys(text) if JSON_START.match(text) else _line_keys(text))


def placed(text: str, keys: Iterable[PromptKey], frames: int | None) -> list[tuple[int, str]]:
    """Frame and prompt of each key of `text` in a clip of so many frames, if that is known.

    Raises ScheduleError where frames do not ascend or lie beyond the clip.
    """
    found: list[tuple[int, str]] = []
    for key in keys:
        frame = _frame(text, key, frames)
        before = found[-1][0] if found else -1
        if frame == before:
            raise ScheduleError.at(text, key.place, f"frame {frame} has a key already")
        if frame < before:
            sentence = f"frame {frame} does not come after frame {before}"
            raise ScheduleError.at(text, key.place, sentence)
        if frames is not None and frame >= frames:
            sentence = f"frame {frame} lies beyond the clip, whose last frame is {frames - 1}"
            raise ScheduleError.at(text, key.place, sentence)
        found.append((frame, key.prompt))
    return found


def _frame(text: str, key: PromptKey, frames: int | None) -> int:
    if frames is None and not isinstance(key.frame, int):
        sentence = f"{key.frame.text:.40} needs the clip's number of frames, which is not known"
        raise ScheduleError.at(text, key.place, sentence)
    return frame_at(key.frame, {"max_f": float((frames or 1) - 1)})


def _line_keys(text: str) -> Iterator[PromptKey]:
    """Keys of lines; lines before the first are the head, all others without a key the tail."""
    lines: list[tuple[int, str, re.Match[str] | None]] = []
    place = 0
    for end in [*LINE_END.finditer(text), None]:
        line = text[place : end.start() if end else len(text)]
        lines.append((place, line, KEY_LINE.match(line)))
        place = end.end() if end else place
    first = next(number for number, (_, _, match) in enumerate(lines) if match)
    head = _joined(line for _, line, _ in lines[:first])
    tail = _joined(line for _, line, match in lines[first:] if not match)
    if (len(head) + len(tail)) * sum(1 for _, _, match in lines if match) > LONGEST:
        raise ScheduleError(1, 1, "head and tail are too long for so many keys")
    for start, _, match in lines:
        if match:
            begin, stop = start + match.start(1), start + match.end(1)
            prompt = _joined([head, match[2], tail])
            yield PromptKey(parse_frame(text, begin, stop, ()), prompt, begin)


def _joined(parts: Iterable[str]) -> str:
    bare = (part.strip().rstrip(",").rstrip() for part in parts)
    return ", ".join(part for part in bare if part)


def _json_keys(text: str) -> Iterator[PromptKey]:
    """Keys of one JSON object; a comma may stand behind the last."""
    place = _past(text, 0, "{")
    while not text.startswith("}", place):
        start = place
        _, stop = _string(text, start, "a frame")
        frame = parse_frame(text, *trimmed(text, start + 1, stop - 1), ("max_f",))
        place = _past(text, stop, ":")
        prompt, stop = _string(text, place, "a prompt")
        if NEGATIVE in prompt:
            sentence = f"{NEGATIVE} is not read here; write keys into the negative prompt"
            raise ScheduleError.at(text, max(text.find(NEGATIVE, place, stop), place), sentence)
        yield PromptKey(frame, prompt, start)
        place = _skipped(text, stop)
        if not text.startswith("}", place):
            place = _past(text, place, ",")
    place = _skipped(text, place + 1)
    if place < len(text):
        raise ScheduleError.at(text, place, "nothing may stand behind the last brace")


def _past(text: str, place: int, mark: str) -> int:
    """The place of what comes behind `mark`, which must come next."""
    place = _skipped(text, place)
    if not text.startswith(mark, place):
        found = repr(text[place]) if place < len(text) else "the end"
        raise ScheduleError.at(text, place, f"{mark!r} is missing before {found}")
    return _skipped(text, place + 1)


def _skipped(text: str, place: int) -> int:
    """The place of what comes behind space."""
    while text[place : place + 1].isspace():
        place += 1
    return place


def _string(text: str, place: int, what: str) -> tuple[str, int]:
    """A JSON string and the place behind it."""
    if not text.startswith('"', place):
        raise ScheduleError.at(text, place, f'{what} in double quotes is missing, such as "8"')
    try:
        found, stop = JSON.raw_decode(text, place)
    except json.JSONDecodeError as error:
        reason = re.sub(r"( starting)? at$", "", error.msg).lower()
        sentence = f"{what} is no text of JSON: {reason}; a line break is written \\n"
        raise ScheduleError.at(text, error.pos, sentence) from error
    if any("\ud800" <= character <= "\udfff" for character in found):
        raise ScheduleError.at(text, place, f"{what} holds half a character")
    return found, stop
