"""PaddlePaddle: `paddle.optimizer.lr`, as of 3.3. A schedule has at step t the rate after t calls of `step()`."""

from __future__ import annotations

from typing import Any

from ..core.combinators import Repeat
from ..core.fields import number
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, InverseSqrt, InverseTime, NaturalExponential, Ramp, Step
from . import pieces, shared
from .calls import Call
from .reading import child
from .table import dialect

__all__ = ["PADDLE"]

PADDLE = dialect("paddle")


def _noam(a: Any) -> Schedule:
    peak = a.lr * (a.d_model * a.warmup_steps) ** -0.5
    return pieces.warmed(0.0, peak, a.warmup_steps, InverseSqrt(a.warmup_steps, peak))


def _piecewise(a: Any) -> Schedule:
    if not a.at.strict and isinstance(a.boundaries, list | tuple) and isinstance(a.values, list | tuple):
        a.values = [*a.values[: len(a.boundaries)], *a.values[-1:]]  # Paddle passes over what lies between
    return shared.piecewise(a, late=False)


def _warmup(a: Any) -> Schedule:
    a.at.require(a.end_lr > a.start_lr, "end_lr", f"above start_lr, {a.start_lr:g}", a.end_lr)
    plain = number(a.learning_rate)
    inner = Hold(value=plain) if plain is not None else child(a.at, "learning_rate", a.learning_rate)
    return pieces.warmed(a.start_lr, a.end_lr, a.warmup_steps, inner)


def _one_cycle(a: Any) -> Schedule:
    a.at.require(not a.three_phase or a.phase_pct < 0.5, "phase_pct", "below 0.5 for three phases", a.phase_pct)
    first = a.max_learning_rate / a.divide_factor
    values = [first, a.max_learning_rate, *([first] if a.three_phase else []), a.end_learning_rate]
    return pieces.phased(a.at, "phase_pct", a.phase_pct, a.total_steps, values, a.anneal_strategy)


def _cyclic(a: Any) -> Schedule:
    low, high, down = a.base_learning_rate, a.max_learning_rate, a.step_size_down or a.step_size_up
    return pieces.cyclic(low, high, a.step_size_up, down, a.mode, a.exp_gamma, a.scale_fn, a.scale_mode == "cycle")


PADDLE.rows(
    {
        "NoamDecay": _noam,
        "PiecewiseDecay": _piecewise,
        "NaturalExpDecay": lambda a: pieces.scaled(NaturalExponential(a.gamma), a.lr),
        "InverseTimeDecay": lambda a: pieces.scaled(InverseTime(a.gamma), a.lr) if a.gamma else Hold(value=a.lr),
        "PolynomialDecay": lambda a: shared.polynomial(a, a.end_lr),
        "LinearWarmup": _warmup,
        "ExponentialDecay": lambda a: pieces.scaled(Exponential(a.gamma), a.lr),
        "MultiStepDecay": lambda a: pieces.scaled(pieces.drops(a.milestones, a.gamma), a.lr),
        "StepDecay": lambda a: pieces.scaled(Step(a.step_size, a.gamma), a.lr),
        "LambdaDecay": lambda a: pieces.scaled(a.lr_lambda, a.lr),
        "MultiplicativeDecay": lambda a: Recurrence(
            "pytorch", str(Call("MultiplicativeLR", {"lr_lambda": a.lr_lambda})), a.lr
        ),
        "CosineAnnealingDecay": lambda a: pieces.up_and_down(a.lr, a.eta_min, a.T_max),
        "OneCycleLR": _one_cycle,
        "CyclicLR": _cyclic,
        "LinearLR": lambda a: pieces.scaled(Ramp(a.start_factor, a.end_factor, a.total_steps), a.lr),
        "CosineAnnealingWarmRestarts": lambda a: Repeat(Ramp(a.lr, a.eta_min, a.T_0, pieces.COSINE), None, a.T_mult),
        # the function forms, with the formulas of static graphs
        "exponential_decay": shared.exponential,
        "natural_exp_decay": shared.natural_exponential,
        "inverse_time_decay": shared.inverse_time,
    },
)
