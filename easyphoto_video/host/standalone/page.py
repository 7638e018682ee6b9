"""The stand-alone page: the tab alone on 127.0.0.1:7870, and the API beside it."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from easyphoto_video import temporary
from easyphoto_video.endings import last_things
from easyphoto_video.errors import BadRequest
from easyphoto_video.host.api import router
from easyphoto_video.host.api.shown import shown_router
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.offers import Offers
from easyphoto_video.host.standalone.gate.dropped import Dropped
from easyphoto_video.host.standalone.gate.gate import Gate
from easyphoto_video.host.standalone.gate.intake import Intake
from easyphoto_video.host.standalone.gate.names import Names
from easyphoto_video.host.standalone.gate.options import Access, access_of
from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.host.standalone.train.run import Runs
from easyphoto_video.host.standalone.train.tab import train_side
from easyphoto_video.host.standalone.train.workshop import Workshop
from easyphoto_video.host.standalone.views import OwnViews
from easyphoto_video.host.tab import build
from easyphoto_video.host.tab.compat import known
from easyphoto_video.host.tab.tab import Side
from easyphoto_video.host.tab.views import Views
from easyphoto_video.leftovers import put_away

HOME = Path(__file__).parents[3]
SCRIPT = HOME / "javascript" / "easyphoto_video.js"
STYLE = HOME / "style.css"
CACHE = "GRADIO_TEMP_DIR"
"""Where gradio looks for the folder of what is dropped."""
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"


def serve(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl+C. Raises BadRequest when the port is taken, or when it is not said
    who may come."""
    access = access_of(args)
    with _listening(EVERYWHERE if args.listen else LOOPBACK, args.port) as door:
        host = StandaloneHost(args.data_dir, args.device, args.precision, paths=False)
        # What is too coarse to learn in is good enough to draw in.
        precision = "auto" if args.precision == "fp16" else args.precision
        workshop = Workshop(
            library=host.library,
            device=args.device,
            precision=precision,
            make_room=host.release,
        )
        put_away(host.outputs, host.people)
        jobs, runs = Jobs(host), Runs(host, workshop)
        sides = [partial(train_side, host, runs)]
        app = application(host, jobs, local=not args.listen, sides=sides, access=access)
        print(f"http://{LOOPBACK}:{door.getsockname()[1]}", *access.said, sep="\n", flush=True)
        config = uvicorn.Config(app, log_level=logging.WARNING, timeout_graceful_shutdown=1)
        try:
            uvicorn.Server(config).run(sockets=[door])
        finally:
            with last_things():
                leave(jobs, runs)


def leave(jobs: Jobs, runs: Runs) -> None:
    """Stop clips and training in good order, and say what does not go on by itself."""
    runs.stop()
    forgotten = jobs.close()
    runs.close()
    if forgotten:
        print(
            f"{forgotten} waiting job(s) are forgotten; send them again after the next start.",
            file=sys.stderr,
            flush=True,
        )


def application(
    host: Host,
    jobs: Jobs,
    *,
    local: bool,
    sides: Sequence[Callable[[Views], Side]] = (),
    access: Access | None = None,
) -> Gate:
    """The API's routes and, on everything else, the page; all of it behind the gate.

    `local` is for somebody at this machine; `sides` make the tabs beside the clips'. Without
    `access`, whoever asks by a name of this machine. From now on gradio of this process keeps its
    files in our temporary folder.
    """
    access = access or Access(Names())
    cache = temporary.folder() / "gradio"
    os.environ[CACHE] = str(cache)
    offers, dropped = Offers(), Dropped(cache)
    app = FastAPI(title="EasyPhoto Video", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(shown_router(offers))
    app.include_router(router(host, jobs))
    views = OwnViews(offers, dropped, local=local)
    page = build(host, jobs, sides=[side(views) for side in sides], views=views)
    return Gate(_with_page(app, page), access.names, dropped, access.login)


def _with_page(app: FastAPI, page: gr.Blocks) -> ASGIApp:
    page.queue(max_size=None)
    # gradio looks where the path in an event leads only after its own `launch`, which would serve
    # the page without our routes; mounted, it believes every path. There is no option for it.
    page.has_launched = True
    options = {
        "css": STYLE.read_text("utf-8"),
        "head": f"<script>{SCRIPT.read_text('utf-8')}</script>",
        "allowed_paths": [],
        "max_file_size": Intake.largest,
        "run_history": False,
        "ssr_mode": False,
        "footer_links": [],
        # Errors of gradio's name folders; ours come as sentences, in the red box.
        "show_error": False,
    }
    return gr.mount_gradio_app(app, page, path="/", **known(gr.mount_gradio_app, **options))


def _listening(address: str, port: int) -> socket.socket:
    door = socket.socket()
    try:
        if os.name != "nt":  # there it would let two programs share a port
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((address, port))
    except (OSError, OverflowError) as error:
        door.close()
        reason = f"cannot be used ({getattr(error, 'strerror', None) or error})"
        raise BadRequest("--port", port, reason, "Give another, or 0 for any free one.") from error
    return door
