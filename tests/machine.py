"""How slow this machine is just now, for limits that end what hangs; no test judges by a clock.

A test that waits for something waits with `until` or for `limit(seconds)`: many times what it takes
on an idle desktop, and longer in the measure in which this machine is slower or busier than that.
The measure is taken once, by the first process of a run, which hands it on in the environment.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "EASYPHOTO_VIDEO_TESTS_SLOWNESS"
IDLE_DESKTOP = 0.010
"""Seconds that `piece` takes on one."""
PIECES = 9
MOST = 100.0
"""What is slower than this hangs."""


def piece() -> float:
    """Seconds by the clock, so that others' share counts, of a small piece of work."""
    begun = time.perf_counter()
    value = 1
    for _ in range(200_000):
        value = value * 31 % 1_000_003
    return time.perf_counter() - begun


def crowd() -> float:
    """How many processes want each core, as far as this system tells; their niceness counts not."""
    wanting = [0.0]
    with suppress(AttributeError, OSError):  # Windows keeps no such average
        wanting.append(os.getloadavg()[0])
    with suppress(OSError, ValueError, IndexError):  # Linux tells of this moment too
        wanting.append(float(Path("/proc/loadavg").read_text().split()[3].split("/")[0]))
    return max(wanting) / (os.cpu_count() or 1)


def measured() -> float:
    """How many times longer than on an idle desktop things may take here, from 1 to MOST."""
    slow = statistics.median(piece() for _ in range(PIECES)) / IDLE_DESKTOP
    return min(max(1.0, slow) * max(1.0, crowd()), MOST)


def slowness() -> float:
    """The measure of this run."""
    if NAME not in os.environ:
        os.environ[NAME] = f"{measured():.2f}"
    return float(os.environ[NAME])


def limit(seconds: float) -> float:
    """Seconds after which it hangs, where `seconds` are plenty on an idle desktop."""
    return seconds * slowness()


def until(holds: Callable[[], object], seconds: float = 60, pause: float = 0.005) -> None:
    """Wait until `holds`, but not for ever."""
    end = time.monotonic() + limit(seconds)
    while not holds():
        assert time.monotonic() < end, f"it never came, in {limit(seconds):.0f} s"
        time.sleep(pause)


@contextmanager
def at_once(seconds: float = 5) -> Iterator[None]:
    """What is done inside takes this process itself less than `limit(seconds)`, or it hangs."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < limit(seconds), "it hangs"
