"""The small table of functions that formulas are written with, once for each kind of step.

A formula receives `xp`, a namespace, and never looks at what kind of step it works on. Here stand what every namespace has and the one of plain
numbers; those of arrays stand in `arrays.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import cos, exp, expm1, inf, log, log1p, nan, sin, sqrt, tanh
from operator import mul
from typing import Any, Protocol

Branches = Sequence[Callable[..., Any]]


class Namespace(Protocol):
    """What a formula may use besides `+ - * /`.

    Every function is total, as IEEE 754 has it: out of range is infinity, undefined is NaN, which `minimum` and `maximum` hand on. All
    namespaces agree on which.

    Attributes:
        digits: Bits of precision of a value: 53, or infinity for a formula that is only read.
    """

    digits: Any

    def sin(self, x: Any, /) -> Any: ...
    def cos(self, x: Any, /) -> Any: ...
    def tanh(self, x: Any, /) -> Any: ...
    def exp(self, x: Any, /) -> Any: ...
    def expm1(self, x: Any, /) -> Any: ...
    def log(self, x: Any, /) -> Any: ...
    def log1p(self, x: Any, /) -> Any: ...
    def sqrt(self, x: Any, /) -> Any: ...

    def square(self, x: Any, /) -> Any:
        """Returns `x * x`."""

    def divide(self, x: Any, y: Any, /) -> Any:
        """Returns `x / y`; where `y` is 0, infinity with the sign of `x`, and NaN for `0 / 0`."""

    def power(self, base: Any, exponent: Any, /) -> Any:
        """Returns `base ** exponent`, a real number: a negative base counts as 0 under an exponent that is not whole."""

    def minimum(self, x: Any, y: Any, /) -> Any: ...
    def maximum(self, x: Any, y: Any, /) -> Any: ...

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """Returns `x` held between `low` and `high`."""

    def quotient(self, x: Any, y: Any) -> Any:
        """Returns `x // y` as Python does; NaN where `y` is 0."""

    def remainder(self, x: Any, y: Any) -> Any:
        """Returns `x % y` as Python does: exact; NaN where `y` is 0."""

    def whole(self, x: Any, y: Any) -> Any:
        """Returns `quotient(x, y)` for a position and a length on a clock: `x` within 2^53, `y` above 0."""

    def finer(self, x: Any, factor: int, /) -> Any:
        """Returns `x * factor`, ticks `factor` times finer.

        Raises:
            Inexact: If they are beyond 2^53, where this kind of step is not exact and one number is.
        """

    def const(self, number: int, /) -> Any:
        """Returns a whole number as a constant that this kind of step can be added to and compared with."""

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        """Returns `branches[i](*args)` where `bounds[i-1] <= x < bounds[i]`; there is one branch more than bounds.

        The only way to choose by the step. Where `x` is an array, a branch may see only a part of `args`.
        """

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        """Returns the index of the last knot at or before `x`; the first knot must be at or before every `x`."""

    def take(self, table: Sequence[Any], index: Any) -> Any:
        """Returns `table[index]`."""


# What one number needs besides Python's operators and `math`, which raise where arrays go on. The printed source copies these as they stand.


def divided(x: float, y: float) -> float:
    """Returns `x / y`; where `y` is 0, infinity with the sign of `x`, or NaN."""
    return x / y if y else x * inf


def quotient(x: float, y: float) -> float:
    """Returns `x // y`; NaN where `y` is 0."""
    return x // y if y else nan


def remainder(x: float, y: float) -> float:
    """Returns `x % y`; NaN where `y` is 0."""
    return x % y if y else nan


def powered(x: float, y: float) -> float:
    """Returns `x ** y`, where a negative `x` counts as 0 if `y` is not whole."""
    x = 0.0 if x < 0 and y % 1 != 0 else x + 0.0
    try:
        return x**y
    except ZeroDivisionError:
        return inf
    except OverflowError:
        return -inf if x < 0 and y % 2 == 1 else inf


def sin_of(x: float) -> float:
    """Returns the sine; NaN at infinity."""
    return sin(x) if x - x == 0 else nan


def cos_of(x: float) -> float:
    """Returns the cosine; NaN at infinity."""
    return cos(x) if x - x == 0 else nan


def exp_of(x: float) -> float:
    """Returns the exponential; infinity beyond the largest number."""
    return inf if x > 709.782712893384 else exp(x)


def expm1_of(x: float) -> float:
    """Returns the exponential less 1; infinity beyond the largest number."""
    return inf if x > 709.782712893384 else expm1(x)


def log_of(x: float) -> float:
    """Returns the logarithm; minus infinity at 0, NaN below."""
    return log(x) if x > 0 else -inf if x == 0 else nan


def log1p_of(x: float) -> float:
    """Returns the logarithm of `1 + x`; minus infinity at -1, NaN below."""
    return log1p(x) if x > -1 else -inf if x == -1 else nan


def sqrt_of(x: float) -> float:
    """Returns the square root; NaN below 0."""
    return sqrt(x) if x >= 0 else nan


class MathNamespace:
    """Formulas on one Python number, in float64."""

    digits = 53
    divide, power = staticmethod(divided), staticmethod(powered)
    quotient, remainder, whole = staticmethod(quotient), staticmethod(remainder), staticmethod(quotient)
    sin, cos, tanh = staticmethod(sin_of), staticmethod(cos_of), staticmethod(tanh)
    exp, expm1, sqrt = staticmethod(exp_of), staticmethod(expm1_of), staticmethod(sqrt_of)
    log, log1p = staticmethod(log_of), staticmethod(log1p_of)
    finer, const = staticmethod(mul), staticmethod(int)

    @staticmethod
    def square(x: Any) -> Any:
        return x * x

    @staticmethod
    def minimum(x: Any, y: Any) -> Any:
        return x if x < y or x != x else y

    @staticmethod
    def maximum(x: Any, y: Any) -> Any:
        return x if x > y or x != x else y

    @staticmethod
    def clip(x: Any, low: Any, high: Any) -> Any:
        return low if x < low else high if x > high else x

    @staticmethod
    def phases(x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        return branches[bisect_right(bounds, x)](*args)

    @staticmethod
    def locate(x: Any, knots: Sequence[int]) -> int:
        return bisect_right(knots, x) - 1

    @staticmethod
    def take(table: Sequence[Any], index: Any) -> Any:
        return table[int(index)]


MATH = MathNamespace()
