"""OLMo-core: `olmo_core.optim.scheduler`, as of 3.0, on the clock that it counts by: updates, or tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Any

from ..core import Exponential, Hold, Ramp, Schedule
from ..core.curves import Curve
from . import pieces
from .calls import Call
from .table import dialect

OLMO = dialect("olmo_core")


def _total(a: Any) -> int:
    return a.given("t_max", remedy="the length of the run: t_max=…, or --let t_max=…")


def _length(a: Any, name: str, whole: int) -> int:
    """Returns a length that is given in steps, under its newer or its older name, or as a share of the run."""
    share, steps = getattr(a, f"{name}_fraction"), getattr(a, name)
    steps = getattr(a, f"{name}_steps", None) if steps is None else steps
    if name == "decay" and steps is not None and share == 0.1:
        share = None  # the default stands aside
    a.at.require((steps is None) != (share is None), name, f"given, or {name}_fraction, and not both", steps)
    return round(whole * (share or 0.0)) if steps is None else int(steps)


def _risen(a: Any, steps: int, top: float, rest: Schedule) -> Schedule:
    """Returns a straight line from `warmup_min_lr`, then the rest of a schedule of the whole run."""
    return pieces.warmed(a.warmup_min_lr, top, steps, pieces.after(rest, steps))


def _decayed(a: Any, main: Schedule, warmup: int) -> Schedule:
    """Returns a schedule of the whole run that falls in a straight line at its end, and not before its warmup is over."""
    total = _total(a)
    steps = _length(a, "decay", total)
    start = total - steps
    a.at.require(start > warmup, "decay", f"below the {total - warmup} steps after the warmup", steps)
    return pieces.in_sequence([main, pieces.ramp(main(start), a.decay_min_lr, steps)], [start])


def _shaped(curve: Curve) -> Callable[[Any], Schedule]:
    def make(a: Any) -> Schedule:
        total = _total(a)
        warmup = _length(a, "warmup", total)
        a.at.require(warmup < total, "warmup", f"below t_max, {total}", warmup)
        main = pieces.held(a.lr, warmup, Ramp(a.lr, a.lr * a.alpha_f, total - warmup, curve))
        whole = _risen(a, warmup, a.lr, main)
        return _decayed(a, whole, warmup) if hasattr(a, "decay") else whole

    return make


def WSD(a: Any) -> Schedule:
    warmup = _length(a, "warmup", _total(a))
    return _decayed(a, _risen(a, warmup, a.lr, Hold(value=a.lr)), warmup)


def PowerLR(a: Any) -> Schedule:
    warmup = _length(a, "warmup", _total(a))
    a.require(warmup > 0 and a.b < 0, "b", "below 0, with a warmup")
    main = pieces.formula("p * (max(step, w) / w) ** b", p=a.lr, w=warmup, b=a.b)
    return _decayed(a, _risen(a, warmup, a.lr, main), warmup)


def InvSqrtWithWarmup(a: Any) -> Schedule:
    warmup = _length(a, "warmup", a.t_max or 0)
    a.at.require(warmup > 0, "warmup", "above 0", warmup)
    low = a.lr * a.alpha_f
    return _risen(a, warmup, a.lr, pieces.formula("m + (p - m) * sqrt(w / max(step, w))", p=a.lr, m=low, w=warmup))


def ConstantWithWarmup(a: Any) -> Schedule:
    return _risen(a, _length(a, "warmup", a.t_max or 0), a.lr, Hold(value=a.lr))


def WSDS(a: Any) -> Schedule:
    """Returns several warmup-free WSDs one after another; the end of each belongs to it."""
    lengths, factors = [int(n) for n in a.period_lengths], a.period_lr_multipliers or [1.0] * len(a.period_lengths)
    a.at.require(len(lengths) == len(factors), "period_lr_multipliers", "one for each period", factors)
    warmup = _length(a, "warmup", lengths[0])
    parts, whole = list[Schedule](), [lengths[0] - warmup, *lengths[1:]]
    for i, (length, own, factor) in enumerate(zip(lengths, whole, factors, strict=True)):
        decay, peak = _length(a, "decay", length), a.lr * factor
        a.at.require(decay <= own, "decay", f"at most {own} in period {i}", decay)
        period = pieces.held(peak, own - decay, pieces.ramp(peak, a.decay_min_lr, decay))
        parts.append(pieces.after(period, 1) if i else period)
    ends = [*accumulate(whole)]
    rest = pieces.in_sequence([*parts, Hold(value=a.decay_min_lr)], [*(end + 1 for end in ends[:-1]), ends[-1]])
    return pieces.warmed(a.warmup_min_lr, a.lr * factors[0], warmup, rest)


def HalfCosWithWarmup(a: Any) -> Schedule:
    """Returns the second half of a cosine, whose middle the warmup climbs to."""
    total, low = _total(a), a.lr * a.alpha_f
    warmup = _length(a, "warmup", total)
    a.at.require(warmup < total, "warmup", f"below t_max, {total}", warmup)
    whole = Ramp(a.lr, low, 2 * (total - warmup), pieces.COSINE)
    return pieces.warmed(a.warmup_min_lr, low + (a.lr - low) / 2, warmup, pieces.after(whole, total - warmup))


def _level(a: Any, which: str) -> float | None:
    level, share = getattr(a, f"{which}_lr"), getattr(a, f"{which}_lr_fraction")
    a.at.require(level is None or share is None, f"{which}_lr", f"given alone: {which}_lr_fraction is given too", level)
    return a.lr * share if level is None and share is not None else level


def _stage(a: Any) -> Schedule:
    start, end = _level(a, "start") if hasattr(a, "start_lr") else None, _level(a, "end")
    if end is None:
        raise a.at.refused("end_lr", "given, or end_lr_fraction", end)
    return Ramp(a.lr if start is None else start, end, a.duration, pieces.CURVES[a.shape])


def _part(a: Any, field: str, name: str, given: Any) -> dict[str, Any]:
    """Returns the arguments of a call or a dict inside another."""
    if isinstance(given, dict):
        given = Call(name, {key: value for key, value in given.items() if not key.startswith("_")})  # type: ignore[union-attr]
    a.at.require(isinstance(given, Call), field, f"{name}(…), or a dict of its arguments", given)
    return OLMO.bound(replace(a.at, name=name), given)[1]


def _overridden(a: Any, main: Schedule) -> Schedule:
    """Returns a schedule that decays from where it is at the beginning of `override_decay`."""
    if a.override_decay is None:
        return main
    own = _part(a, "override_decay", "OverrideDecay", a.override_decay)
    start = own.pop("start")
    stage = Call("ComposableSchedulerStage", {**own, "start_lr": main(start)})
    return pieces.in_sequence([main, OLMO.inside(a.at, stage)], [start])


def ComposableScheduler(a: Any) -> Schedule:
    stages, marks, before = list[Schedule](), [0], a.lr
    a.require(isinstance(a.stages, list | tuple) and bool(a.stages), "stages", "a list of stages")
    for i, given in enumerate(a.stages):
        own = _part(a, f"stages[{i}]", "ComposableSchedulerStage", given)
        begun = {} if {"start_lr", "start_lr_fraction"} & set(own) else {"start_lr": before}
        stages.append(OLMO.inside(a.at, Call("ComposableSchedulerStage", {**own, **begun})))
        marks.append(marks[-1] + int(stages[-1].duration))
        before = stages[-1](int(stages[-1].duration))
    return _overridden(a, pieces.in_sequence(stages, marks[1:-1]))


def SequentialScheduler(a: Any) -> Schedule:
    """Returns schedules one after another, each from the last rate of the one before; that one's end belongs to it."""
    marks, total, base = list(a.schedulers_max or a.schedulers_max_steps or ()), _total(a), a.lr
    count, parts = len(a.schedulers), list[Schedule]()
    a.at.require(count - 1 <= len(marks) <= count, "schedulers_max", f"{count - 1} lengths", marks)
    for i, given in enumerate(a.schedulers):
        length = total if i == count - 1 else min(total, int(marks[i]))
        a.at.require(isinstance(given, Call), f"schedulers[{i}]", "a scheduler of OLMo-core", given)
        made = OLMO.inside(replace(a.at, base=base), replace(given, arguments={"t_max": length, **given.arguments}))
        parts.append(pieces.after(made, 1) if i else made)
        base, total = made(length), total - length
    ends = [*accumulate(int(mark) for mark in marks[: count - 1])]
    return _overridden(a, pieces.in_sequence(parts, [end + 1 for end in ends]))


OLMO.rows(
    globals(),
    ConstantScheduler=lambda a: Hold(value=a.lr),
    ExponentialScheduler=lambda a: pieces.each(
        [(Exponential(a.lr / a.lr_min, _total(a), a.lr_min), _total(a))], Hold(value=a.lr)
    ),
    ComposableSchedulerStage=_stage,
    OverrideDecay=lambda a: pieces.held(a.lr, a.start, _stage(a)),
    LinearWithWarmup=_shaped(pieces.LINEAR),
    CosWithWarmup=_shaped(pieces.COSINE),
    CosWithWarmupAndLinearDecay=_shaped(pieces.COSINE),
)
