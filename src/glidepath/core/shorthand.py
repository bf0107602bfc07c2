"""One phase in a word: the names that a chain is usually written with."""

from __future__ import annotations

from typing import Any

from .checks import checked
from .combinators import Chain, Maximum, Minimum
from .curves import AnyCurve, Cosine, Curve, Geometric, Linear, OneMinusSqrt, Polynomial, Rex, Sqrt
from .errors import GlidepathError
from .fields import Beta, Positive, Power, Steps, Value
from .schedule import Schedule
from .segments import Ramp

__all__ = [
    "chain",
    "cosine",
    "geometric",
    "linear",
    "maximum",
    "minimum",
    "one_minus_sqrt",
    "polynomial",
    "rex",
    "sqrt",
    "warmup",
]


@checked
def warmup(
    steps: Steps | None = None, start: Value | None = None, curve: AnyCurve = "linear", beta2: Beta | None = None
) -> Ramp:
    r"""Rises to 1 in `steps` steps: the first update is not wasted and the peak falls on step `steps`.

    $$ f(t) = \frac{t + 1}{n + 1} \quad \text{or, from a given start } a, \quad a + (1 - a)\,c(t/n) $$

    Args:
        steps: $n$, in steps.
        start: $a$, the value at step 0; None is $1/(n+1)$, and 0 gives the $t/n$ of Hugging Face's schedules.
        curve: $c$, the shape in between.
        beta2: Of Adam, instead of `steps`: $n = 2/(1 - \beta_2)$, as long as its second moment takes to settle.

    Source:
        Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677; Ma & Yarats 2019, section 5, https://arxiv.org/abs/1910.04209

    Examples:
        >>> [round(warmup(4)(t), 3) for t in range(5)]
        [0.2, 0.4, 0.6, 0.8, 1.0]
        >>> warmup(beta2=0.999)
        warmup(2000)
    """
    if (steps is None) == (beta2 is None):
        given = "neither" if steps is None else "both"
        raise GlidepathError.worded("warmup", "steps", "given, or beta2 instead", given)
    if steps is None:
        steps = round(2 / (1 - (beta2 or 0.0)))
    return Ramp(1 / (steps + 1) if start is None else start, 1.0, steps, Curve.of(curve))


@checked
def linear(steps: Steps, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls in a straight line from `peak` to `floor`.

    $$ f(t) = p + (m - p)\,t/n $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Bergsma et al. 2025, https://arxiv.org/abs/2502.15938

    Examples:
        >>> linear(4)(1)
        0.75
    """
    return Ramp(peak, floor, steps, Linear())


@checked
def cosine(steps: Steps, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls along half a cosine from `peak` to `floor`.

    $$ f(t) = m + \tfrac12 (p - m)(1 + \cos(\pi t / n)) $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Loshchilov & Hutter 2017, equation 5, https://arxiv.org/abs/1608.03983

    Examples:
        >>> cosine(4, floor=0.1)(4)
        0.1
    """
    return Ramp(peak, floor, steps, Cosine())


@checked
def polynomial(steps: Steps, power: Power = 2.0, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls as a power of what is left, from `peak` to `floor`.

    $$ f(t) = m + (p - m)(1 - t/n)^k $$

    Args:
        steps: $n$, in steps.
        power: $k$, above 0.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Same as `tf.keras.optimizers.schedules.PolynomialDecay(peak, steps, floor, power)`.

    Examples:
        >>> polynomial(4)(2)
        0.25
    """
    return Ramp(peak, floor, steps, Polynomial(power))


@checked
def sqrt(steps: Steps, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls as the square root of what is left, from `peak` to `floor`: slow first, then steep.

    $$ f(t) = m + (p - m)\sqrt{1 - t/n} $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        The default of `timm.scheduler.PolyLRScheduler`.

    Examples:
        >>> sqrt(4)(3)
        0.5
    """
    return Ramp(peak, floor, steps, Sqrt())


@checked
def one_minus_sqrt(steps: Steps, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls as one minus the square root of what is done, from `peak` to `floor`: steep first, then slow.

    $$ f(t) = m + (p - m)(1 - \sqrt{t/n}) $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Hägele et al. 2024, https://arxiv.org/abs/2405.18392

    Examples:
        >>> one_minus_sqrt(4)(1)
        0.5
    """
    return Ramp(peak, floor, steps, OneMinusSqrt())


@checked
def geometric(steps: Steps, floor: Positive = 0.01, peak: Positive = 1.0) -> Ramp:
    r"""Falls by equal ratios in equal times from `peak` to `floor`, both above 0.

    $$ f(t) = p\,(m/p)^{t/n} $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Smith 2015, the range test, https://arxiv.org/abs/1506.01186

    Examples:
        >>> geometric(2, floor=0.25)(2)
        0.25
    """
    return Ramp(peak, floor, steps, Geometric())


@checked
def rex(steps: Steps, floor: Value = 0.0, peak: Value = 1.0) -> Ramp:
    r"""Falls along a reflected exponential from `peak` to `floor`.

    $$ f(t) = m + (p - m)\,\frac{1 - t/n}{1 - t/(2n)} $$

    Args:
        steps: $n$, in steps.
        floor: $m$, the value at step `steps`.
        peak: $p$, the value at step 0.

    Source:
        Chen et al. 2022, https://arxiv.org/abs/2107.04197

    Examples:
        >>> rex(4)(0)
        1.0
    """
    return Ramp(peak, floor, steps, Rex())


def chain(*phases: Schedule) -> Chain:
    """Returns the phases one after another: the same as `a >> b >> …`."""
    return Chain(_given("chain", phases))


def minimum(*parts: Schedule) -> Minimum:
    """Returns the smallest of several schedules at each step."""
    return Minimum(_given("minimum", parts))


def maximum(*parts: Schedule) -> Maximum:
    """Returns the largest of several schedules at each step."""
    return Maximum(_given("maximum", parts))


def _given(where: str, parts: tuple[Any, ...]) -> tuple[Schedule, ...]:
    if not parts:
        raise GlidepathError.worded(where, "", "given at least one schedule", "none")
    return parts
