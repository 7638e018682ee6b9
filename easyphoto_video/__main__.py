"""`python -m easyphoto_video`: the stand-alone command line."""

from __future__ import annotations

import os
import sys

from easyphoto_video.host.standalone.cli import main

if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written and closed; taking torch down in order would only take another second.
    os._exit(code)
