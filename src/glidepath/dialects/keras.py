"""Keras 3, TensorFlow 1 with its object-detection models, Paddle and OneFlow's graph kernel, whose decays over a length are alike.

Keras, TensorFlow: a schedule has at step t the rate of update t, in float64 instead of float32. Paddle: the rate after t calls of `step()`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..core import DampedCosine, PolynomialCycle, Recurrence, Schedule
from ..core.combinators import Clip, Repeat
from ..core.fields import number
from ..core.segments import Exponential, Hold, InverseSqrt, InverseTime, NaturalExponential, Ramp, Step
from . import pieces
from .calls import Call
from .oneflow import ONEFLOW
from .reading import child
from .table import dialect

# What they read alike, as functions of the checked arguments ---------------------------------------------------------------------------------


def _span(a: Any) -> float:
    """Returns the length, which OneFlow's kernel calls otherwise."""
    return a.decay_steps if hasattr(a, "decay_steps") else a.decay_batches


def _scaled(a: Any, make: Callable[[int], Schedule]) -> Schedule:
    return pieces.scaled(pieces.lasting(_span(a), make), a.lr)


def _exponential(a: Any) -> Schedule:
    """Returns `decay_rate` to the power of the step over the length."""
    return pieces.scaled(pieces.exponential(a.decay_rate, _span(a), a.staircase), a.lr)


def _inverse_time(a: Any) -> Schedule:
    """Returns the reciprocal of the step over the length."""
    if not a.decay_rate:
        return Hold(value=a.lr)
    return _scaled(a, lambda n: InverseTime(a.decay_rate, n, staircase=a.staircase))


def _natural_exponential(a: Any) -> Schedule:
    """Returns the natural exponential of the step over the length."""
    if a.decay_rate <= 0:  # it grows
        return pieces.scaled(pieces.exponential(math.exp(min(-a.decay_rate, 200.0)), _span(a), a.staircase), a.lr)
    return _scaled(a, lambda n: NaturalExponential(a.decay_rate, n, staircase=a.staircase))


def _polynomial(a: Any, end: float) -> Schedule:
    """Returns a power of what is left, down to the end; with `cycle` again and again, from lower each time."""
    if not a.power:
        return Hold(value=a.lr)
    if a.cycle:
        return pieces.lasting(a.decay_steps, lambda n: PolynomialCycle(n, a.lr, end, a.power))
    return pieces.lasting(a.decay_steps, lambda n: Ramp(a.lr, end, n, pieces.curve_of_power(a.power)))


def _restarts(a: Any) -> Schedule:
    """Returns half a cosine again and again, each cycle `t_mul` times as long, exactly, and `m_mul` times as high.

    Restarts are found by comparison; the libraries take a logarithm in float32, which misses some.
    """
    a.require(a.t_mul >= 1, "t_mul", "a finite number from 1", "shorter and shorter cycles end in NaN")

    def make(n: int) -> Schedule:
        return pieces.restarts(Ramp(1.0, a.alpha, n, pieces.COSINE), a.t_mul, a.m_mul, a.alpha)

    return pieces.scaled(pieces.lasting(a.first_decay_steps, make), a.lr)


def _linear_cosine(a: Any) -> Schedule:
    """Returns a cosine whose height falls in a straight line."""
    return _scaled(a, lambda n: DampedCosine(n, a.num_periods, a.alpha, a.beta))


def _levels(a: Any, field: str, marks: Sequence[int], late: bool) -> Schedule:
    """Returns one value after another, each from its boundary on, or from one step later (`late`)."""
    count, values = len(marks) + 1, getattr(a, field)
    a.require(len(values) == count, field, f"one more than the boundaries, {count}")
    return pieces.levels([mark + late for mark in marks], values)


def _piecewise(a: Any, late: bool = True) -> Schedule:
    """Returns one value after another, each from its boundary on, or from one step later (`late`)."""
    checks, given = a.at.checks(), a.boundaries
    if late and isinstance(given, list | tuple):  # TensorFlow compares them with a whole step
        given = [math.floor(b) if isinstance(b, float) and math.isfinite(b) else b for b in given]
    values = checks.reals("values", a.values, 1)
    if late and not a.at.strict:
        marks = [checks.length(f"boundaries[{i}]", b, 0) for i, b in enumerate(checks.items("boundaries", given, 1))]
    else:
        marks = checks.milestones("boundaries", given, least=1)
    checks.require(len(values) == len(marks) + 1, "values", f"one more than the boundaries, {len(marks) + 1}", a.values)
    checks.done()
    if late and not a.at.strict:
        return _summed(marks, values)
    return pieces.levels([mark + late for mark in marks], values)


def _summed(marks: list[int], levels: list[float]) -> Schedule:
    """Returns what TensorFlow makes of boundaries in any order: the sum of the values whose interval holds the step."""

    def value(step: int) -> float:
        inner = zip(marks, marks[1:], levels[1:-1], strict=False)
        total = levels[0] * (step <= marks[0]) + levels[-1] * (step > marks[-1])
        return total + sum(level for low, high, level in inner if low < step <= high)

    places = sorted({mark + 1 for mark in marks})
    return pieces.levels(places, [value(0), *map(value, places)])


ONEFLOW.rows(  # decays that have had no Python front end since 0.7
    {},
    ExponentialDecayConf=_exponential,
    InverseTimeDecayConf=_inverse_time,
    NaturalExpDecayConf=_natural_exponential,
    PiecewiseConstantConf=lambda a: _levels(a, "values", a.boundaries, late=True),
    PiecewiseScalingConf=lambda a: pieces.scaled(_levels(a, "scales", a.boundaries, late=True), a.lr),
    LinearCosineDecayConf=_linear_cosine,
)

# Keras ----------------------------------------------------------------------------------------------------------------------------------


def _floats(a: Any, made: Schedule) -> Schedule:
    """Refuses a whole number as the initial rate: Keras would compute in integers, differently on each backend."""
    rule, whole = "a float: Keras computes in whole numbers from an integer", isinstance(a.lr, int)
    a.at.require(not whole, "initial_learning_rate", rule, a.lr, f"write {a.lr}.0")
    return made


def CosineDecay(a: Any) -> Schedule:
    peak = a.lr if a.warmup_target is None else a.warmup_target
    decay = pieces.cosine(peak, peak * a.alpha, a.decay_steps)
    return decay if a.warmup_target is None else pieces.warmed(a.lr, peak, a.warmup_steps, decay)


KERAS = dialect("keras", around=_floats)
KERAS.rows(
    globals(),
    ExponentialDecay=_exponential,
    PiecewiseConstantDecay=_piecewise,
    PolynomialDecay=lambda a: _polynomial(a, a.end_learning_rate),
    InverseTimeDecay=_inverse_time,
    CosineDecayRestarts=_restarts,
    plain=("PiecewiseConstantDecay",),
)

# Paddle ---------------------------------------------------------------------------------------------------------------------------------


def NoamDecay(a: Any) -> Schedule:
    peak = a.lr * (a.d_model * a.warmup_steps) ** -0.5
    return pieces.warmed(0.0, peak, a.warmup_steps, InverseSqrt(a.warmup_steps, peak))


def PiecewiseDecay(a: Any) -> Schedule:
    if not a.at.strict and isinstance(a.boundaries, list | tuple) and isinstance(a.values, list | tuple):
        a.values = [*a.values[: len(a.boundaries)], *a.values[-1:]]  # Paddle passes over what lies between
    return _piecewise(a, late=False)


def LinearWarmup(a: Any) -> Schedule:
    a.require(a.end_lr > a.start_lr, "end_lr", f"above start_lr, {a.start_lr:g}")
    plain = number(a.learning_rate)
    inner = Hold(value=plain) if plain is not None else child(a.at, "learning_rate", a.learning_rate)
    return pieces.warmed(a.start_lr, a.end_lr, a.warmup_steps, inner)


def OneCycleLR(a: Any) -> Schedule:
    a.require(not a.three_phase or a.phase_pct < 0.5, "phase_pct", "below 0.5 for three phases")
    first = a.max_learning_rate / a.divide_factor
    values = [first, a.max_learning_rate, *([first] if a.three_phase else []), a.end_learning_rate]
    return pieces.phased(a.at, "phase_pct", a.phase_pct, a.total_steps, values, a.anneal_strategy)


def CyclicLR(a: Any) -> Schedule:
    low, high, down = a.base_learning_rate, a.max_learning_rate, a.step_size_down or a.step_size_up
    return pieces.cyclic(low, high, a.step_size_up, down, a.mode, a.exp_gamma, a.scale_fn, a.scale_mode == "cycle")


PADDLE = dialect("paddle")
PADDLE.rows(
    globals(),
    NaturalExpDecay=lambda a: pieces.scaled(NaturalExponential(a.gamma), a.lr),
    InverseTimeDecay=lambda a: pieces.scaled(InverseTime(a.gamma), a.lr) if a.gamma else Hold(value=a.lr),
    PolynomialDecay=lambda a: _polynomial(a, a.end_lr),
    ExponentialDecay=lambda a: pieces.scaled(Exponential(a.gamma), a.lr),
    MultiStepDecay=lambda a: pieces.scaled(pieces.drops(a.milestones, a.gamma), a.lr),
    StepDecay=lambda a: pieces.scaled(Step(a.step_size, a.gamma), a.lr),
    LambdaDecay=lambda a: pieces.scaled(a.lr_lambda, a.lr),
    MultiplicativeDecay=lambda a: Recurrence(
        "pytorch", str(Call("MultiplicativeLR", {"lr_lambda": a.lr_lambda})), a.lr
    ),
    CosineAnnealingDecay=lambda a: pieces.up_and_down(a.lr, a.eta_min, a.T_max),
    LinearLR=lambda a: pieces.scaled(Ramp(a.start_factor, a.end_factor, a.total_steps), a.lr),
    CosineAnnealingWarmRestarts=lambda a: Repeat(Ramp(a.lr, a.eta_min, a.T_0, pieces.COSINE), None, a.T_mult),
    # the function forms, with the formulas of static graphs
    exponential_decay=_exponential,
    natural_exp_decay=_natural_exponential,
    inverse_time_decay=_inverse_time,
)

# TensorFlow -----------------------------------------------------------------------------------------------------------------------------


def _noisy(a: Any) -> Schedule:
    remedy = "the rate is drawn anew at every look, and often negative"
    a.require(a.initial_variance == 0, "initial_variance", "0 for a schedule", remedy)
    return _linear_cosine(a)


TENSORFLOW = dialect("tensorflow")
TENSORFLOW.rows(
    {
        "train.piecewise_constant": _piecewise,
        "train.piecewise_constant_decay": _piecewise,
        "train.exponential_decay": _exponential,
        "train.inverse_time_decay": _inverse_time,
        "train.natural_exp_decay": _natural_exponential,
        "train.polynomial_decay": lambda a: _polynomial(a, a.end_learning_rate),
        "train.cosine_decay": lambda a: pieces.cosine(a.lr, a.lr * a.alpha, a.decay_steps),
        "train.cosine_decay_restarts": _restarts,
        "train.linear_cosine_decay": _linear_cosine,
        "train.noisy_linear_cosine_decay": _noisy,
    }
)

# Object detection -----------------------------------------------------------------------------------------------------------------------


def _old(a: Any) -> bool:
    """Tells whether the first form of the file (2017, 2018) is meant."""
    return any(mark in a.at.edition for mark in ("2017", "2018", "old"))


def cosine_decay_with_warmup(a: Any) -> Schedule:
    """Returns a warmup, a hold and half a cosine; in the first form, without a hold, it climbs again after `total_steps`."""
    first, hold = a.warmup_steps, a.hold_base_rate_steps
    total = a.total_decay_steps if a.total_steps is None else a.total_steps
    a.at.require(total is not None, "total_steps", "given", None)
    left, floor = total - first - hold, a.lr * a.alpha
    a.at.require(left > 0, "total_steps", f"above the {first + hold} steps of warmup and hold", total)
    a.require(first == 0 or a.warmup_learning_rate <= a.lr, "warmup_learning_rate", f"at most the base rate {a.lr:g}")
    a.require(not (_old(a) and hold), "hold_base_rate_steps", "0 in the first form")
    decay = pieces.up_and_down(a.lr, floor, left) if _old(a) else Ramp(a.lr, floor, left, pieces.COSINE)
    held = pieces.held(a.lr, hold, decay) if hold else decay
    return pieces.warmed(a.warmup_learning_rate, a.lr, first, held)


def exponential_decay_with_burnin(a: Any) -> Schedule:
    decay = pieces.exponential(a.learning_rate_decay_factor, a.learning_rate_decay_steps, a.staircase)
    decay = pieces.scaled(decay, a.lr)
    if _old(a):
        decay = pieces.after(decay, a.burnin_steps)
    first = Hold(value=a.burnin_learning_rate or a.lr)
    return Clip(pieces.in_sequence([first, decay], [a.burnin_steps]), a.min_learning_rate)


def manual_stepping(a: Any) -> Schedule:
    checks = a.at.checks()
    marks = checks.milestones("boundaries", a.boundaries, 1, 1)
    checks.done()
    if not a.warmup:
        return _levels(a, "rates", marks, late=False)
    a.require(len(a.rates) == len(marks) + 1, "rates", f"one more than the boundaries, {len(marks) + 1}")
    rest = pieces.levels([mark - marks[0] for mark in marks[1:]], a.rates[1:])
    return pieces.warmed(a.rates[0], a.rates[1], marks[0], rest)


MODELS = dialect("tensorflow/models")
MODELS.rows(globals())
