"""Schedules of live objects of other libraries than PyTorch and Keras, and of our own classes: read from their attributes."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

from ..core.errors import GlidepathError
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.segments import Hold
from . import pieces
from .calls import Call
from .reading import read_call
from .table import At, Dialect, known

__all__ = ["other_live"]


def other_live(thing: Any, group: int, strict: bool) -> Rate | None:
    """Returns the schedule of an object, or None if it is for the readers of PyTorch's and Keras's.

    Args:
        thing: The object.
        group: Which parameter group.
        strict: As in `load`.
    """
    if inspect.isfunction(thing):
        if not thing.__module__.startswith("optax."):
            return None
        call = _optax(thing)
        return read_call(At(known("optax"), call.name, 1.0, strict=strict), call)
    module = type(thing).__module__
    inner = getattr(thing, "schedule", None)
    if module.startswith("glidepath.") and isinstance(inner, Schedule):
        return inner if isinstance(inner, Rate) else Rate(inner)
    if module.startswith("glidepath.torch.lr_scheduler"):
        return _dropin(thing, group)
    for start, library in (("glidepath.torch.oneflow", "oneflow"), ("timm.", "timm"), ("mmengine.", "mmengine")):
        if module.startswith(start) and hasattr(thing, "optimizer"):
            language = known(library)
            name = language.named(type(thing).__name__)
            bases = getattr(thing, "base_values", None) or getattr(thing, "base_lrs", None) or [_base(thing, group)]
            at = At(language, name, float(bases[min(group, len(bases) - 1)]), strict=strict)
            return read_call(at, _attributes(thing, language, group))
    functions = getattr(thing, "lr_lambdas", None)
    if functions and getattr(_function(functions[group]), "__module__", "") == "transformers.optimization":
        return _transformers(functions[group], float(thing.base_lrs[group]), strict)
    return None


def _base(thing: Any, group: int) -> float:
    settings = thing.optimizer.param_groups[group]
    return settings.get("initial_lr", settings["lr"])


def _attributes(thing: Any, language: Dialect, group: int) -> Call:
    """Returns the call that would make an object whose attributes have the names of its arguments."""
    name = language.named(type(thing).__name__)
    found: dict[str, Any] = {}
    inside = [_attributes(child, language, group) for child in getattr(thing, "schedulers", [])]
    kept_as: dict[str, str] = getattr(thing, "kept_as", {})
    for parameter in language.parameters(name):
        if parameter.name in language.ignored:
            continue
        value = getattr(thing, kept_as.get(parameter.name, parameter.name), None)
        if parameter.name in ("schedulers", "scheduler_or_optimizer"):
            value = inside if parameter.name == "schedulers" else next(iter(inside), None)
        elif parameter.name == "lr_lambda" or (parameter.name.endswith("_fn") and callable(value)):
            from .live import read_function

            value = read_function(thing.lr_lambdas[group] if parameter.name == "lr_lambda" else value)
        elif parameter.name == "milestones":
            value = sorted(value.elements()) if hasattr(value, "elements") else list(value)  # type: ignore[union-attr]
        if value is not None and (isinstance(value, Schedule) or not callable(value)):
            found[parameter.name] = value
    phases = getattr(thing, "_schedule_phases", None)
    if phases and "total_steps" in found:
        share = (phases[0]["end_step"] + 1) / found["total_steps"]
        cosine = "cos" in thing.anneal_func.__name__
        found |= {"pct_start": share, "three_phase": len(phases) == 3, "anneal_strategy": "cos" if cosine else "linear"}
    return Call(name, found)


def _dropin(thing: Any, group: int) -> Rate | None:
    """Returns the schedule of one of our classes, where it differs from PyTorch's of the same name; None where it does not."""
    from .live import from_live

    name = type(thing).__name__
    if name == "SequentialLR" and any(hasattr(child, "_schedulers") for child in thing._schedulers):
        children = [from_live(child, group=group).schedule for child in thing._schedulers]
        return Rate(pieces.in_sequence(children, [int(mark) for mark in thing._milestones]))
    if name not in ("ConstantLR", "LinearLR"):
        return None
    steps, base = thing.total_iters, float(thing.base_lrs[group])
    if name == "ConstantLR" and (steps == 0 or thing.factor == 0):
        return Rate(pieces.in_sequence([Hold(value=base * thing.factor), Hold(value=base)], [steps]), "", base)
    if name == "LinearLR" and steps == 0:
        return Rate(Hold(value=base * thing.end_factor), "", base)
    return None


def _function(function: Any) -> Any:
    return function.func if isinstance(function, functools.partial) else function


def _transformers(function: Any, base: float, strict: bool) -> Rate:
    """Returns the schedule of a function of transformers, whose partial holds its arguments."""
    arguments = dict(getattr(function, "keywords", {}))
    name = _function(function).__name__.removeprefix("_").removesuffix("_lambda").removesuffix("_lr")
    renamed = {"get_constant": "get_constant_schedule", "get_wsd_scheduler": "get_wsd_schedule"}
    name = str(renamed.get(name, name))
    if name == "get_cosine_schedule_with_warmup" and "min_lr_rate" in arguments:
        name = "get_cosine_with_min_lr_schedule_with_warmup"
    if name == "get_cosine_with_min_lr_schedule_with_warmup":
        name += "_lr_rate" if "warmup_lr_rate" in arguments else ""
    first = float(arguments.pop("lr_init", base))
    made = read_call(At(known("transformers"), name, first, strict=strict), Call(name, arguments))
    return made if first == base else Rate(pieces.scaled(made.schedule, base / first))


def _optax(function: Any) -> Call:
    """Returns the call that made an optax schedule, whose closure holds its arguments."""
    around = dict(_closure(function))
    name = function.__qualname__.partition(".")[0]
    language = known("optax")
    if not language.has(name):
        raise GlidepathError.of("from_live", "", "a schedule of optax.schedules", function.__qualname__)
    own = {parameter.name for parameter in language.parameters(name)}
    found = {key: _plain(value) for key, value in around.items() if key in own and key != "schedules"}
    if name == "piecewise_interpolate_schedule":
        scales = dict(zip(around["boundaries"], around["scales"], strict=True))
        kind = "cosine" if "cosine" in around["interpolate_fn"].__name__ else "linear"
        found |= {
            "interpolate_type": kind,
            "boundaries_and_scales": {int(key): float(value) for key, value in scales.items()},
        }
    if name == "join_schedules":
        found = {
            "schedules": [_optax(child) for child in around["schedules"]],
            "boundaries": _plain(around["boundaries"]),
        }
    return Call(name, found)


def _closure(function: Any) -> Iterator[tuple[str, Any]]:
    """Yields what a function took from around it; a name may have no value yet."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def _plain(value: Any) -> Any:
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {int(key): float(item) for key, item in value.items()}
    return value if isinstance(value, int) else float(value)
