"""Hugging Face transformers: the functions of `transformers.optimization` and `get_scheduler`, as of 5.23.

Each is a factor of the optimizer's rate. `num_training_steps` holds the warmup.
"""

from __future__ import annotations

from typing import Any

from ..core import Hold, InverseSqrt, Ramp, Repeat, Schedule
from ..core.curves import Sqrt
from . import pieces
from .calls import Call
from .table import dialect


def _warmed(a: Any, then: Schedule) -> Schedule:
    return pieces.warmed(0.0, a.lr, a.num_warmup_steps, then)


TRANSFORMERS = dialect("transformers", around=_warmed)


def _left(a: Any) -> int:
    return max(a.unit, a.num_training_steps - a.num_warmup_steps)


def _wave(a: Any, floor: float) -> Schedule:
    return pieces.wave(a.lr, floor, _left(a) / (2 * a.num_cycles))


def get_cosine_with_hard_restarts_schedule_with_warmup(a: Any) -> Schedule:
    if a.num_training_steps <= a.num_warmup_steps:
        return pieces.held(a.lr, a.unit, Hold(value=0.0))
    cycle = pieces.lasting(_left(a) / a.num_cycles, lambda n: Repeat(Ramp(a.lr, 0.0, n, pieces.COSINE)))
    return pieces.in_sequence([cycle, Hold(value=0.0)], [_left(a)])


def get_polynomial_decay_schedule_with_warmup(a: Any) -> Schedule:
    left = a.num_training_steps - a.num_warmup_steps
    a.require(a.lr_end < a.lr, "lr_end", f"below the optimizer's rate {a.lr:g}")
    rule = f"another number than the {a.num_warmup_steps} steps of warmup"
    a.require(left != 0 or not a.at.strict, "num_training_steps", rule, "it divides by the rest")
    if left > 0 and not a.power:
        return pieces.held(a.lr, left + 1, Hold(value=a.lr_end))
    return pieces.ramp(a.lr, a.lr_end, left, pieces.curve_of_power(a.power or 1.0))


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(a: Any) -> Schedule:
    """Returns the cosine with a floor one step ahead."""
    warmup, decay = a.num_warmup_steps, pieces.after(_wave(a, a.level("min_lr", "min_lr_rate")), a.unit)
    if not warmup:
        return decay
    share = a.unit / max(warmup, a.unit) if a.warmup_lr_rate is None else a.warmup_lr_rate
    start = share * a.lr
    rise = Ramp(start, a.lr, warmup - a.unit) if warmup > a.unit else Hold(value=start)
    if a.unit > 1 and warmup > a.unit:  # between the last whole step and the end of the warmup it goes on
        rise = Ramp(start, start + (a.lr - start) * warmup / (warmup - a.unit), warmup)
    return pieces.in_sequence([rise, decay], [warmup])


def get_wsd_schedule(a: Any) -> Schedule:
    warmup, steps, stable, low = a.num_warmup_steps, a.num_decay_steps, a.num_stable_steps, a.min_lr_ratio * a.lr
    if stable is None:
        stable = a.given("num_training_steps", "given, or num_stable_steps") - warmup - steps
    if a.decay_type == "cosine" and steps:
        wave = pieces.wave(a.lr, low, steps / (2 * a.num_cycles))
        decay = pieces.in_sequence([wave, Hold(value=low)], [steps])
    else:
        decay = pieces.ramp(a.lr, low, steps, pieces.CURVES[a.decay_type])
    rest = pieces.after(decay, -stable) if stable < 0 else pieces.held(a.lr, stable, decay)
    rise = pieces.ramp(low, a.lr, warmup, {**pieces.CURVES, "1-sqrt": Sqrt()}[a.warmup_type])
    return pieces.in_sequence([rise, rest], [warmup])


def get_scheduler(a: Any) -> Schedule:
    """Returns one of the others by its type, with its own arguments beside it."""
    kind, own = a.name.rpartition(".")[2].lower(), a.scheduler_specific_kwargs or {}
    remedy = TRANSFORMERS.elsewhere["get_reduce_on_plateau_schedule"]
    a.require(kind not in ("reduce_lr_on_plateau", "greedy"), "name", "that of a schedule of the step", remedy)
    a.require(kind in _TYPES, "name", f"one of {', '.join(_TYPES)}")
    a.at.require(isinstance(own, dict), "scheduler_specific_kwargs", "a dict", own)
    wanted = {parameter.name for parameter in TRANSFORMERS.parameters(_TYPES[kind])}
    given = {"num_warmup_steps": a.num_warmup_steps, "num_training_steps": a.num_training_steps}
    needed = {key: value for key, value in given.items() if key in wanted and value is not None}
    return TRANSFORMERS.inside(a.at, Call(_TYPES[kind], {**needed, **({} if kind.startswith("constant") else own)}))


_TYPES = {  # what `get_scheduler` calls each
    "constant": "get_constant_schedule",
    "constant_with_warmup": "get_constant_schedule_with_warmup",
    "linear": "get_linear_schedule_with_warmup",
    "cosine": "get_cosine_schedule_with_warmup",
    "cosine_with_restarts": "get_cosine_with_hard_restarts_schedule_with_warmup",
    "polynomial": "get_polynomial_decay_schedule_with_warmup",
    "inverse_sqrt": "get_inverse_sqrt_schedule",
    "cosine_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup",
    "cosine_warmup_with_min_lr": "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    "warmup_stable_decay": "get_wsd_schedule",
}
TRANSFORMERS.rows(
    globals(),
    get_constant_schedule=lambda a: Hold(value=a.lr),
    get_constant_schedule_with_warmup=lambda a: Hold(value=a.lr),
    get_linear_schedule_with_warmup=lambda a: pieces.ramp(a.lr, 0.0, a.num_training_steps - a.num_warmup_steps),
    get_cosine_schedule_with_warmup=lambda a: _wave(a, 0.0),
    get_inverse_sqrt_schedule=lambda a: InverseSqrt(a.timescale or a.num_warmup_steps or 10_000, a.lr),
    get_cosine_with_min_lr_schedule_with_warmup=lambda a: _wave(a, a.level("min_lr", "min_lr_rate")),
    plain=("get_constant_schedule", _TYPES["cosine_warmup_with_min_lr"], "get_wsd_schedule", "get_scheduler"),
)
