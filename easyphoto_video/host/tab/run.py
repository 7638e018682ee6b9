"""The Generate button: from the form's values to a job, and what the page sees meanwhile."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from easyphoto_video.errors import EasyPhotoError, HostFailed
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Job, Jobs, State
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.panel import Panel
from easyphoto_video.host.tab.progress import ending_of, progress_of, trouble
from easyphoto_video.host.tab.results import history, shown
from easyphoto_video.infotext import to_infotext

PATIENCE = 0.5
"""Most seconds between two looks at a job."""
PAUSE = 0.15
"""Least seconds between two updates of the page."""

Updates = dict[Any, Any]


class Runner:
    """Turns a press of Generate into updates of the page."""

    def __init__(self, host: Host, jobs: Jobs, forms: dict[str, Form], panel: Panel) -> None:
        self._host = host
        self._jobs = jobs
        self._forms = forms
        self._panel = panel

    @property
    def outputs(self) -> list[Any]:
        """Everything that a run may change; never a field of the form."""
        panel = self._panel
        return [panel.error, panel.progress, *panel.result, panel.history]

    def stream(self, mode: str, *values: Any) -> Iterator[Updates]:
        """Run the form's request, telling how far it is."""
        try:
            job = self._submitted(mode, values)
            yield {self._panel.error: "", **self._going(job)}
            while not job.state.is_over:
                job.changed.wait(PATIENCE)
                job.changed.clear()
                yield self._going(job)
                time.sleep(PAUSE)
            yield from self._ended(job)
        except Exception as error:
            yield self._failed(error)

    def wait(self, mode: str, *values: Any) -> Updates:
        """Run the form's request, for a host that can only answer once."""
        updates: Updates = {}
        for update in self.stream(mode, *values):
            updates |= update
        return updates

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
        panel = self._panel
        if job.state is not State.DONE or job.path is None:
            error = job.error if job.state is State.FAILED else None
            yield {panel.progress: ending_of(job, self._host.data_dir), panel.error: trouble(error)}
            return
        infotext = to_infotext(job.request)
        what = shown(job.path, job.frames, infotext)
        names = gr.update(choices=history(self._host.outputs), value=None)
        showing = panel.showing(what, infotext)
        yield {panel.progress: ending_of(job, self._host.data_dir), panel.history: names, **showing}
        yield {panel.gallery: gr.update(value=list(what.frames))}

    def _failed(self, error: Exception) -> Updates:
        return {self._panel.progress: "", self._panel.error: trouble(told(error))}


def told(error: Exception) -> EasyPhotoError:
    """The error as one of ours; what nobody foresaw goes to the console too."""
    if isinstance(error, EasyPhotoError):
        return error
    traceback.print_exception(type(error), error, error.__traceback__)
    return HostFailed(f"{type(error).__name__}: {error}")
