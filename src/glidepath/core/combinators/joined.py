"""Schedules joined: one after another, by sum, product, minimum and maximum, and kept within bounds."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from operator import add, mul
from typing import Annotated, Any

from ..clock import Clock
from ..errors import GlidepathError, Problem
from ..fields import MAX_STEPS, MAX_VALUE, Value, real
from ..node import kind
from ..schedule import Inner, Nothing, Parts, Schedule


def held(part: Schedule, clock: Clock, duration: float) -> Any:
    """Returns the value of a part of something that lasts `duration`: after its own end it holds."""
    own = part.duration
    return part.at(clock if own >= duration else clock.clipped(None, int(own)))


class Combinator(Schedule):
    """A schedule with schedules inside."""

    def __post_init__(self) -> None:
        self._check_size()


class Joined(Combinator):
    """Several schedules at once."""

    parts: Parts

    @classmethod
    def instead(cls, fields: dict[str, Any]) -> Any:
        empty = [isinstance(part, Nothing) for part in fields["parts"]]
        if any(empty) and not all(empty):
            raise GlidepathError.of(cls.kind, "parts", "schedules of at least one step", "a phase of length 0")
        return Nothing() if all(empty) else None

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return max(part.duration for part in self.parts)

    def _all(self, clock: Clock, join: Callable[[Any, Any], Any], first: Sequence[Any] = ()) -> Any:
        """Returns the values of all parts joined, after what comes first."""
        return functools.reduce(join, (*first, *(held(part, clock, self.duration) for part in self.parts)))


class Operated(Joined):
    """Schedules and a number, joined by an operator."""

    def _flatten(self, field: str, join: Callable[[float, float], float]) -> None:
        """Puts the parts of inner nodes of the same kind in their place, and joins the numbers."""
        flat: list[Schedule] = []
        number = getattr(self, field)
        for part in self.parts:
            same = isinstance(part, type(self))
            flat.extend(part.parts if same else (part,))
            number = join(number, getattr(part, field)) if same else number
        if not abs(number) <= MAX_VALUE:
            raise self._wrong(field, f"a finite number of magnitude at most {MAX_VALUE:g} in all", number)
        object.__setattr__(self, "parts", tuple(flat))
        object.__setattr__(self, field, number + 0.0)
        self._check_size()

    def word(self) -> str:
        return ""


class Extreme(Joined):
    """The smallest or the largest of several schedules, by the function of the namespace that the kind is named after."""

    def at(self, clock: Clock) -> Any:
        return self._all(clock, getattr(clock.xp, self.kind))


@kind("chain")
class Chain(Combinator):
    r"""Plays schedules one after another, each on its own clock from 0; written `a >> b`.

    $$ f(t) = f_i(t - s_i), \qquad s_i \le t < s_{i+1}, \quad s_i = \sum_{j<i} T_j $$

    Phase $i$ owns its $T_i$ steps; only the last may be endless, and one of length 0 is nothing. A chain inside a chain is the same as its
    phases.

    Args:
        phases: $f_i$, at least one.

    Examples:
        >>> from glidepath import Hold, Ramp
        >>> [(Ramp(0, 1, 2) >> Hold(value=1.0))(t) for t in range(4)]
        [0.0, 0.5, 1.0, 1.0]
    """

    example = "chain(warmup(500), cosine(9500))"

    phases: Parts

    @classmethod
    def instead(cls, fields: dict[str, Any]) -> Any:
        left = [phase for phase in fields["phases"] if not isinstance(phase, Nothing)]
        if len(left) == len(fields["phases"]):
            return None
        return cls(left) if len(left) > 1 else left[0] if left else Nothing()

    def __post_init__(self) -> None:
        flat = [each for phase in self.phases for each in (phase.phases if isinstance(phase, Chain) else (phase,))]
        rule = "finite for every phase but the last"
        problems = [
            Problem(f"$.phases[{i}] ({phase.kind})", "duration", rule, "an endless phase", "give it a length")
            for i, phase in enumerate(flat[:-1])
            if phase.duration == math.inf
        ]
        if problems:
            raise GlidepathError(problems)
        object.__setattr__(self, "phases", tuple(flat))
        self._check_size()
        if self.duration != math.inf and self.duration > MAX_STEPS:
            raise self._wrong("phases", f"at most {MAX_STEPS} steps in all", self.duration)

    @cached_property
    def duration(self) -> int | float:  # type: ignore[override]
        return sum(phase.duration for phase in self.phases)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The step at which each phase begins."""
        return (0, *accumulate(int(phase.duration) for phase in self.phases[:-1]))

    @cached_property
    def _branches(self) -> tuple[Callable[[Clock], Any], ...]:
        pairs = zip(self.phases, self.starts, strict=True)
        return tuple(lambda clock, f=f, begin=begin: f.at(clock.back(begin)) for f, begin in pairs)

    def at(self, clock: Clock) -> Any:
        return clock.split(self.starts[1:], self._branches)

    def timescale(self) -> float:
        begin = self.starts[-1]
        return begin + max(self.phases[-1].timescale(), begin / 4)

    def knots(self, first: int, last: int) -> Iterator[int]:
        for begin, phase in zip(self.starts, self.phases, strict=True):
            if begin > last:
                return
            yield begin
            end = int(min(phase.duration, last - begin))
            yield from (begin + knot for knot in phase.knots(max(0, first - begin), end))

    def word(self) -> str:
        return " + ".join(phase.word() for phase in self.phases[:3]) + (" + …" if len(self.phases) > 3 else "")

    def stretches(self, begin: int, end: float, last: int) -> Iterator[tuple[str, int, float]]:
        for start, phase in zip(self.starts, self.phases, strict=True):
            if begin + start > last:
                return
            yield from phase.stretches(begin + start, min(end, begin + start + phase.duration), last)


@kind("product")
class Product(Operated):
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

    scale: Value = 1.0

    def __post_init__(self) -> None:
        self._flatten("scale", mul)

    def at(self, clock: Clock) -> Any:
        return self._all(clock, mul, [] if self.scale == 1.0 else [self.scale])


@kind("sum")
class Sum(Operated):
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

    offset: Value = 0.0

    def __post_init__(self) -> None:
        self._flatten("offset", add)

    def at(self, clock: Clock) -> Any:
        return self._all(clock, add, [] if self.offset == 0.0 else [self.offset])


@kind("minimum")
class Minimum(Extreme):
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

    example = "minimum(hold(value=0.6), cosine(10000))"


@kind("maximum")
class Maximum(Extreme):
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

    example = "maximum(cosine(10000), hold(value=0.1))"


@kind("clip")
class Clip(Combinator):
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

    example = "clip(exponential(0.5, steps=2000), low=0.1)"

    schedule: Inner
    low: Value | None = None
    high: Annotated[float, real(slider=[0, 2, False])] | None = None

    def __post_init__(self) -> None:
        self._check_size()
        if self.low is None and self.high is None:
            raise self._wrong("low", "given if high is not", None)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise self._wrong("low", f"at most high, {self.high!r}", self.low)

    def at(self, clock: Clock) -> Any:
        value = self.schedule.at(clock)
        if self.low is not None:
            value = clock.xp.maximum(value, self.low)
        return value if self.high is None else clock.xp.minimum(value, self.high)
