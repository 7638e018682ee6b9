"""The WebUI calls `preload` before it reads its command line."""

from __future__ import annotations

import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    """Add the extension's options to the WebUI's parser."""
    parser.add_argument(
        "--easyphoto-video-models",
        metavar="DIR",
        help="folder with the models of EasyPhoto Video (kept for its tab, which is not there yet)",
    )
