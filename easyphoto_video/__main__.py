"""`python -m easyphoto_video`: the stand-alone command line."""

from __future__ import annotations

import sys

from easyphoto_video.host.standalone.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
