"""`python -m easyphoto_video`: the stand-alone command line."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def open_streams() -> None:
    """Where one of the three streams was closed, it leads nowhere.

    Else the first file that is opened takes its number, and what a library prints goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115, PTH123


if __name__ == "__main__":
    open_streams()
    from easyphoto_video.host.standalone.cli import main

    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # full, and that was told
            stream.flush()
    # All is written and closed; taking torch down in order would only take another second.
    os._exit(code)
