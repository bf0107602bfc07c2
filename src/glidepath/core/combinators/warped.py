"""Schedules on another clock: stretched, shifted, cut off, repeated."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import Any

from ..checks import Checks
from ..clock import Clock
from ..exact import lowered
from ..fields import MAX_STEPS, Cycles, Growth, Length, Offset, Ratio, Value, simplest
from ..node import kind
from ..schedule import MAX_NODES, Inner
from .joined import Combinator, held


@kind("stretch")
class Stretch(Combinator):
    r"""Plays a schedule more slowly.

    $$ f(t) = g(t / \sigma) $$

    `factor` is read as the simplest fraction that rounds to it (0.1 is one tenth), so that lengths stay whole numbers; the stretched duration
    is rounded up to one.

    Args:
        schedule: $g$.
        factor: $\sigma$, above 0.

    Examples:
        >>> from glidepath import Ramp
        >>> Stretch(Ramp(1, 0, 4), 2.0)(2)
        0.75
    """

    example = "stretch(cosine(5000), 2)"

    schedule: Inner
    factor: Ratio

    def __post_init__(self) -> None:
        self._check_size()
        duration = self.schedule.duration
        if duration != math.inf and not math.ceil(int(duration) * self._fraction) <= MAX_STEPS:
            raise self._wrong("factor", f"small enough for at most {MAX_STEPS} steps", self.factor)

    @cached_property
    def _fraction(self) -> Fraction:
        return simplest(self.factor)

    @cached_property
    def _bits(self) -> int:
        ratio = self._fraction
        return self.schedule._bits + ratio.numerator.bit_length() + ratio.denominator.bit_length()

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        duration = self.schedule.duration
        return duration if duration == math.inf else math.ceil(int(duration) * self._fraction)

    def timescale(self) -> float:
        return self.schedule.timescale() * self.factor

    def knots(self, first: int, last: int) -> Iterator[int]:
        ends = (min(math.ceil(Fraction(end) / Fraction(self.factor)), MAX_STEPS) for end in (first, last))
        yield from (math.ceil(knot * self.factor) for knot in self.schedule.knots(*ends))

    def stretches(self, begin: int, end: float, last: int) -> Iterator[tuple[str, int, float]]:
        if begin <= last:
            yield self.word(), begin, end

    def at(self, clock: Clock) -> Any:
        slower = clock.slower(self._fraction)
        end = self.schedule.duration
        beyond = end != math.inf and int(end) * self._fraction != self.duration
        return self.schedule.at(slower.clipped(None, int(end)) if beyond else slower)


@kind("shift")
class Shift(Combinator):
    r"""Begins a schedule later (it holds its first value until then), or in its middle.

    $$ f(t) = g(t - n) $$

    Args:
        schedule: $g$.
        steps: $n$; negative to leave out the first $-n$ steps, of which there must be more.

    Examples:
        >>> from glidepath import Ramp
        >>> Shift(Ramp(1, 0, 4), 2)(3)
        0.75
    """

    example = "shift(cosine(8000), 2000)"

    schedule: Inner
    steps: Offset

    def __post_init__(self) -> None:
        self._check_size()
        if not self.duration >= 1:
            raise self._wrong("steps", f"above {-self.schedule.duration}, so that a step is left", self.steps)
        if MAX_STEPS < self.duration < math.inf:
            raise self._wrong("steps", f"small enough for at most {MAX_STEPS} steps in all", self.steps)

    @property
    def duration(self) -> int | float:
        return self.schedule.duration + self.steps

    def knots(self, first: int, last: int) -> Iterator[int]:
        moved = (max(0, end - self.steps) for end in (first, last))
        yield from (knot + self.steps for knot in self.schedule.knots(*moved))

    stretches = Stretch.stretches

    def at(self, clock: Clock) -> Any:
        begun = clock.back(self.steps)
        return self.schedule.at(begun.clipped(0, None) if self.steps > 0 else begun)


@kind("until")
class Until(Combinator):
    r"""The first `steps` steps of a schedule: gives an endless one a length, so that another phase can follow.

    $$ f(t) = g(\min(t, n)) $$

    Args:
        schedule: $g$; one that ends sooner holds its end.
        steps: $n$, in steps.

    Examples:
        >>> from glidepath import InverseSqrt, Ramp
        >>> (Until(InverseSqrt(1), 3) >> Ramp(0.5, 0, 2))(4)
        0.25
    """

    example = "until(inverse_sqrt(1000), 8000)"

    schedule: Inner
    steps: Length

    @property
    def duration(self) -> int:
        return self.steps

    def at(self, clock: Clock) -> Any:
        return held(self.schedule, clock, self.steps)


@kind("repeat")
class Repeat(Combinator):
    r"""Plays a schedule again and again, each cycle `growth` times as long and `decay` times as high as the one before.

    $$ f(t) = m + d^k \left( g\!\left( \frac{t - s_k}{L_k / L} \right) - m \right), \qquad s_k \le t < s_{k+1} $$

    Cycle $k$ lasts $L_k = \lfloor L\,\rho^k \rfloor$ steps, $\rho$ read as the simplest fraction that rounds to `growth`. The cycle is found by
    comparing whole numbers. A limited repeat ends on the end of its last cycle, not on a new beginning.

    Args:
        schedule: $g$, of duration $L$.
        cycles: How many; None is for ever.
        growth: $\rho$, the ratio of the lengths of two cycles.
        decay: $d$, the ratio of the heights of two cycles, at most 1.
        floor: $m$, from where the height is measured.

    Source:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983

    Examples:
        >>> from glidepath import Ramp
        >>> [Repeat(Ramp(1, 0, 2), growth=2)(t) for t in range(6)]
        [1.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """

    example = "repeat(cosine(2500), cycles=4, decay=0.7)"

    schedule: Inner
    cycles: Cycles | None = None
    growth: Growth = 1.0
    decay: Ratio = 1.0
    floor: Value = 0.0

    def __post_init__(self) -> None:
        checks = Checks(self.kind)
        if self.schedule.duration == math.inf:
            checks.worded("schedule", "of finite duration", "an endless one", "give it a length")
        if self.decay > 1.0:
            checks.refuse("decay", "at most 1", self.decay)
        if self.growth != 1.0 and (self.cycles or 0) > MAX_NODES:
            checks.refuse("cycles", f"at most {MAX_NODES} where the cycles grow", self.cycles)
        if self.growth < 1.0 and self.cycles is None:
            checks.refuse("cycles", "given where the cycles shrink", None)
        checks.done()
        lengths = (1,) if self.growth == 1.0 else self._table[1]
        if len(lengths) > MAX_NODES:
            rule = f"at least such that {MAX_NODES} cycles reach {MAX_STEPS} steps"
            raise self._wrong("growth", rule, self.growth, "limit the cycles")
        if min(lengths) < 1:
            remedy = f"at most {lengths.index(0)} cycles have one"
            raise self._wrong("growth", "such that every cycle has a step", self.growth, remedy)
        if self.cycles is not None and self.duration > MAX_STEPS:
            raise self._wrong("cycles", f"few enough for at most {MAX_STEPS} steps", self.cycles)
        self._check_size()

    @cached_property
    def _bits(self) -> int:
        return self.schedule._bits + (106 if self.growth != 1.0 else 0)

    @cached_property
    def _table(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where each cycle begins, and how long it is, as far as steps are exact."""
        up, down = simplest(self.growth).as_integer_ratio()
        starts, lengths = [0], [int(self.schedule.duration)]
        above, below = lengths[0], 1
        for _ in range(1, self.cycles or MAX_NODES + 1):
            begin = starts[-1] + lengths[-1]
            if begin >= MAX_STEPS and self.cycles is None:
                break
            above, below = above * up, below * down
            starts.append(begin)
            lengths.append(above // below)
            if begin > 2 * MAX_STEPS or lengths[-1] < 1:
                break
        return tuple(starts), tuple(lengths)

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        if self.cycles is None:
            return math.inf
        if self.growth == 1.0:
            return self.cycles * int(self.schedule.duration)
        starts, lengths = self._table
        return starts[-1] + lengths[-1]

    def cycle_starts(self, last: int) -> Sequence[int]:
        """Returns the steps up to `last` at which a cycle begins; of a billion equal ones, none is written down."""
        if self.growth != 1.0:
            starts = self._table[0]
            return starts[: bisect_right(starts, last)]
        return range(0, int(min(last + 1, self.duration)), int(self.schedule.duration))

    def timescale(self) -> float:
        cycles = 4 if self.growth == 1 else 3
        return sum(float(self.schedule.duration) * self.growth**k for k in range(cycles)) - 1

    def knots(self, first: int, last: int) -> Iterator[int]:
        length, begins = int(self.schedule.duration), self.cycle_starts(last)
        inner = [knot for knot in islice(self.schedule.knots(0, length), 1000) if 0 < knot < length]
        skipped = max(0, bisect_right(begins, first) - 1)
        for k, begin in enumerate(begins[skipped:], skipped):  # a part of a range: nothing before it is walked
            yield begin
            scale = self.growth**k
            yield from (begin + math.ceil(knot * scale) for knot in inner)

    def stretches(self, begin: int, end: float, last: int) -> Iterator[tuple[str, int, float]]:
        if begin > last:
            return
        name, starts = self.schedule.word(), self.cycle_starts(min(last - begin, MAX_STEPS))
        for k, start in enumerate(starts):
            stop = starts[k + 1] if k + 1 < len(starts) else self.duration
            yield f"{name}, cycle {k + 1}", begin + start, min(end, begin + stop)

    def at(self, clock: Clock) -> Any:
        if self.growth == 1.0:
            last = None if self.cycles is None else self.cycles - 1
            index, local = clock.cycle(int(self.schedule.duration), last)
        else:
            index, local = self._growing(clock)
        value = self.schedule.at(local)
        return value if self.decay == 1.0 else lowered(value, clock.xp.power(self.decay, index), self.floor)

    def _growing(self, clock: Clock) -> tuple[Any, Clock]:
        xp, ratio, per_step = clock.xp, simplest(self.growth), clock._const(clock.q)
        starts, lengths = self._table
        index = xp.locate(clock.steps, starts)
        ticks = clock.ticks - xp.take(starts, index) * per_step
        if ratio.denominator == 1:
            return index, Clock(xp, ticks, 0, xp.take(self._multiples, index) * per_step, varies=True)
        length = int(self.schedule.duration)
        return index, Clock(xp, xp.finer(ticks, length), 0, xp.take(lengths, index) * per_step, varies=True)

    @cached_property
    def _multiples(self) -> tuple[int, ...]:
        ratio = simplest(self.growth).numerator
        return tuple(ratio**k for k in range(len(self._table[0])))
