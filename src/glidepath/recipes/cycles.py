"""Recipes that go up and down: one cycle, warm restarts, triangular cycles."""

from __future__ import annotations

from typing import Annotated

from ..core import Chain, Checks, Exponential, Product, Ramp, Repeat, Schedule, Step, Sum, Triangle, shorthand
from ..core.curves import AnyCurve, Curve
from ..core.fields import Cycles, Flag, Growth, Length, Ratio, Steps, Value, real
from ..core.text import recipe

__all__ = ["exp_range", "one_cycle", "sgdr", "triangular", "triangular2"]


@recipe
def one_cycle(
    steps: Length,
    peak_fraction: Annotated[float, real(above=0, below=1, slider=[0.01, 0.99, False])] = 0.3,
    start: Value = 1 / 25,
    end: Value = 1 / 250_000,
    curve: AnyCurve = "cosine",
    three_phase: Flag = False,
) -> Schedule:
    r"""Rises to the peak and falls far below the start; in three phases it first falls back to the start.

    $$ a \to 1 \text{ in } p\,n, \quad 1 \to b \text{ in the rest} \qquad (\text{three phases: } a \to 1 \to a \to b) $$

    Args:
        steps: $n$, in steps.
        peak_fraction: $p$, the share of the steps before the peak, in (0, 1); with three phases below 1/2.
        start: $a$, the value at step 0.
        end: $b$, the value at step `steps`.
        curve: The shape of every phase.
        three_phase: Whether to fall back as slowly as it rose, and only then to `end`.

    Source:
        Smith & Topin 2017, https://arxiv.org/abs/1708.07120

    Examples:
        >>> one_cycle(100)(30)
        1.0
    """
    checks = Checks("one_cycle")
    total = checks.length("steps", steps, 3 if three_phase else 2)
    share = checks.take("peak_fraction", peak_fraction, real(above=0, below=0.5 if three_phase else 1))
    checks.done()
    shape = Curve.of(curve)
    up = min(max(round(share * total), 1), (total - 1) // 2 if three_phase else total - 1)
    if three_phase:
        return Chain(
            (Ramp(start, 1.0, up, shape), Ramp(1.0, start, up, shape), Ramp(start, end, total - 2 * up, shape))
        )
    return Chain((Ramp(start, 1.0, up, shape), Ramp(1.0, end, total - up, shape)))


@recipe
def sgdr(
    cycle: Length,
    warmup: Steps = 0,
    growth: Growth = 1.0,
    decay: Ratio = 1.0,
    cycles: Cycles | None = None,
    floor: Value = 0.0,
    start: Value | None = None,
) -> Schedule:
    r"""Cosine annealing with warm restarts, after a warmup to the peak; cycles may grow and peaks may decay.

    $$ f(t) = m + \tfrac12 d^k (1 - m)\left(1 + \cos \pi \frac{t - w - s_k}{L_k}\right), \quad L_k = \lfloor L \rho^k \rfloor $$

    Args:
        cycle: $L$, the length of the first cycle, in steps.
        warmup: $w$, in steps.
        growth: $\rho$, the ratio of the lengths of two cycles.
        decay: $d$, the ratio of the heights of two cycles above the floor, at most 1.
        cycles: How many; None is for ever.
        floor: $m$, the value at the end of each cycle.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983

    Examples:
        >>> [sgdr(2, growth=2)(t) for t in (0, 2, 6, 14)]
        [1.0, 1.0, 1.0, 1.0]
    """
    repeat = Repeat(shorthand.cosine(cycle, floor), cycles, growth, decay, floor)
    return Chain((shorthand.warmup(warmup, start), repeat)) if warmup else repeat


@recipe
def triangular(up: Length, down: Length | None = None, low: Value = 0.0) -> Schedule:
    r"""A cyclical rate between `low` and 1, in straight lines.

    $$ f(t) = l + (1 - l)\,\max(0,\ 1 - |t/s - 2k + 1|), \quad k = \lfloor 1 + t/(2s) \rfloor $$

    Args:
        up: $s$, the steps from low to high.
        down: The steps back; None is as many.
        low: $l$, the lowest value.

    Source:
        Smith 2015, https://arxiv.org/abs/1506.01186

    Examples:
        >>> [triangular(2)(t) for t in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return Triangle(up, down, low, 1.0)


@recipe
def triangular2(up: Length, down: Length | None = None, low: Value = 0.0) -> Schedule:
    r"""A cyclical rate whose height halves after each cycle.

    $$ f(t) = l + 2^{-k} (1 - l)\,\Lambda(t), \quad k = \lfloor t / (u + d) \rfloor $$

    Args:
        up: $u$, the steps from low to high.
        down: $d$, the steps back; None is as many.
        low: $l$, the lowest value.

    Source:
        Smith 2015, https://arxiv.org/abs/1506.01186

    Examples:
        >>> [triangular2(2)(t) for t in (2, 6, 10)]
        [1.0, 0.5, 0.25]
    """
    triangle = Triangle(up, down)
    period = triangle.up + (triangle.up if triangle.down is None else triangle.down)
    wave = Product((triangle, Step(period, 0.5)), 1.0 - low)
    return wave if low == 0 else Sum((wave,), low)


@recipe
def exp_range(
    up: Length,
    rate: Annotated[float, real(above=0, slider=[0.01, 2, False])],
    down: Length | None = None,
    low: Value = 0.0,
) -> Schedule:
    r"""A cyclical rate whose height decays exponentially with the step.

    $$ f(t) = l + r^t (1 - l)\,\Lambda(t) $$

    Args:
        up: The steps from low to high.
        rate: $r$, the factor of each step.
        down: The steps back; None is as many.
        low: $l$, the lowest value.

    Source:
        Smith 2015, https://arxiv.org/abs/1506.01186

    Examples:
        >>> exp_range(2, 0.5)(2)
        0.25
    """
    wave = Product((Triangle(up, down), Exponential(rate)), 1.0 - low)
    return wave if low == 0 else Sum((wave,), low)
