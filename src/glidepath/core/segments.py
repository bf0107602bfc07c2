"""The leaves: schedules that are not made of others.

Over 400 lines: one kind after another, each its formula and what it documents.
"""

from __future__ import annotations

import decimal
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, cast

from .clock import Clock
from .curves import Linear, Shape
from .errors import shown
from .exact import bounded_exponent, exponential_of, logarithm
from .fields import Flag, Length, Milestones, Positions, Ratio, Steps, Value, Values, choice, real
from .node import kind
from .schedule import Endless, Nothing, Schedule

__all__ = [
    "Exponential",
    "Hold",
    "InverseSqrt",
    "InverseTime",
    "MultiStep",
    "NaturalExponential",
    "Ramp",
    "Step",
    "Table",
    "Triangle",
]


@kind("hold")
class Hold(Schedule):
    r"""Stays at `value`, for `steps` steps or for ever.

    $$ f(t) = c $$

    Args:
        steps: How long, in steps; None is for ever, and 0 is nothing in a chain.
        value: $c$.

    Source:
        Same as `optax.schedules.constant_schedule(value)`.

    Examples:
        >>> Hold(100, 0.5)(7)
        0.5
    """

    example = "hold(2000)"

    steps: Steps | None = None
    value: Value = 1.0

    @classmethod
    def instead(cls, fields: dict[str, Any]) -> Any:
        return Nothing() if fields.get("steps") == 0 else None

    @property
    def duration(self) -> int | float:
        return math.inf if self.steps is None else self.steps

    def timescale(self) -> float:
        return 1.0

    def at(self, clock: Clock) -> Any:
        return self.value


@kind("ramp")
class Ramp(Schedule):
    r"""Goes from `start` to `end` in `steps` steps along `curve`, then stays at `end`.

    $$ f(t) = a + (b - a)\,c(t / T) $$

    Exactly `start` at step 0 and exactly `end` at step `steps`.

    Args:
        start: $a$, the value at step 0.
        end: $b$, the value at step `steps`.
        steps: $T$, in steps; 0 is nothing in a chain.
        curve: $c$, the shape in between.

    Source:
        Goyal et al. 2017, section 2.2 (linear), https://arxiv.org/abs/1706.02677; Loshchilov & Hutter 2017, equation 5 (cosine),
        https://arxiv.org/abs/1608.03983

    Examples:
        >>> Ramp(1.0, 0.0, 4)(3)
        0.25
    """

    example = "ramp(0.1, 1, 1000)"

    start: Value
    end: Value
    steps: Steps
    curve: Shape = cast("Any", Linear())

    instead = Hold.instead  # type: ignore[assignment]

    def __post_init__(self) -> None:
        refusal = self.curve.refusal(self.start, self.end)
        if refusal:
            raise self._wrong(*refusal)

    @property
    def duration(self) -> int:
        return self.steps

    def word(self) -> str:
        if self.end <= self.start:
            return self.curve.kind.replace("_", " ")
        return "warmup" if self.end == 1.0 else "rise"

    def at(self, clock: Clock) -> Any:
        return self.curve.between(self.start, self.end, self.steps, clock)


def levels(period: int, first: int, last: int) -> range:
    """Returns the multiples of a period up to `last`, from the one before `first` on, without 0."""
    return range(max(period, first - first % period), last + 1, period)


class Decay(Endless):
    """What the decays at a rate have in common: their fields."""

    rate: Annotated[float, real(above=0, slider=[0.01, 2, False])]
    steps: Length = 1
    start: Value = 1.0
    staircase: Flag = False

    def knots(self, first: int, last: int) -> Iterator[int]:
        yield from levels(self.steps, first, last) if self.staircase else ()


@kind("exponential")
class Exponential(Decay):
    r"""Is multiplied by `rate` every `steps` steps, continuously or in a staircase.

    $$ f(t) = a\,r^{t/T}, \qquad \text{staircase: } a\,r^{\lfloor t/T \rfloor} $$

    A growing one is held where it has grown by $e^{400}$.

    Args:
        rate: $r$, above 0.
        steps: $T$, in steps.
        start: $a$.
        staircase: Whether the value falls only at multiples of `steps`.

    Source:
        Same as `tf.keras.optimizers.schedules.ExponentialDecay(start, steps, rate, staircase)` and, with one step,
        `torch.optim.lr_scheduler.ExponentialLR(rate)`.

    Examples:
        >>> Exponential(0.5, 10, staircase=True)(25)
        0.25
    """

    example = "exponential(0.5, steps=2000)"

    def timescale(self) -> float:
        return self.steps * (4.7 / abs(math.log(self.rate)) if self.rate != 1 else 10)

    def at(self, clock: Clock) -> Any:
        xp = clock.xp
        if self.rate > 1.0:
            clock = bounded_exponent(logarithm(self.rate), self.steps, clock)
        if self.steps == 1 and not self.staircase:
            return self.start * xp.power(self.rate, clock.steps)
        periods, rest = clock.cycle(self.steps)
        whole = self.start * xp.power(self.rate, periods)
        return whole if self.staircase else whole * exponential_of(logarithm(self.rate), self.steps, rest, within=True)


@kind("natural_exponential")
class NaturalExponential(Decay):
    r"""Decays as the natural exponential of the step, continuously or in a staircase.

    $$ f(t) = a\,e^{-k t/T}, \qquad \text{staircase: } a\,e^{-k \lfloor t/T \rfloor} $$

    Args:
        rate: $k$, above 0.
        steps: $T$, in steps.
        start: $a$.
        staircase: Whether the value falls only at multiples of `steps`.

    Source:
        Same as `tf.compat.v1.train.natural_exp_decay(start, step, steps, rate, staircase)`.

    Examples:
        >>> NaturalExponential(1.0, 10)(0)
        1.0
    """

    example = "natural_exponential(1, steps=3000)"

    def timescale(self) -> float:
        return self.steps * 4.7 / self.rate

    def at(self, clock: Clock) -> Any:
        rate = -decimal.Decimal(self.rate)
        clock = bounded_exponent(rate, self.steps, clock)
        if self.staircase:
            return self.start * exponential_of(rate, 1, Clock(clock.xp, clock.cycle(self.steps)[0]))
        return self.start * exponential_of(rate, self.steps, clock)


@kind("inverse_time")
class InverseTime(Decay):
    r"""Decays as the reciprocal of the step, continuously or in a staircase.

    $$ f(t) = \frac{a}{1 + k\,t/T}, \qquad \text{staircase: } \frac{a}{1 + k \lfloor t/T \rfloor} $$

    Args:
        rate: $k$, above 0.
        steps: $T$, in steps.
        start: $a$.
        staircase: Whether the value falls only at multiples of `steps`.

    Source:
        Same as `tf.keras.optimizers.schedules.InverseTimeDecay(start, steps, rate, staircase)`.

    Examples:
        >>> InverseTime(1.0, 10)(30)
        0.25
    """

    example = "inverse_time(1, steps=2000)"

    def timescale(self) -> float:
        return self.steps * 20 / self.rate

    def at(self, clock: Clock) -> Any:
        periods = clock.cycle(self.steps)[0] if self.staircase else clock.ratio(self.steps)
        return clock.xp.divide(self.start, 1.0 + self.rate * periods)


@kind("inverse_sqrt")
class InverseSqrt(Endless):
    r"""Decays as the reciprocal of the square root of the step.

    $$ f(t) = \frac{a}{\sqrt{1 + t/T}} $$

    After a warmup of `steps` steps this is the schedule of Vaswani et al. 2017: the value falls as $\sqrt{T / s}$, $s$ counted from the
    beginning of the warmup.

    Args:
        steps: $T$, the timescale, in steps.
        start: $a$.

    Source:
        Vaswani et al. 2017, section 5.3, https://arxiv.org/abs/1706.03762; Zhai et al. 2022, https://arxiv.org/abs/2106.04560

    Examples:
        >>> InverseSqrt(100)(300)
        0.5
    """

    example = "inverse_sqrt(1000)"

    steps: Length
    start: Value = 1.0

    def timescale(self) -> float:
        return self.steps * 20.0

    def at(self, clock: Clock) -> Any:
        return clock.xp.divide(self.start, clock.xp.sqrt(1.0 + clock.ratio(self.steps)))


@kind("step")
class Step(Endless):
    r"""Is multiplied by `factor` every `period` steps.

    $$ f(t) = a\,\gamma^{\lfloor t/T \rfloor} $$

    Args:
        period: $T$, in steps; the first drop is at step `period`.
        factor: $\gamma$, above 0.
        start: $a$.

    Source:
        Same as `torch.optim.lr_scheduler.StepLR(period, factor)`.

    Examples:
        >>> [Step(2, 0.5)(t) for t in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    example = "step(3000, 0.3)"

    period: Length
    factor: Ratio = 0.1
    start: Value = 1.0

    def timescale(self) -> float:
        return self.period * 5.0

    def knots(self, first: int, last: int) -> Iterator[int]:
        yield from levels(self.period, first, last)

    def at(self, clock: Clock) -> Any:
        if self.factor > 1.0:
            clock = bounded_exponent(logarithm(self.factor), self.period, clock)
        return self.start * clock.xp.power(self.factor, clock.cycle(self.period)[0])


@kind("multistep")
class MultiStep(Schedule):
    r"""Is multiplied by `factor` at each of the milestones.

    $$ f(t) = a\,\gamma^{\,\#\{m : m \le t\}} $$

    Args:
        milestones: $m$, strictly increasing, in steps; the drop is at the milestone itself.
        factor: $\gamma$, above 0.
        start: $a$.

    Source:
        Same as `torch.optim.lr_scheduler.MultiStepLR(milestones, factor)`.

    Examples:
        >>> [MultiStep([1, 3], 0.5)(t) for t in range(4)]
        [1.0, 0.5, 0.5, 0.25]
    """

    example = "multistep([3000, 6000, 9000], 0.3)"

    milestones: Milestones
    factor: Ratio = 0.1
    start: Value = 1.0

    def __post_init__(self) -> None:
        if self.factor > 1 and math.log(self.factor) * len(self.milestones) > 400:
            raise self._wrong("factor", "small enough for a product below e^400", self.factor)

    @property
    def duration(self) -> int:
        return self.milestones[-1]

    def knots(self, first: int, last: int) -> Iterator[int]:
        yield from self.milestones[bisect_left(self.milestones, first) :]

    def at(self, clock: Clock) -> Any:
        knots, values = self._levels
        return clock.xp.take(values, clock.xp.locate(clock.steps, knots))

    @cached_property
    def _levels(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Where each level begins, and the levels."""
        return (0, *self.milestones), tuple(self.start * self.factor**k for k in range(len(self.milestones) + 1))


@kind("triangle")
class Triangle(Endless):
    r"""Rises in a straight line from `low` to `high` in `up` steps, falls back in `down` steps, and so on for ever.

    $$ f(t) = \begin{cases} l + (h - l)\,r/U & r < U \\ h + (l - h)\,(r - U)/D & r \ge U \end{cases}, \qquad r = t \bmod (U + D) $$

    Args:
        up: $U$, in steps.
        down: $D$, in steps; None is as long as `up`.
        low: $l$.
        high: $h$.

    Source:
        Smith 2015, https://arxiv.org/abs/1506.01186; same as `torch.optim.lr_scheduler.CyclicLR` in mode `triangular`.

    Examples:
        >>> [Triangle(2)(t) for t in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    example = "triangle(1000)"

    up: Length
    down: Length | None = None
    low: Value = 0.0
    high: Annotated[float, real(slider=[0, 2, False])] = 1.0

    def timescale(self) -> float:
        return (self.up + (self.down or self.up)) * 4.0

    def knots(self, first: int, last: int) -> Iterator[int]:
        period = self.up + (self.down or self.up)
        for begin in range(first - first % period, last + 1, period):
            yield begin
            yield begin + self.up

    def at(self, clock: Clock) -> Any:
        down = self.up if self.down is None else self.down
        line = Linear()
        pieces: list[Callable[[Clock], Any]] = [
            lambda clock: line.between(self.low, self.high, self.up, clock),
            lambda clock: line.between(self.high, self.low, down, clock.back(self.up)),
        ]
        return clock.cycle(self.up + down)[1].split([self.up], pieces)


Interpolation = Annotated[Literal["linear", "previous"], choice("linear", "previous")]


@kind("table")
class Table(Schedule):
    r"""Has the given values at the given steps, with straight lines in between, or keeps each value until the next.

    $$ f(t) = y_i + (y_{i+1} - y_i)\,\frac{t - x_i}{x_{i+1} - x_i}, \qquad x_i \le t < x_{i+1} $$

    Args:
        steps: $x$, strictly increasing, the first 0.
        values: $y$, as many.
        interpolation: `linear`, or `previous` for $f(t) = y_i$.

    Source:
        Same as `ignite.handlers.PiecewiseLinear` (linear).

    Examples:
        >>> Table([0, 10, 20], [0.0, 1.0, 0.5])(15)
        0.75
    """

    example = "table([0, 1000, 4000, 10000], [0, 1, 0.4, 0])"

    steps: Positions
    values: Values
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        if len(self.steps) != len(self.values):
            got = f"{len(self.values)} of them: {shown(self.values)}"
            raise self._worded("values", f"as many as the steps, {len(self.steps)}", got)

    @property
    def duration(self) -> int | float:
        return self.steps[-1] or math.inf

    def knots(self, first: int, last: int) -> Iterator[int]:
        yield from self.steps[bisect_left(self.steps, first) :]

    def at(self, clock: Clock) -> Any:
        xp = clock.xp
        index = xp.locate(clock.steps, self.steps)
        if self.interpolation == "previous" or len(self.steps) == 1:
            return xp.take(self.values, index)
        index = xp.minimum(index, xp.const(len(self.steps) - 2))
        begin, end, length, here, there = (xp.take(column, index) for column in self._columns)
        return here * ((end - clock.steps) / length) + there * ((clock.steps - begin) / length)

    @cached_property
    def _columns(self) -> tuple[tuple[float, ...], ...]:
        """Where each piece begins and ends, how long it is, and its two values."""
        lengths = tuple(b - a for a, b in zip(self.steps, self.steps[1:], strict=False))
        return self.steps[:-1], self.steps[1:], lengths, self.values[:-1], self.values[1:]
