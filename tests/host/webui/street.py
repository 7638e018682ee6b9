"""As much of the WebUI's `modules` as our hooks touch, for tests without a WebUI."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from easyphoto_video.host import webui
from tests.host.fake import FakeHost

EVENTS = ("ui_tabs", "ui_settings", "app_started", "after_component", "script_unloaded")


class Opts:
    """The host's options, as modules.options.Options answers."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.data_labels: dict[str, Any] = {}

    def add_option(self, key: str, info: Any) -> None:
        """See modules.options."""
        self.data_labels[key] = info
        self.data.setdefault(key, info.default)

    def __getattr__(self, key: str) -> Any:
        if key in self.data:
            return self.data[key]
        raise AttributeError(key)


class OptionInfo(SimpleNamespace):
    """See modules.options."""

    def __init__(
        self, default: Any, label: str, component: Any, arguments: Any, **rest: Any
    ) -> None:
        named = {"default": default, "label": label, "component": component}
        super().__init__(**named, component_args=arguments, **rest)

    def info(self, text: str) -> OptionInfo:
        """See modules.options."""
        self.comment_after = text
        return self


class Street:
    """The stand-in for `modules`, and what was registered with it."""

    def __init__(self) -> None:
        self.opts = Opts()
        self.cmd_opts = SimpleNamespace(
            no_gradio_queue=False, webui_is_non_local=False, api=True, nowebui=False, api_auth=None
        )
        self.calls: dict[str, list[Callable[..., Any]]] = {event: [] for event in EVENTS}
        self.bindings: list[Any] = []
        self.fields: dict[str, Any] = {}

    def modules(self) -> dict[str, ModuleType]:
        """By their names in sys.modules."""
        hooks = {f"on_{event}": calls.append for event, calls in self.calls.items()}
        parts = {
            "script_callbacks": hooks,
            "shared": {"opts": self.opts, "cmd_opts": self.cmd_opts, "OptionInfo": OptionInfo},
            "infotext_utils": {
                "ParamBinding": SimpleNamespace,
                "register_paste_params_button": self.bindings.append,
                "add_paste_fields": self._add_paste_fields,
            },
        }
        made = {"modules": ModuleType("modules")}
        for name, content in parts.items():
            made[f"modules.{name}"] = part = ModuleType(f"modules.{name}")
            part.__dict__.update(content)
            setattr(made["modules"], name, part)
        return made

    def _add_paste_fields(self, tab: str, image: Any, fields: list[Any]) -> None:
        self.fields[tab] = fields


def install(patch: pytest.MonkeyPatch, data_dir: Path) -> Street:
    """Puts the stand-in into sys.modules, and a host without models in the place of the real."""
    street = Street()
    for name, module in street.modules().items():
        patch.setitem(sys.modules, name, module)
    host = ModuleType(f"{webui.__name__}.host")
    host.__dict__["WebuiHost"] = lambda: FakeHost(data_dir)
    patch.setitem(sys.modules, host.__name__, host)
    for name in ("settings", "entry", "notice"):
        # Each test imports them anew: they hold on to the host's modules.
        patch.delitem(sys.modules, f"{webui.__name__}.{name}", raising=False)
        patch.delattr(webui, name, raising=False)
    return street
