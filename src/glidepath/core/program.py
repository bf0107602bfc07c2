"""A traced formula as a small program in JSON: the third way in which the tracer's expression is written, for the web page.

A program is a list of parts, the last of which is the value. A number stands for itself, `"t"` for the step, `[3]` for part 3, and any other
list for an operation on such operands: `["*", 2, ["sin", "t"]]`. Infinity and NaN are `"inf"`, `"-inf"` and `"nan"`. A part `["table", [...]]`
is a row of numbers. What evaluates it (`playground/static/program.js`) knows operations and no formula.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from .arrays import Inexact
from .clock import Clock
from .trace import Expr, Tracer, ordered, plain

if TYPE_CHECKING:
    from .schedule import Schedule

_FAR = (2**40, 2**30)  # steps up to which it is tried, where float64 cannot count all of them
_MOST_PIECES = 2_000
_MOST_NUMBERS = 20_000
_DEEP = 30  # lists inside one another, before one becomes a part of its own
_EXACT = 2**53  # whole numbers are exact up to here where every number is a float64
_NAMES = {"minimum": "min", "maximum": "max"}


def program(schedule: Schedule, last: int = 0) -> list[Any] | None:
    """Returns the program of a schedule, ends included; None where it has none, and its values must be asked for.

    That is where values are replayed, where it would be too long, and where a whole number might pass 2^53 on its way into a quotient, a
    remainder, a sum or a difference: Python's integers are exact there and float64 is not. Where that happens only at late steps, the program
    gives NaN at those.

    Args:
        schedule: What is to be evaluated elsewhere.
        last: The step up to which it is wanted at least.

    Examples:
        >>> from glidepath import parse
        >>> program(parse("hold(5, value=0.5)"))
        [['phases', 't', [5], [0.5, ['held', 't', 0.5]]]]
    """
    if not schedule.closed or schedule._pieces_inside > _MOST_PIECES:
        return None
    for end in (None, *_FAR, last + 1):
        if end is None or last < end < schedule.duration:
            try:
                return _Writer(schedule.expression if end is None else _until(schedule, end)).parts
            except (Inexact, RecursionError):
                continue
    return None


def _until(schedule: Schedule, end: int) -> Expr:
    """Returns the traced formula of the steps before `end`: NaN from there on."""
    trace: Any = Tracer()
    step = trace.step(-math.inf, math.inf)
    first = schedule.interpreted(0)
    branches = [lambda t: first, lambda t: schedule.at(Clock(trace, t)), lambda t: math.nan]
    return trace.expr(trace.phases(step, [0, end], branches, step))


class _Writer:
    def __init__(self, root: Expr) -> None:
        self.parts: list[Any] = []
        self._tables: dict[int, list[int]] = {}
        self._numbers = 0
        nodes = ordered(root)
        uses = Counter(plain(arg) for node in nodes for arg in node.args)
        self._forms: dict[Expr, Any] = {}
        depths: dict[Expr, int] = {}
        for node in nodes:
            form = self._form(node)
            depth = 1 + max((depths[plain(arg)] for arg in node.args), default=0)
            if isinstance(form, list) and node is not nodes[-1] and (uses[node] > 1 or depth > _DEEP):
                form, depth = self._part(form), 0
            self._forms[node], depths[node] = form, depth
        self.parts.append(self._forms[nodes[-1]])

    def _part(self, form: Any) -> list[int]:
        self.parts.append(form)
        return [len(self.parts) - 1]

    def _form(self, node: Expr) -> Any:
        if node.op == "const":
            return self._number(node.data)
        if node.op == "step":
            return "t"
        if node.op in ("+", "-", "//", "%") and any(_beyond(arg) for arg in node.args):
            raise Inexact
        args = [self._forms[plain(arg)] for arg in node.args]
        if node.op == "phases":
            return ["phases", args[0], [self._number(bound) for bound in node.data], args[1:]]
        if node.op in ("locate", "take"):
            return [node.op, self._table(node.data), *args]
        return [_NAMES.get(node.op, node.op), *args]

    def _table(self, values: Any) -> list[int]:
        known = self._tables.get(id(values))
        if known is None:
            known = self._tables[id(values)] = self._part(["table", [self._number(value) for value in values]])
        return known

    def _number(self, value: float) -> float | str:
        self._numbers += 1
        if self._numbers > _MOST_NUMBERS:
            raise Inexact
        return value if math.isfinite(value) else repr(float(value))


def _beyond(node: Expr) -> bool:
    """Tells whether a node may be a whole number that float64 cannot hold."""
    return not node.real and not (node.low >= -_EXACT and node.high <= _EXACT)
