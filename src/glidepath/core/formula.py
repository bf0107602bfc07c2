"""Schedules that somebody else wrote as a formula of the step: finite everywhere, whatever the formula does."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

from .clock import Clock
from .fields import MAX_LOOKS, MAX_STEPS, MAX_VALUE, looked
from .namespace import MATH, Namespace
from .schedule import Schedule
from .source import compiled
from .trace import FUNCTIONS, Expr, Tracer, unknown

_SAMPLED = 1000  # first steps that are all looked at
_HALVINGS = 64


class Formula(Schedule):
    """A schedule whose formula is not ours.

    It is evaluated in floating point throughout, the step included, as arrays are. Where it has no finite value, the value is that of the step
    before, or 0 if that has none either.
    """

    @abstractmethod
    def raw(self, xp: Namespace, step: Any) -> Any:
        """Returns what the formula itself gives at a step that is a floating point number."""

    def at(self, clock: Clock) -> Any:
        xp, step = clock.xp, clock.clipped(None, MAX_STEPS).steps  # a stretched clock may run further
        if xp is MATH:
            return self._number(step)
        if xp.digits == math.inf:
            return self.raw(xp, step)
        return self._settled(xp, step * 1.0)

    def _settled(self, xp: Namespace, step: Any) -> Any:
        value = self.raw(xp, step)
        if self._certain:
            return value * 1.0
        return _kept(xp, value, lambda: _kept(xp, self.raw(xp, xp.maximum(step - 1.0, 0.0)), lambda: 0.0))

    @cached_property
    def _graph(self) -> Expr:
        """The formula itself, traced over the steps it is evaluated at."""
        trace: Any = Tracer()
        return trace.expr(self.raw(trace, trace.step(0, self._last) * 1.0))

    @cached_property
    def _certain(self) -> bool:
        """Whether the formula is known to be finite at every step."""
        return self._graph.low >= -MAX_VALUE and self._graph.high <= MAX_VALUE

    @cached_property
    def _unkept(self) -> Callable[[float], float]:
        """The formula itself as a function of one Python number."""
        return _function(self._graph, lambda t: self.raw(MATH, t * 1.0))

    @cached_property
    def _number(self) -> Callable[[float], float]:
        trace: Any = Tracer()
        return _function(
            trace.expr(self._settled(trace, trace.step(0, self._last) * 1.0)), lambda t: self._settled(MATH, t * 1.0)
        )

    def _pole(self, last: int) -> int | None:
        """Returns a step up to `last` at which the formula is not finite, where one can be found.

        Looked at are the first steps, eight steps in each octave of the others, and, between those, where a divisor or the argument of a
        function comes nearest to the end of its range.
        """
        if self._certain:
            return None
        value = self._unkept
        steps = sorted({*range(min(last, _SAMPLED) + 1), *(round(_SAMPLED * 2 ** (k / 8)) for k in range(345)), last})
        steps = [step for step in steps if step <= last]
        self._charge(len(steps))
        for step in (*steps, *self._nearest(steps)):
            if not abs(value(step)) <= MAX_VALUE:
                return step
        return None

    def _charge(self, times: int) -> None:
        if not looked(times):
            rule = f"within the {MAX_LOOKS:,} evaluations in which one document is searched for steps without a value"
            remedy = "what cannot fail is not searched: keep divisors, and what logarithms and roots are taken of, above 0: max(…, 1e-3)"
            raise self._worded("formula", rule, "more", remedy)

    def _nearest(self, steps: list[int]) -> Iterator[int]:
        for margin in list(_margins(self._graph))[:20]:
            self._charge(len(steps))
            at = _function(margin, None)
            sampled = [at(step) for step in steps]
            for i, (before, after) in enumerate(pairwise(sampled)):
                low, high = steps[i], steps[i + 1]
                if high - low > 1 and (before < 0) != (after < 0):
                    while high - low > 1:
                        middle = (low + high) // 2
                        low, high = (middle, high) if (at(middle) < 0) == (before < 0) else (low, middle)
                    yield from (low, high)
                elif i > 0 and abs(before) <= min(abs(sampled[i - 1]), abs(after)):
                    low = steps[i - 1]
                    self._charge(2 * _HALVINGS)
                    for _ in range(_HALVINGS if high - low > 2 else 0):  # between three steps there is nothing to halve
                        third = (high - low) // 3
                        one, other = low + third, high - third
                        low, high = (low, other) if abs(at(one)) <= abs(at(other)) else (one, high)
                    yield from range(low, min(high, low + 4) + 1)


def _kept(xp: Namespace, value: Any, otherwise: Callable[[], Any]) -> Any:
    """Returns `value` where it is finite, else what `otherwise` returns."""
    return xp.phases(xp.maximum(value, -value), [math.inf], [lambda: value * 1.0, otherwise])


def _function(expr: Expr, otherwise: Any) -> Callable[[float], float]:
    try:
        return compiled(expr)
    except (SyntaxError, RecursionError, MemoryError):  # nested deeper than Python's parser allows
        return otherwise


def _margins(root: Expr) -> Iterator[Expr]:
    """Yields what must keep away from 0, or above it, for a formula to be finite: divisors, and how far arguments are from their end."""
    seen: set[Expr] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack.extend(node.args)
        if unknown(node) and node.op in ("/", "//", "%"):
            yield node.args[1]
        elif unknown(node) and node.op == "**":
            yield node.args[0]
        elif unknown(node) and node.op in FUNCTIONS:
            end = -1.0 if node.op == "log1p" else 0.0
            yield node.trace.binary("-", node.args[0], end)
