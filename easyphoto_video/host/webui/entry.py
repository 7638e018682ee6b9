"""What the WebUI calls: our tab, our settings, our API, and the buttons that send to and fro."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import gradio as gr

from easyphoto_video.host.api import router
from easyphoto_video.host.api.shown import shown_router
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.offers import Offers
from easyphoto_video.host.tab import build, paste_fields
from easyphoto_video.host.tab.views import Views
from easyphoto_video.host.webui import common, notice, settings
from easyphoto_video.host.webui.access import dependencies
from easyphoto_video.host.webui.host import WebuiHost

LAST_OF_PNG_INFO = "extras_tab"
"""The last of the buttons that PNG Info sends with; ours comes after it."""


@cache
def host() -> WebuiHost:
    """The host, one for the process."""
    return WebuiHost()


@cache
def jobs() -> Jobs:
    """The queue, one for the process: a clip goes on while the page is made anew."""
    return Jobs(host())


@cache
def offers() -> Offers:
    """What our tab gives away by addresses of ours, one for the process."""
    return Offers()


def register() -> None:
    """Tell the WebUI what to call. It forgets all of it at Reload UI, and so this comes again."""
    page = Page()
    common.on("ui_settings", lambda: settings.register(host().choices))
    common.on("after_component", page.on_component)
    common.on("ui_tabs", page.tabs)
    common.on("app_started", serve)


def serve(demo: Any, app: Any) -> None:
    """What our tab gives away; and our API, where the host's own is and with the same passwords.

    `demo` is None without a UI.
    """
    app.include_router(shown_router(offers()))
    if common.flag("api") or common.flag("nowebui"):
        app.include_router(
            router(host(), jobs()), dependencies=dependencies(common.flag("api_auth"))
        )


class Page:
    """The WebUI's page while it is made: our tab, and our button in PNG Info."""

    def __init__(self) -> None:
        self._bindings: list[dict[str, Any]] = []
        self._forms: Mapping[str, Any] = {}
        self._info: Any = None
        self._button: Any = None

    def on_component(self, component: Any, **options: Any) -> None:
        """Put our button behind the last of PNG Info's, when that has just been made."""
        id = options.get("elem_id")
        if id == "pnginfo_generation_info":
            self._info, self._button = component, None
        if id == LAST_OF_PNG_INFO and self._info is not None and self._button is None:
            # Hidden, until there is a tab to send to.
            self._button = gr.Button(
                f"Send to {notice.TITLE}", elem_id=f"{notice.ID}_tab", visible=False
            )

    def tabs(self) -> list[tuple[Any, str, str]]:
        """Our tab, or one that says why it is not there."""
        try:
            blocks = self._build()
        except Exception as error:
            return notice.tabs(error)
        self._connect()
        return [(blocks, notice.TITLE, notice.ID)]

    def _build(self) -> Any:
        self._bindings = []
        return build(
            host(),
            jobs(),
            streams=not common.flag("no_gradio_queue"),
            register_send=self._on_send,
            register_paste=self._on_paste,
            # A person at another machine sees no window of ours.
            views=Views(offers(), local=not common.flag("webui_is_non_local")),
        )

    def _on_send(self, buttons: Mapping[str, Any], gallery: Any, text: Any) -> None:
        for tab, button in buttons.items():
            self._bindings.append(
                {
                    "paste_button": button,
                    "tabname": tab,
                    "source_image_component": gallery,
                    "source_text_component": None if tab == "extras" else text,
                }
            )

    def _on_paste(self, forms: Mapping[str, Any]) -> None:
        self._forms = forms

    def _connect(self) -> None:
        """Tell the host of the buttons; only now, as a button without a page ends the host's."""
        form = next(iter(self._forms.values()))
        common.add_paste_fields(notice.ID, paste_fields(form))
        if self._button is not None:
            self._button.visible = True
            self._bindings.append(
                {
                    "paste_button": self._button,
                    "tabname": notice.ID,
                    "source_text_component": self._info,
                }
            )
        for binding in self._bindings:
            common.send_to(**binding)
