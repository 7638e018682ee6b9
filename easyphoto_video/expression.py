"""Expression: arithmetic over the frame number, read from text by a parser of our own.

The language is numexpr's as Deforum's schedules use it: Python's operators and precedence, but
`^` is XOR and comparisons give 0 or 1. A text becomes a list of steps for a stack of floats;
nothing of it is evaluated by Python, and length, depth and size of numbers are bounded, so that no
text can hang or fill the memory. Arithmetic is IEEE's: `1/0` and `log(0)` are infinite, and it is
up to the caller to refuse what is not finite at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from easyphoto_video.functions import BINARY, FUNCTIONS, UNARY

LONGEST = 2000
"""Characters of an expression at most."""
DEEPEST = 40
"""Parentheses, calls, signs and powers inside each other at most."""
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
VARIABLES = ("t", "max_f", "s")
"""The frame, the last frame and the seed."""
LEVELS = (
    ("<", "<=", ">", ">=", "==", "!="),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
"""Binary operators, the loosest first; `**` binds tighter than a sign on its left."""
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<sign>\*\*|<<|>>|[<>=!]=|[-+*/%&|^<>(),]))"
)


class ScheduleError(ValueError):
    """A text that is no schedule.

    `line` and `column` count from 1, in characters; `sentence` says what is wrong there. The
    message is all three.
    """

    def __init__(self, line: int, column: int, sentence: str) -> None:
        self.line = line
        self.column = column
        self.sentence = sentence
        super().__init__(f"line {line}, column {column}: {sentence}")

    @classmethod
    def at(cls, text: str, place: int, sentence: str) -> ScheduleError:
        """The error at the character `place` of a text, counted from 0."""
        before = re.split(r"\r\n|\r|\n", text[:place])
        return cls(len(before), len(before[-1]) + 1, sentence)


@dataclass(frozen=True)
class Step:
    """One step of the stack machine: push a number or a variable, or replace operands by a result.

    `run` is None for a push, else what makes a result of the topmost `count` numbers.
    """

    symbol: str
    number: float = 0.0
    count: int = 0
    run: Callable[..., float] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Expression:
    """Arithmetic in variables; equal to another when the steps are."""

    steps: tuple[Step, ...]
    source: str = field(compare=False, repr=False)
    start: int = field(compare=False, repr=False)
    stop: int = field(compare=False, repr=False)
    """It was read from `source[start:stop]`."""

    @property
    def text(self) -> str:
        """What it was read from."""
        return self.source[self.start : self.stop]

    def at(self, names: Mapping[str, float]) -> float:
        """The value where variables have these values; infinite or NaN where arithmetic is.

        Raises ScheduleError where `&`, `|`, `^` or a shift meets a number that is not whole.
        """
        stack: list[float] = []
        for step in self.steps:
            if step.run is None:
                stack.append(names[step.symbol] if step.symbol else step.number)
                continue
            operands = stack[-step.count :]
            del stack[-step.count :]
            try:
                stack.append(step.run(*operands))
            except TypeError as error:
                raise self.error(f"{step.symbol!r} {error}") from error
        return stack.pop()

    def error(self, sentence: str) -> ScheduleError:
        """An error at this expression's place."""
        return ScheduleError.at(self.source, self.start, sentence)


def parse_expression(
    text: str,
    variables: Collection[str] = VARIABLES,
    start: int = 0,
    stop: int | None = None,
) -> Expression:
    """The expression in `text[start:stop]`. Raises ScheduleError with the place in `text`."""
    stop = len(text) if stop is None else stop
    if stop - start > LONGEST:
        raise ScheduleError.at(text, start, f"an expression has at most {LONGEST} characters")
    inside = text[start:stop]
    start, stop = start + len(inside) - len(inside.lstrip()), start + len(inside.rstrip())
    parser = _Parser(text, start, stop, variables)
    parser.level(0)
    if parser.symbol:
        raise parser.error(f"{parser.symbol!r} is not expected here")
    return Expression(tuple(parser.steps), text, start, stop)


class _Parser:
    """Recursive descent that writes steps in the order in which they are run."""

    def __init__(self, text: str, start: int, stop: int, variables: Collection[str]) -> None:
        self.text = text
        self.stop = stop
        self.end = start
        self.variables = variables
        self.steps: list[Step] = []
        self.depth = 0
        self.advance()

    def error(self, sentence: str) -> ScheduleError:
        """An error at the present token."""
        return ScheduleError.at(self.text, self.place, sentence)

    def advance(self) -> None:
        """Read the next token into `kind`, `symbol` and `place`; the last is empty."""
        match = TOKEN.match(self.text, self.end, self.stop)
        if match is not None:
            self.kind = match.lastgroup or ""
            self.symbol = match[self.kind]
            self.place, self.end = match.span(self.kind)
            return
        rest = self.text[self.end : self.stop].lstrip()
        self.kind = self.symbol = ""
        self.place = self.stop - len(rest)
        if rest:
            raise self.error(f"{rest[0]!r} has no meaning in an expression")

    def take(self, symbol: str) -> None:
        """Go past `symbol`, which must stand here."""
        if self.symbol != symbol:
            found = repr(self.symbol) if self.symbol else "the end"
            raise self.error(f"{symbol!r} is missing before {found}")
        self.advance()

    def write(self, symbol: str, count: int, run: Callable[..., float]) -> None:
        self.steps.append(Step(symbol, count=count, run=run))

    def level(self, number: int) -> None:
        """Operands of the level above, joined from the left by this level's operators."""
        if number == len(LEVELS):
            self.signed()
            return
        self.level(number + 1)
        seen = 0
        while self.symbol in LEVELS[number]:
            seen += 1
            if number == 0 and seen > 1:
                raise self.error("comparisons cannot be chained; write (0 < t) & (t < 5)")
            symbol = self.symbol
            self.advance()
            self.level(number + 1)
            self.write(symbol, 2, BINARY[symbol])

    def signed(self) -> None:
        """A sign before something, or a power."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} things are inside each other")
        if self.symbol in UNARY:
            symbol = self.symbol
            self.advance()
            self.signed()
            self.write(symbol, 1, UNARY[symbol])
        else:
            self.atom()
            if self.symbol == "**":
                self.advance()
                self.signed()
                self.write("**", 2, BINARY["**"])
        self.depth -= 1

    def atom(self) -> None:
        """A number, a name, a call or something in parentheses."""
        if self.kind == "number":
            self.steps.append(Step("", self.number()))
            self.advance()
        elif self.kind == "name":
            self.named()
        elif self.symbol == "(":
            self.advance()
            self.level(0)
            self.take(")")
        else:
            found = repr(self.symbol) if self.symbol else "the end"
            raise self.error(f"a number, a name or '(' is missing before {found}")

    def number(self) -> float:
        value = float(self.symbol)
        if value == float("inf"):
            raise self.error("this number is too large")
        return value

    def named(self) -> None:
        name = self.symbol
        if name in FUNCTIONS:
            self.call(name)
            return
        if name not in CONSTANTS and name not in self.variables:
            known = ", ".join([*self.variables, *CONSTANTS])
            raise self.error(f"{name!r} is unknown; there are {known} and functions such as sin")
        self.steps.append(Step("" if name in CONSTANTS else name, CONSTANTS.get(name, 0.0)))
        self.advance()

    def call(self, name: str) -> None:
        place = self.place
        self.advance()
        self.take("(")
        self.level(0)
        count = 1
        while self.symbol == ",":
            self.advance()
            self.level(0)
            count += 1
        self.take(")")
        least, most, run = FUNCTIONS[name]
        if not least <= count <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            numbers = "number" if most == 1 else "numbers"
            sentence = f"{name!r} takes {wanted} {numbers}, not {count}"
            raise ScheduleError.at(self.text, place, sentence)
        self.write(name, count, run)
