"""The tab in place of ours when ours cannot be made: what is missing, and what to do.

It needs gradio and the host alone, so that nothing that may be missing can keep it away.
"""

from __future__ import annotations

import sys
import traceback
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video.host.webui import common

TITLE, ID = "EasyPhoto Video", "easyphoto_video"
INSTALLER = Path(__file__).parents[3] / "install.py"


def register_or_tell() -> None:
    """Register what the WebUI calls, or, when that fails for whatever reason, this notice."""
    try:
        from easyphoto_video.host.webui import entry

        entry.register()
    except Exception as error:
        common.on("ui_tabs", partial(tabs, error))


def tabs(error: BaseException) -> list[tuple[Any, str, str]]:
    """What on_ui_tabs wants; also says one line on the console."""
    print(f"EasyPhoto Video: its tab is not there. {_reason(error)}: {_command(error)}")
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    with gr.Blocks(analytics_enabled=False) as page:
        gr.HTML(
            f"<h3>EasyPhoto Video could not start</h3><p>{escape(_reason(error))}:</p>"
            f"<pre style='white-space: pre-wrap'>{escape(_command(error))}</pre>"
            "<p>Then restart the WebUI.</p>"
            f"<details><summary>For a bug report</summary><pre>{escape(trace)}</pre></details>",
            elem_id="easyphoto_video_notice",
        )
    return [(page, TITLE, ID)]


def _reason(error: BaseException) -> str:
    missing = _missing(error)
    if missing:
        return f"The Python package {missing} is missing. Install it"
    return f"{type(error).__name__}: {error}. Install again what it needs"


def _command(error: BaseException) -> str:
    """In quotes, as folders may hold spaces."""
    missing = _missing(error)
    if missing:
        return f'"{sys.executable}" -m pip install {missing}'
    return f'"{sys.executable}" "{INSTALLER}"'


def _missing(error: BaseException) -> str:
    """The foreign package that an import did not find; empty when it is another error."""
    name = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    package = name.split(".")[0]
    return "" if package in {"easyphoto_video", "modules"} else PACKAGES.get(package, package)


PACKAGES = {"PIL": "Pillow", "yaml": "PyYAML", "imageio_ffmpeg": "imageio-ffmpeg==0.6.0"}
"""Where the package's name is not the module's."""
