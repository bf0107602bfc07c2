"""What a schedule may be at a step, given how far one operation may be from another library's: an interval, by walking its traced formula.

Operations that IEEE 754 rounds give the same everywhere; functions differ by a few ulps, which are carried through. Where that leaves open
which side of a jump a value is on, the interval holds both sides; where a value may be anything, there is none.
"""

import math
import sys
from bisect import bisect_right
from typing import Any

from glidepath import Schedule
from glidepath.core.clock import Clock
from glidepath.core.namespace import MATH
from glidepath.core.trace import FUNCTIONS, Expr, Tracer

# How far a function of NumPy or PyTorch, in float64, may be from Python's in ulps: twice what was seen.
ULPS = {"sin": 2, "cos": 2, "tanh": 4, "exp": 2, "expm1": 2, "log": 2, "log1p": 2, "sqrt": 2, "**": 2}
# XLA's are rougher in places; its values are rounded to float32, of half as many digits, in the end.
ULPS_XLA = ULPS | {"tanh": 12, "expm1": 8, "log1p": 250}

Interval = tuple[float, float] | None
_BINARY: dict[str, Any] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": MATH.divide,
    "//": MATH.quotient,
    "%": MATH.remainder,
    "**": MATH.power,
}


class _Unfolded(Tracer):
    """A tracer that leaves functions of constants as they are: other libraries compute them anew."""

    def binary(self, op: str, x: Any, y: Any) -> Any:
        made = super().binary(op, x, y)
        folded = op == "**" and isinstance(made, Expr) and made.op == "const"
        return self._node(op, (self.expr(x), self.expr(y)), None, made.data, made.data, made.real) if folded else made

    def unary(self, op: str, x: Any) -> Expr:
        made = super().unary(op, x)
        if made.op != "const" or op == "neg":
            return made
        return self._node(op, (self.expr(x),), None, made.data, made.data, True)


class Enclosure:
    """Intervals of a schedule's values.

    Args:
        schedule: The schedule.
        ulps: How far each function may be off.
        rough: How many ulps an operator may be off: 0 where each is rounded on its own, 1 where XLA may join a product and a sum.
    """

    def __init__(self, schedule: Schedule, ulps: dict[str, int] = ULPS, rough: int = 0) -> None:
        trace: Any = _Unfolded()
        self.last, self.ulps, self.rough = schedule._last, ulps, rough
        self.root = trace.expr(schedule.at(Clock(trace, trace.step(0, self.last))))

    def at(self, step: float) -> Interval:
        """Return the least and the largest value at a step, or None if it may be anything."""
        self._step, self._done = min(max(step, 0), self.last), dict[int, Interval]()
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(20_000)  # a row of hundreds of parts leans to one side
        try:
            return self._of(self.root)
        except OverflowError:
            return None
        finally:
            sys.setrecursionlimit(limit)

    def _of(self, node: Expr) -> Interval:
        key = id(node)
        if key not in self._done:
            self._done[key] = self._new(node)
        return self._done[key]

    def _new(self, node: Expr) -> Interval:
        op = node.op
        if op == "step":
            return self._step, self._step
        if op == "const":
            return self._rounded(node.data, node.data)
        if op == "phases":
            return self._phases(node)
        x = self._of(node.args[0])
        if op == "narrow" or x is None:
            return x
        if op == "neg":
            return -x[1], -x[0]
        if op == "locate":
            return bisect_right(node.data, x[0]) - 1, bisect_right(node.data, x[1]) - 1
        if op == "take":
            last = len(node.data) - 1
            chosen = node.data[min(max(0, int(x[0])), last) : int(x[1]) + 1]
            return min(chosen), max(chosen)
        if len(node.args) == 1:
            return self._function(op, *x)
        y = self._of(node.args[1])
        if y is None:
            return None
        if op in ("minimum", "maximum"):
            join = min if op == "minimum" else max
            return join(x[0], y[0]), join(x[1], y[1])
        return self._binary(op, x, y)

    def _phases(self, node: Expr) -> Interval:
        at, bounds = self._of(node.args[0]), node.data
        first, last = (0, len(bounds)) if at is None else (bisect_right(bounds, at[0]), bisect_right(bounds, at[1]))
        found = [self._of(result) for result in node.args[1 + first : 2 + last]]
        if any(each is None for each in found):
            return None
        return min(each[0] for each in found if each), max(each[1] for each in found if each)

    def _binary(self, op: str, x: tuple[float, float], y: tuple[float, float]) -> Interval:
        exact = x[0] == x[1] and y[0] == y[1]
        if op == "**" and 0 < max(abs(y[0]), abs(y[1])) < 1e-300:  # it may be flushed to 0
            return None
        if not exact:
            if op in ("/", "//", "%") and y[0] <= 0 <= y[1]:
                return None
            if op == "**" and x[0] <= 0 and not (y[0] == y[1] and y[0] > 0 and x[0] >= 0):
                return None
        corners = [_BINARY[op](a, b) for a in {*x} for b in {*y}]
        if any(corner != corner for corner in corners) or (not exact and any(math.isinf(corner) for corner in corners)):
            return None
        low, high = min(corners), max(corners)
        if exact and op in ("//", "%"):
            # Where a quotient times its divisor is beyond 2^53, or ticks are too fine for a float, arrays may be off by one.
            reach = 4 * math.ulp(float(x[0])) if abs(x[0]) > 2**52 else 0.0
            rest = MATH.remainder(x[0], y[0])
            near = min(abs(rest), abs(y[0] - rest)) < reach
            return (low - near, high + near) if op == "//" else (low, high) if not near else (min(0, *y), max(0, *y))
        wraps = x[1] - x[0] >= abs(y[0]) or (MATH.remainder(x[1], y[0]) < MATH.remainder(x[0], y[0]))
        if op == "%" and (wraps or y[0] != y[1]):
            return min(0, *y), max(0, *y)
        if op == "**":
            return _widened(low, high, self.ulps["**"])
        return self._rounded(low, high)

    def _rounded(self, low: float, high: float) -> Interval:
        """Return the interval with what a float of the other library may be off: integers are exact up to 2^53."""
        if low == high and low % 1 == 0 and abs(low) <= 2**53:
            return low, high
        big = isinstance(low, int) or isinstance(high, int)
        return _widened(float(low), float(high), max(self.rough, int(big)))

    def _function(self, op: str, low: float, high: float) -> Interval:
        function, (least, most) = getattr(MATH, op), FUNCTIONS[op]
        if low == high:
            value = function(low)
            return None if value != value else _widened(value, value, self.ulps[op])
        if low < least or high > most:
            return None
        if op in ("sin", "cos"):
            middle, reach = function((low + high) / 2), high - low
            return (middle - reach, middle + reach) if reach < 1 else (-1.0, 1.0)
        return _widened(function(low), function(high), self.ulps[op])


def _widened(low: float, high: float, ulps: int) -> tuple[float, float]:
    if not ulps or math.isinf(low) or math.isinf(high):
        return low, high
    return low - ulps * math.ulp(low), high + ulps * math.ulp(high)
