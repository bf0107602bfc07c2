"""TensorFlow: `tf.compat.v1.train`, and the schedules of its object-detection models."""

from __future__ import annotations

from typing import Any

from ..core.combinators import Clip
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces, shared
from .table import dialect

__all__ = ["MODELS", "TENSORFLOW"]

TENSORFLOW = dialect("tensorflow")
MODELS = dialect("tensorflow/models")


def _piecewise(a: Any) -> Schedule:
    return shared.piecewise(a, late=True)


def _noisy(a: Any) -> Schedule:
    remedy = "the rate is drawn anew at every look, and often negative"
    a.at.require(a.initial_variance == 0, "initial_variance", "0 for a schedule", a.initial_variance, remedy)
    return shared.linear_cosine(a)


TENSORFLOW.rows(
    {
        "train.piecewise_constant": _piecewise,
        "train.piecewise_constant_decay": _piecewise,
        "train.exponential_decay": shared.exponential,
        "train.inverse_time_decay": shared.inverse_time,
        "train.natural_exp_decay": shared.natural_exponential,
        "train.polynomial_decay": lambda a: shared.polynomial(a, a.end_learning_rate),
        "train.cosine_decay": lambda a: pieces.cosine(a.lr, a.lr * a.alpha, a.decay_steps),
        "train.cosine_decay_restarts": shared.cosine_restarts,
        "train.linear_cosine_decay": shared.linear_cosine,
        "train.noisy_linear_cosine_decay": _noisy,
    },
)

# Object detection -----------------------------------------------------------------------------------------------------------------------


def _old(a: Any) -> bool:
    """Tells whether the first form of the file (2017, 2018) is meant."""
    return any(mark in a.at.edition for mark in ("2017", "2018", "old"))


def _cosine_with_warmup(a: Any) -> Schedule:
    """Returns a warmup, a hold and half a cosine; in the first form, without a hold, it climbs again after `total_steps`."""
    checks, first, hold = a.at.checks(), a.warmup_steps, a.hold_base_rate_steps
    total = a.total_decay_steps if a.total_steps is None else a.total_steps
    checks.require(total is not None, "total_steps", "given", None)
    checks.require(
        first + hold < (total or first + hold + 1),
        "total_steps",
        f"above the {first + hold} steps of warmup and hold",
        total,
    )
    low = first == 0 or a.warmup_learning_rate <= a.lr
    checks.require(low, "warmup_learning_rate", f"at most the base rate {a.lr:g}", a.warmup_learning_rate)
    checks.require(not (_old(a) and hold), "hold_base_rate_steps", "0 in the first form", hold)
    checks.done()
    left, floor = total - first - hold, a.lr * a.alpha
    decay = pieces.up_and_down(a.lr, floor, left) if _old(a) else Ramp(a.lr, floor, left, pieces.COSINE)
    held = pieces.in_sequence([Hold(value=a.lr), decay], [hold]) if hold else decay
    return pieces.warmed(a.warmup_learning_rate, a.lr, first, held)


def _with_burnin(a: Any) -> Schedule:
    decay = pieces.exponential(a.learning_rate_decay_factor, a.learning_rate_decay_steps, a.staircase)
    decay = pieces.scaled(decay, a.lr)
    if _old(a):
        decay = pieces.after(decay, a.burnin_steps)
    first = Hold(value=a.burnin_learning_rate or a.lr)
    return Clip(pieces.in_sequence([first, decay], [a.burnin_steps]), a.min_learning_rate)


def _manual(a: Any) -> Schedule:
    checks = a.at.checks()
    marks = checks.milestones("boundaries", a.boundaries, 1, 1)
    checks.require(len(a.rates) == len(marks) + 1, "rates", f"one more than the boundaries, {len(marks) + 1}", a.rates)
    checks.done()
    if not a.warmup:
        return pieces.levels(marks, a.rates)
    rest = pieces.levels([mark - marks[0] for mark in marks[1:]], a.rates[1:])
    return pieces.warmed(a.rates[0], a.rates[1], marks[0], rest)


MODELS.rows(
    {
        "cosine_decay_with_warmup": _cosine_with_warmup,
        "exponential_decay_with_burnin": _with_burnin,
        "manual_stepping": _manual,
    },
)
