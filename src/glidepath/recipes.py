"""Published schedules as functions, each named as in its source. All are factors: their peak is 1 and they multiply a base rate.

`steps` is the whole length, warmup included. A recipe returns a plain composition of the core's schedules; `warmup=0` adds no phase.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from .core import shorthand
from .core.combinators import Chain, Product, Repeat, Sum
from .core.curves import Curve, Linear
from .core.errors import GlidepathError, Problem, did_you_mean, shown
from .core.fields import MAX_STEPS, Broken, Positive, Value, check_of, number
from .core.schedule import Schedule
from .core.segments import Exponential, Hold, InverseSqrt, Ramp, Step, Triangle
from .core.text import offer

__all__ = [
    "constant",
    "exp_range",
    "knee",
    "noam",
    "one_cycle",
    "piecewise_constant",
    "sgdr",
    "trapezoid",
    "triangular",
    "triangular2",
    "warmup_cosine",
    "warmup_hold_cosine",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_polynomial",
    "warmup_rex",
    "with_warmup",
    "wsd",
]


class _Lengths:
    """Checks the lengths of a recipe and collects every problem."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []

    def integer(self, field: str, value: Any, low: int) -> int:
        """Returns a length as an integer; notes a problem if it is none from `low` on."""
        plain = number(value)
        if plain is None or not low <= plain <= MAX_STEPS or plain != plain // 1:
            self.problems.append(Problem(self.where, field, f"an integer from {low} to {MAX_STEPS}", shown(value)))
            return max(low, 1)
        return int(plain)

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        if not self.problems and not holds:
            self.problems.append(Problem(self.where, field, rule, shown(value), remedy))

    def done(self) -> None:
        if self.problems:
            raise GlidepathError(self.problems)


_NUMBERS = {"value": Value, "start": Value, "end": Value, "floor": Value, "low": Value, "scale": Value}
_CHECKS: dict[str, Callable[[Any], Any]] = {
    **{name: check_of(kind) for name, kind in _NUMBERS.items()},
    **{name: check_of(Positive) for name in ("power", "rate", "growth", "decay")},
    "curve": Curve.of,
    "schedule": Schedule.of,
}
_HARMLESS = {
    "curve": Linear(),
    "schedule": Hold(),
}  # in the place of a refused argument, while the others are looked at


def _recipe(function: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """Makes a function a word; checks, by their names, the arguments that are not lengths, which it checks itself."""
    signature, where = inspect.signature(function), function.__name__

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Schedule:
        names = list(signature.parameters)
        unknown = {name: kwargs.pop(name) for name in [*kwargs] if name not in names}
        problems = [
            Problem(where, name[:50], f"one of its arguments ({', '.join(names)})", shown(v), did_you_mean(name, names))
            for name, v in unknown.items()
        ]
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            problems.append(Problem(where, "", f"called as {where}({', '.join(names)})", f"a call with {error}"))
            raise GlidepathError(problems) from None
        for name, value in bound.arguments.items():
            if name in _CHECKS and not (value is None and signature.parameters[name].default is None):
                try:
                    bound.arguments[name] = _CHECKS[name](value)
                except Broken as error:
                    problems.append(Problem(where, name, error.rule, shown(value), error.remedy))
                    bound.arguments[name] = 1.0
                except GlidepathError as error:
                    problems.extend(error.inside(f"{where}.{name}").problems)
                    bound.arguments[name] = _HARMLESS[name]
        try:
            made = function(*bound.args, **bound.kwargs)
        except GlidepathError as error:
            problems.extend(error.problems)
        if problems:
            raise GlidepathError(problems)
        return made  # type: ignore[possibly-undefined]

    return offer(checked)


def _after_warmup(
    where: str, steps: int, warmup: int, start: float | None, then: Callable[[int], Schedule]
) -> Schedule:
    """Returns a warmup followed by something that fills the rest of `steps`."""
    lengths = _Lengths(where)
    total, first = lengths.integer("steps", steps, 1), lengths.integer("warmup", warmup, 0)
    lengths.require(first < total, "warmup", f"shorter than the whole, {total} steps", warmup)
    lengths.done()
    rest = then(total - first)
    return Chain((shorthand.warmup(first, start), rest)) if first else rest


@_recipe
def constant(value: float = 1.0) -> Schedule:
    r"""Stays where it is.

    $$ f(t) = c $$

    Args:
        value: $c$.

    Source:
        Same as `transformers.get_constant_schedule`.

    Examples:
        >>> constant()(1000)
        1.0
    """
    return Hold(None, value)


@_recipe
def with_warmup(schedule: Schedule, warmup: int, start: float | None = None) -> Schedule:
    r"""Puts a warmup in front of any schedule, which then begins on its own clock.

    $$ f(t) = \begin{cases} (t + 1)/(w + 1) & t < w \\ g(t - w) & t \ge w \end{cases} $$

    Args:
        schedule: $g$; its first value should be 1.
        warmup: $w$, in steps; 0 adds nothing.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677

    Examples:
        >>> with_warmup(constant(), 4)(1)
        0.4
    """
    lengths = _Lengths("with_warmup")
    first = lengths.integer("warmup", warmup, 0)
    lengths.done()
    return Chain((shorthand.warmup(first, start), schedule)) if first else Schedule.of(schedule)


@_recipe
def warmup_cosine(steps: int, warmup: int = 0, floor: float = 0.0, start: float | None = None) -> Schedule:
    r"""Warms up, then falls along half a cosine to the floor.

    $$ f(t) = m + \tfrac12 (1 - m)\left(1 + \cos \pi \frac{t - w}{n - w}\right), \quad t \ge w $$

    Args:
        steps: $n$, in steps, warmup included.
        warmup: $w$, in steps.
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$, and 0 gives `transformers.get_cosine_schedule_with_warmup`.

    Source:
        Loshchilov & Hutter 2017, equation 5, https://arxiv.org/abs/1608.03983

    Examples:
        >>> warmup_cosine(10_000, warmup=500, floor=0.1)
        warmup(500) >> cosine(9500, floor=0.1)
    """
    return _after_warmup("warmup_cosine", steps, warmup, start, lambda n: shorthand.cosine(n, floor))


@_recipe
def warmup_linear(steps: int, warmup: int = 0, floor: float = 0.0, start: float | None = None) -> Schedule:
    r"""Warms up, then falls in a straight line to the floor: decay to zero.

    $$ f(t) = m + (1 - m) \frac{n - t}{n - w}, \quad t \ge w $$

    Args:
        steps: $n$, in steps, warmup included.
        warmup: $w$, in steps.
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$, and 0 gives `transformers.get_linear_schedule_with_warmup`.

    Source:
        Bergsma et al. 2025, https://arxiv.org/abs/2502.15938; Defazio et al. 2023, https://arxiv.org/abs/2310.07831

    Examples:
        >>> warmup_linear(100)(75)
        0.25
    """
    return _after_warmup("warmup_linear", steps, warmup, start, lambda n: shorthand.linear(n, floor))


@_recipe
def warmup_polynomial(
    steps: int, power: float = 2.0, warmup: int = 0, floor: float = 0.0, start: float | None = None
) -> Schedule:
    r"""Warms up, then falls as a power of what is left.

    $$ f(t) = m + (1 - m) \left(\frac{n - t}{n - w}\right)^k, \quad t \ge w $$

    Args:
        steps: $n$, in steps, warmup included.
        power: $k$, above 0.
        warmup: $w$, in steps.
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Same as `transformers.get_polynomial_decay_schedule_with_warmup` (with start 0).

    Examples:
        >>> warmup_polynomial(4)(2)
        0.25
    """
    return _after_warmup("warmup_polynomial", steps, warmup, start, lambda n: shorthand.polynomial(n, power, floor))


@_recipe
def warmup_rex(steps: int, warmup: int = 0, floor: float = 0.0, start: float | None = None) -> Schedule:
    r"""Warms up, then falls along a reflected exponential.

    $$ f(t) = m + (1 - m) \frac{1 - z}{1 - z/2}, \quad z = \frac{t - w}{n - w}, \quad t \ge w $$

    Args:
        steps: $n$, in steps, warmup included.
        warmup: $w$, in steps.
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Chen et al. 2022, https://arxiv.org/abs/2107.04197

    Examples:
        >>> warmup_rex(4)(4)
        0.0
    """
    return _after_warmup("warmup_rex", steps, warmup, start, lambda n: shorthand.rex(n, floor))


@_recipe
def warmup_hold_cosine(steps: int, warmup: int, hold: int, floor: float = 0.0, start: float | None = None) -> Schedule:
    r"""Warms up, holds the peak, then falls along half a cosine.

    $$ f(t) = m + \tfrac12 (1 - m)\left(1 + \cos \pi \frac{t - w - h}{n - w - h}\right), \quad t \ge w + h $$

    Args:
        steps: $n$, in steps, warmup and hold included.
        warmup: $w$, in steps.
        hold: $h$, in steps.
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        `cosine_decay_with_warmup(…, hold_base_rate_steps)` of the TensorFlow object-detection models.

    Examples:
        >>> warmup_hold_cosine(100, warmup=10, hold=20)
        warmup(10) >> hold(20) >> cosine(70)
    """
    lengths = _Lengths("warmup_hold_cosine")
    total, first, flat = (
        lengths.integer("steps", steps, 1),
        lengths.integer("warmup", warmup, 0),
        lengths.integer("hold", hold, 0),
    )
    lengths.require(
        first + flat < total,
        "hold",
        f"such that warmup and hold end before step {total}",
        flat,
        f"they end at {first + flat}",
    )
    lengths.done()
    phases: list[Schedule] = [shorthand.warmup(first, start)] if first else []
    phases += [Hold(flat)] if flat else []
    return Chain((*phases, shorthand.cosine(total - first - flat, floor)))


@_recipe
def wsd(
    steps: int,
    warmup: int = 0,
    cooldown: int | None = None,
    curve: Curve | str = "linear",
    floor: float = 0.0,
    start: float | None = None,
) -> Schedule:
    r"""Warmup, stable, decay: warms up, holds the peak, and falls to the floor in the last `cooldown` steps.

    $$ f(t) = m + (1 - m)\,(1 - c(u)), \quad u = \frac{t - (n - d)}{d}, \quad t \ge n - d $$

    Args:
        steps: $n$, in steps, warmup and cooldown included.
        warmup: $w$, in steps.
        cooldown: $d$, in steps; None is a fifth of `steps`.
        curve: $c$: `linear`, `one_minus_sqrt`, `cosine`, …
        floor: $m$, the value at step `steps`.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Hu et al. 2024, https://arxiv.org/abs/2404.06395; Hägele et al. 2024, https://arxiv.org/abs/2405.18392

    Examples:
        >>> wsd(1000, warmup=50, curve="one_minus_sqrt")
        warmup(50) >> hold(750) >> one_minus_sqrt(200)
    """
    lengths = _Lengths("wsd")
    total, first = lengths.integer("steps", steps, 1), lengths.integer("warmup", warmup, 0)
    last = max(1, total // 5) if cooldown is None else lengths.integer("cooldown", cooldown, 1)
    lengths.require(
        first + last <= total, "cooldown", f"at most what the warmup leaves of {total} steps, {total - first}", last
    )
    lengths.done()
    phases: list[Schedule] = [shorthand.warmup(first, start)] if first else []
    phases += [Hold(total - first - last)] if first + last < total else []
    ramp = Ramp(1.0, floor, last, Curve.of(curve))
    return Chain((*phases, ramp)) if phases else ramp


@_recipe
def trapezoid(steps: int, warmup: int, cooldown: int, start: float | None = None) -> Schedule:
    r"""Rises in a straight line, holds, and falls in a straight line to zero.

    $$ f(t) = \min\left(\frac{t + 1}{w + 1},\ 1,\ \frac{n - t}{d}\right) $$

    Args:
        steps: $n$, in steps, warmup and cooldown included.
        warmup: $w$, in steps.
        cooldown: $d$, in steps.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Xing et al. 2018, https://arxiv.org/abs/1802.08770; Hägele et al. 2024, https://arxiv.org/abs/2405.18392

    Examples:
        >>> trapezoid(100, 10, 20)
        warmup(10) >> hold(70) >> linear(20)
    """
    return wsd(steps, warmup, cooldown, "linear", 0.0, start)


@_recipe
def knee(steps: int, warmup: int, explore: int) -> Schedule:
    r"""Warms up, explores at the peak for long, then exploits along a straight line to zero.

    $$ f(t) = \begin{cases} (t + 1)/w & t < w \\ 1 & t < w + e \\ (n - 1 - t)/(n - w - e) & \text{else} \end{cases} $$

    The source counts steps from 1: the first update uses $1/w$, the peak falls on step $w - 1$, and the last update uses 0.

    Args:
        steps: $n$, in steps, warmup and exploration included.
        warmup: $w$, in steps.
        explore: $e$, in steps.

    Source:
        Iyer et al. 2023, https://arxiv.org/abs/2003.03977

    Examples:
        >>> [round(knee(10, 2, 4)(t), 2) for t in range(10)]
        [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    lengths = _Lengths("knee")
    total, first, flat = (
        lengths.integer("steps", steps, 1),
        lengths.integer("warmup", warmup, 0),
        lengths.integer("explore", explore, 0),
    )
    lengths.require(
        first + flat < total,
        "explore",
        f"such that warmup and exploration end before step {total}",
        flat,
        f"they end at {first + flat}",
    )
    lengths.done()
    left = total - first - flat
    if first + flat == 0:
        return shorthand.linear(left).shift(-1) if left > 1 else Hold(1, 0.0)
    rise: list[Schedule] = [Ramp(1 / first, 1.0, first - 1)] if first > 1 else []
    level = flat if first else flat - 1
    return Chain((*rise, *([Hold(level)] if level else []), shorthand.linear(left)))


@_recipe
def one_cycle(
    steps: int,
    peak_fraction: float = 0.3,
    start: float = 1 / 25,
    end: float = 1 / 250_000,
    curve: Curve | str = "cosine",
    three_phase: bool = False,
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
    lengths = _Lengths("one_cycle")
    total = lengths.integer("steps", steps, 3 if three_phase else 2)
    share, most = number(peak_fraction), 0.5 if three_phase else 1.0
    lengths.require(
        share is not None and 0 < share < most,
        "peak_fraction",
        f"a number between 0 and {most:g}, both excluded",
        peak_fraction,
    )
    lengths.done()
    shape = Curve.of(curve)
    up = min(max(round(float(share) * total), 1), (total - 1) // 2 if three_phase else total - 1)  # type: ignore[arg-type]
    if three_phase:
        return Chain(
            (Ramp(start, 1.0, up, shape), Ramp(1.0, start, up, shape), Ramp(start, end, total - 2 * up, shape))
        )
    return Chain((Ramp(start, 1.0, up, shape), Ramp(1.0, end, total - up, shape)))


@_recipe
def sgdr(
    cycle: int,
    warmup: int = 0,
    growth: float = 1.0,
    decay: float = 1.0,
    cycles: int | None = None,
    floor: float = 0.0,
    start: float | None = None,
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
    lengths = _Lengths("sgdr")
    lengths.integer("cycle", cycle, 1)
    first = lengths.integer("warmup", warmup, 0)
    lengths.done()
    repeat = Repeat(shorthand.cosine(cycle, floor), cycles, growth, decay, floor)
    return Chain((shorthand.warmup(first, start), repeat)) if first else repeat


@_recipe
def noam(model_size: int, warmup: int, scale: float = 1.0) -> Schedule:
    r"""The transformer's schedule: rises in a straight line, then falls as the reciprocal of the square root of the step.

    $$ f(t) = s\,d^{-1/2} \min\left(k^{-1/2},\ k\,w^{-3/2}\right), \quad k = \max(t, 1) $$

    An absolute rate where `scale` is 1: use it with a base rate of 1.

    Args:
        model_size: $d$.
        warmup: $w$, in steps.
        scale: $s$.

    Source:
        Vaswani et al. 2017, section 5.3, https://arxiv.org/abs/1706.03762

    Examples:
        >>> f"{noam(512, 3000)(3000):.6g}"
        '0.000806872'
    """
    lengths = _Lengths("noam")
    size, first = lengths.integer("model_size", model_size, 1), lengths.integer("warmup", warmup, 1)
    lengths.done()
    phases: list[Schedule] = [Hold(1, 1 / first)]
    phases += [Ramp(1 / first, 1.0, first - 1)] if first > 1 else []
    return Product((Chain((*phases, InverseSqrt(first))),), scale * (size * first) ** -0.5)


@_recipe
def warmup_inverse_sqrt(
    steps: int,
    warmup: int,
    cooldown: int = 0,
    timescale: int | None = None,
    floor: float = 0.0,
    start: float | None = None,
) -> Schedule:
    r"""Warms up, falls as the reciprocal of the square root of the step, and in the last steps in a straight line to the floor.

    $$ f(t) = \frac{1}{\sqrt{1 + (t - w)/\tau}}, \quad w \le t < n - d $$

    Args:
        steps: $n$, in steps, warmup and cooldown included.
        warmup: $w$, in steps.
        cooldown: $d$, in steps; 0 for none.
        timescale: $\tau$, in steps; None is the warmup, or 10,000 without one.
        floor: The value at step `steps`, where there is a cooldown.
        start: The value at step 0; None is $1/(w+1)$.

    Source:
        Zhai et al. 2022, https://arxiv.org/abs/2106.04560; `transformers.get_inverse_sqrt_schedule`

    Examples:
        >>> warmup_inverse_sqrt(1000, warmup=100)(400)
        0.5
    """
    lengths = _Lengths("warmup_inverse_sqrt")
    total, first, last = (
        lengths.integer("steps", steps, 1),
        lengths.integer("warmup", warmup, 0),
        lengths.integer("cooldown", cooldown, 0),
    )
    scale = (first or 10_000) if timescale is None else lengths.integer("timescale", timescale, 1)
    lengths.require(first + last < total, "cooldown", f"such that warmup and cooldown leave a step of {total}", last)
    lengths.done()
    middle = total - first - last
    decay = InverseSqrt(scale)
    phases: list[Schedule] = [shorthand.warmup(first, start)] if first else []
    if not last:
        return Chain((*phases, decay)) if phases else decay
    return Chain((*phases, decay.until(middle), Ramp(decay(middle), floor, last)))


@_recipe
def triangular(up: int, down: int | None = None, low: float = 0.0) -> Schedule:
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


@_recipe
def triangular2(up: int, down: int | None = None, low: float = 0.0) -> Schedule:
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


@_recipe
def exp_range(up: int, rate: float, down: int | None = None, low: float = 0.0) -> Schedule:
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


@_recipe
def piecewise_constant(boundaries: Sequence[int], values: Sequence[float]) -> Schedule:
    r"""Holds one value after another; each begins at its boundary.

    $$ f(t) = v_i, \quad b_i \le t < b_{i+1}, \quad b_0 = 0 $$

    Args:
        boundaries: $b_1, b_2, …$, strictly increasing, in steps.
        values: $v_0, v_1, …$, one more than boundaries.

    Source:
        Same as `torch.optim.lr_scheduler.MultiStepLR` with a value for each level. `tf.keras.optimizers.schedules.PiecewiseConstantDecay`
        begins each value one step later.

    Examples:
        >>> piecewise_constant([2000, 4000], [0.01, 0.001, 0.0001])(2000)
        0.001
    """
    lengths = _Lengths("piecewise_constant")
    for field, given in (("boundaries", boundaries), ("values", values)):
        lengths.require(isinstance(given, list | tuple), field, "a list", given)
    lengths.done()
    marks = [lengths.integer(f"boundaries[{i}]", b, 1) for i, b in enumerate(boundaries)]
    lengths.require(
        all(a < b for a, b in pairwise(marks)),
        "boundaries",
        "strictly increasing",
        list(boundaries),
    )
    lengths.require(
        len(values) == len(marks) + 1, "values", f"one more than the boundaries, {len(marks) + 1}", len(values)
    )
    lengths.done()
    edges = [0, *marks]
    return Chain((*(Hold(b - a, v) for a, b, v in zip(edges, edges[1:], values, strict=False)), Hold(None, values[-1])))
