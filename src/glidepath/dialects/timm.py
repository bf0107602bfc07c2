"""timm: `timm.scheduler`, as of 1.0.31, on the clock that a scheduler is stepped by: epochs, or updates where `t_in_epochs=False`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from ..core import Expression, Hold, Maximum, Product, Ramp, Schedule, Sum, curves, substituted
from ..core.curves import Curve
from ..core.fields import MAX_STEPS, simplest
from . import pieces
from .calls import Call
from .reading import of_step
from .table import dialect

_MOST = 256  # cycles


def _warmup(a: Any, main: Schedule) -> Schedule:
    """Returns a straight line before the schedule (prefix) or in the place of its beginning."""
    a.require(a.noise_range_t is None, "noise_range_t", "None: noise drawn at random is no schedule")
    if not a.warmup_t:  # the constructor leaves the optimizer's rate in place
        return main if main(0) == a.lr else pieces.held(a.lr, 1, pieces.after(main, 1))
    prefix = getattr(a, "warmup_prefix", True)
    peak = main(a.warmup_t) if hasattr(a, "lb") and not prefix else a.lr
    return pieces.warmed(a.warmup_lr_init, peak, a.warmup_t, main if prefix else pieces.after(main, a.warmup_t))


TIMM = dialect("timm", around=_warmup)


def _cycles(a: Any, text: str, curve: Curve | None) -> Schedule:
    """Returns cycles each `cycle_mul` times as long, exactly, and begun `cycle_decay` times as high, then `lr_min`.

    Args:
        a: The arguments.
        text: The formula of a cycle from `p` to `m` at the place `x` in it, from 0 to 1.
        curve: The same as a curve of ours, where there is one.
    """
    a.require(a.cycle_limit <= _MOST, "cycle_limit", f"at most {_MOST}")
    if a.cycle_mul != 1 and not a.at.strict:
        return _by_logarithm(a, text)
    parts, begin, growth = list[tuple[Schedule, int]](), Fraction(0), simplest(a.cycle_mul)
    for i in range(a.cycle_limit):
        length, peak, first = simplest(a.t_initial) * growth**i, a.lr * a.cycle_decay**i, math.ceil(begin)
        if begin + length > MAX_STEPS:
            break
        if (steps := math.ceil(begin + length) - first) > 0:
            if curve is not None and first == begin and length.denominator == 1:
                parts.append((Ramp(peak, a.lr_min, int(length), curve), steps))
            else:
                place = {"x": "(step + s) / n", "s": float(first - begin), "n": float(length)}
                parts.append((pieces.formula(text, **place, **_named(a, peak)), steps))
        begin += length
    return pieces.each(parts, Hold(value=a.lr_min))


def _named(a: Any, peak: float) -> dict[str, float]:
    own = {name: getattr(a, name) for name in ("power", "k_decay", "lb", "ub") if hasattr(a, name)}
    return {"p": peak, "m": a.lr_min, **own}


def _by_logarithm(a: Any, text: str) -> Schedule:
    """Returns the cycles as timm finds them: by a logarithm, which misses some restarts by a step."""
    i = "floor(log(1 - step / n * (1 - r)) / log(r))"
    place = f"(step - (1 - r ** {i}) / (1 - r) * n) / (r ** {i} * n)"
    more = {"x": place, "n": a.t_initial, "r": a.cycle_mul, "d": a.cycle_decay, "limit": a.cycle_limit, "lr": a.lr}
    return pieces.formula(f"{text} if {i} < limit else m", **{**_named(a, a.lr), **more, "p": f"lr * d ** {i}"})


def CosineLRScheduler(a: Any) -> Schedule:
    text = f"m + 0.5 * (p - m) * (1 + cos(pi * {'x' if a.k_decay == 1 else 'x ** k_decay'}))"
    return _cycles(a, text, pieces.COSINE if a.k_decay == 1 else None)


def TanhLRScheduler(a: Any) -> Schedule:
    a.require(a.lb < a.ub, "lb", f"below ub, {a.ub}")
    return _cycles(a, "m + 0.5 * (p - m) * (1 - tanh(lb * (1 - x) + ub * x))", None)


def PolyLRScheduler(a: Any) -> Schedule:
    text = f"m + (p - m) * max(1 - {'x' if a.k_decay == 1 else 'x ** k_decay'}, 0) ** power"
    return _cycles(a, text, pieces.curve_of_power(a.power) if a.k_decay == 1 else None)


def MultiStepLRScheduler(a: Any) -> Schedule:
    a.require(a.decay_t == sorted(a.decay_t), "decay_t", "in order")
    return pieces.scaled(pieces.drops([max(mark - 1, 0) for mark in a.decay_t], a.decay_rate), a.lr)


def WSDLRScheduler(a: Any) -> Schedule:
    a.require(a.decay_t <= a.t_initial, "decay_t", f"from 1 to t_initial, {a.t_initial}")
    a.require(a.decay_ratio < 1, "decay_ratio", "below 1")
    shapes = {name: pieces.CURVES[name] for name in ("linear", "1-sqrt", "cosine")}
    shapes |= {"power": curves.Reverse(curves.Polynomial(a.decay_power)), "exp": curves.Exponential(a.decay_ratio)}
    least, steps = a.lr_min, a.t_initial - a.decay_t
    if isinstance(a.decay_fn, str) and not a.decay_fn.startswith("lambda"):
        checks = a.at.checks()
        kind = checks.choice("decay_fn", a.decay_fn, tuple(shapes))
        checks.done()
        decay: Schedule = Ramp(1.0, 0.0, a.decay_t, shapes[kind])
        if a.stable_fn == "constant":
            top = max(a.lr, least)
            return pieces.held(top, steps, Ramp(top, least, a.decay_t, shapes[kind]))
    else:
        given = of_step(a.at, "decay_fn", a.decay_fn)
        a.require(isinstance(given, Expression), "decay_fn", "a word or the text of a function")
        decay = Expression(substituted(given.formula, f"min(step / {a.decay_t}, 1)"))  # type: ignore[union-attr]
    stable: Schedule = Hold(value=max(a.lr, least))
    if a.stable_fn != "constant":
        scale = a.stable_timescale if a.stable_timescale is not None else a.warmup_t
        a.require(scale > 0, "stable_timescale", "given where there is no warmup")
        power = 0.5 if a.stable_fn == "rsqrt" else a.stable_power
        stable = pieces.formula("p * (1 + step / n) ** q", p=a.lr, n=scale, q=-power)
        stable = Maximum((stable, Hold(value=least))) if least else stable
    whole = pieces.in_sequence([Hold(), decay], [steps])
    return Sum((Product((Sum((stable,), -least), whole)),), least) if least else Product((stable, whole))


def create_scheduler_v2(a: Any) -> Schedule:
    """Returns what `create_scheduler_v2` makes; the clock is epochs, or updates where `step_on_epochs=False`."""
    unit = 1 if a.step_on_epochs else a.updates_per_epoch
    a.require(unit > 0, "updates_per_epoch", "given where step_on_epochs is false")
    a.require(a.noise is None, "noise", "None: noise drawn at random is no schedule")
    a.require(a.sched != "plateau", "sched", "that of a schedule of the step", TIMM.elsewhere["PlateauLRScheduler"])
    wsd, total, warmup = a.sched in ("wsd", "rsqrt"), a.num_epochs * unit, a.warmup_epochs * unit
    epochs = a.decay_epochs if a.decay_epochs is not None else 0.2 if wsd else 90
    warm = {"warmup_lr_init": a.warmup_lr, "warmup_t": warmup}
    before = {**warm, "warmup_prefix": a.warmup_prefix}
    cycles = {"cycle_mul": a.cycle_mul, "cycle_decay": a.cycle_decay, "cycle_limit": a.cycle_limit}
    common = {"t_initial": total, "lr_min": a.min_lr, **cycles, **before}
    stable = total if a.warmup_prefix else total - warmup
    scale = None if a.stable_timescale is None else a.stable_timescale * unit
    rate, rsqrt = {"decay_rate": a.decay_rate}, a.sched == "rsqrt"
    long = {"t_initial": stable, "decay_t": round(epochs * (stable if 0 < epochs < 1 else unit)), "lr_min": a.min_lr}
    long |= {"stable_fn": "rsqrt" if rsqrt else "constant", "stable_timescale": scale, **warm}
    calls = {
        "cosine": ("Cosine", {**common, "k_decay": a.k_decay}),
        "tanh": ("Tanh", common),
        "poly": ("Poly", {**common, "power": a.decay_rate, "k_decay": a.k_decay}),
        "step": ("Step", {"decay_t": epochs * unit, **rate, **before}),
        "constant": ("Step", {"decay_t": 1, **before}),
        "none": ("Step", {"decay_t": 1}),
        "multistep": ("MultiStep", {"decay_t": [mark * unit for mark in a.decay_milestones], **rate, **before}),
        **dict.fromkeys(
            ("wsd", "rsqrt"), ("WSD", long | {"decay_fn": a.decay_fn or ("linear" if rsqrt else "1-sqrt")})
        ),
    }
    a.require(a.sched in calls, "sched", f"one of {', '.join(calls)}")
    name, arguments = calls[a.sched]
    return TIMM.inside(a.at, Call(f"{name}LRScheduler", arguments))


def StepLRScheduler(a: Any) -> Schedule:
    return pieces.scaled(pieces.stairs(a.decay_rate, a.decay_t), a.lr)


TIMM.rows(globals(), plain=("create_scheduler_v2",))
