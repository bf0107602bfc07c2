"""fastai's `callback.schedule`, as of 2.8, and the sweep of torch-lr-finder.

fastai's functions look at the share of the run that is done. `max_iter` says how many batches the run has; for the methods that train,
`n_iter` is the number of batches in an epoch. Without them step 1 is the end. The last batch of a run sees the value just before the end.
"""

from __future__ import annotations

from typing import Any

from ..core.classics import Profile
from ..core.curves import Polynomial, Reverse
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, Ramp
from . import pieces
from .fvcore import composite
from .table import dialect

__all__ = ["FASTAI", "LR_FINDER"]

FASTAI = dialect("fastai")


def _one_cycle(a: Any) -> Schedule:
    steps, lr = a.n_epoch * a.n_iter, a.lr if a.lr_max is None else a.lr_max
    values = [lr / a.div, lr, lr / a.div_final]
    if a.at.value == "momentum":
        values = list(a.moms)
    if not 0 < a.pct_start < 1:
        return Ramp(values[0 if a.pct_start else 1], values[1 if a.pct_start else 2], steps, pieces.COSINE)
    return Profile([0.0, a.pct_start * steps, float(steps)], values, pieces.COSINE)


def _flat_cosine(a: Any) -> Schedule:
    steps, lr = a.n_epoch * a.n_iter, a.at.base if a.lr is None else a.lr
    return Profile([0.0, a.pct_start * steps, float(steps)], [lr, lr, lr / a.div_final], pieces.COSINE)


def _sgdr(a: Any) -> Schedule:
    lr, length, mult = a.lr if a.lr_max is None else a.lr_max, a.cycle_len * a.n_iter, a.cycle_mult
    lengths = [length * mult**i for i in range(a.n_cycles)]
    marks = [sum(lengths[:i]) for i in range(1, len(lengths))]
    return pieces.in_sequence([Ramp(lr, 0.0, n, pieces.COSINE) for n in lengths], marks)


def _combined(a: Any) -> Schedule:
    a.at.require(
        abs(sum(a.pcts) - 1) < 1e-9 and len(a.pcts) == len(a.scheds), "pcts", "one for each, with the sum 1", a.pcts
    )
    return composite(a, a.scheds, list(a.pcts), ["rescaled"] * len(a.pcts))


FASTAI.rows(
    {
        "SchedLin": lambda a: Ramp(a.start, a.end, a.max_iter),
        "SchedCos": lambda a: Ramp(a.start, a.end, a.max_iter, pieces.COSINE),
        "SchedNo": lambda a: Hold(value=a.start),
        "SchedExp": lambda a: Exponential(a.end / a.start, a.max_iter, a.start),
        "SchedPoly": lambda a: Ramp(
            a.start, a.end, a.max_iter, Reverse(Polynomial(a.power)) if a.power != 1 else pieces.LINEAR
        ),
        "combined_cos": lambda a: Profile(
            [0.0, a.pct * a.max_iter, float(a.max_iter)], [a.start, a.middle, a.end], pieces.COSINE
        ),
        "combine_scheds": _combined,
        "fit_one_cycle": _one_cycle,
        "fit_flat_cos": _flat_cosine,
        "fit_sgdr": _sgdr,
    },
    fit_one_cycle="momentum",
)

LR_FINDER = dialect("lr_finder")


def _sweep(a: Any) -> Schedule:
    start = a.lr if a.start_lr is None else a.start_lr
    a.at.require(a.num_iter > 1, "num_iter", "above 1", a.num_iter)
    if a.step_mode == "linear":
        return Ramp(start, a.end_lr, a.num_iter - 1)
    a.at.require(start > 0 and a.end_lr > 0, "end_lr", "above 0, as the start", a.end_lr)
    return Exponential(a.end_lr / start, a.num_iter - 1, start)


LR_FINDER.rows({"range_test": _sweep})
