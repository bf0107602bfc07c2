"""Tracing: a formula evaluated on a symbol leaves its own expression, from which source and LaTeX are printed.

The expression is a graph: equal parts are one node. Only what cannot change a bit is folded, so the printed source gives exactly the numbers
that the formula gives on a Python number.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

from .namespace import MATH


def _operator(op: str) -> tuple[Any, Any]:
    """Returns the method of an operator, and the one for a number on its left."""
    return lambda x, y: x.trace.binary(op, x, y), lambda y, x: y.trace.binary(op, x, y)


def _function(op: str) -> Any:
    """Returns the tracer's method of a function of two numbers."""
    return lambda self, x, y: self.binary(op, x, y)


@dataclass(slots=True, eq=False, repr=False)
class Expr:
    """One node of a traced formula.

    Attributes:
        op: What it does: `const`, `step`, `narrow` (the same number, known to lie in a smaller interval), `+ - * / //`, a function's name,
            `phases`, `locate`, `take`, or `held` (a constant, except where the step is NaN).
        args: The nodes it does it to.
        data: The number of a constant, the bounds of phases, the knots or the table of a look-up.
        low: A number it is never below.
        high: A number it is never above.
        real: Whether it is certain to be a float.
    """

    trace: Tracer
    op: str
    args: tuple[Expr, ...]
    data: Any
    low: float
    high: float
    real: bool

    __add__, __radd__ = _operator("+")
    __sub__, __rsub__ = _operator("-")
    __mul__, __rmul__ = _operator("*")
    __truediv__, __rtruediv__ = _operator("/")
    __floordiv__, __rfloordiv__ = _operator("//")
    __pow__, __rpow__ = _operator("**")

    def __neg__(self) -> Expr:
        return self.trace.unary("neg", self)

    def __bool__(self) -> bool:
        raise TypeError("a formula must not branch on the step; use xp.phases, xp.minimum, xp.maximum or xp.clip")

    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: self.__bool__()  # type: ignore[assignment]
    __iter__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        raise TypeError(
            "a formula must use the functions of its namespace (xp.sin, xp.sqrt, …), not those of another library"
        )

    __int__ = __index__ = __float__  # type: ignore[assignment]


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": MATH.divide,
    "//": MATH.quotient,
    "%": MATH.remainder,
    "**": MATH.power,
    "minimum": MATH.minimum,
    "maximum": MATH.maximum,
}
# Functions of one number, each with the interval on which it is a finite number.
FUNCTIONS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("sin", "cos"), (-sys.float_info.max, sys.float_info.max)),
    "tanh": (-math.inf, math.inf),
    **dict.fromkeys(("exp", "expm1"), (-math.inf, 709.0)),
    "log": (5e-324, math.inf),
    "log1p": (math.nextafter(-1.0, 0.0), math.inf),
    "sqrt": (0.0, math.inf),
}


class Tracer:
    """The namespace in which a formula leaves its expression; one for each formula traced.

    Args:
        digits: Bits of precision the expression is for: 53, or infinity for one to be read, which needs no care with rounding.
    """

    def __init__(self, digits: float = 53) -> None:
        self.digits: Any = digits
        self._nodes: dict[Any, Expr] = {}
        for name in FUNCTIONS:
            setattr(self, name, lambda x, name=name: self.unary(name, x))

    def step(self, low: float, high: float) -> Expr:
        """Returns the symbol of the step, known to lie in an interval."""
        return self._node("step", (), None, low, high, False)

    def expr(self, x: Any) -> Expr:
        """Returns `x` as a node: itself, or a constant."""
        if isinstance(x, Expr):
            return x
        if isinstance(x, bool) or not isinstance(x, int | float):
            raise TypeError(
                f"a formula must be made of numbers, steps and the functions of its namespace, not of {type(x).__name__}"
            )
        low, high = (x, x) if x == x else (-math.inf, math.inf)
        return self._node("const", (), x, low, high, isinstance(x, float))

    def _node(self, op: str, args: tuple[Expr, ...], data: Any, low: float, high: float, real: bool) -> Expr:
        if op == "const":
            key: Any = (op, type(data), data, math.copysign(1.0, data))
        elif op in ("locate", "take"):
            key = (op, *map(id, args), id(data))
        else:
            key = (op, *map(id, args), data, low, high) if op in ("step", "narrow") else (op, *map(id, args), data)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Expr(self, op, args, data, low, high, real)
        return node

    def narrow(self, x: Expr, low: float, high: float) -> Expr:
        """Returns `x`, known to lie in a smaller interval."""
        low, high = max(low, x.low), min(high, x.high)
        if low == x.low and high == x.high:
            return x
        return self._node("narrow", (x.args[0] if x.op == "narrow" else x,), None, low, high, x.real)

    def binary(self, op: str, x: Any, y: Any) -> Any:
        """Returns the node of an operator or of a function of two numbers."""
        if not isinstance(x, Expr | int | float) or not isinstance(y, Expr | int | float):
            return NotImplemented
        x, y = self.expr(x), self.expr(y)
        if x.op == "const" and y.op == "const":
            return self.expr(_OPERATORS[op](x.data, y.data))
        if y.op == "const":
            if op == "-" and y.data == 0 and (x.real or isinstance(y.data, int)):
                return x
            if op in ("*", "/") and y.data == 1 and (x.real or (op == "*" and isinstance(y.data, int))):
                return x
        if x.op == "const" and op == "*" and x.data == 1 and (y.real or isinstance(x.data, int)):
            return y
        if op in ("minimum", "maximum"):
            less, more = (x, y) if op == "minimum" else (y, x)
            if _at_most(less, more):
                return x
            if _at_most(more, less):
                return y
        low, high = _interval(op, x, y)
        real = op == "/" or (x.real and y.real) or (op not in ("minimum", "maximum") and (x.real or y.real))
        return self._node(op, (x, y), None, low, high, real)

    def unary(self, op: str, x: Any) -> Expr:
        """Returns the node of a function of one number."""
        x = self.expr(x)
        if op == "neg":
            return self.expr(-x.data) if x.op == "const" else self._node(op, (x,), None, -x.high, -x.low, x.real)
        function = getattr(MATH, op)
        if x.op == "const":
            return self.expr(function(x.data))
        low, high = FUNCTIONS[op]
        if not (low <= x.low and x.high <= high) or unknown(x):
            low, high = -math.inf, math.inf
        elif op in ("sin", "cos"):
            low, high = -1.0, 1.0
        else:
            low, high = _wider(function(x.low), function(x.high))
        return self._node(op, (x,), None, low, high, True)

    def square(self, x: Any) -> Any:
        return x * x

    divide, power, minimum, maximum = map(_function, ("/", "**", "minimum", "maximum"))
    quotient, remainder, whole = map(_function, ("//", "%", "//"))
    finer, const = staticmethod(mul), staticmethod(int)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self.minimum(self.maximum(x, low), high)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Sequence[Callable[..., Any]], *args: Any) -> Any:
        x = self.expr(x)
        first, last = bisect_right(bounds, x.low), bisect_right(bounds, x.high)
        if first == last:
            return branches[first](*args)
        base = x.args[0] if x.op == "narrow" else x
        kept_bounds: list[Any] = []
        results: list[Expr] = []
        for i in range(first, last + 1):
            low = bounds[i - 1] if i > first else x.low
            high = math.nextafter(bounds[i], -math.inf) if i < last else x.high
            inner = x if unknown(x) and i == last else self.narrow(x, low, high)  # NaN is in the last phase
            result = self.expr(branches[i](*(inner if arg is x else arg for arg in args)))
            if i > first:
                kept_bounds.append(bounds[i - 1])
            if result.op == "phases" and result.args[0] is base:  # phases of the same step inside: one flat list
                inside = result.data
                begin, end = bisect_right(inside, low), bisect_left(inside, bounds[i]) if i < last else len(inside)
                kept_bounds.extend(inside[begin:end])
                results.extend(result.args[1 + begin : 2 + end])
            else:
                results.append(result)
        # No bounds between neighbours that are the same node.
        kept = [i for i in range(len(kept_bounds)) if results[i] is not results[i + 1]]
        results = [results[0], *(results[i + 1] for i in kept)]
        if not kept:
            return results[0]
        low, high, real = min(r.low for r in results), max(r.high for r in results), all(r.real for r in results)
        return self._node("phases", (base, *results), tuple(kept_bounds[i] for i in kept), low, high, real)

    def held(self, x: Expr, value: float) -> Expr:
        """Returns `value`, or NaN where `x` is NaN."""
        return self._node("held", (x, self.expr(value)), None, value, value, True)

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        x = self.expr(x)
        low, high = bisect_right(knots, x.low) - 1, bisect_right(knots, x.high) - 1
        if low == high:
            return self.expr(low)
        return self._node("locate", (x,), knots, low, high, False)

    def take(self, table: Sequence[Any], index: Any) -> Any:
        index = self.expr(index)
        if index.op == "const":
            return self.expr(table[index.data])
        inside = table[int(max(index.low, 0)) : int(min(index.high, len(table))) + 1]
        return self._node("take", (index,), table, min(inside), max(inside), all(isinstance(v, float) for v in table))


def plain(node: Expr) -> Expr:
    """Returns a node without what is known of its interval."""
    return node.args[0] if node.op == "narrow" else node


def ordered(root: Expr) -> list[Expr]:
    """Returns the nodes that are printed, each after those it is made of."""
    found: dict[Expr, None] = {}
    stack = [(plain(root), False)]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
        elif node not in found:
            stack.append((node, True))
            stack.extend((plain(arg), False) for arg in node.args)
    return list(found)


def unknown(x: Expr) -> bool:
    """Tells whether nothing is known of a value, not even that it is a number: the only interval of what may be NaN."""
    return x.low == -math.inf and x.high == math.inf


def _at_most(x: Expr, y: Expr) -> bool:
    """Tells whether `x` is never above `y`, and can be told from it where they are equal: zeros have signs."""
    return x.high < y.low or (x.high == y.low and (x.high != 0 or not (x.real or y.real)))


def _wider(low: float, high: float) -> tuple[float, float]:
    """Returns an interval that also holds what a function that is not rounded correctly may give between its ends."""
    return low - 4 * math.ulp(low) if low else low, high + 4 * math.ulp(high) if high else high


def _interval(op: str, x: Expr, y: Expr) -> tuple[float, float]:
    """Returns bounds of an operator's result; the rounding of an operator keeps the order of its operands, so it needs no care."""
    apart = y.low > 0 or y.high < 0
    if unknown(x) or unknown(y) or (op in ("/", "//", "%") and not apart):
        return -math.inf, math.inf
    if op == "%":
        finite = -math.inf < x.low and x.high < math.inf
        return (-math.inf, math.inf) if not finite else (0, y.high) if y.low > 0 else (y.low, 0)
    if op == "minimum":
        return min(x.low, y.low), min(x.high, y.high)
    if op == "maximum":
        return max(x.low, y.low), max(x.high, y.high)
    whole = y.op == "const" and y.data >= 0 and y.data % 1 == 0
    if op == "**" and not whole and (x.low < 0 or (x.low == 0 and y.low < 0)):
        return -math.inf, math.inf
    corners = [_OPERATORS[op](a, b) for a in (x.low, x.high) for b in (y.low, y.high)]
    if any(corner != corner for corner in corners):
        return -math.inf, math.inf
    low, high = min(corners), max(corners)
    if op == "**":
        low, high = _wider(low, high)
    square = (op == "*" and x is y) or (op == "**" and whole and y.data % 2 == 0)
    return (0 if x.low <= 0 <= x.high else max(low, 0), high) if square else (low, high)
