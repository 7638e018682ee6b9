"""The Generate button: from the form's values to a job, and what the page sees meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from easyphoto_video.errors import HostFailed
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import WAITING, Job, Jobs, State
from easyphoto_video.host.places import Places
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.inputs import infotext_of
from easyphoto_video.host.tab.panel import Panel
from easyphoto_video.host.tab.progress import ending_of, progress_of
from easyphoto_video.host.tab.results import history, shown
from easyphoto_video.host.tab.touch import Box, Updates
from easyphoto_video.host.tab.unfinished import id_of, lines_of, spans_of
from easyphoto_video.host.tab.views import Views

PATIENCE = 0.5
"""Most seconds between two looks at a job."""
REMEMBERED = WAITING
"""Jobs that a page knows as its own; of older ones none can be live."""
PAUSE = 0.15
"""Least seconds between two updates of the page."""


class Runner:
    """Turns a press of Generate into updates of the page."""

    def __init__(
        self, host: Host, jobs: Jobs, forms: dict[str, Form], panel: Panel, views: Views
    ) -> None:
        self._host = host
        self._views = views
        self._box = Box(panel.error, Places(host.data_dir))
        self._jobs = jobs
        self._forms = forms
        self._panel = panel

    @property
    def outputs(self) -> list[Any]:
        """Everything that a run may change; never a field of the form."""
        panel = self._panel
        unfinished = panel.unfinished.changing
        return [panel.error, panel.progress, *panel.result, panel.history, *unfinished]

    def stream(self, own: list[str], mode: str, *values: Any) -> Iterator[Updates]:
        """Run the form's request, telling how far it is; its id goes into those of the page."""
        yield from self._run(own, lambda: self._submitted(mode, values))

    def wait(self, own: list[str], mode: str, *values: Any) -> Updates:
        """Run the form's request, for a host that can only answer once."""
        return _last(self.stream(own, mode, *values))

    def stream_resumed(self, own: list[str], line: str | None) -> Iterator[Updates]:
        """Go on with the unfinished work of that line."""
        yield from self._run(own, lambda: self._jobs.resume(id_of(line)))

    def wait_resumed(self, own: list[str], line: str | None) -> Updates:
        """See wait."""
        return _last(self.stream_resumed(own, line))

    def _run(self, own: list[str], submit: Callable[[], Job]) -> Iterator[Updates]:
        try:
            job = submit()
            own[:] = [*own[-REMEMBERED:], job.id]
            yield {self._panel.error: "", **self._going(job)}
            while not job.state.is_over:
                job.changed.wait(PATIENCE)
                job.changed.clear()
                yield self._going(job)
                time.sleep(PAUSE)
            yield from self._ended(job)
        except Exception as error:
            yield self._failed(error)

    def _submitted(self, mode: str, values: Sequence[Any]) -> Job:
        """Give the job to the queue; `values` are those of all forms, one after the other."""
        start = 0
        for name, form in self._forms.items():
            end = start + len(form.components)
            if name == mode:
                return self._jobs.submit(form.request(values[start:end]))
            start = end
        raise HostFailed(f"The page sent the mode {mode!r}. Reload the page.")

    def _going(self, job: Job) -> Updates:
        return {self._panel.progress: progress_of(job, self._jobs.position(job))}

    def _ended(self, job: Job) -> Iterator[Updates]:
        """First the clip, then its frames, which take a moment to be written for the page."""
        panel, outputs = self._panel, self._host.outputs
        unfinished = panel.unfinished.showing(lines_of(outputs))
        is_done = job.state is State.DONE and job.path is not None
        spans = 0 if is_done else spans_of(outputs, job.request)
        ending = ending_of(job, self._host.data_dir, spans)
        if not is_done:
            error = job.error if job.state is State.FAILED else None
            yield {panel.progress: ending, **self._box.saying(error), **unfinished}
        if job.path is None:  # else it is there, though its faces may have failed
            return
        infotext = infotext_of(job.request)
        what = shown(job.path, job.frames, infotext, self._views)
        names = gr.update(choices=history(outputs), value=None)
        showing = panel.showing(what, infotext)
        yield {panel.progress: ending, panel.history: names, **unfinished, **showing}
        yield {panel.gallery: gr.update(value=list(what.frames))}

    def _failed(self, error: Exception) -> Updates:
        return {self._panel.progress: "", **self._box.saying(error)}


def _last(stream: Iterator[Updates]) -> Updates:
    """All updates as one."""
    updates: Updates = {}
    for update in stream:
        updates |= update
    return updates
