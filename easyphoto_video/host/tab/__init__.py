"""The tab, for every gradio that a host brings. See docs/tab.md."""

from easyphoto_video.host.tab.form import Form, paste_fields
from easyphoto_video.host.tab.tab import build

__all__ = ["Form", "build", "paste_fields"]
