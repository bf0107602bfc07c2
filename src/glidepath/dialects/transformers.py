"""Hugging Face transformers: the functions of `transformers.optimization` and `get_scheduler`, as of 5.23.

Each is a factor of the optimizer's rate. `W` stands for `num_warmup_steps`, `T` for `num_training_steps`, which holds the warmup.
"""

from __future__ import annotations

from typing import Annotated, Any

from ..core.combinators import Repeat
from ..core.curves import OneMinusSqrt, Sqrt
from ..core.schedule import Schedule
from ..core.segments import Hold, InverseSqrt, Ramp
from . import pieces
from .arguments import NotNegative, Positive, Real, Steps, Steps0, Text, Unused, Whole, choice
from .calls import Call
from .reading import At, dialect

__all__ = ["TRANSFORMERS"]

TRANSFORMERS = dialect(
    "transformers",
    title="transformers",
    follows="5.23",
    modules=("transformers.optimization", "transformers"),
    aliases=("hf", "huggingface"),
)
_CURVES = {"linear": pieces.LINEAR, "cosine": pieces.COSINE}
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
_METRIC = "it follows a metric: use glidepath.feedback.PyTorchPlateau, or glidepath replay on a log"
TRANSFORMERS.elsewhere["get_reduce_on_plateau_schedule"] = _METRIC


def _warmed(at: At, steps: int, then: Schedule) -> Schedule:
    return pieces.warmed(0.0, at.base, steps, then)


def _left(warmup: int, total: int) -> int:
    return max(1, total - warmup)


@TRANSFORMERS.reads("get_constant_schedule")
def constant(at: At) -> Schedule:
    """The optimizer's rate."""
    return Hold(value=at.base)


@TRANSFORMERS.reads("get_constant_schedule_with_warmup", example="num_warmup_steps=1000")
def constant_with_warmup(at: At, num_warmup_steps: Steps0) -> Schedule:
    """A straight line from 0, then the optimizer's rate."""
    return _warmed(at, num_warmup_steps, Hold(value=at.base))


@TRANSFORMERS.reads("get_linear_schedule_with_warmup", example="num_warmup_steps=1000, num_training_steps=10000")
def linear(at: At, num_warmup_steps: Steps0, num_training_steps: Steps0) -> Schedule:
    """A straight line from 0, then one down to 0 at `num_training_steps`."""
    return _warmed(at, num_warmup_steps, pieces.ramp(at.base, 0.0, num_training_steps - num_warmup_steps))


@TRANSFORMERS.reads("get_cosine_schedule_with_warmup", example="num_warmup_steps=1000, num_training_steps=10000")
def cosine(at: At, num_warmup_steps: Steps0, num_training_steps: Steps0, num_cycles: Positive = 0.5) -> Schedule:
    """A straight line from 0, then a cosine of `num_cycles` waves up to `num_training_steps`, where it climbs again."""
    span = _left(num_warmup_steps, num_training_steps) / (2 * num_cycles)
    return _warmed(at, num_warmup_steps, pieces.wave(at.base, 0.0, span))


@TRANSFORMERS.reads(
    "get_cosine_with_hard_restarts_schedule_with_warmup",
    example="num_warmup_steps=1000, num_training_steps=10000, num_cycles=4",
)
def hard_restarts(at: At, num_warmup_steps: Steps0, num_training_steps: Steps0, num_cycles: Positive = 1) -> Schedule:
    """A straight line from 0, then `num_cycles` half cosines, and 0 from `num_training_steps` on."""
    left = _left(num_warmup_steps, num_training_steps)
    if num_training_steps <= num_warmup_steps:
        waves = pieces.in_sequence([Hold(value=at.base), Hold(value=0.0)], [1])
    else:
        cycle = pieces.lasting(left / num_cycles, lambda n: Repeat(Ramp(at.base, 0.0, n, pieces.COSINE)))
        waves = pieces.in_sequence([cycle, Hold(value=0.0)], [left])
    return _warmed(at, num_warmup_steps, waves)


@TRANSFORMERS.reads(
    "get_polynomial_decay_schedule_with_warmup", example="num_warmup_steps=1000, num_training_steps=10000"
)
def polynomial(
    at: At, num_warmup_steps: Steps0, num_training_steps: Steps0, lr_end: Real = 1e-7, power: NotNegative = 1.0
) -> Schedule:
    """A straight line from 0, then a power of what is left, down to `lr_end`."""
    at.require(lr_end < at.base, "lr_end", f"below the optimizer's rate {at.base:g}", lr_end)
    left = num_training_steps - num_warmup_steps
    at.require(left != 0 or not at.strict, "num_training_steps", "another than the warmup: it is divided by", left)
    decay = pieces.ramp(at.base, lr_end, left, pieces.curve_of_power(power)) if power else Hold(value=at.base)
    if not power and left > 0:
        decay = pieces.in_sequence([decay, Hold(value=lr_end)], [left + 1])
    return _warmed(at, num_warmup_steps, decay)


@TRANSFORMERS.reads("get_inverse_sqrt_schedule")
def inverse_sqrt(at: At, num_warmup_steps: Steps0, timescale: Steps | None = None) -> Schedule:
    """A straight line from 0, then the reciprocal of the square root of the step over `timescale`, for ever."""
    scale = num_warmup_steps or 10_000 if timescale is None else timescale
    return _warmed(at, num_warmup_steps, InverseSqrt(scale, at.base))


def _floor(at: At, least: float | None, share: float | None) -> float:
    """Returns the lowest rate, which exactly one of two arguments gives."""
    if least is not None and share is not None:
        raise at.refused("min_lr", "given alone", least, "min_lr_rate is given too")
    if least is None and share is None:
        raise at.refused("min_lr", "given, or min_lr_rate", None)
    return least if least is not None else (share or 0.0) * at.base


@TRANSFORMERS.reads(
    "get_cosine_with_min_lr_schedule_with_warmup",
    example="num_warmup_steps=1000, num_training_steps=10000, min_lr_rate=0.1",
)
def cosine_with_min_lr(
    at: At,
    num_warmup_steps: Steps0,
    num_training_steps: Steps0,
    num_cycles: Positive = 0.5,
    last_epoch: Unused = -1,
    min_lr: NotNegative | None = None,
    min_lr_rate: NotNegative | None = None,
) -> Schedule:
    """A straight line from 0, then a cosine down to `min_lr`, or to the share `min_lr_rate`, where it climbs again."""
    span = _left(num_warmup_steps, num_training_steps) / (2 * num_cycles)
    return _warmed(at, num_warmup_steps, pieces.wave(at.base, _floor(at, min_lr, min_lr_rate), span))


@TRANSFORMERS.reads(
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate",
    example="num_warmup_steps=1000, num_training_steps=10000, min_lr_rate=0.1",
)
def cosine_warmup_with_min_lr(
    at: At,
    num_warmup_steps: Steps0,
    num_training_steps: Steps0,
    num_cycles: Positive = 0.5,
    last_epoch: Unused = -1,
    min_lr: NotNegative | None = None,
    min_lr_rate: NotNegative | None = None,
    warmup_lr_rate: NotNegative | None = None,
) -> Schedule:
    """The same one step ahead: the first update has one part of the warmup already, the floor comes at `num_training_steps - 1`."""
    low, warmup = _floor(at, min_lr, min_lr_rate), num_warmup_steps
    span = _left(warmup, num_training_steps) / (2 * num_cycles)
    decay = pieces.after(pieces.wave(at.base, low, span), 1)
    if not warmup:
        return decay
    share = 1 / warmup if warmup_lr_rate is None else warmup_lr_rate
    rise = Ramp(share * at.base, at.base, warmup - 1) if warmup > 1 else Hold(value=share * at.base)
    return pieces.in_sequence([rise, decay], [warmup])


@TRANSFORMERS.reads("get_wsd_schedule", example="num_warmup_steps=1000, num_decay_steps=2000, num_training_steps=10000")
def warmup_stable_decay(
    at: At,
    num_warmup_steps: Steps0,
    num_decay_steps: Steps0,
    num_training_steps: Steps0 | None = None,
    num_stable_steps: Whole | None = None,
    warmup_type: Annotated[str, choice("linear", "cosine", "1-sqrt")] = "linear",
    decay_type: Annotated[str, choice("linear", "cosine", "1-sqrt")] = "cosine",
    min_lr_ratio: NotNegative = 0.0,
    num_cycles: Positive = 0.5,
) -> Schedule:
    """From the share `min_lr_ratio` up, then constant, then down to it; `num_stable_steps` wins over `num_training_steps`."""
    if num_stable_steps is None:
        at.require(num_training_steps is not None, "num_training_steps", "given, or num_stable_steps", None)
        num_stable_steps = (num_training_steps or 0) - num_warmup_steps - num_decay_steps
    low, decay_steps = min_lr_ratio * at.base, num_decay_steps
    if decay_type == "cosine" and decay_steps:
        decay: Schedule = pieces.wave(at.base, low, decay_steps / (2 * num_cycles))
        decay = pieces.in_sequence([decay, Hold(value=low)], [decay_steps])
    else:
        decay = pieces.ramp(at.base, low, decay_steps, {"1-sqrt": OneMinusSqrt(), **_CURVES}[decay_type])
    stable = num_stable_steps
    rest = pieces.after(decay, -stable) if stable < 0 else pieces.in_sequence([Hold(value=at.base), decay], [stable])
    if not num_warmup_steps:
        return rest
    rise = Ramp(low, at.base, num_warmup_steps, {"1-sqrt": Sqrt(), **_CURVES}[warmup_type])
    return pieces.in_sequence([rise, rest], [num_warmup_steps])


@TRANSFORMERS.reads(
    "get_scheduler", example="name='cosine', num_warmup_steps=1000, num_training_steps=10000", leading=()
)
def get_scheduler(
    at: At,
    name: Text,
    optimizer: Unused = None,
    num_warmup_steps: Steps0 | None = None,
    num_training_steps: Steps0 | None = None,
    scheduler_specific_kwargs: Any = None,
) -> Schedule:
    """One of the others by its type, such as `cosine`, with its own arguments in `scheduler_specific_kwargs`."""
    kind = name.rpartition(".")[2].lower()
    if kind in ("reduce_lr_on_plateau", "greedy"):
        raise at.refused("name", "that of a schedule of the step", name, _METRIC)
    at.require(kind in _TYPES, "name", f"one of {', '.join(_TYPES)}", name)
    own = scheduler_specific_kwargs or {}
    at.require(isinstance(own, dict), "scheduler_specific_kwargs", "a dict", own)
    inner = Call(_TYPES[kind], {} if kind.startswith("constant") else dict(own))
    wanted = {parameter.name for parameter in TRANSFORMERS.parameters(inner.name)}
    given = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    needed = {key: value for key, value in given.items() if key in wanted and value is not None}
    return TRANSFORMERS.inside(at, Call(inner.name, {**needed, **inner.arguments}))
