"""TensorFlow: `tf.compat.v1.train`, and the schedules of its object-detection models."""

from __future__ import annotations

from typing import Any

from ..core.combinators import Clip
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces, shared
from .reading import At, dialect

__all__ = ["MODELS", "TENSORFLOW"]

TENSORFLOW = dialect(
    "tensorflow",
    title="TensorFlow",
    follows="1",
    modules=("tf.train", "tf.compat.v1.train", "tensorflow.train", "tensorflow.compat.v1.train"),
    aliases=("tf",),
    base="learning_rate",
    ignored={"x": None},
)
MODELS = dialect(
    "tensorflow/models",
    title="object detection",
    modules=("object_detection.utils.learning_schedules",),
    base="learning_rate_base",
    versioned=True,
)
_RATE_STEP, _STEP_RATE = ("learning_rate", "global_step"), ("global_step", "learning_rate_base")


@TENSORFLOW.reads("train.piecewise_constant", "train.piecewise_constant_decay", leading=("x",))
def piecewise_constant(at: At, boundaries: Any, values: Any) -> Schedule:
    """One value after another; at a boundary the old one still holds."""
    return shared.piecewise(at, boundaries, values, late=True)


@TENSORFLOW.reads("train.exponential_decay", leading=_RATE_STEP)
def exponential_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """`decay_rate` to the power of the step over `decay_steps`."""
    return shared.exponential_decay(at, decay_steps, decay_rate, staircase)


@TENSORFLOW.reads("train.inverse_time_decay", leading=_RATE_STEP)
def inverse_time_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The reciprocal of the step over `decay_steps`."""
    return shared.inverse_time_decay(at, decay_steps, decay_rate, staircase)


@TENSORFLOW.reads("train.natural_exp_decay", leading=_RATE_STEP)
def natural_exp_decay(at: At, decay_steps: Any, decay_rate: Any, staircase: Any = False) -> Schedule:
    """The natural exponential of the step over `decay_steps`."""
    return shared.natural_exp_decay(at, decay_steps, decay_rate, staircase)


@TENSORFLOW.reads("train.polynomial_decay", leading=_RATE_STEP)
def polynomial_decay(
    at: At, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0, cycle: Any = False
) -> Schedule:
    """A power of what is left, down to `end_learning_rate`."""
    return shared.polynomial_decay(at, decay_steps, ("end_learning_rate", end_learning_rate), power, cycle)


@TENSORFLOW.reads("train.cosine_decay", leading=_RATE_STEP)
def cosine_decay(at: At, decay_steps: Any, alpha: Any = 0.0) -> Schedule:
    """Half a cosine down to the share `alpha`."""
    checks = at.checks()
    span, floor = checks.span("decay_steps", decay_steps), checks.real("alpha", alpha)
    checks.done()
    return pieces.cosine(at.base, at.base * floor, span)


@TENSORFLOW.reads("train.cosine_decay_restarts", leading=_RATE_STEP)
def cosine_decay_restarts(
    at: At, first_decay_steps: Any, t_mul: Any = 2.0, m_mul: Any = 1.0, alpha: Any = 0.0
) -> Schedule:
    """Half a cosine again and again, longer and lower."""
    return shared.cosine_restarts(at, first_decay_steps, t_mul, m_mul, alpha)


@TENSORFLOW.reads("train.linear_cosine_decay", leading=_RATE_STEP)
def linear_cosine_decay(
    at: At, decay_steps: Any, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001
) -> Schedule:
    """A cosine whose height falls in a straight line; above the base rate at step 0."""
    return shared.linear_cosine_decay(at, decay_steps, num_periods, alpha, beta)


@TENSORFLOW.reads("train.noisy_linear_cosine_decay", leading=_RATE_STEP)
def noisy_linear_cosine_decay(
    at: At,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
) -> Schedule:
    """The same without its noise: only `initial_variance=0` is a function of the step."""
    checks = at.checks()
    if initial_variance != 0:
        remedy = "the rate is drawn anew at every look, and often negative"
        checks.refuse("initial_variance", "0 for a schedule", initial_variance, remedy)
    checks.real("variance_decay", variance_decay)
    checks.done()
    return shared.linear_cosine_decay(at, decay_steps, num_periods, alpha, beta)


# Object detection -----------------------------------------------------------------------------------------------------------------------


def _old(at: At) -> bool:
    """Tells whether the first form of the file (2017, 2018) is meant."""
    return any(mark in at.edition for mark in ("2017", "2018", "old"))


@MODELS.reads("cosine_decay_with_warmup", leading=_STEP_RATE)
def cosine_decay_with_warmup(
    at: At,
    total_steps: Any = None,
    warmup_learning_rate: Any = 0.0,
    warmup_steps: Any = 0,
    hold_base_rate_steps: Any = 0,
    total_decay_steps: Any = None,
    alpha: Any = 0.0,
) -> Schedule:
    """A straight line up, a hold, half a cosine down to 0 at `total_steps`, which includes them all.

    Also under the names `total_decay_steps` and `alpha`, the share of the rate at the end. With `version="2017"` the first form, without a
    hold, which climbs again after `total_steps`.
    """
    checks = at.checks()
    total_steps = total_decay_steps if total_steps is None else total_steps
    floor = at.base * checks.real("alpha", alpha, 0, 1)
    total, first = checks.length("total_steps", total_steps), checks.length("warmup_steps", warmup_steps, 0)
    start = checks.real("warmup_learning_rate", warmup_learning_rate)
    hold = checks.length("hold_base_rate_steps", hold_base_rate_steps, 0)
    checks.require(
        first + hold < total, "total_steps", f"above the {first + hold} steps of warmup and hold", total_steps
    )
    checks.require(first == 0 or start <= at.base, "warmup_learning_rate", f"at most the base rate {at.base:g}", start)
    checks.require(not (_old(at) and hold), "hold_base_rate_steps", "0 in the first form", hold_base_rate_steps)
    checks.done()
    left = total - first - hold
    decay = pieces.up_and_down(at.base, floor, left) if _old(at) else Ramp(at.base, floor, left, pieces.COSINE)
    held = pieces.in_sequence([Hold(value=at.base), decay], [hold]) if hold else decay
    return pieces.warmed(start, at.base, first, held)


@MODELS.reads("exponential_decay_with_burnin", leading=_STEP_RATE)
def exponential_decay_with_burnin(
    at: At,
    learning_rate_decay_steps: Any,
    learning_rate_decay_factor: Any,
    burnin_learning_rate: Any = 0.0,
    burnin_steps: Any = 0,
    min_learning_rate: Any = 0.0,
    staircase: Any = True,
) -> Schedule:
    """A constant rate (0 means the base rate), then an exponential decay; never below `min_learning_rate`, not even at first."""
    checks = at.checks()
    span = checks.span("learning_rate_decay_steps", learning_rate_decay_steps)
    factor = checks.real("learning_rate_decay_factor", learning_rate_decay_factor, above=0)
    first, steps = (
        checks.real("burnin_learning_rate", burnin_learning_rate),
        checks.length("burnin_steps", burnin_steps, 0),
    )
    low, stairs = checks.real("min_learning_rate", min_learning_rate), checks.flag("staircase", staircase)
    checks.done()
    decay = pieces.scaled(pieces.exponential(factor, span, stairs), at.base)
    if _old(at):
        decay = pieces.after(decay, steps)
    return Clip(pieces.in_sequence([Hold(value=first or at.base), decay], [steps]), low)


@MODELS.reads("manual_stepping", leading=("global_step",))
def manual_stepping(at: At, boundaries: Any, rates: Any, warmup: Any = False) -> Schedule:
    """One rate after another, each from its boundary on; with `warmup` a straight line from the first to the second."""
    checks = at.checks()
    marks, levels = checks.milestones("boundaries", boundaries, 1, 1), checks.reals("rates", rates, 1)
    rises = checks.flag("warmup", warmup)
    checks.require(len(levels) == len(marks) + 1, "rates", f"one more than the boundaries, {len(marks) + 1}", rates)
    checks.done()
    if not rises:
        return pieces.levels(marks, levels)
    rest = pieces.levels([mark - marks[0] for mark in marks[1:]], levels[1:])
    return pieces.warmed(levels[0], levels[1], marks[0], rest)
