"""diffusers and transformers, imported without the large packages that nothing here calls.

Both look for scipy and peft while they are imported and pull them in, a quarter of all modules,
for noise schedules, losses and adapters that the stand-alone program has no use for. Import this
before either.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("scipy", "peft")
FIRST = ("diffusers.models.unets.unet_2d_condition", "diffusers.loaders.single_file_utils")
"""What looks for the unused packages, and what remembers whether they are there."""


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """While it lasts, packages that were not imported yet are as if they were not installed."""
    unseen = [name for name in names if name not in sys.modules]
    try:
        for name in unseen:
            # Python's own mark for "not to be imported", which find_spec heeds too.
            sys.modules[name] = None  # type: ignore[assignment]
        yield
    finally:
        for name in unseen:
            sys.modules.pop(name, None)


with hidden(*UNUSED):
    for _name in FIRST:
        importlib.import_module(_name)
