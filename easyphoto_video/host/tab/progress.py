"""What stands above the result: how far a job is, what it looks like so far, what went wrong."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.host.jobs import Job, State
from easyphoto_video.host.places import Places
from easyphoto_video.host.tab.plot import plot

SHOWN = 4
"""Pictures beside each other."""
SIDE = 384
"""px, the longest side of one."""
STAGES = (
    "loading",
    "encoding",
    "denoising",
    "decoding",
    "finding faces",
    "cutting out",
    "face loading",
    "face encoding",
    "face denoising",
    "face decoding",
    "blending",
    "scoring",
    "writing",
)
"""Stages that have their words; others are shown by their name."""


def progress_of(job: Job, place: int) -> str:
    """The bar as HTML; `place` is how many jobs come before and including this one, 0 for its turn.

    Each text stands in an element of its own, so that the page can put it into Chinese.
    """
    if place or job.state is State.QUEUED:
        parts = [_word("Waiting in the queue, place"), _datum(str(max(1, place)))]
        return _bar(0.0, parts, "", running=True)
    now = job.progress
    parts = [_word(now.stage or STAGES[0]), _datum(f"{now.fraction:.0%}")]
    if now.eta is not None:
        parts += [_word("time left"), _datum(seconds(now.eta))]
    return _bar(now.fraction, parts, _pictures(job.preview), running=True)


def ending_of(job: Job, home: Path, spans: int = 0) -> str:
    """What is left of the bar when a job is over; the clip's path begins at `home`.

    `spans` is how many spans of a stopped job are kept, to go on with.
    """
    if job.state is State.DONE and job.path is not None:
        path = job.path.relative_to(home) if job.path.is_relative_to(home) else job.path.name
        spent = seconds(sum(job.seconds.values()))
        parts = [_word("Done in"), _datum(spent), _datum(str(path))]
        return _bar(
            1.0, parts, plot(job.scores, [Places(home).without(note) for note in job.notes])
        )
    parts = [_word("Stopped." if job.state is State.STOPPED else "Failed.")]
    if spans:
        parts += [_word("It can be resumed; finished spans:"), _datum(str(spans))]
    return _bar(0.0, parts, "")


def trouble(error: EasyPhotoError | None, places: Places) -> str:
    """The red box with the error's sentence, without folders of this machine; empty without one."""
    if error is None:
        return ""
    said = escape(places.sentence(error))
    return f'<div class="easyphoto_video_error" role="alert" translate="no">{said}</div>'


def seconds(count: float) -> str:
    """A duration: 8 s, 2:05, 1:00:00."""
    if count < 60:
        return f"{count:.0f} s"
    minutes, rest = divmod(round(count), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _bar(fraction: float, parts: list[str], pictures: str, *, running: bool = False) -> str:
    percent = f"{100 * fraction:.1f}"
    state = "running" if running else "over"
    return (
        f'<div class="easyphoto_video_progress" data-easyphoto-video="{state}">'
        f'<div class="easyphoto_video_bar" role="progressbar" aria-valuenow="{percent}">'
        f'<div style="width:{percent}%"></div></div>'
        f'<div class="easyphoto_video_line">{" ".join(parts)}</div>{pictures}</div>'
    )


def _word(text: str) -> str:
    return f"<span>{escape(text)}</span>"


def _datum(text: str) -> str:
    return f'<b translate="no">{escape(text)}</b>'


def _pictures(frames: Frames | None) -> str:
    if frames is None:
        return ""
    images = "".join(f'<img alt="" src="{_data(frame)}">' for frame in frames[:SHOWN])
    return f'<div class="easyphoto_video_preview">{images}</div>'


def _data(frame: Frames) -> str:
    """A picture (h, w, 3) inside the page itself, so that nothing is left on the disk."""
    image = Image.fromarray(frame)
    image.thumbnail((SIDE, SIDE))
    held = io.BytesIO()
    image.save(held, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode()
