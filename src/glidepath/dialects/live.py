"""Schedules of live objects: a scheduler or a schedule that stands in memory, read from its attributes. Imports no library."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import linecache
import math
from collections.abc import Callable, Iterator
from typing import Any

from ..core import GlidepathError, Hold, Rate, Schedule, shown
from ..core.fields import number
from ..core.syntax import syntax
from . import pieces
from .arithmetic import Unknown
from .calls import Around, Call, CodeReader
from .reading import read_call
from .table import CallSite, Dialect, known

_MODULES = {"glidepath.torch.oneflow": "oneflow", "timm.": "timm", "mmengine.": "mmengine"}


def from_live(thing: Any, *, group: int = 0, strict: bool = True) -> Rate:
    """Returns the schedule of a scheduler that exists, from its own step 0 on.

    The object is only looked at. A PyTorch scheduler's own count is not carried over: evaluate at `scheduler.last_epoch` for where it is. Of
    several SWALR or OneCycleLR on one optimizer PyTorch keeps only the last one's rates.

    Args:
        thing: A `torch.optim.lr_scheduler` scheduler, nested ones included, one of transformers' or of our drop-in classes; a
            `keras.optimizers.schedules` schedule; an optax schedule; a scheduler of timm or MMEngine.
        group: Which parameter group of the optimizer.
        strict: As in `load`.

    Returns:
        A `rate`, in absolute values.

    Raises:
        GlidepathError: If the object is neither, or holds a function that cannot be read as a formula of the step.
    """
    kind, module = type(thing), type(thing).__module__
    bases = {base.__name__: base.__module__.partition(".")[0] for base in kind.__mro__}
    mended, inner = module.startswith("glidepath."), getattr(thing, "schedule", None)
    if hasattr(thing, "__code__") and thing.__module__.startswith("optax."):
        return _called("optax", _optax(thing), 1.0, strict)
    if mended and isinstance(inner, Schedule):
        return inner if isinstance(inner, Rate) else Rate(inner)
    groups = getattr(getattr(thing, "optimizer", None), "param_groups", None)
    if groups is not None and (not isinstance(group, int) or not 0 <= group < len(groups)):
        raise GlidepathError.of("from_live", "group", f"from 0 to {len(groups) - 1}", group)
    if module.startswith("glidepath.torch.lr_scheduler") and (own := _dropin(thing, group)) is not None:
        return own
    library = next((library for start, library in _MODULES.items() if module.startswith(start)), "")
    if library and hasattr(thing, "optimizer"):
        rates = getattr(thing, "base_values", None) or getattr(thing, "base_lrs", None) or [_base(thing, group)]
        call = _attributes(thing, known(library), group)
        return _called(library, call, float(rates[min(group, len(rates) - 1)]), strict)
    functions = getattr(thing, "lr_lambdas", None)
    if functions and getattr(_function(functions[group]), "__module__", "") == "transformers.optimization":
        return _transformers(functions[group], float(thing.base_lrs[group]), strict)
    if bases.get("LRScheduler") == "torch" or (kind.__name__ == "ReduceLROnPlateau" and module.startswith("torch.")):
        return _called("pytorch", _torch_call(thing, group), _base(thing, group), strict or mended)
    if bases.get("LearningRateSchedule") in ("keras", "tf_keras", "tensorflow"):
        config = {key: _plain(value) for key, value in thing.get_config().items() if key != "name"}
        return _called("keras", Call(kind.__name__, config), config.get("initial_learning_rate", 0.1), strict)
    rule = "a scheduler of PyTorch, timm or MMEngine, or a schedule of Keras or optax"
    raise GlidepathError.of("from_live", "", rule, kind.__name__)


def _called(library: str, call: Call, base: float, strict: bool) -> Rate:
    language = known(library)
    return read_call(CallSite(language, language.named(call.name), base, strict=strict), call)


# Objects with attributes ---------------------------------------------------------------------------------------------------------------


def _base(scheduler: Any, group: int) -> float:
    """Returns the rate that the schedulers took as their base."""
    groups = scheduler.optimizer.param_groups
    for inner in _leaves(scheduler):
        found = getattr(inner, "base_lrs", None)
        if found is not None and type(inner).__name__ not in ("OneCycleLR", "CyclicLR"):
            return float(found[group])
    return float(groups[group].get("initial_lr", groups[group]["lr"]))


def _leaves(scheduler: Any) -> list[Any]:
    inside = getattr(scheduler, "_schedulers", None)
    return [scheduler] if inside is None else [leaf for child in inside for leaf in _leaves(child)]


def _torch_call(thing: Any, group: int) -> Call:
    """Returns the call that would make a scheduler of PyTorch."""
    language = known("pytorch")
    name = next((base.__name__ for base in type(thing).__mro__ if base.__module__.startswith("torch.")), "")
    if name != type(thing).__name__ or name not in language.readers:
        language.named(type(thing).__name__)  # says what to do for those that follow a metric
        raise GlidepathError.of("from_live", "", "one of PyTorch's own schedulers", type(thing).__name__)
    settings = thing.optimizer.param_groups[group] if hasattr(thing, "optimizer") else {}
    if name == "CyclicLR":
        size, up = thing.total_size, thing.step_ratio * thing.total_size
        ends = {"base_lr": _plain(thing.base_lrs[group]), "max_lr": _plain(thing.max_lrs[group])}
        own = {**ends, "step_size_up": round(up), "step_size_down": round(size - up), "mode": thing.mode}
        if thing._scale_fn_custom is not None:
            own |= {"scale_fn": read_function(thing._scale_fn_custom), "scale_mode": thing.scale_mode}
        return Call(name, {**own, "gamma": thing.gamma})
    if name == "OneCycleLR":
        peak, start, end = (_plain(settings[name]) for name in ("max_lr", "initial_lr", "min_lr"))
        ends = {"max_lr": peak, "div_factor": peak / start, "final_div_factor": start / end}
        return Call(name, {**ends, "total_steps": thing.total_steps, **_phases(thing, thing._anneal_func_type)})
    more = {"swa_lr": _plain(settings["swa_lr"])} if name == "SWALR" else {}
    return Call(name, {**_attributes(thing, language, group).arguments, **more})


def _phases(thing: Any, curve: str) -> dict[str, Any]:
    """Returns what the phases of a one-cycle policy say of it."""
    phases = thing._schedule_phases
    share = (phases[0]["end_step"] + 1) / thing.total_steps
    return {"pct_start": share, "three_phase": len(phases) == 3, "anneal_strategy": curve}


def _attributes(thing: Any, language: Dialect, group: int) -> Call:
    """Returns the call that would make an object whose attributes have the names of its arguments."""
    name = language.named(type(thing).__name__)
    kept_as: dict[str, str] = getattr(thing, "kept_as", {})
    found: dict[str, Any] = {}
    for field in (parameter.name for parameter in language.parameters(name)):
        if field in language.ignored:
            continue
        value = getattr(thing, kept_as.get(field, field), getattr(thing, f"_{field}", None))
        if field in ("schedulers", "scheduler_or_optimizer"):
            read = _torch_call if language.framework == "pytorch" else functools.partial(_attributes, language=language)
            children = value if field == "schedulers" else getattr(thing, "schedulers", [])
            inside = [read(child, group=group) for child in children or ()]
            value = inside if field == "schedulers" else next(iter(inside), None)
        elif field == "lr_lambda" or (field.endswith("_fn") and callable(value)):
            value = read_function(thing.lr_lambdas[group] if field == "lr_lambda" else value)
        elif field == "milestones":
            value = sorted(value.elements()) if hasattr(value, "elements") else list(value)  # type: ignore[union-attr]
        if value is not None and (isinstance(value, Schedule) or not callable(value)):
            found[field] = _plain(value)
    if getattr(thing, "_schedule_phases", None) and "total_steps" in found:
        found |= _phases(thing, "cos" if "cos" in thing.anneal_func.__name__ else "linear")
    return Call(name, found)


def _plain(value: Any) -> Any:
    """Returns a number, also out of a tensor or an array of one, and inside lists and dicts."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # type: ignore[misc]
    if isinstance(value, dict):
        return {int(key): float(item) for key, item in value.items()}  # type: ignore[misc]
    if not isinstance(value, bool | str | Schedule | Call | None):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return float(value) if number(value) is None else number(value)
    return value


def _dropin(thing: Any, group: int) -> Rate | None:
    """Returns the schedule of one of our classes, where it differs from PyTorch's of the same name; None where it does not."""
    name = type(thing).__name__
    if name == "SequentialLR" and any(hasattr(child, "_schedulers") for child in thing._schedulers):
        children = [from_live(child, group=group).schedule for child in thing._schedulers]
        return Rate(pieces.in_sequence(children, [int(mark) for mark in thing._milestones]))
    if name not in ("ConstantLR", "LinearLR"):
        return None
    steps, base = thing.total_iters, float(thing.base_lrs[group])
    if name == "ConstantLR" and (steps == 0 or thing.factor == 0):
        return Rate(pieces.held(base * thing.factor, steps, Hold(value=base)), "", base)
    if name == "LinearLR" and steps == 0:
        return Rate(Hold(value=base * thing.end_factor), "", base)
    return None


def _function(function: Any) -> Any:
    return function.func if isinstance(function, functools.partial) else function


def _transformers(function: Any, base: float, strict: bool) -> Rate:
    """Returns the schedule of a function of transformers, whose partial holds its arguments."""
    arguments = dict(getattr(function, "keywords", {}))
    name = _function(function).__name__.removeprefix("_").removesuffix("_lambda").removesuffix("_lr")
    name = str({"get_constant": "get_constant_schedule", "get_wsd_scheduler": "get_wsd_schedule"}.get(name, name))
    if "min_lr_rate" in arguments:
        name = "get_cosine_with_min_lr_schedule_with_warmup" + "_lr_rate" * ("warmup_lr_rate" in arguments)
    first = float(arguments.pop("lr_init", base))
    made = _called("transformers", Call(name, arguments), first, strict)
    return made if first == base else Rate(pieces.scaled(made.schedule, base / first))


def _optax(function: Any) -> Call:
    """Returns the call that made an optax schedule, whose closure holds its arguments."""
    around = dict(_closure(function))
    name = function.__qualname__.partition(".")[0]
    language = known("optax")
    if not language.find(name):
        raise GlidepathError.of("from_live", "", "a schedule of optax.schedules", function.__qualname__)
    own = {parameter.name for parameter in language.parameters(name)}
    found = {key: _plain(value) for key, value in around.items() if key in own and key != "schedules"}
    if name == "piecewise_interpolate_schedule":
        scales = _plain(dict(zip(around["boundaries"], around["scales"], strict=True)))
        kind = "cosine" if "cosine" in around["interpolate_fn"].__name__ else "linear"
        found |= {"interpolate_type": kind, "boundaries_and_scales": scales}
    if name == "join_schedules":
        parts = [_optax(child) for child in around["schedules"]]
        found = {"schedules": parts, "boundaries": _plain(around["boundaries"])}
    return Call(name, found)


def _closure(function: Any) -> Iterator[tuple[str, Any]]:
    """Yields what a function took from around it; a name may have no value yet."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


# Functions ------------------------------------------------------------------------------------------------------------------------------


def read_function(function: Any) -> Schedule:
    """Returns a Python function of the step as an expression, read from its source with the numbers that it has taken from outside.

    Raises:
        GlidepathError: If its source cannot be found, or is more than one expression of the step.
    """
    if isinstance(function, Schedule):
        return function
    outer: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        if function.args:
            raise _unreadable(function, "it is a partial with arguments by position")
        outer = {**function.keywords, **outer}
        function = function.func
    code = getattr(function, "__code__", None)
    if (node := code and _definition(code)) is None:
        raise _unreadable(function, "its source cannot be found" if code else "it has no Python source")
    parameters = inspect.signature(function).parameters.values()
    values = {p.name: p.default for p in parameters if p.default is not p.empty} | outer
    around = Around(_outside(function), exact=True)
    try:
        given = {name: syntax(repr(number(value))) for name, value in values.items()}
        found = CodeReader(around).formulas.of(node, given)  # type: ignore[arg-type]
    except GlidepathError as error:
        raise _unreadable(function, error.problems[0].remedy.partition(";")[0] or error.problems[0].rule) from None
    if isinstance(found, Unknown):
        raise _unreadable(function, f"it takes {found} from outside")
    return found


def _unreadable(function: Callable[..., Any], reason: str) -> GlidepathError:
    rule = "a function whose one expression of the step can be read"
    return GlidepathError.of("from_live", "function", rule, shown(function), f"{reason}; give it to load() as text")


def _definition(code: Any) -> ast.Lambda | ast.FunctionDef | None:
    """Returns the syntax tree of a function from the file or cell that it was written in."""
    try:
        tree = syntax("".join(linecache.getlines(code.co_filename)), "exec")
    except (SyntaxError, ValueError, RecursionError):
        return None
    spots = {(line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None}
    defined: list[Any] = [
        one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == code.co_name
    ]
    firsts = [min(part.lineno for part in (node, *node.decorator_list)) for node in defined]
    found = [node for node, first in zip(defined, firsts, strict=True) if first == code.co_firstlineno]
    if code.co_name == "<lambda>":
        found = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and _covers(node.body, spots)]
    return found[0] if len(found) == 1 else None


def _covers(body: ast.expr, spots: set[tuple[int, int]]) -> bool:
    """Tells whether every instruction of a function stands inside an expression, and one at its very beginning."""
    first, last = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    inside = [spot for spot in spots if first <= spot < last]
    return first in spots and len(inside) >= len(spots) - 1  # one instruction may stand at the lambda itself


def _outside(function: Any) -> dict[str, Any]:
    """Returns the numbers that a function takes from around it."""
    try:
        around = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return {}
    plain = {name: number(value) for name, value in {**around.globals, **around.nonlocals}.items()}
    return {name: value for name, value in plain.items() if value is not None and math.isfinite(value)}
