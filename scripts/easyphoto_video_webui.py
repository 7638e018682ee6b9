"""The doorbell: the WebUI executes this file when it starts, and again at Reload UI.

The extension's folder is on sys.path only meanwhile, so all is imported here and now. This file
itself is never in sys.modules; what must last lives in the package.
"""

from __future__ import annotations

from easyphoto_video.host.webui import notice

notice.register_or_tell()
