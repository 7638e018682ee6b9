"""Whether anything that users send in can do more than be taken or be refused.

    python -m tools.fuzz [--count 1000] [--seed 0] [--only media|texts|requests] [--media DIR]

Mutated videos and pictures, schedules and prompts over frames, and requests as JSON go in. Every
outcome must be a result or one of easyphoto_video/errors.py, within a time for each, without a
traceback, a half-written file, a temporary folder or more memory than is meant. Videos and pictures
begin from those of DIR, or of $FUZZ_MEDIA, and from small ones made here. Exit code 1 on findings;
each has the seed that repeats it alone: --only KIND --count 1 --seed N.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from tools.fuzz_case import ACCEPTED, BEGUN, LIMITS, WORDS, Outcome, serve
from tools.fuzz_samples import make_samples

STARTING = 120.0
"""Seconds that a process may take to begin."""
TAIL = 600
"""Characters of a traceback that a finding repeats."""


@dataclass
class Tally:
    """What came of the cases of one kind."""

    kind: str
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, str]] = field(default_factory=list)
    """Seed, and what is wrong."""
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds and seed."""
    peak: int = 0
    """Most memory in MiB."""

    def add(self, seed: int, outcome: Outcome) -> None:
        """Count one case."""
        self.outcomes[outcome.kind] += 1
        self.findings += [(seed, finding) for finding in outcome.findings]
        self.slowest = max(self.slowest, (outcome.seconds, seed))
        self.peak = max(self.peak, outcome.peak)

    @property
    def row(self) -> str:
        """The counts as a line of the table."""
        refused = [f"{name} {n}" for name, n in sorted(self.outcomes.items()) if name != ACCEPTED]
        tried, taken = sum(self.outcomes.values()), self.outcomes[ACCEPTED]
        slow = f"{self.slowest[0]:.1f} s (seed {self.slowest[1]})"
        counts = f"{self.kind:9}{tried:6}{taken:9}{len(self.findings):9}"
        return f"{counts}{self.peak:9}  {slow:22}{', '.join(refused)}"


HEAD = f"{'':9}{'tried':>6}{'taken':>9}{'findings':>9}{'MiB':>9}  {'slowest':22}refused as"


class Worker:
    """A process that tries cases, and is begun anew when one of them ends or hangs it."""

    def __init__(self, kind: str, samples: Path, folder: Path) -> None:
        self._arguments = kind, samples, folder
        self._folder = folder
        self._limit = LIMITS[kind]
        self._pipe: Connection | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def outcome(self, seed: int) -> Outcome:
        """What comes of a case."""
        pipe = self._pipe or self._begun()
        try:
            pipe.send(seed)
            if pipe.poll(self._limit):
                return pipe.recv()
            told = Outcome("hang", [f"it hangs: nothing within {self._limit:g} s"], self._limit)
        except (EOFError, OSError):
            self._process.join()
            said = (self._folder / WORDS).read_text("utf-8", "replace")[-TAIL:]
            told = Outcome("crash", [f"it ends with {self._process.exitcode}: {said}"])
        self._end()
        return told

    def _begun(self) -> Connection:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=serve, args=(theirs, *self._arguments))
        self._process.start()
        theirs.close()
        if not self._pipe.poll(STARTING) or self._pipe.recv() != BEGUN:
            raise SystemExit("the process that tries cases does not begin")
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            self._pipe = None


def tried(kind: str, seeds: range, samples: Path, folder: Path) -> Tally:
    """Try the cases of these seeds; what they leave goes below `folder`."""
    tally = Tally(kind)
    with Worker(kind, samples, folder) as worker:
        for seed in seeds:
            outcome = worker.outcome(seed)
            tally.add(seed, outcome)
            for finding in outcome.findings:
                print(f"{kind} --seed {seed}: {finding}", file=sys.stderr, flush=True)
    return tally


def tallies(
    kinds: Sequence[str], count: int, seed: int, media: Path | None = None
) -> Iterator[Tally]:
    """Try so many cases of each kind."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        samples, work = Path(folder) / "samples", Path(folder) / "work"
        samples.mkdir()
        work.mkdir()
        make_samples(samples, media)
        for kind in kinds:
            yield tried(kind, range(seed, seed + count), samples, work)


def main(argv: Sequence[str]) -> int:
    """Prints the table and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(LIMITS))
    media = os.environ.get("FUZZ_MEDIA")
    parser.add_argument("--media", type=Path, default=media and Path(media), metavar="DIR")
    args = parser.parse_args(argv)
    kinds = [args.only] if args.only else list(LIMITS)
    code = 0
    print(HEAD)
    for tally in tallies(kinds, args.count, args.seed, args.media):
        print(tally.row, flush=True)
        code = 1 if tally.findings else code
    return code


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
