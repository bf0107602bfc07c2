"""Numerical building blocks of the formulas: the ends are exact bit for bit, and nothing cancels on the way.

Rounding errors are stated in units of eps = 2^-52 (float64).
"""

from __future__ import annotations

import decimal
import math
from typing import Any

from .clock import Clock
from .fields import MAX_STEPS
from .namespace import Namespace


def anchored(start: float, end: float, rise: Any, fall: Any) -> Any:
    r"""Returns $a + (b - a)\,c$, exactly `start` where `rise` is 0 and exactly `end` where it is 1.

    Added to the end of smaller magnitude, so that nothing cancels between ends of one sign; where that sum misses the other end by a rounding
    (1 to 25 % of random pairs do), the weighted mean is used, which never does.

    Args:
        start: $a$.
        end: $b$.
        rise: $c$, a function of no arguments.
        fall: $1 - c$, with an accuracy of its own, likewise.
    """
    if start == end:
        return start
    if abs(start) <= abs(end):
        if start == 0.0:
            return _times(end, rise())
        if start + (end - start) == end:
            return start + _times(end - start, rise())
    else:
        if end == 0.0:
            return _times(start, fall())
        if end + (start - end) == start:
            return end + _times(start - end, fall())
    return end * rise() + start * fall()


def _times(factor: float, x: Any) -> Any:
    return x if factor == 1.0 else factor * x


def lowered(value: Any, factor: Any, floor: float) -> Any:
    """Returns a value whose height above a floor is multiplied by a factor."""
    return factor * value if floor == 0.0 else floor + factor * (value - floor)


def one_minus_power(u: Any, v: Any, power: float, xp: Namespace) -> Any:
    """Returns `1 - v ** power` for `u = 1 - v`, without cancellation near `u = 0`; exactly 0 there and exactly 1 at `v = 0`."""
    if power == 1.0:
        return u
    if xp.digits == math.inf:
        return 1.0 - xp.power(v, power)
    if power == 2.0:
        return u * (1.0 + v)
    if power == 0.5:
        return u / (1.0 + xp.sqrt(v))
    if power == 3.0:
        return u * (1.0 + v + v * v)
    return xp.phases(
        u, [0.5], [lambda u, v: -xp.expm1(power * xp.log1p(-u)), lambda u, v: 1.0 - xp.power(v, power)], u, v
    )


def share_power(left: Any, total: Any, power: float, xp: Namespace) -> Any:
    r"""Returns $(l / n)^p$ within about 3 eps for any power, exactly 1 where `left` is `total`.

    The rounding of the quotient counts $p$ times; for high powers what it lost is put back, to first order.

    Args:
        left: $l$, a whole number of ticks.
        total: $n$, likewise.
        power: $p$.
        xp: The namespace of `left`.
    """
    whole = xp.const(total) if isinstance(total, int) else total
    v = left / whole
    if power == 1.0:
        return v
    if power == 2.0:
        return xp.square(v)
    if power == 0.5:
        return xp.sqrt(v)
    if power <= 4.0 or xp.digits == math.inf:
        return xp.power(v, power)
    lost = (left - v * whole) - _product_error(v, whole)
    return xp.power(v, power - 1.0) * (v + power * (lost / whole))


def _product_error(x: Any, y: Any) -> Any:
    """Returns what rounding takes from `x * y`, without loss (Dekker 1971)."""
    (a, b), (c, d) = _halves(x), _halves(float(y) if isinstance(y, int) else y)
    return ((a * c - x * y) + a * d + b * c) + b * d


def _halves(x: Any) -> tuple[Any, Any]:
    """Returns `x` as the sum of two floats of half as many digits."""
    scaled = 134217729.0 * x
    high = scaled - (scaled - x)
    return high, x - high


def exponential_of(rate: decimal.Decimal | float, steps: int, clock: Clock, *, within: bool = False) -> Any:
    r"""Returns $e^{\lambda \tau / n}$ within about 3 eps for any exponent above the underflow, exactly 1 at $\tau = 0$.

    The exponent is split into whole parts of $n / K$ steps, which are counted exactly, times the leading bits of $\lambda$, and a small rest;
    `exp` of one rounded product would lose as many eps as the exponent has units.

    Args:
        rate: $\lambda$, of any precision.
        steps: $n$.
        clock: Has the position $\tau$.
        within: Whether $\tau \le n$ is certain; a small exponent then needs no splitting.
    """
    xp = clock.xp
    if not rate:
        return 1.0
    if xp.digits == math.inf or (within and abs(rate) <= 0.5):
        return xp.exp(float(rate) * clock.ratio(steps))
    if abs(rate) > 1e6:  # between two steps it falls from 1 below every number
        return xp.exp(xp.clip(float(rate) * clock.ratio(steps), -800.0, 700.0))
    parts = 1
    while parts < 64 and parts < 4 * abs(rate):
        parts *= 2
    index, rest = clock.cycle(steps, parts=parts)
    high, low = high_low(rate, 20)
    whole = xp.exp(index * (high / parts))
    return whole * xp.exp(index * (low / parts) + rest.ratio(steps) * float(rate))


def bounded_exponent(rate: decimal.Decimal | float, steps: int, clock: Clock) -> Clock:
    r"""Returns the clock held where $e^{\lambda \tau / n}$ has grown by $e^{400}$, to stay finite, or fallen below every number.

    Args:
        rate: $\lambda$, not 0.
        steps: $n$.
        clock: Has the position $\tau$.
    """
    limit = (400.0 if rate > 0 else 800.0) * steps / max(abs(float(rate)), 1e-300)
    return clock if limit >= MAX_STEPS else clock.clipped(None, max(1, math.floor(limit)))


def logarithm(x: float) -> decimal.Decimal:
    """Returns the natural logarithm of a positive number to 50 digits."""
    with decimal.localcontext(decimal.Context(prec=50)):
        return decimal.Decimal(x).ln()


def high_low(x: decimal.Decimal | float, bits: int) -> tuple[float, float]:
    """Returns `x` as the sum of two floats, the first with only `bits` bits, so that its product with a small integer is exact."""
    if not x:
        return 0.0, 0.0
    fraction, exponent = math.frexp(float(x))
    high = math.ldexp(float(round(fraction * 2**bits)), exponent - bits)
    with decimal.localcontext(decimal.Context(prec=60)):
        return high, float(decimal.Decimal(x) - decimal.Decimal(high))
