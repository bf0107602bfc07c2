"""fvcore's `common.param_scheduler` and detectron2's `solver.lr_scheduler`.

fvcore's schedulers are functions of the share of the run that is done. `max_iter` says how many steps the run has; without it, step 1 is
its end and shares are looked at as fractions of a step. At the end, where fvcore raises, the last value is held.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from typing import Any

from ..core.combinators import Product, Stretch, Until
from ..core.fields import simplest
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, Ramp
from . import pieces
from .calls import Call
from .reading import dialect, nested

__all__ = ["FVCORE", "composite"]

FVCORE = dialect(
    "fvcore",
    title="fvcore and detectron2",
    follows="0.1.5",
    modules=("fvcore.common.param_scheduler", "detectron2.solver.lr_scheduler", "detectron2.solver"),
    aliases=("detectron2",),
    ignored={"last_iter": -1},
    leading=(),
    common="max_iter: steps = 1",
)
_EPSILON = 1e-6  # of the run; fvcore looks this far ahead
_FINE = 10**9  # parts of a run whose steps are not known


def _levels(a: Any, shares: list[float], values: list[float]) -> Schedule:
    """Returns one value after another, each from its share of the run on, less what fvcore looks ahead."""
    clock = a.max_iter if a.max_iter > 1 else _FINE
    marks = [math.ceil((share - _EPSILON) * clock - 1e-9) for share in shares]
    kept = {mark: value for mark, value in zip([0, *marks], values, strict=True) if mark >= 0}  # the last one wins
    made = pieces.levels(list(kept)[1:], list(kept.values()))
    return made if clock == a.max_iter else Stretch(made, 1 / clock)


def _multistep(a: Any) -> Schedule:
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


def composite(a: Any, parts: list[Any], lengths: list[float], scaling: list[str]) -> Schedule:
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


def _composed(a: Any) -> Schedule:
    checks = a.at.checks()
    parts, lengths = checks.items("schedulers", a.schedulers, 1), list(a.lengths)
    scaling = checks.items("interval_scaling", a.interval_scaling, 1)
    checks.require(len(parts) == len(lengths) == len(scaling), "lengths", "as many as the schedulers", a.lengths)
    checks.require(abs(sum(lengths) - 1) < 1e-3 and min(lengths) > 0, "lengths", "above 0, with the sum 1", a.lengths)
    words = all(kind in ("rescaled", "fixed") for kind in scaling)
    checks.require(words, "interval_scaling", "'rescaled' or 'fixed' for each", a.interval_scaling)
    checks.done()
    return composite(a, parts, lengths, scaling)


def _warmup(a: Any) -> Schedule:
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
    return composite(a, parts, [share, 1 - share], ["rescaled", kind])


def _factor(a: Any) -> Schedule:
    """Returns the factor of the older classes' warmup."""
    if a.warmup_method == "constant":
        return pieces.in_sequence([Hold(value=a.warmup_factor), Hold()], [a.warmup_iters])
    return pieces.ramp(a.warmup_factor, 1.0, a.warmup_iters)


_WARM = "warmup_factor: real = 0.001, warmup_iters: steps0 = 1000, warmup_method: 'linear' | 'constant' = 'linear'"
_ENDS = "start_value: real, end_value: real"
FVCORE.row("ConstantParamScheduler(value: real)", "One value.", lambda a: Hold(value=a.value))
FVCORE.row(
    f"CosineParamScheduler({_ENDS})",
    "Half a cosine over the run.",
    lambda a: Ramp(a.start_value, a.end_value, a.max_iter, pieces.COSINE),
    example="start_value=1.0, end_value=0.01, max_iter=10000",
)
FVCORE.row(
    f"LinearParamScheduler({_ENDS})",
    "A straight line over the run.",
    lambda a: Ramp(a.start_value, a.end_value, a.max_iter),
    example="start_value=1.0, end_value=0.01, max_iter=10000",
)
FVCORE.row(
    "ExponentialParamScheduler(start_value: real, decay: positive)",
    "`decay` times as much at the end of the run, exponentially.",
    lambda a: Until(Exponential(a.decay, a.max_iter, a.start_value), a.max_iter),
    example="start_value=1.0, decay=0.01, max_iter=10000",
)
FVCORE.row(
    "PolynomialDecayParamScheduler(base_value: real, power: positive)",
    "A power of what is left of the run.",
    lambda a: Ramp(a.base_value, 0.0, a.max_iter, pieces.curve_of_power(a.power)),
    example="base_value=1.0, power=0.9, max_iter=10000",
)
FVCORE.row(
    "MultiStepParamScheduler(values: reals, num_updates: steps = None, milestones: marks = None)",
    "One value after another, from each milestone on; without them in equal parts.",
    _multistep,
    example="values=[1.0, 0.1, 0.01], num_updates=10000, max_iter=10000",
)
FVCORE.row(
    "StepParamScheduler(num_updates: positive, values: reals)",
    "One value after another in equal parts of the run.",
    lambda a: _levels(a, [i / len(a.values) for i in range(1, len(a.values))], a.values),
    example="num_updates=10000, values=[1.0, 0.1, 0.01], max_iter=10000",
)
FVCORE.row(
    "StepWithFixedGammaParamScheduler(base_value: positive, num_decays: steps, gamma: positive, num_updates: steps)",
    "`num_decays` times `gamma`, in equal parts of the run.",
    lambda a: _levels(
        a,
        [i / (a.num_decays + 1) for i in range(1, a.num_decays + 1)],
        [*accumulate([a.base_value, *[a.gamma] * a.num_decays], lambda x, y: x * y)],
    ),
    example="base_value=1.0, num_decays=3, gamma=0.3, num_updates=10000, max_iter=10000",
)
FVCORE.row(
    "CompositeParamScheduler(schedulers: any, lengths: reals, interval_scaling: any)",
    "Schedulers one after another, each on its own clock (`rescaled`) or on the run's (`fixed`).",
    _composed,
    example="schedulers='[LinearParamScheduler(0, 1), CosineParamScheduler(1, 0)]', lengths=[0.1, 0.9],"
    "interval_scaling=['rescaled', 'rescaled'], max_iter=10000",
)
FVCORE.row(
    "WarmupParamScheduler(scheduler: any, warmup_factor: real, warmup_length: share,"
    "warmup_method: 'linear' | 'constant' = 'linear', rescale_interval: flag = False)",
    "A warmup to where the scheduler then is; with `rescale_interval` to its beginning, and the whole of it after that.",
    _warmup,
    example="scheduler='CosineParamScheduler(1, 0)', warmup_factor=0.001, warmup_length=0.1, max_iter=10000",
)
FVCORE.row(
    "LRMultiplier(multiplier: any, max_iter: steps)",
    "A scheduler times the optimizer's rate, over `max_iter` steps.",
    lambda a: pieces.scaled(_inner(a, "multiplier", a.multiplier, a.max_iter), a.lr),
    leading=("optimizer",),
    example="multiplier='CosineParamScheduler(1, 0)', max_iter=10000",
)
FVCORE.row(
    f"WarmupMultiStepLR(milestones: marks, gamma: positive = 0.1, {_WARM})",
    "One more `gamma` at each milestone, under a warmup: detectron2's older class.",
    lambda a: Product((_factor(a), pieces.drops(list(a.milestones), a.gamma)), a.lr),
    leading=("optimizer",),
)
FVCORE.row(
    f"WarmupCosineLR(max_iters: steps, {_WARM})",
    "A cosine from the beginning of the run, under a warmup: detectron2's older class.",
    lambda a: Product((_factor(a), pieces.wave(1.0, 0.0, a.max_iters)), a.lr),
    leading=("optimizer",),
)
