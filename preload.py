"""The WebUI executes this file before it reads its command line, so that we can add a flag."""

from __future__ import annotations

import argparse
import os


def preload(parser: argparse.ArgumentParser) -> None:
    """Adds `--easyphoto-video-models DIR`."""
    parser.add_argument(
        "--easyphoto-video-models",
        type=os.path.abspath,
        metavar="DIR",
        help="a further folder with AnimateDiff motion modules and motion LoRAs",
    )
