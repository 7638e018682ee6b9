"""Kind: what values a field takes, and each of their ways in and out. Setting: one declaration.

A new kind of setting is a subclass of Kind. The command line, the API, the form and the infotext
ask it and know none by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from easyphoto_video.errors import BadRequest

LONGEST_TEXT = 20_000
"""Characters of a text in JSON."""
LONGEST_LIST = 64
"""Items of a list in JSON."""
UNREADABLE = (TypeError, ValueError, KeyError, ZeroDivisionError, OverflowError)
"""What `Kind.parse` raises for a value that it cannot use."""
Naming = Callable[["Setting", str], str]
"""The path of the file that a value names; raises BadRequest or BadFile."""


class Kind:
    """What values a field takes. This one is of no field; a text is the nearest to it."""

    called: str = "a value"
    """What a message calls a value of it."""
    json: tuple[type, ...] = (str,)
    """What JSON may hold for it; true and false are no numbers."""
    longest: int = LONGEST_TEXT
    """Characters of a text in JSON at most."""
    choices: tuple[str, ...] = ()
    """The allowed texts; empty allows any."""
    several: bool = False
    """Whether it holds several; the command line takes them one by one."""
    flag: bool = False
    """Whether the command line takes it without a value."""
    widget: str = "text"
    """The component of a form, a word of host/tab/widgets.py."""
    lines: int = 1
    """Height of a text in a form."""

    @property
    def is_listed(self) -> bool:
        """Whether it is one text that a host may have a list for."""
        return False

    @property
    def called_in_json(self) -> str:
        """What a message to a program calls a value."""
        return self.called

    def parse(self, value: Any) -> Any:
        """The value from plain JSON, a text, or itself. Raises UNREADABLE."""
        raise NotImplementedError

    def typed(self, value: Any, setting: Setting) -> Any:
        """As `parse`. Raises BadRequest by the field's label."""
        try:
            return self.parse(value)
        except UNREADABLE as error:
            allowed = f" {setting.range}" if setting.range else ""
            step = f"Give {self.called}{allowed}."
            raise BadRequest(setting.label, value, f"is not {self.called}", step) from error

    def check(self, value: Any, setting: Setting) -> None:
        """Raise BadRequest when a value that was parsed is not allowed."""

    def check_over(self, value: Any, setting: Setting, frames: int) -> None:
        """As `check`, for a clip of so many frames; 0 is still open."""

    def allowed(self, setting: Setting) -> str:
        """The allowed values in words; empty where any is."""
        return ""

    def plain(self, value: Any) -> Any:
        """The value as JSON has it."""
        return value

    def fits(self, value: Any) -> bool:
        """Whether JSON of a stranger may hold it, within limits."""
        if isinstance(value, bool) or not isinstance(value, self.json):
            return False
        return not isinstance(value, str) or len(value) <= self.longest

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """JSON Schema of a field, without what every field says; a host may have `listed` names."""
        raise NotImplementedError

    def metavar(self, setting: Setting) -> str:
        """What the command line's help calls a value."""
        return "TEXT"

    def told(self, value: Any) -> str:
        """A default in a help text; empty where there is nothing to tell."""
        return str(value)

    def to_form(self, value: Any) -> Any:
        """A value, or its plain JSON form, as the form's component holds it."""
        return value

    def from_form(self, value: Any) -> Any:
        """What the component holds as a value to parse."""
        return value

    def files(self, value: Any) -> Mapping[str, str]:
        """The files that a value names, by where in it: an empty text where it is the value."""
        return {}

    def with_files(self, value: Any, setting: Setting, name: Naming) -> Any:
        """A value that was parsed, or what the form held, with each file as `name` calls it.

        Raises what that raises, and BadRequest.
        """
        return value


AS_ANNOTATED = Kind()
"""Of a setting that leaves its kind to the annotation of the field."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The declaration of one field."""

    label: str
    """The name that people see, in sentence case; unique within a request."""

    help: str
    """One sentence for somebody who never saw the field; says what the neutral value means."""

    kind: Kind = AS_ANNOTATED
    """What values it takes; by default what the annotation says, see declaration.py."""

    unit: str = ""
    """Unit of a number: px, frames, 1/s."""

    low: float | None = None
    """Smallest allowed number; None is unbounded."""

    high: float | None = None
    """Largest allowed number; None is unbounded."""

    step: int | None = None
    """A number must be a multiple of this; None allows any."""

    auto: int | float | None = None
    """A number outside low..high that leaves the choice to us; None when there is none."""

    @property
    def range(self) -> str:
        """The allowed values in words, for a message or a help text."""
        return self.kind.allowed(self)

    def typed(self, value: object) -> Any:
        """The value as its kind reads it. Raises BadRequest."""
        return self.kind.typed(value, self)

    def check(self, value: object) -> None:
        """Raise BadRequest when `value` is not allowed."""
        self.kind.check(value, self)


def shortened(value: float | Fraction) -> float | int:
    """A whole number without its decimal point, for a message."""
    return int(value) if value == value // 1 else float(value)
