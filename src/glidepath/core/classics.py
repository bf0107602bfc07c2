"""Leaves that only the older libraries have: knots at any position, restarts that are not whole, repeated polynomials, damped cosines."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, cast

from .checks import Checks
from .clock import Clock
from .curves import Curve, Linear, Polynomial, Shape, Span
from .exact import anchored, lowered
from .fields import MAX_STEPS, Growth, Length, Power, Ratio, Value, Values, real, simplest
from .node import kind
from .schedule import MAX_NODES, Endless, Inner, Schedule

__all__ = ["DampedCosine", "PolynomialCycle", "Profile", "Restarts"]


def _joined(curve: Curve, start: float, end: float, span: Span) -> Any:
    """Returns the value of a curve from `start` to `end` at a span."""
    return anchored(start, end, lambda: curve.rise(span), lambda: curve.fall(span))


@kind("profile")
class Profile(Schedule):
    r"""Has the given values at the given positions, which need not be whole steps, and goes from one to the next along `curve`.

    $$ f(t) = y_i + (y_{i+1} - y_i)\,c\!\left(\frac{t - x_i}{x_{i+1} - x_i}\right), \qquad x_i \le t < x_{i+1} $$

    Args:
        positions: $x$, strictly increasing; the last above or at 0.
        values: $y$, as many.
        curve: $c$: linear, cosine, rex, or a polynomial.

    Source:
        Same as the phases of `torch.optim.lr_scheduler.OneCycleLR`, whose peak falls between two steps.

    Examples:
        >>> Profile([0, 2.5, 5], [0, 1, 0])(1)
        0.4
    """

    example = 'profile([0, 2500.5, 10000], [0.1, 1, 0], curve="cosine")'

    positions: Values
    values: Values
    curve: Shape = cast("Any", Linear())

    def __post_init__(self) -> None:
        x, checks = self.positions, Checks(self.kind)
        if len(x) < 2 or any(a >= b for a, b in pairwise(x)):
            checks.refuse("positions", "two or more, strictly increasing", x)
        elif not 0 <= x[-1] <= MAX_STEPS:
            checks.refuse("positions", f"such that the last is from 0 to {MAX_STEPS}", x)
        if len(x) != len(self.values):
            checks.refuse("values", f"as many as the positions, {len(x)}", self.values)
        if self.curve.kind not in ("linear", "cosine", "polynomial", "rex"):
            checks.refuse("curve", "linear, cosine, polynomial or rex", self.curve)
        checks.done()

    @property
    def duration(self) -> int:
        return max(1, math.ceil(self.positions[-1]))

    def at(self, clock: Clock) -> Any:
        return clock.split(*self._pieces)

    @cached_property
    def _pieces(self) -> tuple[Any, list[Callable[[Clock], Any]]]:
        """Where each piece begins but the first, and the pieces."""
        x = self.positions
        parts: list[Callable[[Clock], Any]] = [lambda clock, i=i: self._piece(i, clock) for i in range(len(x) - 1)]
        if x[-1] == self.duration:
            return x[1:-1], parts
        return x[1:], [*parts, lambda clock: self.values[-1]]

    @cached_property
    def _pieces_inside(self) -> int:
        return len(self.positions)

    def _piece(self, i: int, clock: Clock) -> Any:
        (begin, end), (start, stop) = self.positions[i : i + 2], self.values[i : i + 2]
        span = Span(clock.xp, clock.steps - begin, end - clock.steps, end - begin)
        return _joined(self.curve, start, stop, span)


@kind("restarts")
class Restarts(Endless):
    r"""Plays a schedule again and again, cycle $k$ exactly $L\rho^k$ steps long, whole or not, and $d^k$ times as high.

    $$ f(t) = m + d^k \left( g\!\left( \frac{t - s_k}{\rho^k} \right) - m \right), \qquad s_k = L\,\frac{\rho^k - 1}{\rho - 1} $$

    `repeat` rounds the length of every cycle down to whole steps; this one does not.

    Args:
        schedule: $g$, of duration $L$.
        growth: $\rho$, at least 1, read as the simplest fraction that rounds to it.
        decay: $d$, above 0.
        floor: $m$, from where the height is measured.

    Source:
        Same as `tf.keras.optimizers.schedules.CosineDecayRestarts`, with its restarts found by comparison instead of a logarithm.

    Examples:
        >>> from glidepath import Ramp
        >>> [Restarts(Ramp(1, 0, 2), 1.5)(t) for t in (0, 1, 2, 5, 9.5)]
        [1.0, 0.5, 1.0, 1.0, 1.0]
    """

    example = "restarts(cosine(1500), growth=1.5, decay=0.8)"

    schedule: Inner
    growth: Growth = 1.0
    decay: Ratio = 1.0
    floor: Value = 0.0

    def __post_init__(self) -> None:
        self._check_size()
        if self.schedule.duration == math.inf:
            raise self._worded("schedule", "of finite duration", "an endless one", "give it a length")
        if self.growth < 1.0:
            raise self._wrong("growth", "at least 1: shrinking cycles never get past a point", self.growth)
        if len(self._starts) > MAX_NODES:
            raise self._wrong("growth", f"1, or such that {MAX_NODES} cycles reach {MAX_STEPS} steps", self.growth)

    @cached_property
    def _starts(self) -> tuple[float, ...]:
        """Where each growing cycle begins, each rounded once."""
        if self.growth == 1.0:
            return (0,)
        up, down = simplest(self.growth).as_integer_ratio()
        starts: list[float] = []
        begin, size, scale = 0, int(self.schedule.duration), 1  # begins and sizes are in units of 1 / scale
        while begin < MAX_STEPS * scale and len(starts) <= MAX_NODES:
            starts.append(begin // scale if begin % scale == 0 else begin / scale)
            begin, size, scale = (begin + size) * down, size * up, scale * down
        return tuple(starts)

    @cached_property
    def _multiples(self) -> tuple[float, ...]:
        up, down = simplest(self.growth).as_integer_ratio()
        return tuple(up**k if down == 1 else up**k / down**k for k in range(len(self._starts)))

    @cached_property
    def _heights(self) -> tuple[float, ...]:
        """The factor of each cycle; held where it has grown by e^400."""
        most = 400 / abs(math.log(self.decay)) if self.decay != 1.0 else math.inf
        return tuple(self.decay ** min(k, most) for k in range(len(self._starts)))

    def at(self, clock: Clock) -> Any:
        xp = clock.xp
        if self.growth == 1.0:
            index, local = clock.cycle(int(self.schedule.duration))
            if self.decay > 1.0:
                index = xp.minimum(index, xp.const(math.floor(400 / math.log(self.decay))))
        else:
            index = xp.locate(clock.steps, self._starts)  # type: ignore[arg-type]
            begun = clock.steps - xp.take(self._starts, index)
            local = Clock(xp, begun, 0, xp.take(self._multiples, index), varies=True)
        value = self.schedule.at(local)
        if self.decay == 1.0:
            return value
        factor = xp.power(self.decay, index) if self.growth == 1.0 else xp.take(self._heights, index)
        return lowered(value, factor, self.floor)


@kind("polynomial_cycle")
class PolynomialCycle(Endless):
    r"""Falls as a power to `end` in `steps` steps, jumps back up, and falls again, each time from lower and more slowly.

    $$ f(t) = b + (a - b) \left(1 - \frac{t}{kT}\right)^p, \qquad k = \max(\lceil t/T \rceil, 1) $$

    Args:
        steps: $T$, in steps.
        start: $a$, the value at step 0.
        end: $b$, the value at every multiple of `steps`.
        power: $p$.

    Source:
        Same as `tf.keras.optimizers.schedules.PolynomialDecay(start, steps, end, power, cycle=True)`.

    Examples:
        >>> [PolynomialCycle(4, 1.0, 0.0)(t) for t in (0, 2, 4, 6, 8)]
        [1.0, 0.5, 0.0, 0.25, 0.0]
    """

    example = "polynomial_cycle(3000, 1, 0.05, 1)"

    steps: Length
    start: Value = 1.0
    end: Value = 0.0
    power: Power = 1.0

    def at(self, clock: Clock) -> Any:
        xp, ticks, total = clock.xp, clock.ticks, clock._const(clock._total(self.steps))
        whole = xp.maximum(-xp.whole(-ticks, total), xp.const(1)) * total
        span = Span(xp, ticks, whole - ticks, whole)
        return _joined(Linear() if self.power == 1.0 else Polynomial(self.power), self.start, self.end, span)


@kind("damped_cosine")
class DampedCosine(Schedule):
    r"""Swings along a cosine whose height falls in a straight line, then stays.

    $$ f(t) = (\alpha + 1 - u)\,\frac{1 + \cos 2\pi n u}{2} + \beta, \qquad u = t/T $$

    Args:
        steps: $T$, in steps.
        periods: $n$, how many periods of the cosine, in all.
        alpha: $\alpha$, the height that is left at the end.
        beta: $\beta$, added throughout.

    Source:
        Bello et al. 2017, https://arxiv.org/abs/1709.07417; same as `tf.compat.v1.train.linear_cosine_decay`.

    Examples:
        >>> DampedCosine(10)(0), DampedCosine(10)(10)
        (1.001, 0.001)
    """

    example = "damped_cosine(10000, periods=2.5)"

    steps: Length
    periods: Annotated[float, real(slider=[0.5, 10, False])] = 0.5
    alpha: Annotated[float, real(slider=[0, 1, False])] = 0.0
    beta: Annotated[float, real(slider=[0, 0.1, False])] = 0.001

    @property
    def duration(self) -> int:
        return self.steps

    def at(self, clock: Clock) -> Any:
        xp, (u, v), turn = clock.xp, clock.fraction(self.steps), math.pi * self.periods
        halves = 2.0 * self.periods
        if halves != math.floor(halves) or xp.digits == math.inf:
            wave = xp.cos(turn * u)
        else:  # seen from the nearer end, where it may be zero
            late = xp.sin if halves % 2 else xp.cos
            wave = xp.phases(u, [0.5], [lambda u, v: xp.cos(turn * u), lambda u, v: late(turn * v)], u, v)
        return (self.alpha + v) * xp.square(wave) + self.beta
