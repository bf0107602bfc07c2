"""Our schedules in the words of training tools: transformers, timm, Composer, MMEngine, DeepSpeed and Megatron-LM.

A schedule is taken apart into a warmup, a hold and a decay; each tool has a few candidates for such a shape. A candidate counts only if it is
read back with the same rates, so that what is written is what was asked for.

Over 400 lines: every tool has its two paragraphs.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from ..core import Exponential, GlidepathError, Hold, InverseSqrt, MultiStep, Ramp, Rate, Schedule, Step, curves
from ..core.combinators import Chain, Repeat, Shift, Until
from .pieces import until
from .reading import load
from .writing import closed_or_refused, laid_out, peeled, rate_line, refused

Candidates = Iterator[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class RunShape:
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


_NAMES = {curves.Linear: "linear", curves.Cosine: "cosine", curves.OneMinusSqrt: "1-sqrt"}
_CURVES: dict[Any, str] = {**_NAMES, curves.Polynomial: "poly", curves.Sqrt: "poly"}


def _line(node: Schedule) -> TypeGuard[Ramp]:
    return isinstance(node, Ramp) and isinstance(node.curve, curves.Linear)


def shape_of(schedule: Schedule) -> RunShape | None:
    """Returns the shape of a schedule, or None if it is another one."""
    inner, scale = peeled(schedule)
    phases = [peeled(phase) for phase in (inner.phases if isinstance(inner, Chain) else (inner,))]
    before, last = phases[-2:][0][0], phases[-1][0]
    if len(phases) > 1 and isinstance(last, Hold) and before(before.duration) == last.value:
        phases.pop()  # it says what is the case
    warm, hold, start = 0, 0, 0.0
    lead, value = phases[0]
    if len(phases) > 1 and isinstance(lead, Hold) and lead.duration == 1:
        then, own = phases[1]
        if lead.value * value == then(0) * own or (len(phases) > 2 and then(0) < then(1)):
            phases.pop(0)  # DeepSpeed's first rate, which it uses twice; the others do not have it
    first, own = phases[0]
    if _line(first) and (len(phases) > 1 or first.end > first.start):
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
    unit = own * scale
    peak = decay(0) * unit
    kind, power, length, end = type(decay).__name__.lower(), 1.0, 0, peak
    if isinstance(decay, Ramp):
        kind, length, end = _CURVES.get(type(decay.curve), "other"), decay.steps, decay.end * unit
        power = getattr(decay.curve, "power", 0.5 if isinstance(decay.curve, curves.Sqrt) else 1.0)
    if peak <= 0 or not math.isfinite(peak):
        return None
    return RunShape(peak, start, warm, hold, kind, length, end, power, decay if unit == peak else decay * (unit / peak))


def _transformers(s: RunShape) -> Candidates:
    def call(kind: str, total: int, **own: Any) -> tuple[str, dict[str, Any]]:
        warm, given = {"num_warmup_steps": s.warm}, {"num_training_steps": total, "scheduler_specific_kwargs": own}
        kept = {name: value for name, value in given.items() if value}
        return "get_scheduler", {"name": kind, **({} if kind == "constant" else warm), **kept}

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
        yield call("cosine_with_restarts", s.warm + int(s.decay.duration), num_cycles=s.decay.cycles)


def _timm(s: RunShape) -> Candidates:
    plain = {"warmup_t": s.warm, "warmup_lr_init": s.start} if s.warm else {}
    clock = {**plain, **({"warmup_prefix": True} if s.warm else {}), "t_in_epochs": False}
    if s.kind == "hold":
        yield "StepLRScheduler", {"decay_t": 1, "decay_rate": 1.0, **clock}
    if s.kind == "cosine":
        yield "CosineLRScheduler", {"t_initial": s.length, "lr_min": s.end, **clock}
    if s.kind in ("linear", "poly"):
        yield "PolyLRScheduler", {"t_initial": s.length, "power": s.power, "lr_min": s.end, **clock}
    if s.kind in ("linear", "cosine", "1-sqrt"):
        own = {"t_initial": s.hold + s.length, "decay_t": s.length, "lr_min": s.end, "decay_fn": s.kind}
        yield "WSDLRScheduler", {**own, **plain, "t_in_epochs": False}
    match s.decay if not s.hold else None:
        case Step(period=period, factor=factor):
            yield "StepLRScheduler", {"decay_t": period, "decay_rate": factor, **clock}
        case MultiStep(milestones=milestones, factor=factor):
            marks = [mark + 1 for mark in milestones]  # timm drops one step before its milestones
            yield "MultiStepLRScheduler", {"decay_t": marks, "decay_rate": factor, **clock}
        case Repeat(schedule=Ramp() as cycle, cycles=cycles, growth=growth, decay=decay) if cycles:
            own = {"t_initial": cycle.steps, "lr_min": cycle.end * s.peak, "cycle_limit": cycles}
            yield "CosineLRScheduler", {**own, "cycle_mul": growth, "cycle_decay": decay, **clock}
        case _:
            pass


def _composer(s: RunShape) -> Candidates:
    warm, way = ({"t_warmup": f"{s.warm}ba"}, "WithWarmupScheduler") if s.warm else ({}, "Scheduler")
    if s.kind == "hold":
        yield f"Constant{way}", warm
    names = {"cosine": "CosineAnnealing", "linear": "Linear", "poly": "Polynomial"}
    if s.kind in names:
        own = {"power": s.power} if s.kind == "poly" else {}
        yield f"{names[s.kind]}{way}", {**warm, "t_max": f"{s.total}ba", "alpha_f": s.end / s.peak, **own}
    match s.decay if not s.hold else None:
        case MultiStep(milestones=milestones, factor=factor):
            marks = [f"{mark + s.warm}ba" for mark in milestones]
            yield f"MultiStep{way}", {**warm, "milestones": marks, "gamma": factor}
        case Step(period=period, factor=factor) if not s.warm:
            yield "StepScheduler", {"step_size": f"{period}ba", "gamma": factor}
        case Exponential(rate=rate, steps=steps) if not s.warm:
            yield "ExponentialScheduler", {"gamma": rate, "decay_period": f"{steps}ba"}
        case _:
            pass


def _mmengine(s: RunShape) -> Candidates:
    begin, end = ({"begin": s.warm + s.hold} if s.warm + s.hold else {}), {"end": s.total + 1}
    open_end = {**begin, "end": 10**9}
    match s.decay:
        case MultiStep(milestones=milestones, factor=factor):
            later = {"type": "MultiStepLR", "milestones": list(milestones), "gamma": factor, **open_end}
        case Step(period=period, factor=factor):
            later = {"type": "StepLR", "step_size": period, "gamma": factor, **open_end}
        case Exponential(rate=rate, steps=1):
            later = {"type": "ExponentialLR", "gamma": rate, **open_end}
        case _ if s.kind == "cosine":
            later = {"type": "CosineAnnealingLR", "T_max": s.length, "eta_min": s.end, **begin, **end}
        case _ if s.kind in ("linear", "poly"):
            later = {"type": "PolyLR", "power": s.power, "eta_min": s.end, **begin, **end}
        case _ if s.kind == "hold":
            later = {}
        case _:
            return
    parts = [{"type": "LinearLR", "start_factor": s.start / s.peak or 1 / s.warm, "end": s.warm + 1}] if s.warm else []
    for last in ({}, {"end": 10**9}) if s.kind == "cosine" else ({},):
        every = [part for part in (*parts, {**later, **last}) if part]
        yield "param_scheduler", {"parts": [{**part, "by_epoch": False} for part in every]}


def _deepspeed(s: RunShape) -> Candidates:
    late = {"warmup_max_lr": s.peak, "warmup_type": "linear"}
    run = {"total_num_steps": s.total, "warmup_min_lr": s.start, "warmup_num_steps": s.warm}
    if s.kind == "hold":
        own = {"warmup_min_lr": s.start, "warmup_num_steps": s.warm} if s.warm else {}
        yield "WarmupLR", {"warmup_min_lr": s.peak, "warmup_num_steps": 2, **own, **late}
    if s.kind != "cosine" and s.length and s.warm:
        ends = {"cycle_min_lr": s.start, "cycle_max_lr": s.peak, "cycle_momentum": False}
        yield "OneCycle", {**ends, "cycle_first_step_size": s.warm, "cycle_second_step_size": s.length}
        yield "WarmupDecayLR", {**run, **late}
    if s.kind == "cosine" and s.warm:
        own = {"total_num_steps": s.total, "warmup_min_ratio": s.start / s.peak, "warmup_num_steps": s.warm}
        yield "WarmupCosineLR", {**own, "cos_min_ratio": s.end / s.peak, "warmup_type": "linear"}


def _megatron(s: RunShape) -> Candidates:
    styles = {"linear": "linear", "cosine": "cosine", "hold": "constant", "inversesqrt": "inverse-square-root"}
    common = {"max_lr": s.peak, "min_lr": s.end if s.length else 0.0, "init_lr": s.start, "lr_warmup_steps": s.warm}
    if style := styles.get(s.kind, "linear" if s.length else ""):
        total = s.total if s.length else 10**9
        yield "OptimizerParamScheduler", {**common, "lr_decay_steps": total, "lr_decay_style": style}
    words = {"linear": "linear", "cosine": "cosine", "1-sqrt": "minus_sqrt"}
    if s.kind in words:
        own = {"lr_decay_style": "WSD", "wsd_decay_steps": s.length, "lr_wsd_decay_style": words[s.kind]}
        yield "OptimizerParamScheduler", {**common, "lr_decay_steps": s.total, **own}


# As text --------------------------------------------------------------------------------------------------------------------------------


def _called(name: str, given: dict[str, Any], *first: str, indent: int = 4) -> str:
    inside = [*first, *(f"{key}={value!r}" for key, value in given.items())]
    return laid_out(name, inside, indent, limit=100).replace("'", '"')


def _made(module: str, name: str, call: str, base: float | None, note: str = "") -> str:
    head = f"from {module} import {name}\n\n{rate_line(base)}"
    return f"{head}def make_scheduler(optimizer):\n    return {call}{note}\n"


def _as_transformers(name: str, given: dict[str, Any], base: float | None) -> str:
    own = {key: value for key, value in given.items() if key != "name"}
    return _made("transformers", name, _called(name, own, f'"{given["name"]}"', "optimizer=optimizer"), base)


def _as_timm(name: str, given: dict[str, Any], base: float | None) -> str:
    note = "  # step_update(updates made) after each"
    return _made("timm.scheduler", name, _called(name, given, "optimizer"), base, note)


def _as_composer(name: str, given: dict[str, Any], base: float | None) -> str:
    return f"from composer.optim import {name}\n\n{rate_line(base)[:-1]}scheduler = {_called(name, given, indent=0)}\n"


def _as_mmengine(name: str, given: dict[str, Any], base: float | None) -> str:
    parts = "".join(f"    {_called('dict', part)},\n" for part in given["parts"])
    inside = f"[\n{parts}]" if parts else "[]"
    return f"optim_wrapper = dict(optimizer=dict(lr={base!r}))\nparam_scheduler = {inside}\n"


def _as_deepspeed(name: str, given: dict[str, Any], base: float | None) -> str:
    data = {"optimizer": {"params": {"lr": base}}, "scheduler": {"type": name, "params": given}}
    return json.dumps(data, indent=2) + "\n"


def _as_megatron(name: str, given: dict[str, Any], base: float | None) -> str:
    own = {"max_lr": "lr", "init_lr": "lr-warmup-init", "wsd_decay_steps": "lr-wsd-decay-iters"}
    options = {key: own.get(key, key.replace("_steps", "_iters").replace("_", "-")) for key in given}
    words = [f"--{options[key]} {value}" for key, value in given.items()]
    run = [f"--train-iters {given['lr_decay_steps']}"] if given["lr_decay_steps"] < 10**9 else []
    return " ".join([*words, *run]) + "\n"


Write = Callable[[str, dict[str, Any], float | None], str]
# For each tool its title, what may say a shape there, how one of them is written, and whether that holds the rate, which must be known.
TARGETS: dict[str, tuple[str, Callable[[RunShape], Candidates], Write, bool]] = {
    "transformers": ("transformers", _transformers, _as_transformers, False),
    "timm": ("timm", _timm, _as_timm, False),
    "composer": ("Composer", _composer, _as_composer, False),
    "mmengine": ("MMEngine", _mmengine, _as_mmengine, True),
    "deepspeed": ("DeepSpeed", _deepspeed, _as_deepspeed, True),
    "megatron": ("Megatron-LM", _megatron, _as_megatron, True),
}


def _again(target: str, name: str, given: dict[str, Any], shape: RunShape) -> Schedule:
    """Returns the schedule that a candidate is read back as."""
    if target == "mmengine":
        from .configs.reading import schedule_of_data

        data = {"optim_wrapper": {"optimizer": {"lr": shape.peak}}, "param_scheduler": given["parts"]}
        return schedule_of_data(data, "MMEngine")
    more = {"max_duration": f"{max(shape.total, 1)}ba"} if target == "composer" else {}
    return load(target, name, {**given, **more}, base_lr=shape.peak).schedule


def _fits(made: Schedule, shape: RunShape, schedule: Schedule) -> tuple[int | None, float]:
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
    title, candidates, write, based = TARGETS[target]
    closed_or_refused(schedule, target)
    plain = schedule.schedule if isinstance(schedule, Rate) else schedule
    free = not schedule.absolute and base_lr is None
    whole = plain if free or schedule.absolute else plain * base_lr  # type: ignore[operator]
    remedy = "base_lr=3e-4, on the command line --base 3e-4"
    asked = GlidepathError.of("render", "base_lr", "given: a rate stands in what is written", None, remedy)
    if free and based:
        raise asked
    shape = shape_of(whole)
    options = [*_options(whole, shape, target, candidates(shape))] if shape else []
    fitting = [option for option in options if option[0] is not None]
    bare = [option for option in fitting if not shape or not free or _follows(whole, shape, target, *option[2:4])]
    if shape and bare:
        end, _, name, given, _ = min(bare, key=lambda option: option[0] or 0)
        run = f"# the run has {end} updates; what comes after is the tool's\n"
        note = run if end != -1 and target not in ("deepspeed", "megatron") else ""
        return note + write(name, given, None if free else shape.peak)
    if fitting:
        raise asked
    remedy = "pytorch, optax, keras and python say any schedule"
    if options:
        near = min(options, key=lambda option: option[1])[4]
        unit = base_lr if base_lr is not None and not schedule.absolute else 1.0
        remedy = f"the nearest that can be said: {_tidy(near, unit)}; {remedy}"
    raise refused(target, "$", f"a warmup, a hold and a decay that {title} has", plain, remedy)


def _follows(schedule: Schedule, shape: RunShape, target: str, name: str, given: dict[str, Any]) -> bool:
    """Tells whether a candidate is free of the rate: the same words say half of the schedule for half of the rate."""
    half = replace(shape, peak=shape.peak / 2, start=shape.start / 2, end=shape.end / 2)
    return _fits(_again(target, name, given, half), half, schedule * 0.5)[0] is not None


def _options(schedule: Schedule, shape: RunShape, target: str, candidates: Candidates) -> Iterator[tuple[Any, ...]]:
    """Yields what a tool may say: up to where that agrees, how far it is off otherwise, the words, and what they are read back as."""
    for name, given in candidates:
        with contextlib.suppress(GlidepathError):  # the tool refuses it
            made = _again(target, name, given, shape)
            yield *_fits(made, shape, schedule), name, given, made


def _tidy(schedule: Schedule, unit: float) -> Schedule:
    """Returns a schedule in units of a rate, as a person would write it for the run that it is of."""
    match schedule:
        case Chain():
            parts = [_tidy(phase, unit) for phase in schedule.phases]
            last, before = parts[-1], parts[-2]
            ended = isinstance(last, Hold) and last.value == before(before.duration)
            return Chain(tuple(parts[:-1] if ended else parts)) if len(parts) > 2 or not ended else before
        case Ramp() | Hold():
            ends = {"start", "end", "value"} & {*schedule.field_names()}
            return schedule.replace(**{name: _share(getattr(schedule, name), unit) for name in ends})
        case Repeat(schedule=Chain(phases=(first, *_))):
            return _tidy(first, unit)
        case Until():
            return until(_tidy(schedule.schedule, unit), schedule.steps)
        case Shift():
            return schedule.replace(schedule=_tidy(schedule.schedule, unit))
        case _:
            inner, scale = peeled(schedule)
            share = _share(scale, unit)
            return inner if share == 1.0 else inner * share


def _share(rate: float, unit: float) -> float:
    return float(f"{rate / unit:.12g}")
