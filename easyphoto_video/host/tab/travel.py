"""Prompt travel: keys of a prompt over frames, added and told in words."""

from __future__ import annotations

from html import escape

from easyphoto_video.errors import BadRequest
from easyphoto_video.prompt_keys import KEY_LINE, has_keys, read_keys
from easyphoto_video.schedule import check_text


def with_key(prompt: str, frame: float | None, text: str | None) -> str:
    """The prompt with a line more, before the first key of a later frame. Raises BadRequest.

    A prompt without keys gets one for frame 0 too, so that it goes on to hold for the beginning.
    """
    if frame is None or frame != int(frame) or frame < 0:
        raise BadRequest("From frame", frame, "is no frame", "Give a whole number from 0.")
    if not (text or "").strip():
        raise BadRequest("Prompt from there on", text, "is empty", "Write what to show then.")
    try:
        check_text(prompt)
    except ValueError as error:
        raise BadRequest("Prompt", prompt, str(error), "Correct it there.") from error
    lines = prompt.splitlines()
    keys = [(int(match[1]), i) for i, line in enumerate(lines) if (match := KEY_LINE.match(line))]
    if any(key == frame for key, _ in keys):
        raise BadRequest("From frame", int(frame), "has a key", "Change it in the prompt.")
    if has_keys(prompt) and not keys:
        raise BadRequest("Prompt", prompt, "has its keys as JSON", "Add the key there.")
    first = [] if keys or not frame else ["0:"]
    place = next((i for key, i in keys if key > frame), len(lines))
    line = " ".join((text or "").split())
    return "\n".join([*lines[:place], *first, f"{int(frame)}: {line}", *lines[place:]])


def keys_of(prompt: str) -> str:
    """The keys that a prompt has, or what is wrong with them, as HTML."""
    try:
        check_text(prompt)
    except ValueError as error:
        return f'<div class="easyphoto_video_error" translate="no">{escape(str(error))}</div>'
    if not has_keys(prompt):
        return "<p><span>No keys: the prompt holds for the whole clip.</span></p>"
    rows = "".join(
        f'<li><span>From frame</span> <b translate="no">{escape(key.label)}</b>: '
        f'<span translate="no">{escape(key.prompt)}</span></li>'
        for key in read_keys(prompt)
    )
    return f"<ul>{rows}</ul>"
