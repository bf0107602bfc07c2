"""Schedulers on the share of the run that is done: fvcore's, detectron2's and fastai's; and the sweep of torch-lr-finder.

`max_iter` says how many steps the run has; without it, step 1 is its end and shares are looked at as fractions of a step. At its end, where
fvcore's `common.param_scheduler` raises, the last value is held. For the methods of fastai (2.8) that train, `n_iter` is the number of
batches in an epoch; the last batch of a run sees the value just before the end.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from operator import mul
from typing import Any

from ..core import Exponential, Hold, Product, Profile, Ramp, Schedule, Stretch, Until
from ..core.curves import Polynomial, Reverse
from ..core.fields import simplest
from . import pieces
from .calls import Call
from .reading import nested
from .table import dialect

FVCORE = dialect("fvcore")
_EPSILON = 1e-6  # of the run; fvcore looks this far ahead
_FINE = 10**9  # parts of a run whose steps are not known


def _levels(a: Any, shares: list[float], values: list[float]) -> Schedule:
    """Returns one value after another, each from its share of the run on, less what fvcore looks ahead."""
    clock = a.max_iter if a.max_iter > 1 else _FINE
    marks = [math.ceil((share - _EPSILON) * clock - 1e-9) for share in shares]
    kept = {mark: value for mark, value in zip([0, *marks], values, strict=True) if mark >= 0}  # the last one wins
    made = pieces.levels(list(kept)[1:], list(kept.values()))
    return made if clock == a.max_iter else Stretch(made, 1 / clock)


def _even(a: Any, values: list[float]) -> Schedule:
    return _levels(a, [i / len(values) for i in range(1, len(values))], values)


def MultiStepParamScheduler(a: Any) -> Schedule:
    count, total, checks = len(a.values), a.num_updates, a.at.checks()
    if a.milestones is None:
        checks.require(total is not None, "num_updates", "given, or milestones", None)
        marks = [math.ceil((total or 1) / count) * (i + 1) for i in range(count - 1)]
    else:
        marks = list(a.milestones)
        rule = f"{count - (total is not None)} of them for {count} values"
        checks.require(len(marks) == count - (total is not None), "milestones", rule, a.milestones)
        total = marks.pop() if total is None and marks else total
    checks.require(all(mark < (total or 1) for mark in marks), "milestones", f"below num_updates, {total}", marks)
    checks.done()
    return _levels(a, [mark / total for mark in marks], a.values)  # type: ignore[operator]


def _inner(a: Any, field: str, value: Any, clock: int) -> Schedule:
    """Returns an inner scheduler on a run of `clock` steps."""
    call = nested(a.at, field, value)
    if not isinstance(call, Call):
        return call
    return a.at.dialect.inside(a.at, replace(call, arguments={**call.arguments, "max_iter": clock}))


def _composite(a: Any, parts: list[Any], lengths: list[float], scaling: list[str]) -> Schedule:
    """Returns schedulers one after another, on their own clock (rescaled) or on the run's (fixed)."""
    shares = [simplest(length) for length in lengths[:-1]]
    starts = [Fraction(0), *accumulate(shares)]
    clock = a.max_iter if a.max_iter > 1 else _FINE
    if any((start * clock).denominator != 1 and abs(start * clock - round(start * clock)) > 1e-9 for start in starts):
        clock *= math.lcm(*(share.denominator for share in shares))
    marks, ahead = [round(start * clock) for start in starts], max(math.ceil(_EPSILON * clock) - 1, 0)
    made: list[Schedule] = []
    for i, (part, kind) in enumerate(zip(parts, scaling, strict=True)):
        early, own = ahead if i else 0, kind == "rescaled"
        length = [*marks[1:], clock][i] - marks[i] if own else clock
        inner = part if isinstance(part, Schedule) else _inner(a, f"schedulers[{i}]", part, length)
        made.append(pieces.after(inner, -early if own else marks[i] - early))
    whole = pieces.in_sequence(made, [mark - ahead for mark in marks[1:]])
    return whole if clock == a.max_iter else Stretch(whole, a.max_iter / clock)


def CompositeParamScheduler(a: Any) -> Schedule:
    checks, lengths = a.at.checks(), list(a.lengths)
    parts = checks.items("schedulers", a.schedulers, 1)
    scaling = checks.items("interval_scaling", a.interval_scaling, 1)
    checks.done()
    a.require(len(parts) == len(lengths) == len(scaling), "lengths", "as many as the schedulers")
    a.require(abs(sum(lengths) - 1) < 1e-3 and min(lengths) > 0, "lengths", "above 0, with the sum 1")
    a.require({*scaling} <= {"rescaled", "fixed"}, "interval_scaling", "'rescaled' or 'fixed' for each")
    return _composite(a, parts, lengths, scaling)


def WarmupParamScheduler(a: Any) -> Schedule:
    """Returns detectron2's warmup to where the scheduler then is, or, rescaled, to its beginning."""
    share, kind = a.warmup_length, "rescaled" if a.rescale_interval else "fixed"
    if share == 0:
        return _inner(a, "scheduler", a.scheduler, a.max_iter)
    length = simplest(share)
    clock = length.denominator * a.max_iter if (length * a.max_iter).denominator != 1 else a.max_iter
    whole = _inner(a, "scheduler", a.scheduler, clock)
    start = a.warmup_factor * whole(0)
    end = whole(0) if a.rescale_interval else whole(round(length * clock))
    end = start if a.warmup_method == "constant" else end
    parts = [Call("LinearParamScheduler", {"start_value": start, "end_value": end}), a.scheduler]
    return _composite(a, parts, [share, 1 - share], ["rescaled", kind])


def _factor(a: Any) -> Schedule:
    """Returns the factor of the older classes' warmup."""
    if a.warmup_method == "constant":
        return pieces.held(a.warmup_factor, a.warmup_iters, Hold())
    return pieces.ramp(a.warmup_factor, 1.0, a.warmup_iters)


FVCORE.rows(
    globals(),
    ConstantParamScheduler=lambda a: Hold(value=a.value),
    CosineParamScheduler=lambda a: Ramp(a.start_value, a.end_value, a.max_iter, pieces.COSINE),
    LinearParamScheduler=lambda a: Ramp(a.start_value, a.end_value, a.max_iter),
    ExponentialParamScheduler=lambda a: Until(Exponential(a.decay, a.max_iter, a.start_value), a.max_iter),
    PolynomialDecayParamScheduler=lambda a: Ramp(a.base_value, 0.0, a.max_iter, pieces.curve_of_power(a.power)),
    StepParamScheduler=lambda a: _even(a, a.values),
    StepWithFixedGammaParamScheduler=lambda a: _even(a, [*accumulate([a.base_value, *[a.gamma] * a.num_decays], mul)]),
    LRMultiplier=lambda a: pieces.scaled(_inner(a, "multiplier", a.multiplier, a.max_iter), a.lr),
    WarmupMultiStepLR=lambda a: Product((_factor(a), pieces.drops(list(a.milestones), a.gamma)), a.lr),
    WarmupCosineLR=lambda a: Product((_factor(a), pieces.wave(1.0, 0.0, a.max_iters)), a.lr),
)


# fastai and torch-lr-finder ----------------------------------------------------------------------------------------------------------------

FASTAI = dialect("fastai")


def fit_one_cycle(a: Any) -> Schedule:
    steps, lr = a.n_epoch * a.n_iter, a.lr if a.lr_max is None else a.lr_max
    values = [lr / a.div, lr, lr / a.div_final]
    if a.at.value == "momentum":
        values = list(a.moms)
    if not 0 < a.pct_start < 1:
        return Ramp(values[0 if a.pct_start else 1], values[1 if a.pct_start else 2], steps, pieces.COSINE)
    return Profile([0.0, a.pct_start * steps, float(steps)], values, pieces.COSINE)


def fit_flat_cos(a: Any) -> Schedule:
    steps, lr = a.n_epoch * a.n_iter, a.at.base if a.lr is None else a.lr
    return Profile([0.0, a.pct_start * steps, float(steps)], [lr, lr, lr / a.div_final], pieces.COSINE)


def fit_sgdr(a: Any) -> Schedule:
    lr, length = a.lr if a.lr_max is None else a.lr_max, a.cycle_len * a.n_iter
    lengths = [length * a.cycle_mult**i for i in range(a.n_cycles)]
    return pieces.each([(Ramp(lr, 0.0, n, pieces.COSINE), n) for n in lengths])


def combine_scheds(a: Any) -> Schedule:
    a.require(abs(sum(a.pcts) - 1) < 1e-9 and len(a.pcts) == len(a.scheds), "pcts", "one for each, with the sum 1")
    return _composite(a, a.scheds, list(a.pcts), ["rescaled"] * len(a.pcts))


FASTAI.rows(
    globals(),
    SchedLin=lambda a: Ramp(a.start, a.end, a.max_iter),
    SchedCos=lambda a: Ramp(a.start, a.end, a.max_iter, pieces.COSINE),
    SchedNo=lambda a: Hold(value=a.start),
    SchedExp=lambda a: Exponential(a.end / a.start, a.max_iter, a.start),
    SchedPoly=lambda a: Ramp(
        a.start, a.end, a.max_iter, Reverse(Polynomial(a.power)) if a.power != 1 else pieces.LINEAR
    ),
    combined_cos=lambda a: Profile(
        [0.0, a.pct * a.max_iter, float(a.max_iter)], [a.start, a.middle, a.end], pieces.COSINE
    ),
    moves="fit_one_cycle=momentum",
)

LR_FINDER = dialect("lr_finder")


def range_test(a: Any) -> Schedule:
    start = a.lr if a.start_lr is None else a.start_lr
    a.require(a.num_iter > 1, "num_iter", "above 1")
    if a.step_mode == "linear":
        return Ramp(start, a.end_lr, a.num_iter - 1)
    a.require(start > 0 and a.end_lr > 0, "end_lr", "above 0, as the start")
    return Exponential(a.end_lr / start, a.num_iter - 1, start)


LR_FINDER.rows(globals())
