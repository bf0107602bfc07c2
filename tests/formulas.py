"""The exact formula of every leaf, curve and recipe, to 50 digits, written from what the docstrings say and not from the code."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
from mpmath import mpf

import glidepath as gp
from glidepath import curves

mpmath.mp.dps = 80  # 50 digits are left where the formulas as written lose some

LENGTHS = (1, 2, 3, 7, 10, 97, 1000, 10**7, 2**31 + 1, 10**12 + 39, 2**52 + 1, 2**53 - 1, 2**53)
ENDS = (
    (1.0, 0.0),
    (0.0, 1.0),
    (1.0, 0.1),
    (0.1, 1.0),
    (1.0, 1e-8),
    (1e-8, 1.0),
    (3e-4, 2.9e-4),
    (7.0, 0.3),
    (0.7, 0.1),
)

Formula = Callable[[Any], Any]  # from a step (mpf) within the duration to the exact value


# The formulas, from the docstrings ----------------------------------------------------------------------------------------------------


def fallen(curve: Any, u: Any) -> Any:
    """Return $1 - c(u)$."""
    match curve:
        case curves.Linear():
            return 1 - u
        case curves.Cosine():
            return (1 + mpmath.cospi(u)) / 2
        case curves.Polynomial(power=p):
            return (1 - u) ** mpf(p)
        case curves.Sqrt():
            return mpmath.sqrt(1 - u)
        case curves.OneMinusSqrt():
            return 1 - mpmath.sqrt(u)
        case curves.Exponential(ratio=r):
            return (mpf(r) ** u - mpf(r)) / (1 - mpf(r))
        case curves.Rex():
            return (1 - u) / (1 - u / 2)
        case curves.Reverse(curve=inner):
            return 1 - fallen(inner, 1 - u)
    raise AssertionError(f"no formula for {curve}")


def ramp(a: float, b: float, n: int, curve: Any = curves.Linear()) -> Formula:  # noqa: B008
    a, b = mpf(a), mpf(b)
    if isinstance(curve, curves.Geometric):
        return lambda t: a * (b / a) ** (t / n)
    return lambda t: b + (a - b) * fallen(curve, t / n)


def warmup(n: int, start: float | None) -> Formula:
    return (lambda t: (t + 1) / mpf(n + 1)) if start is None else ramp(start, 1.0, n)


def phases(*parts: tuple[float, Formula]) -> Formula:
    """Return the formula of phases, each (length, formula on its own clock)."""

    def value(t: Any) -> Any:
        begin = 0
        for length, formula in parts[:-1]:
            if t < begin + length:
                return formula(t - begin)
            begin += length
        return parts[-1][1](t - begin)

    return value


def triangle(up: int, down: int, low: float, high: float) -> Formula:
    def value(t: Any) -> Any:
        r = t - (up + down) * mpmath.floor(t / (up + down))
        return mpf(low) + (mpf(high) - mpf(low)) * (r / up if r < up else (up + down - r) / mpf(down))

    return value


# What is measured ---------------------------------------------------------------------------------------------------------------------


def steps_for(length: float, random: random.Random, *marks: int) -> list[int]:
    """Return steps near both ends, around the middle and the marks, and some anywhere."""
    end = int(min(length, 2**53))
    near = {mark + by for mark in (0, end, end // 2, end // 3, *marks) for by in range(-3, 4)}
    near |= {random.randrange(end + 1) for _ in range(8)} | {
        int(10 ** random.uniform(0, math.log10(end + 1))) for _ in range(4)
    }
    return sorted(t for t in near if 0 <= t <= end)


Case = tuple[gp.Schedule, Formula, tuple[int, ...]]


def ramps_of(*shapes: Any) -> Iterator[Case]:
    for shape in shapes:
        for a, b in ENDS:
            if isinstance(shape, curves.Geometric):
                a, b = max(a, 1e-8), max(b, 1e-8)
            for n in LENGTHS:
                yield gp.Ramp(a, b, n, shape), ramp(a, b, n, shape), ()


def timescales() -> tuple[int, ...]:
    return (1, 2, 10, 96, 1000, 12345, 10**7)


def powers(rate: float, steps: int, start: float, staircase: bool) -> Formula:
    r, a = mpf(rate), mpf(start)
    return lambda t: a * r ** (mpmath.floor(t / steps) if staircase else t / steps)


def exponentials() -> Iterator[Case]:
    for rate in (0.1, 0.5, 0.9, 0.96, 0.999, 0.1**0.5, 1 - 2**-30, 1e-8, 1.0, 1.001, 3.7):
        # the value falls to 1e-300 there, or has grown by e^400
        reach = 10**12 if rate == 1 else int((650 if rate < 1 else 399) / abs(math.log(rate)))
        for steps in timescales():
            for staircase in (False, True):
                yield (
                    gp.Exponential(rate, steps, 0.3, staircase),
                    powers(rate, steps, 0.3, staircase),
                    (reach * steps // 2, reach * steps),
                )


def natural(rate: float, steps: int, staircase: bool) -> Formula:
    return lambda t: mpf(0.3) * mpmath.exp(-mpf(rate) * (mpmath.floor(t / steps) if staircase else t / steps))


def naturals() -> Iterator[Case]:
    for rate in (1e-6, 0.04, 0.1, 1.0, 2.7, 30.0, 300.0):
        for steps in timescales():
            for staircase in (False, True):
                reach = int(650 / rate * steps)
                yield (
                    gp.NaturalExponential(rate, steps, 0.3, staircase),
                    natural(rate, steps, staircase),
                    (reach // 2, reach),
                )


def inverse_times() -> Iterator[Case]:
    for rate in (1e-6, 0.5, 1.0, 99.9):
        for steps in timescales():
            for staircase in (False, True):
                yield (
                    gp.InverseTime(rate, steps, 0.3, staircase),
                    lambda t, k=rate, n=steps, s=staircase: (
                        mpf(0.3) / (1 + mpf(k) * (mpmath.floor(t / n) if s else t / n))
                    ),
                    (steps, 10**12, 2**53),
                )


def tables() -> Iterator[Case]:
    for gaps, values in (((10, 20), (0.0, 1.0, 0.5)), ((1, 10**7, 2**52), (1e-8, 1.0, 0.3, 0.7)), ((), (0.4,))):
        x = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
        for interpolation in ("linear", "previous"):

            def value(t: Any, x: Any = x, y: Any = values, flat: bool = interpolation == "previous" or not gaps) -> Any:
                i = max(i for i, begin in enumerate(x) if begin <= t)
                if flat or i == len(x) - 1:
                    return mpf(y[i])
                return mpf(y[i]) + (mpf(y[i + 1]) - mpf(y[i])) * (t - x[i]) / mpf(x[i + 1] - x[i])

            yield gp.Table(x, values, interpolation), value, tuple(x)


def counted(milestones: tuple[int, ...], factor: float) -> Formula:
    return lambda t: mpf(0.3) * mpf(factor) ** sum(m <= t for m in milestones)


def profiles() -> Iterator[Case]:
    for x, y, shape in (
        ((0, 2.5, 5), (0.0, 1.0, 0.0), curves.Linear()),
        ((-1.0, 29.5, 99.0), (0.04, 1.0, 1e-8), curves.Cosine()),
        ((0, 0.75, 10**7 + 0.5), (1.0, 0.3, 0.1), curves.Polynomial(2.0)),
    ):

        def value(t: Any, x: Any = x, y: Any = y, c: Any = shape) -> Any:
            i = max([i for i, begin in enumerate(x[:-1]) if begin <= t])
            u = min((t - mpf(x[i])) / (mpf(x[i + 1]) - mpf(x[i])), mpf(1))
            return mpf(y[i + 1]) + (mpf(y[i]) - mpf(y[i + 1])) * fallen(c, u)

        yield gp.Profile(x, y, shape), value, tuple(int(mark) for mark in x)


def again(n: int, a: float, b: float, p: float) -> Formula:
    def value(t: Any) -> Any:
        k = max(mpmath.ceil(t / n), mpf(1))
        return mpf(b) + (mpf(a) - mpf(b)) * (1 - t / (k * n)) ** mpf(p)

    return value


def damped(n: int, alpha: float, beta: float) -> Formula:
    return lambda t: (mpf(alpha) + 1 - t / n) * (1 + mpmath.cospi(t / n)) / 2 + mpf(beta)


@gp.register("exactly", replace=True)
def exactly(step: Any, xp: Any, *, steps: int, sharpness: float = 3.0) -> Any:
    """A formula for this page."""
    return 1.0 - 0.5 * xp.tanh(sharpness * step / steps)


LEAVES: dict[str, Callable[[], Iterator[Case]]] = {
    "hold": lambda: ((gp.Hold(n, v), lambda t, v=v: mpf(v), ()) for n in (None, 5) for v in (0.0, 0.1, 1e-8)),
    "ramp": lambda: ramps_of(curves.Linear()),
    "exponential": exponentials,
    "natural_exponential": naturals,
    "inverse_time": inverse_times,
    "inverse_sqrt": lambda: (
        (gp.InverseSqrt(n, 0.3), lambda t, n=n: mpf(0.3) / mpmath.sqrt(1 + t / n), (n, 10**12, 2**53)) for n in LENGTHS
    ),
    "step": lambda: (
        (gp.Step(n, r, 0.3), powers(r, n, 0.3, True), (5 * n, int(399 / abs(math.log(r))) * n))
        for n in timescales()
        for r in (0.1, 0.5, 0.97, 1.001)
    ),
    "multistep": lambda: (
        (gp.MultiStep(ms, r, 0.3), counted(ms, r), ms)
        for ms in ((1,), (30, 60, 90), (1, 2, 3, 2**53), tuple(range(5, 300, 7)))
        for r in (0.1, 0.5, 1.1, 0.97)
    ),
    "triangle": lambda: (
        (gp.Triangle(up, down, low, high), triangle(up, down or up, low, high), (up, up + (down or up), 5 * up, 2**53))
        for up in (1, 3, 1000, 10**7)
        for down in (None, 1, 4321)
        for low, high in ENDS
    ),
    "table": tables,
    "profile": profiles,
    "polynomial_cycle": lambda: (
        (gp.PolynomialCycle(n, a, b, p), again(n, a, b, p), (n, 2 * n, 7 * n, 2**53))
        for n in (1, 4, 1000, 10**7)
        for a, b in ((1.0, 0.0), (0.3, 0.01))
        for p in (1.0, 2.0, 0.5, 1.7)
    ),
    "damped_cosine": lambda: (
        (gp.DampedCosine(n, 0.5, alpha, 0.001), damped(n, alpha, 0.001), ())
        for n in (1, 10, 10**7)
        for alpha in (0.0, 0.5)
    ),
    "custom": lambda: (
        (exactly(steps=n), lambda t, n=n: 1 - mpf(0.5) * mpmath.tanh(3 * t / n), ()) for n in (1, 10, 10**7, 2**53)
    ),
}

CURVES: dict[str, tuple[Any, ...]] = {
    "linear": (curves.Linear(),),
    "cosine": (curves.Cosine(),),
    "polynomial": tuple(
        curves.Polynomial(p) for p in (0.1, 0.5, 0.9, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 20.0, 100.0)
    ),
    "sqrt": (curves.Sqrt(),),
    "one_minus_sqrt": (curves.OneMinusSqrt(),),
    "exponential": tuple(curves.Exponential(r) for r in (0.999, 0.9, 0.5, 0.1, 0.01, 1e-3, 1e-8)),
    "geometric": (curves.Geometric(),),
    "rex": (curves.Rex(),),
    "reverse": tuple(
        curves.Reverse(c)
        for c in (
            curves.Linear(),
            curves.Cosine(),
            curves.Polynomial(1.7),
            curves.Sqrt(),
            curves.OneMinusSqrt(),
            curves.Exponential(0.01),
            curves.Rex(),
            curves.Reverse(curves.Polynomial(2.0)),
        )
    ),
}


def warmed(recipe: Callable[..., gp.Schedule], tail: Callable[[int, float], Formula], **more: Any) -> Iterator[Case]:
    """Yield a recipe of (steps, warmup, floor, start) with the formula of what follows the warmup."""
    for n in (2, 3, 10, 1000, 10**7, 10**12, 2**53):
        for w in sorted({0, 1, n // 3, n - 1}):
            for floor in (0.0, 0.1, 1e-8):
                for start in (None, 0.0, 0.05):
                    rest = tail(n - w, floor)
                    formula = phases((w, warmup(w, start)), (n - w, rest)) if w else rest
                    yield recipe(n, warmup=w, floor=floor, start=start, **more), formula, (w,)


def cosine(n: int, floor: float) -> Formula:
    return lambda t: mpf(floor) + (1 - mpf(floor)) * (1 + mpmath.cospi(t / n)) / 2


def falling(n: int, floor: float, curve: Any) -> Formula:
    return lambda t: mpf(floor) + (1 - mpf(floor)) * fallen(curve, t / n)


SPLITS = (
    (0, 1),
    (1, 2),
    (3, 4),
    (100, 250),
    (10**6, 10**6),
    (0, 10**9),
)  # warmup and the next part; as much again follows


def one_cycles() -> Iterator[Case]:
    for n in (3, 10, 99, 10**6 + 1, 10**12):
        for three in (False, True):
            for shape in (curves.Cosine(), curves.Linear()):
                up = min(max(round(0.3 * n), 1), (n - 1) // 2 if three else n - 1)
                a, b = 1 / 25, 1e-8
                parts = [(up, ramp(a, 1.0, up, shape))]
                if three:
                    parts += [(up, ramp(1.0, a, up, shape)), (n - 2 * up, ramp(a, b, n - 2 * up, shape))]
                else:
                    parts += [(n - up, ramp(1.0, b, n - up, shape))]
                yield gp.one_cycle(n, 0.3, a, b, shape, three), phases(*parts), (up, 2 * up)


def restarts(length: int, growth: float, decay: float, cycles: int, floor: float) -> Formula:
    """Return the cosine with restarts: the cycle is found by counting."""
    from fractions import Fraction

    ratio = Fraction(growth).limit_denominator(10**6)
    lengths = [math.floor(length * ratio**k) for k in range(cycles)]

    def value(t: Any) -> Any:
        begin = 0
        for k, own in enumerate(lengths):
            if t < begin + own or k == cycles - 1:
                return mpf(floor) + mpf(decay) ** k * (1 - mpf(floor)) * (1 + mpmath.cospi((t - begin) / own)) / 2
            begin += own
        raise AssertionError

    return value


def sgdrs() -> Iterator[Case]:
    for length in (2, 10, 999, 10**6):
        for growth in (1.0, 2.0, 1.5, 1.1, 3.0):
            for decay in (1.0, 0.7):
                for floor in (0.0, 0.1, 1e-8):
                    for w in (0, 10):
                        rest = restarts(length, growth, decay, 6, floor)
                        total = restarts_end(length, growth, 6)
                        formula = phases((w, warmup(w, None)), (total, rest)) if w else rest
                        schedule = gp.sgdr(length, w, growth, decay, 6, floor)
                        yield schedule, formula, tuple(w + restarts_end(length, growth, k) for k in range(6))


def restarts_end(length: int, growth: float, cycles: int) -> int:
    from fractions import Fraction

    ratio = Fraction(growth).limit_denominator(10**6)
    return sum(math.floor(length * ratio**k) for k in range(cycles))


def noam(d: int, w: int, s: float) -> Formula:
    def value(t: Any) -> Any:
        k = max(t, mpf(1))
        return mpf(s) / mpmath.sqrt(d) * min(1 / mpmath.sqrt(k), k / mpf(w) ** mpf(1.5))

    return value


def inverse_sqrts() -> Iterator[Case]:
    for w in (0, 1, 100, 10**6):
        for middle in (1, 50, 10**9):
            for cooldown in (0, 1, 77):
                scale = w or 10_000
                decay = lambda t, scale=scale: 1 / mpmath.sqrt(1 + t / scale)  # noqa: E731
                last = decay(mpf(middle))
                tail = lambda t, d=cooldown, y=last: y + (mpf(0.01) - y) * t / d  # noqa: E731
                parts = [(w, warmup(w, None))] * bool(w) + [(middle, decay)] + [(cooldown, tail)] * bool(cooldown)
                schedule = gp.warmup_inverse_sqrt(w + middle + cooldown, w, cooldown, None, 0.01)
                yield schedule, phases(*parts), (w, w + middle)


def waves(height: Callable[[Any, int], Any], make: Callable[..., gp.Schedule]) -> Iterator[Case]:
    for up in (1, 3, 1000, 10**7):
        for down in (None, 5):
            for low in (0.0, 0.1, 1e-8):
                period = up + (down or up)
                wave = triangle(up, down or up, 0.0, 1.0)
                yield (
                    make(up, down, low),
                    lambda t, w=wave, p=period, m=low: mpf(m) + height(t, p) * (1 - mpf(m)) * w(t),
                    (up, period, 7 * period),
                )


def knees() -> Iterator[Case]:
    for w, e in SPLITS:
        n = 2 * (w + e) + 1

        def value(t: Any, w: int = w, e: int = e, n: int = n) -> Any:
            t = min(t, mpf(n - 1))
            return (t + 1) / w if t < w else mpf(1) if t < w + e else (n - 1 - t) / mpf(n - w - e)

        yield gp.knee(n, w, e), value, (w, w + e)


RECIPES: dict[str, Callable[[], Iterator[Case]]] = {
    "constant": lambda: ((gp.constant(v), lambda t, v=v: mpf(v), ()) for v in (1.0, 0.3)),
    "with_warmup": lambda: (
        (
            gp.with_warmup(gp.InverseSqrt(7), w),
            phases((w, warmup(w, None)), (1, lambda t: 1 / mpmath.sqrt(1 + t / 7))),
            (w,),
        )
        for w in (1, 10, 10**6)
    ),
    "warmup_cosine": lambda: warmed(gp.warmup_cosine, cosine),
    "warmup_linear": lambda: warmed(gp.warmup_linear, lambda n, m: lambda t: mpf(m) + (1 - mpf(m)) * (n - t) / mpf(n)),
    "warmup_polynomial": lambda: warmed(
        gp.warmup_polynomial, lambda n, m: falling(n, m, curves.Polynomial(1.7)), power=1.7
    ),
    "warmup_rex": lambda: warmed(
        gp.warmup_rex, lambda n, m: lambda t: mpf(m) + (1 - mpf(m)) * (1 - t / n) / (1 - t / n / 2)
    ),
    "warmup_hold_cosine": lambda: (
        (
            gp.warmup_hold_cosine(2 * (w + h), w, h, 0.1),
            phases((w, warmup(w, None)), (h, lambda t: mpf(1)), (w + h, cosine(w + h, 0.1))),
            (w, w + h),
        )
        for w, h in SPLITS
    ),
    "wsd": lambda: (
        (
            gp.wsd(2 * (w + d), w, d, shape, 1e-8),
            phases((w, warmup(w, None)), (w + d, lambda t: mpf(1)), (d, falling(d, 1e-8, shape))),
            (w, w + w + d),
        )
        for w, d in SPLITS
        for shape in (curves.Linear(), curves.OneMinusSqrt(), curves.Cosine(), curves.Exponential(0.01))
    ),
    "trapezoid": lambda: (
        (
            gp.trapezoid(2 * (w + d), w, d),
            lambda t, w=w, d=d: min((t + 1) / mpf(w + 1), mpf(1), (2 * (w + d) - t) / mpf(d)),
            (w, 2 * w + d),
        )
        for w, d in SPLITS
    ),
    "knee": knees,
    "one_cycle": one_cycles,
    "sgdr": sgdrs,
    "noam": lambda: (
        (gp.noam(d, w, s), noam(d, w, s), (w,)) for d in (1, 512, 768) for w in (1, 2, 4000, 10**6) for s in (1.0, 0.7)
    ),
    "warmup_inverse_sqrt": inverse_sqrts,
    "triangular": lambda: waves(lambda t, p: 1, gp.triangular),
    "triangular2": lambda: waves(lambda t, p: mpf(2) ** -mpmath.floor(t / p), gp.triangular2),
    "exp_range": lambda: waves(
        lambda t, p: mpf(0.9994) ** t, lambda up, down, low: gp.exp_range(up, 0.9994, down, low)
    ),
    "piecewise_constant": lambda: (
        (
            gp.piecewise_constant([5, 1000], [1.0, 0.1, 0.01]),
            lambda t: mpf(1.0) if t < 5 else mpf(0.1) if t < 1000 else mpf(0.01),
            (5, 1000),
        )
        for _ in range(1)
    ),
}

GROUPS = {
    **{f"leaf-{name}": cases for name, cases in LEAVES.items()},
    **{f"curve-{name}": lambda shapes=shapes: ramps_of(*shapes) for name, shapes in CURVES.items()},
    **{f"recipe-{name}": cases for name, cases in RECIPES.items()},
}
