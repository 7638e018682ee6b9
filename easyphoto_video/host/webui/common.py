"""What AUTOMATIC1111's WebUI, Forge and reForge have alike: options, flags, the queue, the page.

A facade (facade.py) says where they differ. The host's modules come in here alone, and one that is
not there is refused by name when it is used. This file needs neither torch nor gradio: the notice
of what is missing is shown through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from easyphoto_video.errors import Missing

CHOSEN = "sd_model_checkpoint"
"""The option that says which checkpoint the host has."""


class Parts:
    """The host's modules by their names in its package `modules`."""

    def __getattr__(self, name: str) -> Any:
        """Raises Missing for one that this host does not have."""
        import modules

        full = f"{modules.__name__}.{name}"
        try:
            return import_module(full)
        except ModuleNotFoundError as error:
            if error.name != full:
                raise
            raise Missing(
                f"The part {name} of the WebUI",
                "This WebUI is of another kind or older; take one that docs/webui.md names.",
            ) from error


host = Parts()


def option(name: str, usual: Any = None) -> Any:
    """A setting of the host, `usual` where it has none of that name."""
    return getattr(host.shared.opts, name, usual)


def option_data() -> dict[str, Any]:
    """The settings that the user's config file has; those that it lacks have a default."""
    return host.shared.opts.data


@contextmanager
def remembered(*names: str) -> Iterator[dict[str, Any]]:
    """Puts these options back at the end, absent ones too, whoever changes them meanwhile.

    Gives what will be put back.
    """
    data = option_data()
    before = {name: data[name] for name in names if name in data}
    try:
        yield before
    finally:
        for name in names:
            data.pop(name, None)
        data.update(before)


@contextmanager
def options(**changes: Any) -> Iterator[None]:
    """The host's options with these changes; on a fresh install they are absent again after."""
    with remembered(*changes):
        option_data().update(changes)
        yield


def add_option(key: str, info: Any) -> None:
    """One more setting in the host's Settings tab; `info` is its OptionInfo."""
    host.shared.opts.add_option(key, info)


def option_info(*args: Any, **named: Any) -> Any:
    """The host's OptionInfo: default, label, component, its arguments."""
    return host.shared.OptionInfo(*args, **named)


def flag(name: str) -> Any:
    """A flag of the host's command line; a relative of it may not have them all."""
    return getattr(host.shared.cmd_opts, name, None)


def data_dir() -> Path:
    """Where models, outputs and caches lie."""
    return Path(host.paths_internal.data_path)


def walked(folder: str, suffixes: Sequence[str]) -> Iterator[str]:
    """Every file below a folder with one of these suffixes, in the host's order."""
    return host.shared.walk_files(folder, allowed_extensions=suffixes)


def queue_lock() -> Any:
    """Whoever holds it has the host's models to himself."""
    return host.call_queue.queue_lock


def is_stopped() -> bool:
    """Whether the user pressed one of the host's buttons."""
    state = host.shared.state
    return state.interrupted or state.skipped or state.stopping_generation


@contextmanager
def shown_job(name: str) -> Iterator[None]:
    """The host's own pages show this job as running; buttons pressed for it are let go after."""
    state = host.shared.state
    state.begin(job=name)
    try:
        yield
    finally:
        state.end()
        state.interrupted = state.skipped = state.stopping_generation = False
        state.current_latent = state.current_image = None


def face_restorers() -> Sequence[Any]:
    """The host's, with `name()` and `restore(picture)`."""
    return host.shared.face_restorers


def upscalers() -> Sequence[Any]:
    """The host's, with `name`, `scaler` and `data_path`."""
    return host.shared.sd_upscalers


def on(event: str, call: Callable[..., Any]) -> None:
    """Have the host call this at an event: ui_tabs, ui_settings, after_component, app_started."""
    getattr(host.script_callbacks, f"on_{event}")(call)


def send_to(**binding: Any) -> None:
    """Have a button send a picture or a text to a tab: the fields of the host's ParamBinding."""
    infotext = host.infotext_utils
    infotext.register_paste_params_button(infotext.ParamBinding(**binding))


def add_paste_fields(tab: str, fields: Sequence[Any]) -> None:
    """The components of a tab that take what is sent to it."""
    host.infotext_utils.add_paste_fields(tab, None, fields)
