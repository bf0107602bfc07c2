"""PaddlePaddle: `paddle.optimizer.lr`, as of 3.3. A schedule has at step t the rate after t calls of `step()`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..core.combinators import Repeat
from ..core.expression import Expression
from ..core.fields import number
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, InverseSqrt, InverseTime, NaturalExponential, Ramp, Step
from . import pieces, shared
from .calls import Call
from .reading import At, dialect, nested, of_step

__all__ = ["PADDLE"]

PADDLE = dialect(
    "paddle",
    title="Paddle",
    follows="3.3",
    modules=("paddle.optimizer.lr", "paddle.optimizer"),
    base="learning_rate",
)


@PADDLE.reads("NoamDecay", leading=("d_model", "warmup_steps", "learning_rate"))
def noam(at: At, d_model: Any, warmup_steps: Any) -> Schedule:
    """A straight line from 0, then the reciprocal of the square root of the step: the first update does nothing."""
    checks = at.checks()
    size, steps = checks.real("d_model", d_model, above=0), checks.length("warmup_steps", warmup_steps)
    checks.done()
    peak = at.base * (size * steps) ** -0.5
    return pieces.warmed(0.0, peak, steps, InverseSqrt(steps, peak))


@PADDLE.reads("PiecewiseDecay", leading=())
def piecewise(at: At, boundaries: Any, values: Any) -> Schedule:
    """One value after another, each from its boundary on."""
    if not at.strict and isinstance(boundaries, list | tuple) and isinstance(values, list | tuple):
        values = [*values[: len(boundaries)], *values[-1:]]  # Paddle passes over what lies between
    return shared.piecewise(at, boundaries, values, late=False)


@PADDLE.reads("NaturalExpDecay")
def natural_exp(at: At, gamma: Any) -> Schedule:
    """The natural exponential of the step."""
    checks = at.checks()
    rate = checks.real("gamma", gamma, above=0)
    checks.done()
    return pieces.scaled(NaturalExponential(rate), at.base)


@PADDLE.reads("InverseTimeDecay")
def inverse_time(at: At, gamma: Any) -> Schedule:
    """The reciprocal of the step."""
    checks = at.checks()
    rate = checks.real("gamma", gamma, 0)
    checks.done()
    return pieces.scaled(InverseTime(rate), at.base) if rate else Hold(value=at.base)


@PADDLE.reads("PolynomialDecay")
def polynomial(at: At, decay_steps: Any, end_lr: Any = 0.0001, power: Any = 1.0, cycle: Any = False) -> Schedule:
    """A power of what is left, down to `end_lr`."""
    return shared.polynomial_decay(at, decay_steps, ("end_lr", end_lr), power, cycle, whole=True)


@PADDLE.reads("LinearWarmup", leading=())
def linear_warmup(at: At, learning_rate: Any, warmup_steps: Any, start_lr: Any, end_lr: Any) -> Schedule:
    """A straight line, then a rate or another scheduler from its own beginning: `end_lr` only aims the line."""
    checks = at.checks()
    steps = checks.length("warmup_steps", warmup_steps)
    start, end = checks.real("start_lr", start_lr), checks.real("end_lr", end_lr)
    checks.require(end > start, "end_lr", f"above start_lr, {start:g}", end_lr)
    checks.done()
    plain = number(learning_rate)
    inner = Hold(value=plain) if plain is not None else _inner(at, learning_rate)
    return pieces.warmed(start, end, steps, inner)


def _inner(at: At, value: Any) -> Schedule:
    child = nested(at, "learning_rate", value)
    if isinstance(child, Schedule):
        return child if child.absolute else pieces.scaled(child, at.base)
    inner, arguments = at.dialect.bound(replace(at, name=child.name), child)
    return at.dialect.readers[child.name](inner, **arguments)


@PADDLE.reads("ExponentialDecay")
def exponential(at: At, gamma: Any) -> Schedule:
    """One more gamma every step."""
    rate = _gamma(at, gamma)
    return pieces.scaled(Exponential(rate), at.base)


@PADDLE.reads("MultiStepDecay")
def multistep(at: At, milestones: Any, gamma: Any = 0.1) -> Schedule:
    """One more gamma at each milestone."""
    checks = at.checks()
    marks = checks.milestones("milestones", milestones)
    checks.done()
    return pieces.scaled(pieces.drops(marks, _gamma(at, gamma)), at.base)


@PADDLE.reads("StepDecay")
def step(at: At, step_size: Any, gamma: Any = 0.1) -> Schedule:
    """One more gamma every `step_size` steps."""
    checks = at.checks()
    size = checks.length("step_size", step_size)
    checks.done()
    return pieces.scaled(Step(size, _gamma(at, gamma)), at.base)


def _gamma(at: At, gamma: Any) -> float:
    plain = number(gamma)
    if plain is None or not 0 < plain < 1:
        raise at.refused("gamma", "a number above 0 and below 1", gamma)
    return float(plain)


@PADDLE.reads("LambdaDecay")
def lambda_decay(at: At, lr_lambda: Any) -> Schedule:
    """A function of the step times the base rate."""
    return pieces.scaled(of_step(at, "lr_lambda", lr_lambda), at.base)


@PADDLE.reads("MultiplicativeDecay")
def multiplicative(at: At, lr_lambda: Any) -> Schedule:
    """The product of a function of the step over the steps so far: it has no closed form."""
    factor = of_step(at, "lr_lambda", lr_lambda)
    return Recurrence("pytorch", str(Call("MultiplicativeLR", {"lr_lambda": factor})), at.base)


@PADDLE.reads("CosineAnnealingDecay")
def cosine_annealing(at: At, T_max: Any, eta_min: Any = 0) -> Schedule:
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on."""
    checks = at.checks()
    steps, floor = checks.length("T_max", T_max), checks.real("eta_min", eta_min)
    checks.done()
    return pieces.up_and_down(at.base, floor, steps)


@PADDLE.reads("OneCycleLR", leading=())
def one_cycle(
    at: At,
    max_learning_rate: Any,
    total_steps: Any,
    divide_factor: Any = 25.0,
    end_learning_rate: Any = 0.0001,
    phase_pct: Any = 0.3,
    anneal_strategy: Any = "cos",
    three_phase: Any = False,
) -> Schedule:
    """Up to the maximum and down to `end_learning_rate`, an absolute rate; held from `total_steps - 1` on."""
    checks = at.checks()
    peak, total = checks.real("max_learning_rate", max_learning_rate, 0), checks.length("total_steps", total_steps)
    first, final = (
        checks.real("divide_factor", divide_factor, above=0),
        checks.real("end_learning_rate", end_learning_rate, 0),
    )
    share = checks.real("phase_pct", phase_pct, 0, 1)
    curve = checks.choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    three = checks.flag("three_phase", three_phase)
    checks.require(not three or share < 0.5, "phase_pct", "below 0.5 for three phases", phase_pct)
    checks.require(
        share * total != 1, "phase_pct", "such that the first phase has a length", phase_pct, "Paddle divides by it"
    )
    checks.done()
    ends = [share * total - 1, *([2 * share * total - 2] if three else []), float(total - 1)]
    values = [peak / first, peak, *([peak / first] if three else []), final]
    schedule = pieces.one_cycle(ends, values, curve, total - 1)
    if at.strict:
        return schedule
    try:
        return pieces.overshoot(schedule, ends, values, curve, total)
    except ZeroDivisionError:
        return schedule


@PADDLE.reads("CyclicLR", leading=())
def cyclic(
    at: At,
    base_learning_rate: Any,
    max_learning_rate: Any,
    step_size_up: Any,
    step_size_down: Any = None,
    mode: Any = "triangular",
    exp_gamma: Any = 1.0,
    scale_fn: Any = None,
    scale_mode: Any = "cycle",
) -> Schedule:
    """A triangular wave, its height constant, halved every cycle, or falling with the step."""
    checks = at.checks()
    low, high = (
        checks.real("base_learning_rate", base_learning_rate),
        checks.real("max_learning_rate", max_learning_rate),
    )
    up = checks.length("step_size_up", step_size_up)
    down = up if step_size_down is None else checks.length("step_size_down", step_size_down)
    mode = checks.choice("mode", mode, ("triangular", "triangular2", "exp_range"))
    rate = checks.real("exp_gamma", exp_gamma, above=0)
    scale_mode = checks.choice("scale_mode", scale_mode, ("cycle", "iterations"))
    checks.done()
    scale = None if scale_fn is None else of_step(at, "scale_fn", scale_fn)
    if scale is not None and not isinstance(scale, Expression):
        raise at.refused("scale_fn", "the text of a function, such as 'lambda x: 0.9**x'", scale)
    return pieces.cyclic(low, high, up, down, mode, rate, scale, scale_mode == "cycle")


@PADDLE.reads("LinearLR")
def linear(at: At, total_steps: Any, start_factor: Any = 1.0 / 3, end_factor: Any = 1.0) -> Schedule:
    """A straight line from one factor to another."""
    checks = at.checks()
    steps = checks.length("total_steps", total_steps)
    start = checks.real("start_factor", start_factor, above=0, high=1)
    end = checks.real("end_factor", end_factor, 0, 1)
    checks.done()
    return pieces.scaled(Ramp(start, end, steps), at.base)


@PADDLE.reads("CosineAnnealingWarmRestarts")
def warm_restarts(at: At, T_0: Any, T_mult: Any = 1, eta_min: Any = 0) -> Schedule:
    """Half a cosine again and again, each `T_mult` times as long; `eta_min` itself falls between two steps."""
    checks = at.checks()
    steps, growth = checks.length("T_0", T_0), checks.length("T_mult", T_mult)
    floor = checks.real("eta_min", eta_min)
    checks.done()
    return Repeat(Ramp(at.base, floor, steps, pieces.COSINE), None, growth)


# The function forms, with the formulas of static graphs ---------------------------------------------------------------------------------


@PADDLE.reads("exponential_decay")
def exponential_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """`decay_rate` to the power of the step over `decay_steps`, as in a static graph."""
    return shared.exponential_decay(at, decay_steps, decay_rate, staircase)


@PADDLE.reads("natural_exp_decay")
def natural_exp_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The natural exponential of the step over `decay_steps`, as in a static graph."""
    return shared.natural_exp_decay(at, decay_steps, decay_rate, staircase)


@PADDLE.reads("inverse_time_decay")
def inverse_time_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The reciprocal of the step over `decay_steps`, as in a static graph."""
    return shared.inverse_time_decay(at, decay_steps, decay_rate, staircase)
