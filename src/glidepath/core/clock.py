"""The time that a formula sees: a position on its own clock, kept as integers for as long as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from .namespace import Namespace


class Clock:
    r"""A position on a schedule's own clock, $\tau = (t - o) / q$ steps.

    The ticks `t`, the offset `o` and the number `q` of ticks in a step are whole numbers (or arrays or traced expressions of them), so a
    fraction of a length and its complement are each formed from integers and rounded once. Shifting a clock moves `o`; stretching it
    multiplies `q`.

    Args:
        xp: The namespace of the step.
        t: Position in ticks.
        o: Origin in ticks; a Python integer.
        q: Ticks in a step.
        varies: Whether `q` depends on the step. What is computed then is the same whether `q` is a number here or an expression: what is
            compiled gives the same bits. The origin is 0 then.
    """

    __slots__ = ("o", "q", "t", "varies", "xp")

    def __init__(self, xp: Namespace, t: Any, o: int = 0, q: Any = 1, *, varies: bool = False) -> None:
        self.xp, self.t, self.o, self.q, self.varies = xp, t, o, q, varies

    @property
    def ticks(self) -> Any:
        """Ticks since the origin."""
        return self.t - self.xp.const(self.o) if self.o else self.t

    @property
    def steps(self) -> Any:
        """Steps since the origin; a whole number where the clock is neither stretched nor given a fraction."""
        return self.ticks if not self.varies and self.q == 1 else self.ticks / self._const(self.q)

    def _const(self, x: Any) -> Any:
        return self.xp.const(x) if isinstance(x, int) else x

    def _total(self, steps: int) -> Any:
        return steps * self.q if isinstance(self.q, int) else self.q * self.xp.const(steps)

    def _end(self, steps: int) -> Any:
        """Returns the position in ticks at which so many steps are done."""
        return self._const(self._total(steps) + self.o if self.o else self._total(steps))

    def parts(self, steps: int) -> tuple[Any, Any, Any]:
        """Returns the ticks of `steps` that are done, those still to do, and all of them; each exact for whole steps."""
        return self.ticks, self._end(steps) - self.t, self._total(steps)

    def fraction(self, steps: int) -> tuple[Any, Any]:
        """Returns `u`, the share of `steps` that is done, and `v`, the share still to do, each rounded once."""
        done, left, total = self.parts(steps)
        return done / self._const(total), left / self._const(total)

    def ratio(self, steps: int) -> Any:
        """Returns the position as a multiple of `steps`."""
        return self.ticks / self._const(self._total(steps))

    def cycle(self, steps: int, last: int | None = None, parts: int = 1) -> tuple[Any, Clock]:
        """Returns the index of the present cycle of `steps / parts` steps, a whole number, and the clock since that cycle began.

        Args:
            steps: Length of `parts` cycles.
            last: Index of the last cycle, which does not end; None if they go on.
            parts: Cycles in `steps`; the ticks of the returned clock are that many times finer.
        """
        xp, ticks, total = self.xp, self.ticks, self._const(self._total(steps))
        if parts != 1:
            ticks = xp.finer(ticks, parts)
        index = xp.whole(ticks, total)
        if last is not None:
            index = xp.minimum(index, xp.const(last))
        rest = ticks - index * total
        return index, Clock(xp, rest, 0, self._total(parts), varies=self.varies)

    def back(self, steps: int) -> Clock:
        """Returns the clock of something that begins `steps` after this clock's origin."""
        if steps == 0:
            return self
        if not self.varies:
            return Clock(self.xp, self.t, self.o + steps * self.q, self.q)
        return Clock(self.xp, self.ticks - self._total(steps), 0, self.q, varies=True)

    def left(self, steps: int) -> Clock:
        """Returns the clock that runs backwards from `steps` to 0."""
        return Clock(self.xp, self._end(steps) - self.t, 0, self.q, varies=self.varies)

    def slower(self, factor: Fraction) -> Clock:
        """Returns a clock that runs at `1 / factor` of this one's speed."""
        q, parts = self._total(factor.numerator), factor.denominator
        if parts == 1:
            return Clock(self.xp, self.t, self.o, q, varies=self.varies)
        return Clock(self.xp, self.xp.finer(self.ticks, parts), 0, q, varies=self.varies)

    def clipped(self, low: int | None, high: int | None) -> Clock:
        """Returns the clock held between two positions, in steps; None means no bound on that side."""
        t = self.t if low is None else self.xp.maximum(self.t, self._end(low))
        t = t if high is None else self.xp.minimum(t, self._end(high))
        return Clock(self.xp, t, self.o, self.q, varies=self.varies)

    def split(self, bounds: Sequence[int], branches: Sequence[Callable[[Clock], Any]]) -> Any:
        """Returns the value of the branch whose phase this is: branch i owns the steps from `bounds[i-1]` up to `bounds[i]`."""
        xp, o, q = self.xp, self.o, self.q
        if not self.varies:
            ticks = bounds if o == 0 and q == 1 else [self._const(o + bound * q) for bound in bounds]
            return xp.phases(self.t, ticks, _Lazy(branches, lambda f: lambda t: f(Clock(xp, t, o, q))), self.t)
        lazy = _Lazy(branches, lambda f: lambda t, q: f(Clock(xp, t, 0, q, varies=True)))
        return xp.phases(self.steps, bounds, lazy, self.t, q)


class _Lazy(Sequence[Any]):
    """A sequence whose items are made when they are looked at: a chain of thousands of phases evaluates one."""

    __slots__ = ("_items", "_make")

    def __init__(self, items: Sequence[Any], make: Callable[[Any], Any]) -> None:
        self._items, self._make = items, make

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._make(self._items[index])
