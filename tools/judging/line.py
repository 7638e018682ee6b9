"""A figure of the judge's table, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_SEED = 800_000
"""Of persons and poses that no training drew; the first of the clips too."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table."""

    name: str
    value: float
    unit: str
    low: float | None = None
    """The least that will do; None is no matter."""
    high: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value lies within its bars; one that is no number does not."""
        low = self.low is None or self.value >= self.low
        return low and (self.high is None or self.value <= self.high)

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {**vars(self), "passed": self.passed}

    def __str__(self) -> str:
        bars = [f">= {self.low:g}"] if self.low is not None else []
        bars += [f"<= {self.high:g}"] if self.high is not None else []
        verdict = f"{', '.join(bars)} {'reached' if self.passed else 'MISSED'}" if bars else ""
        return f"{self.name:<40}{self.value:>8.2f} {self.unit:<11}{verdict:<24}{self.note}".rstrip()
