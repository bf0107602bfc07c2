"""Values that exist only one after another: each step is computed from the one before, and remembered."""

from __future__ import annotations

import math
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar

from .arrays import JaxNamespace, NumpyNamespace, TorchNamespace
from .clock import Clock
from .errors import GlidepathError, did_you_mean
from .fields import Value
from .namespace import MATH
from .node import kind
from .rate import Line
from .schedule import Endless

__all__ = ["MAX_REPLAY", "Recurrence", "Rule"]

MAX_REPLAY = 10_000_000
"""The last step that can be replayed: 80 MB of memory."""

Rule = Callable[[str, float], Callable[[], Iterator[float]]]
"""Reads a program and a start, and returns a function that begins a replay: an iterator of the values at steps 0, 1, 2, …"""


@kind("recurrence")
class Recurrence(Endless):
    r"""Replays a rule that computes each value from the one before.

    $$ f(0) = g_0, \qquad f(t) = g_t(f(t - 1)) $$

    The one schedule that is not a formula of the step. Looking at step $t$ costs $t$ steps the first time and nothing afterwards, and 8 bytes
    a step; step 10,000,000 is the last. It cannot be traced, so there is no source, no LaTeX and no JAX `jit`; an array costs one look-up an
    element. Between two whole steps it has the value of the earlier one.

    Args:
        rule: The name of the rule, such as `pytorch`.
        program: What it replays, in the rule's own words.
        start: The base value it starts from.
    """

    rule: Line
    program: Line
    start: Value = 1.0

    rules: ClassVar[dict[str, Rule]] = {}
    """Every known rule by its name."""

    def __post_init__(self) -> None:
        if self.rule not in self.rules:
            import_module("glidepath.dialects")  # which know PyTorch's; imported only for a schedule that needs them
        if self.rule not in self.rules:
            known = ", ".join(sorted(self.rules)) or "none is known yet"
            hint = did_you_mean(self.rule, self.rules)
            raise self._wrong("rule", f"one of the known ({known})", self.rule, hint)
        self.interpreted(0)

    @property
    def closed(self) -> bool:  # type: ignore[override]
        return False

    @cached_property
    def _replay(self) -> _Replay:
        return _Replay(self.rules[self.rule](self.program, self.start)())

    def at(self, clock: Clock) -> Any:
        xp, steps = clock.xp, clock.steps
        if xp is MATH:
            return self._replay.value(steps)
        if isinstance(xp, TorchNamespace):
            return steps.new_tensor(self._values(steps)).reshape(steps.shape)
        traced = isinstance(xp, JaxNamespace) and isinstance(steps, sys.modules["jax"].core.Tracer)
        if isinstance(xp, NumpyNamespace | JaxNamespace) and not traced:
            return xp.table(self._values(steps)).reshape(steps.shape)
        rule = "a number or an array of known numbers: replayed values cannot be traced"
        raise self._wrong("step", rule, type(steps).__name__)

    def _values(self, steps: Any) -> list[float]:
        return [self._replay.value(step) for step in steps.reshape(-1).tolist()]


class _Replay:
    """The values so far, and the iterator that continues them."""

    def __init__(self, source: Iterator[float]) -> None:
        self._source, self._lock = source, threading.Lock()
        self._values, self._failure = array("d"), ""

    def value(self, step: float) -> float:
        index = math.floor(step)
        if index > MAX_REPLAY:
            raise GlidepathError.of("recurrence", "step", f"at most {MAX_REPLAY} where values are replayed", step)
        values = self._values
        if index >= len(values):
            with self._lock:
                for _ in range(len(values), index + 1):
                    values.append(self._next(step))
        return values[index]

    def _next(self, step: float) -> float:
        if not self._failure:
            try:
                value = float(next(self._source))
            except (ArithmeticError, ValueError, TypeError, RuntimeError, StopIteration) as error:
                self._failure = str(error) or type(error).__name__
            else:
                if math.isfinite(value):
                    return value
                self._failure = f"the value is {value}"
        end = len(self._values)
        raise GlidepathError.of("recurrence", "step", f"below {end}, where the rule has no value", step, self._failure)
