"""What processes that were killed left in a data folder, put right and taken away.

Each kind also goes by itself, when the next of its kind is begun: see moves.py, video/write.py,
people_zip.py and unfinished.py. Nothing is touched whose lock somebody holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.held import sweep
from easyphoto_video.identity import People
from easyphoto_video.moves import MAKING, put_right
from easyphoto_video.unfinished import discard, leftovers, sweep_begun
from easyphoto_video.video.write import EARLIER, PARTS


@dataclass(frozen=True)
class Swept:
    """What was taken away."""

    paths: tuple[Path, ...]
    """Folders, half-written clips and workbenches."""
    works: tuple[str, ...]
    """Ids of unfinished work that nobody could go on with."""


def put_away(outputs: Path, people: People) -> Swept:
    """Take away what nobody can have a use for: half-written files, and works without a span."""
    return Swept(tuple(_halves(outputs, people, earlier=False)), ())


def sweep_all(outputs: Path, people: People) -> Swept:
    """As `put_away`, also what earlier versions left, and works that cannot be gone on with."""
    paths = _halves(outputs, people, earlier=True)
    works = []
    for work in leftovers(outputs):
        try:
            discard(outputs, work.id)
        except EasyPhotoError:  # somebody else was faster
            continue
        works.append(work.id)
    return Swept(tuple(paths), tuple(works))


def _halves(outputs: Path, people: People, *, earlier: bool) -> list[Path]:
    # The persons' own folder first: there stands what must be taken back.
    gone = put_right(people.folder, earlier=earlier)
    for folder in _benches(people.loras):
        gone += put_right(folder, earlier=earlier)
    gone += sweep(outputs, EARLIER if earlier else PARTS, unlocked=earlier)
    return gone + sweep_begun(outputs)


def _benches(loras: Iterable[Path]) -> list[Path]:
    """The folders in which somebody may have put a workbench."""
    found = []
    for place in loras:
        for folder, folders, _ in os.walk(place):
            found.append(Path(folder))
            folders[:] = [name for name in folders if not name.startswith(MAKING)]
    return found
