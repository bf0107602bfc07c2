"""Schedulers that live inside training tools: NeMo and fairseq, and the formulas of scripts that have no class for one.

Step t has the rate of update t. A script's formula is a row under its name (`nanoGPT`), with the words of its own configuration.
"""

from __future__ import annotations

from typing import Any

from ..core import Exponential, Hold, InverseSqrt, Ramp, Schedule
from . import pieces
from .table import dialect


def _around(a: Any, main: Schedule) -> Schedule:
    """Returns a warmup of W steps from 1 / (W + 1), the schedule of the whole run from there, and `min_lr` after `max_steps`."""
    warmup, least = _length(a, "warmup"), a.min_lr
    if warmup:
        rise = (Ramp(a.lr / (warmup + 1), a.lr, warmup), warmup + 1)
        main = pieces.each([rise], pieces.after(main, warmup + 1))
    return main if a.max_steps is None else pieces.each([(main, a.max_steps + 1)], Hold(value=least))


NEMO = dialect("nemo", around=_around)


def _length(a: Any, name: str) -> int:
    steps, share = getattr(a, f"{name}_steps", None), getattr(a, f"{name}_ratio", None)
    a.at.require(steps is None or share is None, f"{name}_steps", f"given alone: {name}_ratio is given too", steps)
    a.at.require(share is None or a.max_steps is not None, "max_steps", f"given with {name}_ratio", None)
    return int(share * a.max_steps) if share is not None else steps or 0


def _run(a: Any) -> tuple[int, int]:
    """Returns the end of the warmup and the length of the run."""
    a.at.require(a.max_steps is not None, "max_steps", "given", None, "the length of the run")
    warmup = _length(a, "warmup")
    a.require(warmup < a.max_steps, "max_steps", f"above the {warmup} steps of warmup")
    return warmup, a.max_steps


def _held(a: Any) -> tuple[int, int]:
    """Returns the end of the hold, 0 where nothing is held, and the length of the run."""
    warmup, total = _run(a)
    hold = _length(a, "hold")
    return 0 if a.hold_steps is None and a.hold_ratio is None else warmup + hold, total


def _fallen(a: Any, start: int, total: int, curve: Any, least: float | None = None) -> Schedule:
    """Returns the rate up to `start`, then a curve to `least`, or to the floor."""
    return pieces.held(a.lr, start, pieces.ramp(a.lr, a.min_lr if least is None else least, total - start, curve))


def _floored(a: Any, text: str, **numbers: float) -> Schedule:
    return pieces.formula(f"max(m, p * {text})", p=a.lr, m=a.min_lr, **numbers)


def CosineAnnealing(a: Any) -> Schedule:
    warmup, total = _run(a)
    if not (still := _length(a, "constant")):
        return _around(a, _fallen(a, warmup, total, pieces.COSINE))
    end = total - still
    a.at.require(end > warmup, "constant_steps", f"below the {total - warmup} steps after the warmup", still)
    main = pieces.warmed(0.0, a.lr, warmup, Ramp(a.lr, a.min_lr, end - warmup, pieces.COSINE))
    return pieces.in_sequence([main, Hold(value=a.min_lr)], [total + 1])


def PolynomialHoldDecayAnnealing(a: Any) -> Schedule:
    (start, total), warmup = _held(a), _length(a, "warmup")
    return _fallen(a, start, total - max(warmup - start, 0), pieces.curve_of_power(a.power))


def NoamHoldAnnealing(a: Any) -> Schedule:
    start, _ = _held(a)
    warmup = _length(a, "warmup")
    a.at.require(warmup > 0, "warmup_steps", "above 0", warmup)
    more = {"r": a.decay_rate, "w": warmup, "h": max(start - warmup, 0)}
    return pieces.held(a.lr, start, pieces.after(_floored(a, "w ** r / max(step - h, 1) ** r", **more), start))


def NoamAnnealing(a: Any) -> Schedule:
    warmup, scale = max(_length(a, "warmup"), 1), a.lr * a.d_model**-0.5
    text = "max(m, p * min(x ** -0.5, x * w ** -1.5)) if step > w else p * x * w ** -1.5"
    return pieces.formula(text, x="max(step, 1)", p=scale, m=a.min_lr, w=warmup)


NEMO.rows(
    globals(),
    WarmupPolicy=lambda a: Hold(value=a.lr),
    WarmupHoldPolicy=lambda a: Hold(value=a.lr),
    SquareAnnealing=lambda a: _floored(a, "((t - step) / (t - w)) ** 2", w=_run(a)[0], t=_run(a)[1]),
    SquareRootAnnealing=lambda a: _floored(a, "sqrt(max(t - step, 0) / t)", t=_run(a)[1]),
    T5InverseSquareRootAnnealing=lambda a: pieces.each(
        [(pieces.formula("max(step, c) ** -0.5", c=a.constant_steps), a.max_steps + 1)], Hold(value=a.min_lr)
    ),
    WarmupAnnealing=lambda a: _fallen(a, *_run(a), pieces.LINEAR),
    InverseSquareRootAnnealing=lambda a: pieces.formula("p * sqrt((w + 1) / (step + 1))", p=a.lr, w=_run(a)[0]),
    PolynomialDecayAnnealing=lambda a: _fallen(a, *_run(a), pieces.curve_of_power(a.power)),
    WarmupHoldAnnealLinear=lambda a: _fallen(a, *_held(a), pieces.LINEAR),
    WarmupHoldAnnealOneMinusSquareRoot=lambda a: _floored(
        a, "(1 - sqrt(max(step - h, 0) / (t - h)))", **dict(zip("ht", _held(a), strict=True))
    ),
    plain=("CosineAnnealing", "NoamAnnealing", "T5InverseSquareRootAnnealing"),
)

# fairseq --------------------------------------------------------------------------------------------------------------------------------

FAIRSEQ = dialect("fairseq")


def _risen(a: Any, least: float, then: Schedule) -> Schedule:
    return pieces.warmed(a.warmup_init_lr if a.warmup_init_lr >= 0 else least, a.lr, a.warmup_updates, then)


def TriStageLRSchedule(a: Any) -> Schedule:
    lengths = [a.warmup_steps, a.hold_steps, a.decay_steps]
    if a.phase_ratio is not None:
        a.at.require(a.max_update is not None, "max_update", "given with phase_ratio", None)
        a.require(sum(a.phase_ratio) == 1, "phase_ratio", "three shares with the sum 1")
        lengths = [int(a.max_update * share) for share in a.phase_ratio]
    warmup, hold, decay = lengths
    a.at.require(decay > 0, "decay_steps", "at least 1", decay)
    fall = Exponential(a.final_lr_scale, decay, a.lr)
    parts = [Hold(value=a.lr), fall, Hold(value=a.lr * a.final_lr_scale)]
    return pieces.warmed(a.lr * a.init_lr_scale, a.lr, warmup, pieces.in_sequence(parts, [hold, hold + decay]))


def CosineLRSchedule(a: Any) -> Schedule:
    period = a.lr_period_updates if a.lr_period_updates > 0 else (a.max_update or 0) - a.warmup_updates
    a.require(period > 0, "lr_period_updates", "given, or max_update above the warmup")
    least = min(a.min_lr, a.lr)
    cycle = pieces.cosine(1.0, least / a.lr, period)
    return _risen(a, least, pieces.scaled(pieces.restarts(cycle, a.t_mult, a.lr_shrink), a.lr))


def PolynomialDecayLRSchedule(a: Any) -> Schedule:
    total, warmup = a.total_num_update, a.warmup_updates
    a.at.require(total > warmup, "total_num_update", f"above the {warmup} updates of warmup", total)
    fall = Ramp(a.lr, a.end_learning_rate, total - warmup, pieces.curve_of_power(a.power))
    return pieces.warmed(0.0, a.lr, warmup, fall)


def TriangularLRSchedule(a: Any) -> Schedule:
    half = int(a.lr_period_updates // 2)
    a.require(a.max_lr > a.lr, "max_lr", f"above the rate {a.lr:g}")
    place = "max(0, 1 - abs(step / n - 2 * (step // (2 * n) + 1) + 1))"
    low = f"l * s ** (step // {2 * half})" if a.shrink_min else "l"
    text = f"{low} + (h * s ** (step // (2 * n)) - {low}) * {place}"
    return pieces.formula(text, l=a.lr, h=a.max_lr, s=a.lr_shrink, n=half)


def StepLRSchedule(a: Any) -> Schedule:
    stairs = pieces.formula("max(p * d ** (step // n), m)", p=a.lr, d=a.lr_decay, n=a.lr_deacy_period, m=a.min_lr)
    return _risen(a, a.min_lr, stairs)


def FixedLRSchedule(a: Any) -> Schedule:
    steps = max(a.warmup_updates, 1)
    return pieces.warmed(a.lr / steps, a.lr, steps - 1, Hold(value=a.lr))


def InverseSquareRootSchedule(a: Any) -> Schedule:
    return _risen(a, 0.0 if a.warmup_updates else a.lr, InverseSqrt(max(a.warmup_updates, 1), a.lr))


FAIRSEQ.rows(globals())

# Scripts --------------------------------------------------------------------------------------------------------------------------------

TRAINERS = dialect("trainers")


def nanoGPT(a: Any) -> Schedule:
    warmup = a.warmup_iters
    fall = Ramp(a.lr, a.min_lr, max(a.lr_decay_iters - warmup, 1), pieces.COSINE)
    return pieces.each([(pieces.formula("b * (step + 1) / n", b=a.lr, n=warmup + 1), warmup)], fall)


def litgpt(a: Any) -> Schedule:
    fall = Ramp(a.lr, a.min_lr, max(a.max_iters - a.warmup_iters, 1), pieces.COSINE)
    return pieces.warmed(0.0, a.lr, a.warmup_iters, fall)


def OLMo(a: Any) -> Schedule:
    warmup, least = a.t_warmup, a.lr * a.alpha_f
    left = max(a.t_max - warmup, 1)
    then: dict[str, Schedule] = {
        "cosine_with_warmup": Ramp(a.lr, least, left, pieces.COSINE),
        "linear_with_warmup": Ramp(a.lr, least, left),
        "inverse_sqrt_with_warmup": InverseSqrt(max(warmup, 1), a.lr),
    }
    rest = then.get(a.name, Hold(value=a.lr))
    start = 0.1 * a.lr if a.warmup_min_lr is None else a.warmup_min_lr
    return rest if a.name == "constant" else pieces.after(pieces.warmed(start, a.lr, warmup, rest), 1)


def Ultralytics(a: Any) -> Schedule:
    ramp = max(round(a.warmup_epochs * a.steps_per_epoch), 100) if a.warmup_epochs > 0 else 0
    shape = "((1 - cos(pi * min(x, e) / e)) / 2 * (f - 1) + 1)" if a.cos_lr else "(max(1 - x / e, 0) * (1.0 - f) + f)"
    text = f"b * {shape}{f' * min(step / {ramp}, 1)' if ramp else ''}"
    return pieces.formula(text, b=a.lr, x="floor(step / n)", n=a.steps_per_epoch, e=a.epochs, f=a.lrf)


TRAINERS.rows(globals())
