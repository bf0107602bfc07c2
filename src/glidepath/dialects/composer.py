"""Composer: `composer.optim.scheduler`, as of 0.33, on the clock of batches. A schedule is the scheduler's factor times the optimizer's rate.

Times are strings such as `10ep`, `500ba`, `4096sp`, `3tok` or `0.5dur`. What converts them is known to the trainer, and given beside the
arguments: `max_duration`, `dataloader_len` (batches in an epoch), `batch_size` (samples in a batch), `batch_tokens` (tokens in one), `ssr`.
Composer's own trainer evaluates one batch late: `in_trainer=True`.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from ..core import Exponential, Hold, Schedule
from ..core.curves import Curve
from . import pieces
from .table import dialect


def _late(a: Any, main: Schedule) -> Schedule:
    return pieces.held(main(0), 1, main) if a.in_trainer else main


COMPOSER = dialect("composer", around=_late)
_TIME = re.compile(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*(ep|ba|sp|tok|dur|iter|sec)\s*", re.IGNORECASE)


def _parsed(a: Any, field: str, text: Any) -> tuple[float, str]:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    rule = "a time such as '10ep', '500ba', '4096sp', '3e4tok' or '0.5dur'"
    a.at.require(found is not None and found[2].lower() not in ("iter", "sec"), field, rule, text)
    number, unit = float(found[1]), found[2].lower()  # type: ignore[index]
    a.at.require(unit == "dur" or number.is_integer(), field, "a whole number of its unit", text)
    return number, unit


def _known(a: Any, name: str, text: Any) -> Any:
    return a.given(name, f"given for a time such as {text!r}", f"{name}=…, or --let {name}=…")


def _counted(a: Any, field: str, text: Any, scaled: bool = True) -> tuple[int, str]:
    """Returns a time as Composer converts it: a whole number of batches, samples or tokens."""
    number, unit = _parsed(a, field, text)
    if unit == "dur":
        longest, own = _parsed(a, "max_duration", _known(a, "max_duration", text))
        if own == "ep":
            return int(number * _known(a, "dataloader_len", text) * longest), "ba"
        return int(number * longest), own
    if unit == "ep":
        number, unit = number * _known(a, "dataloader_len", text), "ba"
    return int(number * (a.ssr if scaled else 1.0)), unit


def _batches(a: Any, field: str, text: Any, scaled: bool = True) -> Fraction:
    """Returns a time in batches."""
    number, unit = _counted(a, field, text, scaled)
    names = {"ba": "", "sp": "batch_size", "tok": "batch_tokens"}
    return Fraction(number, _known(a, names[unit], text) if names[unit] else 1)


def _until(a: Any, start: float, end: float, curve: Curve = pieces.LINEAR) -> Schedule:
    """Returns the way from one factor to another over `t_max`."""
    length = _batches(a, "t_max", a.t_max)
    a.require(length > 0, "t_max", "above 0")
    return pieces.part(Fraction(0), length, a.lr * start, a.lr * end, curve)


def _warmed(a: Any, start: float, end: float, curve: Curve = pieces.LINEAR) -> Schedule:
    """Returns a warmup from 0, then the way from one factor to another over what is left of `t_max`."""
    warmup, total = _counted(a, "t_warmup", a.t_warmup, False), _counted(a, "t_max", a.t_max)
    a.require(warmup[1] == total[1], "t_warmup", f"in the unit of t_max, {total[1]}")
    if a.max_duration is not None:
        longest, unit = _parsed(a, "max_duration", a.max_duration)
        if unit == "ep" and a.dataloader_len and total[1] == "ba":
            longest, unit = longest * a.dataloader_len, "ba"
        rule = f"at least max_duration, {a.max_duration}: the rest would have no rate"
        a.require(unit != total[1] or total[0] >= longest, "t_max", rule)
    begin, whole = _batches(a, "t_warmup", a.t_warmup, False), _batches(a, "t_max", a.t_max)
    rest = Hold(value=a.lr * start)
    if whole > begin:
        rest = pieces.part(begin, whole - begin, a.lr * start, a.lr * end, curve)
    return _rising(a, start, rest)


def _rising(a: Any, top: float, rest: Schedule) -> Schedule:
    """Returns a straight line from 0 over the warmup, then the rest, which begins with the first batch after it."""
    begin = _batches(a, "t_warmup", a.t_warmup, False)
    if not begin:
        return rest
    length = _batches(a, "t_warmup", a.t_warmup, a.scale_warmup)
    return pieces.in_sequence([pieces.part(Fraction(0), length, 0.0, a.lr * top), rest], [math.ceil(begin)])


def _dropping(a: Any) -> Schedule:
    marks = [math.ceil(_batches(a, f"milestones[{i}]", mark)) for i, mark in enumerate(a.milestones)]
    return pieces.scaled(pieces.drops(sorted(marks), a.gamma), a.lr)


def MultiStepWithWarmupScheduler(a: Any) -> Schedule:
    return _rising(a, 1.0, pieces.after(_dropping(a), math.ceil(_batches(a, "t_warmup", a.t_warmup, False))))


def CosineAnnealingWarmRestartsScheduler(a: Any) -> Schedule:
    length, begin = _counted(a, "t_0", a.t_0)[0], 0
    per = _batches(a, "t_0", a.t_0) / length if length else Fraction(1)
    parts: list[tuple[Fraction, Fraction]] = []
    while length > 0 and len(parts) < 128 and begin < 2**53:
        parts.append((begin * per, length * per))
        begin, length = begin + length, int(a.t_mult * length)
        if a.t_mult == 1 and per.denominator == 1:
            break
    a.require(bool(parts), "t_0", "above 0")
    cycles = [pieces.part(start, n, a.lr, a.lr * a.alpha_f, pieces.COSINE) for start, n in parts]
    if a.t_mult == 1 and len(parts) == 1:
        return pieces.restarts(cycles[0], 1.0)
    return pieces.in_sequence([*cycles, Hold(value=a.lr * a.alpha_f)], [math.ceil(start + n) for start, n in parts])


def ExponentialScheduler(a: Any) -> Schedule:
    period = _batches(a, "decay_period", a.decay_period)
    return pieces.scaled(pieces.lasting(float(period), lambda n: Exponential(a.gamma, n)), a.lr)


def ConstantScheduler(a: Any) -> Schedule:
    return pieces.held(a.lr * a.alpha, math.ceil(_batches(a, "t_max", a.t_max)), Hold(value=a.lr))


COMPOSER.rows(
    globals(),
    StepScheduler=lambda a: pieces.scaled(pieces.stairs(a.gamma, float(_batches(a, "step_size", a.step_size))), a.lr),
    MultiStepScheduler=_dropping,
    LinearScheduler=lambda a: _until(a, a.alpha_i, a.alpha_f),
    CosineAnnealingScheduler=lambda a: _until(a, 1.0, a.alpha_f, pieces.COSINE),
    PolynomialScheduler=lambda a: _until(a, 1.0, a.alpha_f, pieces.curve_of_power(a.power)),
    ConstantWithWarmupScheduler=lambda a: _warmed(a, a.alpha, a.alpha),
    LinearWithWarmupScheduler=lambda a: _warmed(a, a.alpha_i, a.alpha_f),
    CosineAnnealingWithWarmupScheduler=lambda a: _warmed(a, 1.0, a.alpha_f, pieces.COSINE),
    PolynomialWithWarmupScheduler=lambda a: _warmed(a, 1.0, a.alpha_f, pieces.curve_of_power(a.power)),
)
