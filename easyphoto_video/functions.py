"""Operators and functions of expressions over float, by IEEE's rules: nothing raises for a value.

Only whole numbers have bits: `&`, `|`, `^` and shifts raise TypeError for other finite numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

Number = Callable[..., float]
NAN = math.nan
INFINITE = math.inf
WHOLE = 2.0**53
"""Below this, float holds every whole number."""
BITS = 64
MANY = 100
"""Operands of `min` and `max` at most."""


def divided(a: float, b: float) -> float:
    """a / b; infinite or NaN for b = 0."""
    if b:
        return a / b
    return NAN if not a or math.isnan(a) else math.copysign(INFINITE, a) * math.copysign(1, b)


def remainder(a: float, b: float) -> float:
    """What is left of `a`, with the sign of `b` as in Python; NaN for b = 0."""
    return a % b if b else NAN


def power(a: float, b: float) -> float:
    """a ** b; NaN where it would be complex, infinite where it is too large."""
    try:
        return math.pow(a, b)
    except ValueError:
        return INFINITE if not a else NAN
    except OverflowError:
        return -INFINITE if a < 0 and b % 2 else INFINITE


def _bits(combine: Callable[[int, int], float]) -> Number:
    def combined(a: float, b: float) -> float:
        for value in (a, b):
            if not math.isfinite(value):
                return NAN
            if value != int(value) or abs(value) >= WHOLE:
                raise TypeError(f"takes whole numbers, not {value:g}; a power is **")
        return float(combine(int(a), int(b)))

    return combined


def _shifted(a: int, b: int) -> float:
    """a * 2**b, rounded down; NaN for more bits than a whole number has."""
    return math.floor(math.ldexp(a, b)) if abs(b) < BITS else NAN


def _compared(compare: Callable[[float, float], bool]) -> Number:
    return lambda a, b: float(compare(a, b))


def _guarded(function: Callable[[float], float], outside: float = NAN) -> Number:
    """`function`, but `outside` where it has no value, and infinite where it is too large."""

    def guarded(x: float) -> float:
        try:
            return float(function(x))
        except ValueError:
            return outside
        except OverflowError:
            return INFINITE

    return guarded


def _logarithm(function: Callable[[float], float], pole: float = 0.0) -> Number:
    inside = _guarded(function)
    return lambda x: -INFINITE if x == pole else inside(x)


def _rounded(function: Callable[[float], int]) -> Number:
    return lambda x: float(function(x)) if math.isfinite(x) else x


def _hyperbolic_sine(x: float) -> float:
    return math.copysign(_guarded(math.sinh)(abs(x)), x)


def _area_tangent(x: float) -> float:
    return math.copysign(INFINITE, x) if abs(x) == 1 else _guarded(math.atanh)(x)


def least(*numbers: float) -> float:
    """The smallest; NaN if any is."""
    return NAN if any(map(math.isnan, numbers)) else min(numbers)


def greatest(*numbers: float) -> float:
    """The largest; NaN if any is."""
    return NAN if any(map(math.isnan, numbers)) else max(numbers)


def where(condition: float, a: float, b: float) -> float:
    """`a` where the condition is not 0, else `b`."""
    return NAN if math.isnan(condition) else a if condition else b


def clip(x: float, low: float, high: float) -> float:
    """`x`, or the bound that it lies beyond."""
    return least(greatest(x, low), high)


def lerp(a: float, b: float, share: float) -> float:
    """From `a` (share 0) to `b` (share 1) along a line."""
    return a * (1 - share) + b * share


BINARY: dict[str, Number] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "%": remainder,
    "**": power,
    "&": _bits(operator.and_),
    "|": _bits(operator.or_),
    "^": _bits(operator.xor),
    "<<": _bits(_shifted),
    ">>": _bits(lambda a, b: _shifted(a, -b)),
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "==": _compared(operator.eq),
    "!=": _compared(operator.ne),
}
UNARY: dict[str, Number] = {"+": lambda x: x, "-": lambda x: -x}
ONE: dict[str, Number] = {
    "sin": _guarded(math.sin),
    "cos": _guarded(math.cos),
    "tan": _guarded(math.tan),
    "arcsin": _guarded(math.asin),
    "arccos": _guarded(math.acos),
    "arctan": math.atan,
    "sinh": _hyperbolic_sine,
    "cosh": _guarded(math.cosh),
    "tanh": math.tanh,
    "arcsinh": math.asinh,
    "arccosh": _guarded(math.acosh),
    "arctanh": _area_tangent,
    "exp": _guarded(math.exp),
    "expm1": _guarded(math.expm1),
    "log": _logarithm(math.log),
    "log10": _logarithm(math.log10),
    "log1p": _logarithm(math.log1p, -1.0),
    "sqrt": _guarded(math.sqrt),
    "abs": math.fabs,
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
}
FUNCTIONS: dict[str, tuple[int, int, Number]] = {
    **{name: (1, 1, function) for name, function in ONE.items()},
    "arctan2": (2, 2, math.atan2),
    "where": (3, 3, where),
    "clip": (3, 3, clip),
    "lerp": (3, 3, lerp),
    "min": (2, MANY, least),
    "max": (2, MANY, greatest),
}
"""By name: operands at least and at most, and what it does."""
