"""The doorbell: the WebUI executes this file when it starts, and again at Reload UI.

The extension's folder is on sys.path only meanwhile, so all is imported here and now. This file
itself is never in sys.modules; what must last lives in the package.
"""

from __future__ import annotations

from functools import partial

from modules import script_callbacks

from easyphoto_video.host.webui import notice

try:
    from easyphoto_video.host.webui import entry

    entry.register()
except Exception as error:  # whatever is missing: the tab then says so
    script_callbacks.on_ui_tabs(partial(notice.tabs, error))
