"""DeepSpeed (0.19), Megatron-LM (Core 0.20) and torchtitan (0.2).

DeepSpeed's `runtime.lr_schedules` set the rate when they are made, and index 0 again after the first batch: the first two updates share one
rate, and step t has the rate of index t - 1. Megatron's `OptimizerParamScheduler` and the steps of its batch size count samples: `increment`
says how many an update has; without it a step of ours is one of its own.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..core import Hold, Ramp, Schedule, Stretch
from ..core.curves import Exponential as Halving
from . import pieces
from .table import dialect

DEEPSPEED = dialect("deepspeed")


def _rise(a: Any, low: float, high: float, then: Schedule) -> Schedule:
    """Returns a warmup in a straight line or a logarithm, then the rest."""
    steps = max(2, a.warmup_num_steps)
    up: Schedule = Ramp(low, high, steps)
    if a.warmup_type == "log":
        up = pieces.formula("low + d * (c * log(step + 1))", low=low, d=high - low, c=1.0 / math.log(steps))
    return pieces.in_sequence([up, then], [steps])


def WarmupDecayLR(a: Any) -> Schedule:
    steps, low, high = max(2, a.warmup_num_steps), a.warmup_min_lr, a.warmup_max_lr
    return pieces.held(low, 1, _rise(a, low, high, pieces.ramp(high, low, a.total_num_steps - steps)))


def WarmupCosineLR(a: Any) -> Schedule:
    left = max(1, a.total_num_steps - max(2, a.warmup_num_steps))
    down = pieces.after(Ramp(a.lr, a.cos_min_ratio * a.lr, left, pieces.COSINE), 1)
    return pieces.held(0.0, 1, _rise(a, a.warmup_min_ratio * a.lr, a.lr, down))


def _stairs(a: Any, low: float, high: float) -> tuple[Schedule, Schedule, int]:
    """Returns the ways up and down, and how long they are together."""
    first = a.cycle_first_step_size
    second = first if a.cycle_second_step_size is None else a.cycle_second_step_size
    rising = a.cycle_first_stair_count
    falling = rising if a.cycle_second_stair_count is None else a.cycle_second_stair_count
    up, down = pieces.ramp(low, high, first), pieces.ramp(high, low, second)
    numbers = {"low": low, "d": high - low}
    if rising:
        up = pieces.formula("low + d * (floor(step * k / n) / k)", k=rising, n=first, **numbers)
    if falling and second:
        down = pieces.formula("low + d * (floor((n - step) * k / n) / k)", k=falling, n=second, **numbers)
    return up, down, second


def OneCycle(a: Any) -> Schedule:
    momentum = a.at.value == "momentum"
    a.at.require(a.cycle_momentum or not momentum, "cycle_momentum", "true for the momentum to move", False)
    low, high = (a.cycle_max_mom, a.cycle_min_mom) if momentum else (a.cycle_min_lr, a.cycle_max_lr)
    up, down, second = _stairs(a, low, high)
    rate, rest = a.decay_mom_rate if momentum else a.decay_lr_rate, Hold(value=low)
    if rate and a.decay_step_size:
        text = f"low {'*' if momentum else '/'} (1 + r * step / n)"
        rest = pieces.formula(text, low=low, r=rate, n=a.decay_step_size)
    first = a.cycle_first_step_size
    whole = pieces.in_sequence([up, down, rest], [first, first + second])
    # a cycle of momentum begins at its lower end for one update: it is what the constructor puts there
    return pieces.held(a.cycle_min_mom, 1, pieces.after(whole, 1)) if momentum else whole


def WarmupLR(a: Any) -> Schedule:
    top = a.lr if a.warmup_max_lr is None else a.warmup_max_lr
    return pieces.held(a.warmup_min_lr, 1, _rise(a, a.warmup_min_lr, top, Hold(value=top)))


def LRRangeTest(a: Any) -> Schedule:
    text = "low * (1 + r * floor(step / n))" if a.lr_range_test_staircase else "low * (1 + r * (step / n))"
    numbers = {"low": a.lr_range_test_min_lr, "r": a.lr_range_test_step_rate, "n": a.lr_range_test_step_size}
    return pieces.formula(text, **numbers)


DEEPSPEED.rows(globals(), moves="OneCycle=momentum")


# Megatron-LM -------------------------------------------------------------------------------------------------------------------------------

MEGATRON = dialect("megatron")
_CURVES = {name: pieces.CURVES[name] for name in ("linear", "cosine", "minus_sqrt")} | {"exponential": Halving(0.5)}


def _rate(a: Any) -> Schedule:
    """Returns the rate on Megatron's own clock."""
    style, warmup, total, high, low = a.lr_decay_style, a.lr_warmup_steps, a.lr_decay_steps, a.max_lr, a.min_lr
    a.at.require(warmup < total, "lr_warmup_steps", f"below lr_decay_steps, {total}", warmup)
    a.at.require(low <= high, "min_lr", f"at most max_lr, {high:g}", low)
    a.require(a.init_lr <= high, "init_lr", f"at most max_lr, {high:g}")
    if style == "constant":
        main: Schedule = Hold(value=high)
    elif style == "inverse-square-root":
        main = pieces.formula("max(low, high * w ** 0.5 / max(step, 1) ** 0.5)", low=low, high=high, w=max(warmup, 1))
        main = pieces.in_sequence([main, Hold(value=low)], [total + 1])
    elif style == "WSD":
        steps, styles = a.given("wsd_decay_steps", "given for WSD"), f"one of {', '.join(_CURVES)}"
        a.at.require(steps <= total, "wsd_decay_steps", f"at most lr_decay_steps, {total}", steps)
        decay = Ramp(high, low, steps, _CURVES[a.given("lr_wsd_decay_style", styles)])
        main = pieces.held(high, total - steps, decay)
    else:
        main = pieces.held(high, warmup, Ramp(high, low, total - warmup, _CURVES[style]))
    if style == "WSD" and total - a.wsd_decay_steps < warmup and warmup > 0:  # the warmup's last step is still its own
        rest = pieces.after(main, warmup + 1)
        return pieces.in_sequence([Ramp(a.init_lr, high, warmup), Hold(value=high), rest], [warmup, warmup + 1])
    return pieces.warmed(a.init_lr, high, warmup, pieces.after(main, warmup))


def OptimizerParamScheduler(a: Any) -> Schedule:
    if a.at.value == "weight_decay":
        a.require(a.start_wd <= a.end_wd, "end_wd", f"at least start_wd, {a.start_wd:g}")
        made = Hold(value=a.end_wd)
        if a.wd_incr_style != "constant":
            made = pieces.ramp(a.start_wd, a.end_wd, a.wd_incr_steps, pieces.CURVES[a.wd_incr_style])
    else:
        made = _rate(a)
    return made if a.increment == 1 else Stretch(made, 1 / a.increment)


_TIMES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def StepBatchsizeNumMicroBatchesCalculator(a: Any) -> Schedule:
    """Returns the global batch size by consumed samples: `0:768 250B:1536` is in tokens where the length of a sequence is known."""
    found = re.findall(r"(\d+(?:\.\d+)?)([KMBT]?):(\d+)", a.schedule)
    rule = "such as '0:768 250B:1536', from 0 on and increasing"
    a.require(bool(found) and len(found) == len(a.schedule.split()), "schedule", rule)
    marks = [float(number) * _TIMES[suffix] for number, suffix, _ in found]
    a.require(marks[0] == 0 and marks == sorted(set(marks)), "schedule", rule)
    sizes = [float(size) for *_, size in found]
    return pieces.levels([-int(-mark // (a.seq_length or 1)) for mark in marks[1:]], sizes)


MEGATRON.rows(globals(), moves="OptimizerParamScheduler=weight_decay")


# torchtitan --------------------------------------------------------------------------------------------------------------------------------

TORCHTITAN = dialect("torchtitan")


def LRSchedulersContainer(a: Any) -> Schedule:
    """Returns a warmup whose first update has one part of it, and a decay that is one step ahead, so that no update has 0."""
    total = a.total_steps
    warmup = min(a.warmup_steps, total)
    decay = total - warmup if a.decay_ratio is None else min(round(total * a.decay_ratio), total - warmup)
    rise = Ramp(a.lr / warmup, a.lr, warmup - 1) if warmup > 1 else Hold(value=a.lr)
    fall = pieces.ramp(a.lr, a.lr * a.min_lr_factor, decay, {**pieces.CURVES, "sqrt": pieces.ROOT}[a.decay_type])
    rest = pieces.held(a.lr, total + 1 - warmup - decay, pieces.after(fall, 1))
    return pieces.in_sequence([rise, rest], [warmup])


TORCHTITAN.rows(globals())
