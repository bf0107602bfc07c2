"""Megatron-LM: `OptimizerParamScheduler` and the steps of the batch size, as of Megatron-Core 0.20.

Megatron counts samples. `increment` says how many an update has; without it a step of ours is one of its own.
"""

from __future__ import annotations

import re
from typing import Any

from ..core import curves
from ..core.combinators import Stretch
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from . import pieces
from .table import dialect

__all__ = ["MEGATRON"]

MEGATRON = dialect("megatron")
_CURVES = {
    "linear": pieces.LINEAR,
    "cosine": pieces.COSINE,
    "exponential": curves.Exponential(0.5),
    "minus_sqrt": curves.OneMinusSqrt(),
}


def _rate(a: Any) -> Schedule:
    """Returns the rate on Megatron's own clock."""
    style, warmup, total, high, low = a.lr_decay_style, a.lr_warmup_steps, a.lr_decay_steps, a.max_lr, a.min_lr
    a.at.require(warmup < total, "lr_warmup_steps", f"below lr_decay_steps, {total}", warmup)
    a.at.require(low <= high, "min_lr", f"at most max_lr, {high:g}", low)
    a.at.require(a.init_lr <= high, "init_lr", f"at most max_lr, {high:g}", a.init_lr)
    if style == "constant":
        main: Schedule = Hold(value=high)
    elif style == "inverse-square-root":
        text = "max(low, high * w ** 0.5 / max(step, 1) ** 0.5)"
        main = pieces.formula(text, low=low, high=high, w=max(warmup, 1))
        main = pieces.in_sequence([main, Hold(value=low)], [total + 1])
    elif style == "WSD":
        steps = a.wsd_decay_steps
        a.at.require(steps is not None, "wsd_decay_steps", "given for WSD", None)
        a.at.require(steps <= total, "wsd_decay_steps", f"at most lr_decay_steps, {total}", steps)
        a.at.require(a.lr_wsd_decay_style is not None, "lr_wsd_decay_style", f"one of {', '.join(_CURVES)}", None)
        decay = Ramp(high, low, steps, _CURVES[a.lr_wsd_decay_style])
        main = pieces.in_sequence([Hold(value=high), decay], [total - steps])
    else:
        main = pieces.in_sequence([Hold(value=high), Ramp(high, low, total - warmup, _CURVES[style])], [warmup])
    if style == "WSD" and total - a.wsd_decay_steps < warmup and warmup > 0:  # the warmup's last step is still its own
        rest = pieces.after(main, warmup + 1)
        return pieces.in_sequence([Ramp(a.init_lr, high, warmup), Hold(value=high), rest], [warmup, warmup + 1])
    return pieces.warmed(a.init_lr, high, warmup, pieces.after(main, warmup))


def _scheduled(a: Any) -> Schedule:
    if a.at.value == "weight_decay":
        curve = pieces.COSINE if a.wd_incr_style == "cosine" else pieces.LINEAR
        a.at.require(a.start_wd <= a.end_wd, "end_wd", f"at least start_wd, {a.start_wd:g}", a.end_wd)
        made = Hold(value=a.end_wd)
        if a.wd_incr_style != "constant":
            made = pieces.ramp(a.start_wd, a.end_wd, a.wd_incr_steps, curve)
    else:
        made = _rate(a)
    return made if a.increment == 1 else Stretch(made, 1 / a.increment)


_TIMES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def _batch_sizes(a: Any) -> Schedule:
    """Returns the global batch size by consumed samples: `0:768 250B:1536` is in tokens where the length of a sequence is known."""
    found = re.findall(r"(\d+(?:\.\d+)?)([KMBT]?):(\d+)", a.schedule)
    rule = "such as '0:768 250B:1536', from 0 on and increasing"
    a.at.require(bool(found) and len(found) == len(a.schedule.split()), "schedule", rule, a.schedule)
    marks = [float(number) * _TIMES[suffix] for number, suffix, _ in found]
    a.at.require(marks[0] == 0 and marks == sorted(set(marks)), "schedule", rule, a.schedule)
    return pieces.levels(
        [-int(-mark // (a.seq_length or 1)) for mark in marks[1:]], [float(size) for *_, size in found]
    )


MEGATRON.rows(
    {
        "OptimizerParamScheduler": _scheduled,
        "StepBatchsizeNumMicroBatchesCalculator": _batch_sizes,
    },
    OptimizerParamScheduler="weight_decay",
)
