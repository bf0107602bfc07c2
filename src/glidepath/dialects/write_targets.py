"""Our schedules in the words of training tools: transformers, timm, Composer, MMEngine, DeepSpeed and Megatron-LM.

A schedule is taken apart into a warmup, a hold and a decay; each tool has a few candidates for such a shape. A candidate counts only if it is
read back with the same rates, so that what is written is what was asked for.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..core import curves
from ..core.combinators import Chain, Repeat, Shift, Until
from ..core.errors import GlidepathError
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.segments import Exponential, Hold, InverseSqrt, MultiStep, Ramp, Step
from .pieces import until
from .reading import load
from .writing import closed_or_refused, peeled, refused

__all__ = ["TARGETS", "written"]

Candidates = Iterator[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Shape:
    """A schedule as training tools say it, in absolute rates.

    Args:
        peak: The rate after the warmup.
        start: The first rate of the warmup.
        warm: Its length, 0 for none.
        hold: How long the peak holds after it.
        kind: The curve of the decay, or the name of its kind.
        length: How long it is.
        end: The last rate.
        power: Of a polynomial.
        decay: The decay itself.
    """

    peak: float
    start: float
    warm: int
    hold: int
    kind: str
    length: int
    end: float
    power: float
    decay: Schedule

    @property
    def total(self) -> int:
        """Updates up to the end of the decay."""
        return self.warm + self.hold + self.length


_CURVES: dict[type[curves.Curve], str] = {
    curves.Linear: "linear",
    curves.Cosine: "cosine",
    curves.Polynomial: "poly",
    curves.Sqrt: "poly",
    curves.OneMinusSqrt: "1-sqrt",
}


def shape_of(schedule: Schedule) -> Shape | None:
    """Returns the shape of a schedule, or None if it is another one."""
    inner, scale = peeled(schedule)
    phases = [peeled(phase) for phase in (inner.phases if isinstance(inner, Chain) else (inner,))]
    if (
        len(phases) > 1
        and isinstance(phases[-1][0], Hold)
        and phases[-2][0](phases[-2][0].duration) == phases[-1][0].value
    ):
        phases.pop()  # it says what is the case
    warm, hold, start = 0, 0, 0.0
    lead, value = phases[0]
    if (
        len(phases) > 1
        and isinstance(lead, Hold)
        and lead.duration == 1
        and (
            lead.value * value == phases[1][0](0) * phases[1][1]
            or (len(phases) > 2 and phases[1][0](0) < phases[1][0](1))
        )
    ):
        phases.pop(0)  # DeepSpeed's first rate, which it uses twice; the others do not have it
    first, own = phases[0]
    if (
        isinstance(first, Ramp)
        and isinstance(first.curve, curves.Linear)
        and (len(phases) > 1 or first.end > first.start)
    ):
        warm, start, phases = first.steps, first.start * own * scale, phases[1:] or [(Hold(value=first.end * own), 1.0)]
    if len(phases) > 1 and isinstance(phases[0][0], Hold):
        hold, phases = int(phases[0][0].duration), phases[1:]
    if len(phases) > 1:
        return None
    decay, own = phases[0]
    if isinstance(decay, Repeat) and isinstance(decay.schedule, Chain) and isinstance(decay.schedule.phases[0], Ramp):
        decay = decay.schedule.phases[0]  # one that climbs again after its run, as transformers' cosine does
    if isinstance(decay, Shift) and decay.steps == -1:
        decay = decay.schedule  # DeepSpeed's cosine begins with its second value
    peak = decay(0) * own * scale
    kind, power, length, end = type(decay).__name__.lower(), 1.0, 0, peak
    if isinstance(decay, Ramp):
        kind, length, end = _CURVES.get(type(decay.curve), "other"), decay.steps, decay.end * own * scale
        power = getattr(decay.curve, "power", 0.5 if isinstance(decay.curve, curves.Sqrt) else 1.0)
    if peak <= 0 or not math.isfinite(peak):
        return None
    return Shape(
        peak,
        start,
        warm,
        hold,
        kind,
        length,
        end,
        power,
        decay * (own * scale / peak) if own * scale != peak else decay,
    )


def _transformers(s: Shape) -> Candidates:
    def call(kind: str, total: int, **own: Any) -> tuple[str, dict[str, Any]]:
        more = {"scheduler_specific_kwargs": own} if own else {}
        warm = {} if kind == "constant" else {"num_warmup_steps": s.warm}
        return "get_scheduler", {"name": kind, **warm, **({"num_training_steps": total} if total else {}), **more}

    if s.kind == "hold":
        yield call("constant_with_warmup" if s.warm else "constant", 0)
    if s.kind == "linear" and s.end == 0:
        yield call("linear", s.total)
    if s.kind in ("linear", "poly"):
        yield call("polynomial", s.total, lr_end=s.end, power=s.power)
    if s.kind in ("linear", "cosine", "1-sqrt"):
        own = {"decay_type": s.kind, "min_lr_ratio": s.end / s.peak}
        yield call("warmup_stable_decay", s.total, num_decay_steps=s.length, **own)
    if s.kind == "cosine":
        yield call("cosine", s.total) if s.end == 0 else call("cosine_with_min_lr", s.total, min_lr_rate=s.end / s.peak)
    if isinstance(s.decay, InverseSqrt):
        yield call("inverse_sqrt", 0, **({} if s.decay.steps == s.warm else {"timescale": s.decay.steps}))
    if isinstance(s.decay, Repeat) and s.decay.cycles and not s.hold:
        total = s.warm + int(s.decay.duration)
        yield call("cosine_with_restarts", total, num_cycles=s.decay.cycles)


def _timm(s: Shape) -> Candidates:
    warm = {"warmup_t": s.warm, "warmup_lr_init": s.start, "warmup_prefix": True} if s.warm else {}
    clock = {**warm, "t_in_epochs": False}
    if s.kind == "hold":
        yield "StepLRScheduler", {"decay_t": 1, "decay_rate": 1.0, **clock}
    if s.kind == "cosine":
        yield "CosineLRScheduler", {"t_initial": s.length, "lr_min": s.end, **clock}
    if s.kind in ("linear", "poly"):
        yield "PolyLRScheduler", {"t_initial": s.length, "power": s.power, "lr_min": s.end, **clock}
    if s.kind in ("linear", "cosine", "1-sqrt"):
        plain = {key: value for key, value in clock.items() if key != "warmup_prefix"}
        own = {"t_initial": s.hold + s.length, "decay_t": s.length, "lr_min": s.end, "decay_fn": s.kind}
        yield "WSDLRScheduler", {**own, **plain}
    if isinstance(s.decay, Step) and not s.hold:
        yield "StepLRScheduler", {"decay_t": s.decay.period, "decay_rate": s.decay.factor, **clock}
    if isinstance(s.decay, MultiStep) and not s.hold:
        marks = [mark + 1 for mark in s.decay.milestones]  # timm drops one step before its milestones
        yield "MultiStepLRScheduler", {"decay_t": marks, "decay_rate": s.decay.factor, **clock}
    if isinstance(s.decay, Repeat) and isinstance(s.decay.schedule, Ramp) and s.decay.cycles and not s.hold:
        own = {
            "t_initial": s.decay.schedule.steps,
            "lr_min": s.decay.schedule.end * s.peak,
            "cycle_limit": s.decay.cycles,
        }
        more = {"cycle_mul": s.decay.growth, "cycle_decay": s.decay.decay}
        yield "CosineLRScheduler", {**own, **more, **clock}


def _composer(s: Shape) -> Candidates:
    run, share = {"t_max": f"{s.total}ba"}, s.end / s.peak
    with_warmup = {"t_warmup": f"{s.warm}ba", **run, "alpha_f": share}
    if s.kind == "hold":
        yield (
            "ConstantWithWarmupScheduler" if s.warm else "ConstantScheduler",
            {"t_warmup": f"{s.warm}ba"} if s.warm else {},
        )
    names = {"cosine": "CosineAnnealing", "linear": "Linear", "poly": "Polynomial"}
    if s.kind in names:
        own = {"power": s.power} if s.kind == "poly" else {}
        if s.warm:
            yield f"{names[s.kind]}WithWarmupScheduler", {**with_warmup, **own}
        else:
            yield f"{names[s.kind]}Scheduler", {**run, "alpha_f": share, **own}
    if isinstance(s.decay, MultiStep) and not s.hold:
        marks = {"milestones": [f"{mark + s.warm}ba" for mark in s.decay.milestones], "gamma": s.decay.factor}
        yield (
            "MultiStepWithWarmupScheduler" if s.warm else "MultiStepScheduler",
            {
                **({"t_warmup": f"{s.warm}ba"} if s.warm else {}),
                **marks,
            },
        )
    if isinstance(s.decay, Step) and not s.warm and not s.hold:
        yield "StepScheduler", {"step_size": f"{s.decay.period}ba", "gamma": s.decay.factor}
    if isinstance(s.decay, Exponential) and not s.warm:
        yield "ExponentialScheduler", {"gamma": s.decay.rate, "decay_period": f"{s.decay.steps}ba"}


def _mmengine(s: Shape) -> Candidates:
    begin, end = ({"begin": s.warm + s.hold} if s.warm + s.hold else {}), {"end": s.total + 1}
    later: dict[str, Any] = {}
    if s.kind == "cosine":
        later = {"type": "CosineAnnealingLR", "T_max": s.length, "eta_min": s.end, **begin, **end}
    elif s.kind in ("linear", "poly"):
        later = {"type": "PolyLR", "power": s.power, "eta_min": s.end, **begin, **end}
    elif isinstance(s.decay, MultiStep):
        later = {
            "type": "MultiStepLR",
            "milestones": list(s.decay.milestones),
            "gamma": s.decay.factor,
            **begin,
            "end": 10**9,
        }
    elif isinstance(s.decay, Step):
        later = {"type": "StepLR", "step_size": s.decay.period, "gamma": s.decay.factor, **begin, "end": 10**9}
    elif isinstance(s.decay, Exponential) and s.decay.steps == 1:
        later = {"type": "ExponentialLR", "gamma": s.decay.rate, **begin, "end": 10**9}
    elif s.kind != "hold":
        return
    parts = [{"type": "LinearLR", "start_factor": s.start / s.peak or 1 / s.warm, "end": s.warm + 1}] if s.warm else []
    for last in ({}, {"end": 10**9}) if s.kind == "cosine" else ({},):
        every = [
            {**part, **more} for part, more in zip([*parts, later], [*({} for _ in parts), last], strict=True) if part
        ]
        yield "param_scheduler", {"parts": [{**part, "by_epoch": False} for part in every]}


def _deepspeed(s: Shape) -> Candidates:
    late = {"warmup_max_lr": s.peak, "warmup_type": "linear"}
    if s.kind == "hold" and s.warm:
        yield "WarmupLR", {"warmup_min_lr": s.start, "warmup_num_steps": s.warm, **late}
    if s.kind == "hold" and not s.warm:
        yield "WarmupLR", {"warmup_min_lr": s.peak, "warmup_num_steps": 2, **late}
    if s.kind != "cosine" and s.length and s.warm:
        ends = {"cycle_min_lr": s.start, "cycle_max_lr": s.peak, "cycle_momentum": False}
        yield "OneCycle", {**ends, "cycle_first_step_size": s.warm, "cycle_second_step_size": s.length}
        run = {"total_num_steps": s.total, "warmup_min_lr": s.start, "warmup_num_steps": s.warm}
        yield "WarmupDecayLR", {**run, **late}
    if s.kind == "cosine" and s.warm:
        own = {"total_num_steps": s.total, "warmup_min_ratio": s.start / s.peak, "warmup_num_steps": s.warm}
        yield "WarmupCosineLR", {**own, "cos_min_ratio": s.end / s.peak, "warmup_type": "linear"}


def _megatron(s: Shape) -> Candidates:
    style = {"linear": "linear", "cosine": "cosine", "hold": "constant", "inversesqrt": "inverse-square-root"}.get(
        s.kind, "linear" if s.length else ""
    )
    common = {"max_lr": s.peak, "min_lr": s.end if s.length else 0.0, "init_lr": s.start, "lr_warmup_steps": s.warm}
    if style:
        total = s.total if s.length else 10**9
        yield "OptimizerParamScheduler", {**common, "lr_decay_steps": total, "lr_decay_style": style}
    words = {"linear": "linear", "cosine": "cosine", "1-sqrt": "minus_sqrt"}
    if s.kind in words:
        own = {"lr_decay_style": "WSD", "wsd_decay_steps": s.length, "lr_wsd_decay_style": words[s.kind]}
        yield "OptimizerParamScheduler", {**common, "lr_decay_steps": s.total, **own}


# As text --------------------------------------------------------------------------------------------------------------------------------


def _call(name: str, given: dict[str, Any], *first: str, indent: int = 4) -> str:
    inside = [*first, *(f"{key}={value!r}" for key, value in given.items())]
    text = f"{name}({', '.join(inside)})"
    if len(text) > 100 - indent:
        pad = "\n" + " " * (indent + 4)
        text = f"{name}({pad}{f',{pad}'.join(inside)},\n{' ' * indent})"
    return text.replace("'", '"')


def _rate(base: float | None) -> str:
    return "" if base is None else f"base_lr = {base!r}  # the optimizer's rate when the scheduler is made\n\n\n"


def _as_transformers(name: str, given: dict[str, Any], base: float | None) -> str:
    own = {key: value for key, value in given.items() if key != "name"}
    call = _call(name, own, f'"{given["name"]}"', "optimizer=optimizer")
    return f"from transformers import {name}\n\n{_rate(base)}def make_scheduler(optimizer):\n    return {call}\n"


def _as_timm(name: str, given: dict[str, Any], base: float | None) -> str:
    call = _call(name, given, "optimizer")
    made = f"def make_scheduler(optimizer):\n    return {call}  # step_update(updates made) after each\n"
    return f"from timm.scheduler import {name}\n\n{_rate(base)}{made}"


def _as_composer(name: str, given: dict[str, Any], base: float | None) -> str:
    rate = _rate(base).removesuffix("\n")
    return f"from composer.optim import {name}\n\n{rate}scheduler = {_call(name, given, indent=0)}\n"


def _as_mmengine(name: str, given: dict[str, Any], base: float | None) -> str:
    parts = "".join(f"    {_call('dict', part)},\n" for part in given["parts"])
    inside = f"[\n{parts}]" if parts else "[]"
    return f"optim_wrapper = dict(optimizer=dict(lr={base!r}))\nparam_scheduler = {inside}\n"


def _as_deepspeed(name: str, given: dict[str, Any], base: float | None) -> str:
    data = {"optimizer": {"params": {"lr": base}}, "scheduler": {"type": name, "params": given}}
    return json.dumps(data, indent=2) + "\n"


def _as_megatron(name: str, given: dict[str, Any], base: float | None) -> str:
    options = {
        "max_lr": "lr",
        "min_lr": "min-lr",
        "init_lr": "lr-warmup-init",
        "lr_warmup_steps": "lr-warmup-iters",
        "lr_decay_steps": "lr-decay-iters",
        "lr_decay_style": "lr-decay-style",
        "wsd_decay_steps": "lr-wsd-decay-iters",
        "lr_wsd_decay_style": "lr-wsd-decay-style",
    }
    words = [f"--{options[key]} {value}" for key, value in given.items()]
    run = [f"--train-iters {given['lr_decay_steps']}"] if given["lr_decay_steps"] < 10**9 else []
    return " ".join([*words, *run]) + "\n"


@dataclass(frozen=True)
class Target:
    """A tool that schedules are written for.

    Args:
        title: Its name.
        candidates: What may say a shape there.
        write: Returns the text of one of them, for a base rate.
        based: Whether the text holds the rate itself, so that it must be known.
    """

    title: str
    candidates: Callable[[Shape], Candidates]
    write: Callable[[str, dict[str, Any], float | None], str]
    based: bool = False


TARGETS = {
    "transformers": Target("transformers", _transformers, _as_transformers),
    "timm": Target("timm", _timm, _as_timm),
    "composer": Target("Composer", _composer, _as_composer),
    "mmengine": Target("MMEngine", _mmengine, _as_mmengine, based=True),
    "deepspeed": Target("DeepSpeed", _deepspeed, _as_deepspeed, based=True),
    "megatron": Target("Megatron-LM", _megatron, _as_megatron, based=True),
}


def _again(target: str, name: str, given: dict[str, Any], shape: Shape) -> Schedule:
    """Returns the schedule that a candidate is read back as."""
    if target == "mmengine":
        from .configs.reading import schedule_of_data

        data = {"optim_wrapper": {"optimizer": {"lr": shape.peak}}, "param_scheduler": given["parts"]}
        return schedule_of_data(data, "MMEngine")
    more = {"max_duration": f"{max(shape.total, 1)}ba"} if target == "composer" else {}
    return load(target, name, {**given, **more}, base_lr=shape.peak).schedule


def _fits(made: Schedule, shape: Shape, schedule: Schedule) -> tuple[int | None, float]:
    """Tells how far a candidate has a schedule's rates (-1: everywhere, None: not at all), and how far off it is."""
    end = int(min(schedule.duration, 10**6)) if schedule.duration != math.inf else max(20 * (shape.total + 1), 1000)
    near = {0, 1, 2, 3, shape.warm, shape.warm + shape.hold, shape.total, end}
    steps = {step + k for step in near for k in (-1, 0, 1)} | set(range(0, end, max(1, end // 300)))
    gaps = {step: abs(made(step) - schedule(step)) for step in sorted(steps) if 0 <= step <= end}
    limit = 1e-11 * shape.peak
    if max(gaps.values()) > limit:
        within = [gap for step, gap in gaps.items() if step <= (shape.total or end)]
        return None, sum(within) / len(within)
    same = all(abs(made(step) - schedule(step)) <= limit for step in (end + 1, end + 7, 2 * end + 3, 10**7))
    return (-1 if same else end), 0.0


def written(schedule: Schedule, target: str, base_lr: float | None = None) -> str:
    """Returns a schedule in a tool's words.

    Args:
        schedule: In absolute values, or a factor.
        target: One of `TARGETS`.
        base_lr: What a factor is multiplied by.

    Raises:
        NotExpressible: With the reason, and the nearest schedule that can be said there.
        GlidepathError: If the text would hold a rate that nobody gave.
    """
    tool = TARGETS[target]
    closed_or_refused(schedule, target)
    plain = schedule.schedule if isinstance(schedule, Rate) else schedule
    free = not schedule.absolute and base_lr is None
    whole = plain if free or schedule.absolute else plain * base_lr  # type: ignore[operator]
    asked = GlidepathError.of(
        "render",
        "base_lr",
        "given: a rate stands in what is written",
        None,
        "base_lr=3e-4, on the command line --base 3e-4",
    )
    if free and tool.based:
        raise asked
    shape = shape_of(whole)
    options = list(_options(whole, shape, target)) if shape else []
    fitting = [option for option in options if option.end is not None]
    bare = [option for option in fitting if option.follows(whole)] if free else fitting
    if shape and bare:
        best = min(bare, key=lambda option: option.end or 0)
        run = f"# the run has {best.end} updates; what comes after is the tool's\n"
        note = run if best.end != -1 and target not in ("deepspeed", "megatron") else ""
        return note + tool.write(best.name, best.given, None if free else shape.peak)
    if fitting:
        raise asked
    remedy = "pytorch, optax, keras and python say any schedule"
    if options:
        near = min(options, key=lambda option: option.gap).made
        unit = base_lr if base_lr is not None and not schedule.absolute else 1.0
        remedy = f"the nearest that can be said: {_tidy(near, unit)}; {remedy}"
    raise refused(target, "$", f"a warmup, a hold and a decay that {tool.title} has", plain, remedy)


@dataclass(frozen=True)
class _Option:
    """What a tool may say for a shape: how it is read back, up to where that agrees, and how far it is off otherwise."""

    target: str
    shape: Shape
    name: str
    given: dict[str, Any]
    made: Schedule
    end: int | None
    gap: float

    def follows(self, schedule: Schedule) -> bool:
        """Tells whether it is free of the rate: the same words say half of the schedule for half of the rate."""
        half = replace(self.shape, peak=self.shape.peak / 2, start=self.shape.start / 2, end=self.shape.end / 2)
        return _fits(_again(self.target, self.name, self.given, half), half, schedule * 0.5)[0] is not None


def _options(schedule: Schedule, shape: Shape, target: str) -> Iterator[_Option]:
    for name, given in TARGETS[target].candidates(shape):
        with contextlib.suppress(GlidepathError):  # the tool refuses it
            made = _again(target, name, given, shape)
            yield _Option(target, shape, name, given, made, *_fits(made, shape, schedule))


def _tidy(schedule: Schedule, unit: float) -> Schedule:
    """Returns a schedule in units of a rate, as a person would write it for the run that it is of."""
    if isinstance(schedule, Chain):
        parts = [_tidy(phase, unit) for phase in schedule.phases]
        last, before = parts[-1], parts[-2]
        ended = isinstance(last, Hold) and last.value == before(before.duration)
        return Chain(tuple(parts[:-1] if ended else parts)) if len(parts) > 2 or not ended else before
    if isinstance(schedule, Ramp):
        return Ramp(_share(schedule.start, unit), _share(schedule.end, unit), schedule.steps, schedule.curve)
    if isinstance(schedule, Hold):
        return Hold(schedule.steps, _share(schedule.value, unit))
    if isinstance(schedule, Repeat) and isinstance(schedule.schedule, Chain):
        return _tidy(schedule.schedule.phases[0], unit)
    if isinstance(schedule, Until):
        return until(_tidy(schedule.schedule, unit), schedule.steps)
    if isinstance(schedule, Shift):
        return schedule.replace(schedule=_tidy(schedule.schedule, unit))
    inner, scale = peeled(schedule)
    share = _share(scale, unit)
    return inner if share == 1.0 else inner * share


def _share(rate: float, unit: float) -> float:
    return float(f"{rate / unit:.12g}")
