"""Recipes that go down once: constant, warmup and a decay, warmup-stable-decay, inverse square root, pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from ..core import Chain, Checks, GlidepathError, Hold, InverseSqrt, Product, Ramp, shorthand
from ..core.curves import AnyCurve, Curve
from ..core.fields import Length, Power, Steps, Value, integer, real
from ..core.schedule import AnySchedule, Schedule
from ..core.text import recipe

__all__ = [
    "constant",
    "knee",
    "noam",
    "piecewise_constant",
    "trapezoid",
    "warmup_cosine",
    "warmup_hold_cosine",
    "warmup_inverse_sqrt",
    "warmup_linear",
    "warmup_polynomial",
    "warmup_rex",
    "with_warmup",
    "wsd",
]


def _require(where: str, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
    if not holds:
        raise GlidepathError.of(where, field, rule, value, remedy)


def _after_warmup(
    where: str, steps: int, warmup: int, start: float | None, then: Callable[[int], Schedule]
) -> Schedule:
    """Returns a warmup followed by something that fills the rest of `steps`."""
    _require(where, warmup < steps, "warmup", f"shorter than the whole, {steps} steps", warmup)
    return with_warmup(then(steps - warmup), warmup, start)


@recipe
def constant(value: Value = 1.0) -> Schedule:
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


@recipe
def with_warmup(schedule: AnySchedule, warmup: Steps, start: Value | None = None) -> Schedule:
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
    made = Schedule.of(schedule)
    return Chain((shorthand.warmup(warmup, start), made)) if warmup else made


@recipe
def warmup_cosine(steps: Length, warmup: Steps = 0, floor: Value = 0.0, start: Value | None = None) -> Schedule:
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


@recipe
def warmup_linear(steps: Length, warmup: Steps = 0, floor: Value = 0.0, start: Value | None = None) -> Schedule:
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


@recipe
def warmup_polynomial(
    steps: Length, power: Power = 2.0, warmup: Steps = 0, floor: Value = 0.0, start: Value | None = None
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


@recipe
def warmup_rex(steps: Length, warmup: Steps = 0, floor: Value = 0.0, start: Value | None = None) -> Schedule:
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


@recipe
def warmup_hold_cosine(
    steps: Length, warmup: Steps, hold: Steps, floor: Value = 0.0, start: Value | None = None
) -> Schedule:
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
    used = warmup + hold
    rule = f"such that warmup and hold end before step {steps}"
    _require("warmup_hold_cosine", used < steps, "hold", rule, hold, f"they end at {used}")
    phases: list[Schedule] = [shorthand.warmup(warmup, start)] if warmup else []
    phases += [Hold(hold)] if hold else []
    return Chain((*phases, shorthand.cosine(steps - used, floor)))


@recipe
def wsd(
    steps: Length,
    warmup: Steps = 0,
    cooldown: Length | None = None,
    curve: AnyCurve = "linear",
    floor: Value = 0.0,
    start: Value | None = None,
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
    last = max(1, steps // 5) if cooldown is None else cooldown
    flat = steps - warmup - last
    rule = f"at most what the warmup leaves of {steps} steps, {steps - warmup}"
    _require("wsd", flat >= 0, "cooldown", rule, last)
    phases: list[Schedule] = [shorthand.warmup(warmup, start)] if warmup else []
    phases += [Hold(flat)] if flat else []
    ramp = Ramp(1.0, floor, last, Curve.of(curve))
    return Chain((*phases, ramp)) if phases else ramp


@recipe
def trapezoid(steps: Length, warmup: Steps, cooldown: Length, start: Value | None = None) -> Schedule:
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


@recipe
def knee(steps: Length, warmup: Steps, explore: Steps) -> Schedule:
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
    used = warmup + explore
    rule = f"such that warmup and exploration end before step {steps}"
    _require("knee", used < steps, "explore", rule, explore, f"they end at {used}")
    left = steps - used
    if used == 0:
        return shorthand.linear(left).shift(-1) if left > 1 else Hold(1, 0.0)
    rise: list[Schedule] = [Ramp(1 / warmup, 1.0, warmup - 1)] if warmup > 1 else []
    level = explore if warmup else explore - 1
    return Chain((*rise, *([Hold(level)] if level else []), shorthand.linear(left)))


@recipe
def noam(
    model_size: Annotated[int, integer(1, slider=[64, 8192, True])],
    warmup: Length,
    scale: Annotated[float, real(slider=[0.01, 100, True])] = 1.0,
) -> Schedule:
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
    phases: list[Schedule] = [Hold(1, 1 / warmup)]
    phases += [Ramp(1 / warmup, 1.0, warmup - 1)] if warmup > 1 else []
    return Product((Chain((*phases, InverseSqrt(warmup))),), scale * (model_size * warmup) ** -0.5)


@recipe
def warmup_inverse_sqrt(
    steps: Length,
    warmup: Steps,
    cooldown: Steps = 0,
    timescale: Length | None = None,
    floor: Value = 0.0,
    start: Value | None = None,
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
    middle = steps - warmup - cooldown
    rule = f"such that warmup and cooldown leave a step of {steps}"
    _require("warmup_inverse_sqrt", middle > 0, "cooldown", rule, cooldown)
    decay = InverseSqrt((warmup or 10_000) if timescale is None else timescale)
    phases: list[Schedule] = [shorthand.warmup(warmup, start)] if warmup else []
    if not cooldown:
        return Chain((*phases, decay)) if phases else decay
    return Chain((*phases, decay.until(middle), Ramp(decay(middle), floor, cooldown)))


@recipe
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
    checks = Checks("piecewise_constant")
    marks, levels = checks.milestones("boundaries", boundaries, low=1), checks.items("values", values)
    checks.require(len(levels) == len(marks) + 1, "values", f"one more than the boundaries, {len(marks) + 1}", values)
    checks.done()
    edges = [0, *marks]
    return Chain((*(Hold(b - a, v) for a, b, v in zip(edges, edges[1:], levels, strict=False)), Hold(None, levels[-1])))
