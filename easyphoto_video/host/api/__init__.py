"""The same requests over HTTP, in every host: see docs/api.md."""

from easyphoto_video.host.api.routes import router as router
