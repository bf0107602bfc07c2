"""Schedules made of schedules. Each part keeps its own clock, and wrapping a schedule changes none of its values."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Annotated, Any

from .clock import Clock
from .errors import GlidepathError, Problem
from .fields import MAX_STEPS, Broken, Check, Cycles, JsonSchema, Length, Offset, Positive, Value, simplest
from .node import kind
from .schedule import MAX_NODES, Schedule

__all__ = ["Chain", "Clip", "Maximum", "Minimum", "Product", "Repeat", "Shift", "Stretch", "Sum", "Until"]


def _schedules(given: Any) -> tuple[Schedule, ...]:
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MAX_NODES:
        raise Broken(f"a list of 1 to {MAX_NODES} schedules")
    found: list[Schedule] = []
    problems: list[Problem] = []
    for i, item in enumerate(given):
        try:
            found.append(Schedule.of(item))
        except GlidepathError as error:
            problems.extend(error.inside(f"$[{i}]").problems)
    if problems:
        raise GlidepathError(problems)
    return tuple(found)


Parts = Annotated[
    tuple[Schedule, ...],
    Check(_schedules),
    JsonSchema({"type": "array", "items": {"$ref": "#/$defs/schedule"}, "minItems": 1, "maxItems": MAX_NODES}),
]


def _held(part: Schedule, clock: Clock, duration: float) -> Any:
    """Returns the value of a part of something that lasts `duration`: after its own end it holds."""
    own = part.duration
    return part.at(clock if own >= duration else clock.clipped(None, int(own)))


class _Combinator(Schedule):
    """A schedule with schedules inside."""

    def __post_init__(self) -> None:
        self._check_size()

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)


@kind("chain")
class Chain(_Combinator):
    r"""Plays schedules one after another, each on its own clock from 0; written `a >> b`.

    $$ f(t) = f_i(t - s_i), \qquad s_i \le t < s_{i+1}, \quad s_i = \sum_{j<i} T_j $$

    Phase $i$ owns its $T_i$ steps; only the last may be endless. A chain inside a chain is the same as its phases.

    Args:
        phases: $f_i$, at least one.

    Examples:
        >>> from glidepath import Hold, Ramp
        >>> [(Ramp(0, 1, 2) >> Hold(value=1.0))(t) for t in range(4)]
        [0.0, 0.5, 1.0, 1.0]
    """

    phases: Parts

    def __post_init__(self) -> None:
        flat: list[Schedule] = []
        for phase in self.phases:
            flat.extend(phase.phases if isinstance(phase, Chain) else (phase,))
        problems = [
            Problem(
                f"$.phases[{i}] ({phase.kind})",
                "duration",
                "finite for every phase but the last",
                "an endless phase",
                "give it a length",
            )
            for i, phase in enumerate(flat[:-1])
            if phase.duration == math.inf
        ]
        if problems:
            raise GlidepathError(problems)
        self._set(phases=tuple(flat))
        self._check_size()
        if self.duration != math.inf and self.duration > MAX_STEPS:
            raise GlidepathError.of("chain", "phases", f"at most {MAX_STEPS} steps in all", self.duration)

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return sum(phase.duration for phase in self.phases)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The step at which each phase begins."""
        return (0, *accumulate(int(phase.duration) for phase in self.phases[:-1]))

    @cached_property
    def _branches(self) -> tuple[Callable[[Clock], Any], ...]:
        return tuple(
            lambda clock, f=f, begin=begin: f.at(clock.back(begin))
            for f, begin in zip(self.phases, self.starts, strict=True)
        )

    def at(self, clock: Clock) -> Any:
        return clock.split(self.starts[1:], self._branches)


@kind("product")
class Product(_Combinator):
    r"""Multiplies schedules, and a number; written `a * b`, `0.1 * a`.

    $$ f(t) = s \prod_i f_i(t) $$

    Lasts as long as its longest part; shorter ones hold. A product inside a product is the same as its parts.

    Args:
        parts: $f_i$, at least one.
        scale: $s$.

    Examples:
        >>> from glidepath import Ramp
        >>> (0.5 * Ramp(1, 0, 4))(1)
        0.375
    """

    parts: Parts
    scale: Value = 1.0

    def __post_init__(self) -> None:
        parts, scale = _flat(self.parts, Product, "scale", self.scale, lambda a, b: a * b)
        self._set(parts=parts, scale=Product._checked("product", "scale", scale))
        self._check_size()

    @staticmethod
    def _checked(where: str, field: str, value: float) -> float:
        if not abs(value) <= 1e100:
            raise GlidepathError.of(where, field, "a finite number of magnitude at most 1e+100 in all", value)
        return value + 0.0

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return max(part.duration for part in self.parts)

    def at(self, clock: Clock) -> Any:
        value = None if self.scale == 1.0 else self.scale
        for part in self.parts:
            factor = _held(part, clock, self.duration)
            value = factor if value is None else value * factor
        return value


@kind("sum")
class Sum(_Combinator):
    r"""Adds schedules, and a number; written `a + b`, `a - b`, `0.1 + a`.

    $$ f(t) = c + \sum_i f_i(t) $$

    Lasts as long as its longest part; shorter ones hold. A sum inside a sum is the same as its parts.

    Args:
        parts: $f_i$, at least one.
        offset: $c$.

    Examples:
        >>> from glidepath import Ramp
        >>> (0.5 + Ramp(0, 1, 4))(1)
        0.75
    """

    parts: Parts
    offset: Value = 0.0

    def __post_init__(self) -> None:
        parts, offset = _flat(self.parts, Sum, "offset", self.offset, lambda a, b: a + b)
        self._set(parts=parts, offset=Product._checked("sum", "offset", offset))
        self._check_size()

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return max(part.duration for part in self.parts)

    def at(self, clock: Clock) -> Any:
        value = None if self.offset == 0.0 else self.offset
        for part in self.parts:
            term = _held(part, clock, self.duration)
            value = term if value is None else value + term
        return value


def _flat(
    parts: tuple[Schedule, ...], cls: Any, field: str, number: float, join: Callable[[float, float], float]
) -> tuple[tuple[Schedule, ...], float]:
    """Returns the parts with those of inner nodes of the same kind in their place, and the joined numbers."""
    flat: list[Schedule] = []
    for part in parts:
        if isinstance(part, cls):
            flat.extend(part.parts)  # type: ignore[attr-defined]
            number = join(number, getattr(part, field))
        else:
            flat.append(part)
    return tuple(flat), number


@kind("minimum")
class Minimum(_Combinator):
    r"""The smallest of several schedules at each step.

    $$ f(t) = \min_i f_i(t) $$

    Lasts as long as its longest part; shorter ones hold.

    Args:
        parts: $f_i$, at least one.

    Examples:
        >>> from glidepath import Hold, Ramp
        >>> Minimum((Hold(value=0.5), Ramp(1, 0, 4)))(3)
        0.25
    """

    parts: Parts

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return max(part.duration for part in self.parts)

    def at(self, clock: Clock) -> Any:
        value, *rest = (_held(part, clock, self.duration) for part in self.parts)
        for other in rest:
            value = clock.xp.minimum(value, other)
        return value


@kind("maximum")
class Maximum(_Combinator):
    r"""The largest of several schedules at each step.

    $$ f(t) = \max_i f_i(t) $$

    Lasts as long as its longest part; shorter ones hold.

    Args:
        parts: $f_i$, at least one.

    Examples:
        >>> from glidepath import Hold, Ramp
        >>> Maximum((Hold(value=0.5), Ramp(1, 0, 4)))(3)
        0.5
    """

    parts: Parts

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return max(part.duration for part in self.parts)

    def at(self, clock: Clock) -> Any:
        value, *rest = (_held(part, clock, self.duration) for part in self.parts)
        for other in rest:
            value = clock.xp.maximum(value, other)
        return value


@kind("clip")
class Clip(_Combinator):
    r"""Holds the values of a schedule between two bounds.

    $$ f(t) = \min(\max(g(t), l), h) $$

    Args:
        schedule: $g$.
        low: $l$, or None.
        high: $h$, or None; at least one of the two is given.

    Examples:
        >>> from glidepath import Ramp
        >>> Clip(Ramp(1, 0, 4), low=0.1)(4)
        0.1
    """

    schedule: Schedule
    low: Value | None = None
    high: Value | None = None

    def __post_init__(self) -> None:
        self._check_size()
        if self.low is None and self.high is None:
            raise GlidepathError.of("clip", "low", "given if high is not", None)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise GlidepathError.of("clip", "low", f"at most high, {self.high!r}", self.low)

    @property
    def duration(self) -> int | float:
        return self.schedule.duration

    def at(self, clock: Clock) -> Any:
        value = self.schedule.at(clock)
        if self.low is not None:
            value = clock.xp.maximum(value, self.low)
        return value if self.high is None else clock.xp.minimum(value, self.high)


@kind("stretch")
class Stretch(_Combinator):
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

    schedule: Schedule
    factor: Positive

    def __post_init__(self) -> None:
        self._check_size()
        duration = self.schedule.duration
        if duration != math.inf and not math.ceil(int(duration) * self._fraction) <= MAX_STEPS:
            raise GlidepathError.of("stretch", "factor", f"small enough for at most {MAX_STEPS} steps", self.factor)

    @cached_property
    def _fraction(self) -> Fraction:
        return simplest(self.factor)

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        duration = self.schedule.duration
        return duration if duration == math.inf else math.ceil(int(duration) * self._fraction)

    def at(self, clock: Clock) -> Any:
        slower = clock.slower(self._fraction)
        end = self.schedule.duration
        beyond = end != math.inf and int(end) * self._fraction != self.duration
        return self.schedule.at(slower.clipped(None, int(end)) if beyond else slower)


@kind("shift")
class Shift(_Combinator):
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

    schedule: Schedule
    steps: Offset

    def __post_init__(self) -> None:
        self._check_size()
        if not self.duration >= 1:
            raise GlidepathError.of(
                "shift", "steps", f"above {-self.schedule.duration}, so that a step is left", self.steps
            )
        if self.duration != math.inf and self.duration > MAX_STEPS:
            raise GlidepathError.of("shift", "steps", f"small enough for at most {MAX_STEPS} steps in all", self.steps)

    @property
    def duration(self) -> int | float:
        return self.schedule.duration + self.steps

    def at(self, clock: Clock) -> Any:
        begun = clock.back(self.steps)
        return self.schedule.at(begun.clipped(0, None) if self.steps > 0 else begun)


@kind("until")
class Until(_Combinator):
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

    schedule: Schedule
    steps: Length

    def __post_init__(self) -> None:
        self._check_size()

    @property
    def duration(self) -> int:
        return self.steps

    def at(self, clock: Clock) -> Any:
        return _held(self.schedule, clock, self.steps)


@kind("repeat")
class Repeat(_Combinator):
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

    schedule: Schedule
    cycles: Cycles | None = None
    growth: Positive = 1.0
    decay: Positive = 1.0
    floor: Value = 0.0

    def __post_init__(self) -> None:
        problems: list[Problem] = []

        def refuse(field: str, rule: str, value: Any, remedy: str = "") -> None:
            problems.extend(GlidepathError.of("repeat", field, rule, value, remedy).problems)

        if self.schedule.duration == math.inf:
            problems.append(Problem("repeat", "schedule", "of finite duration", "an endless one", "give it a length"))
        if self.decay > 1.0:
            refuse("decay", "at most 1", self.decay)
        if self.growth != 1.0 and self.cycles is not None and self.cycles > MAX_NODES:
            refuse("cycles", f"at most {MAX_NODES} where the cycles grow", self.cycles)
        if self.growth < 1.0 and self.cycles is None:
            refuse("cycles", "given where the cycles shrink", None)
        if problems:
            raise GlidepathError(problems)
        if self.growth != 1.0:
            _, lengths = self._table
            if len(lengths) > MAX_NODES:
                refuse(
                    "growth",
                    f"at least such that {MAX_NODES} cycles reach {MAX_STEPS} steps",
                    self.growth,
                    "limit the cycles",
                )
            elif min(lengths) < 1:
                refuse(
                    "growth",
                    "such that every cycle has a step",
                    self.growth,
                    f"at most {lengths.index(0)} cycles have one",
                )
        if not problems and self.cycles is not None and self.duration > MAX_STEPS:
            refuse("cycles", f"few enough for at most {MAX_STEPS} steps", self.cycles)
        if problems:
            raise GlidepathError(problems)
        self._check_size()

    @cached_property
    def _table(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where each cycle begins, and how long it is, as far as steps are exact."""
        ratio, first = simplest(self.growth), int(self.schedule.duration)
        starts, lengths = [0], [first]
        up, down = 1, 1
        for _ in range(1, self.cycles or MAX_NODES + 1):
            begin = starts[-1] + lengths[-1]
            if begin >= MAX_STEPS and self.cycles is None:
                break
            up, down = up * ratio.numerator, down * ratio.denominator
            starts.append(begin)
            lengths.append(first * up // down)
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

    def cycle_starts(self, last: int) -> tuple[int, ...]:
        """Returns the steps up to `last` at which a cycle begins."""
        if self.growth != 1.0:
            starts = self._table[0]
            return starts[: bisect_right(starts, last)]
        length = int(self.schedule.duration)
        return tuple(range(0, min(last + 1, int(min(self.duration, last + 1))), length))

    def at(self, clock: Clock) -> Any:
        index, local = self._regular(clock) if self.growth == 1.0 else self._growing(clock)
        value = self.schedule.at(local)
        if self.decay == 1.0:
            return value
        factor = clock.xp.power(self.decay, index)
        return factor * value if self.floor == 0.0 else self.floor + factor * (value - self.floor)

    def _regular(self, clock: Clock) -> tuple[Any, Clock]:
        return clock.cycle(int(self.schedule.duration), None if self.cycles is None else self.cycles - 1)

    def _growing(self, clock: Clock) -> tuple[Any, Clock]:
        xp, ratio = clock.xp, simplest(self.growth)
        starts, lengths = self._table
        index = xp.locate(clock.steps, starts)
        ticks = clock.ticks - xp.take(starts, index) * clock.q
        if ratio.denominator == 1:
            return index, Clock(xp, ticks, 0, xp.take(self._multiples, index) * clock.q)
        length = int(self.schedule.duration)
        return index, Clock(xp, ticks * xp.const(length), 0, xp.take(lengths, index) * clock.q)

    @cached_property
    def _multiples(self) -> tuple[int, ...]:
        ratio = simplest(self.growth).numerator
        return tuple(ratio**k for k in range(len(self._table[0])))
