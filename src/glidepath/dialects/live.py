"""Schedules of live objects: a PyTorch scheduler or a Keras schedule that stands in memory. Imports neither library."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import GlidepathError, shown
from ..core.expression import Expression
from ..core.fields import number
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.syntax import syntax
from .calls import Call
from .live_objects import other_live
from .reading import read_call
from .table import At, known

__all__ = ["from_live"]

_TORCH: dict[str, tuple[str, ...]] = {
    "StepLR": ("step_size", "gamma"),
    "ConstantLR": ("factor", "total_iters"),
    "LinearLR": ("start_factor", "end_factor", "total_iters"),
    "ExponentialLR": ("gamma",),
    "PolynomialLR": ("total_iters", "power"),
    "CosineAnnealingLR": ("T_max", "eta_min"),
    "CosineAnnealingWarmRestarts": ("T_0", "T_mult", "eta_min"),
}


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
    kind = type(thing)
    known_one = other_live(thing, group, strict)
    if known_one is not None:
        return known_one
    root = kind.__module__.partition(".")[0]
    bases = {base.__name__: base.__module__.partition(".")[0] for base in kind.__mro__}
    if bases.get("LRScheduler") == "torch" or (kind.__name__ == "ReduceLROnPlateau" and root == "torch"):
        call = _torch_call(thing, group)
        base = _base(thing, group)
        mended = kind.__module__.startswith("glidepath.torch.")
        return read_call(At(known("pytorch"), call.name, base, strict=strict or mended), call)
    if bases.get("LearningRateSchedule") in ("keras", "tf_keras", "tensorflow"):
        return _keras(thing, strict)
    raise GlidepathError.of(
        "from_live",
        "",
        "a scheduler of PyTorch, timm or MMEngine, or a schedule of Keras or optax",
        kind.__name__,
    )


# PyTorch --------------------------------------------------------------------------------------------------------------------------------


def _base(scheduler: Any, group: int) -> float:
    """Returns the rate that the schedulers took as their base."""
    groups = scheduler.optimizer.param_groups
    if not isinstance(group, int) or not 0 <= group < len(groups):
        raise GlidepathError.of("from_live", "group", f"from 0 to {len(groups) - 1}", group)
    for inner in _leaves(scheduler):
        found = getattr(inner, "base_lrs", None)
        if found is not None and type(inner).__name__ not in ("OneCycleLR", "CyclicLR"):
            return float(found[group])
    return float(groups[group].get("initial_lr", groups[group]["lr"]))


def _leaves(scheduler: Any) -> list[Any]:
    inside = getattr(scheduler, "_schedulers", None)
    return [scheduler] if inside is None else [leaf for child in inside for leaf in _leaves(child)]


def _torch_call(thing: Any, group: int) -> Call:
    """Returns the call that would make a scheduler."""
    name = next((base.__name__ for base in type(thing).__mro__ if base.__module__.startswith("torch.")), "")
    if name != type(thing).__name__ or name not in known("pytorch").readers:
        known("pytorch").named(type(thing).__name__)  # says what to do for those that follow a metric
        raise GlidepathError.of("from_live", "", "one of PyTorch's own schedulers", type(thing).__name__)
    if name in _TORCH:
        return Call(name, {field: _plain(getattr(thing, field)) for field in _TORCH[name]})
    if name == "MultiStepLR":
        return Call(name, {"milestones": sorted(thing.milestones.elements()), "gamma": _plain(thing.gamma)})
    if name in ("LambdaLR", "MultiplicativeLR"):
        return Call(name, {"lr_lambda": read_function(thing.lr_lambdas[group])})
    if name == "SequentialLR":
        children = [_torch_call(child, group) for child in thing._schedulers]
        return Call(name, {"schedulers": children, "milestones": [_plain(mark) for mark in thing._milestones]})
    if name == "ChainedScheduler":
        return Call(name, {"schedulers": [_torch_call(child, group) for child in thing._schedulers]})
    settings = thing.optimizer.param_groups[group]
    if name == "SWALR":
        curve = thing._anneal_strategy
        more = {"anneal_epochs": thing.anneal_epochs, "anneal_strategy": curve}
        return Call(name, {"swa_lr": _plain(settings["swa_lr"]), **more})
    return _cyclic(thing, group) if name == "CyclicLR" else _one_cycle(thing, settings)


def _cyclic(thing: Any, group: int) -> Call:
    size = thing.total_size
    up = thing.step_ratio * size
    arguments: dict[str, Any] = {
        "base_lr": _plain(thing.base_lrs[group]),
        "max_lr": _plain(thing.max_lrs[group]),
        "step_size_up": round(up),
        "step_size_down": round(size - up),
        "mode": thing.mode,
        "gamma": thing.gamma,
    }
    if thing._scale_fn_custom is not None:
        arguments |= {"scale_fn": read_function(thing._scale_fn_custom), "scale_mode": thing.scale_mode}
    return Call("CyclicLR", arguments)


def _one_cycle(thing: Any, settings: Mapping[str, Any]) -> Call:
    phases = thing._schedule_phases
    peak, start, end = (_plain(settings[name]) for name in ("max_lr", "initial_lr", "min_lr"))
    return Call(
        "OneCycleLR",
        {
            "max_lr": peak,
            "total_steps": thing.total_steps,
            "pct_start": (phases[0]["end_step"] + 1) / thing.total_steps,
            "anneal_strategy": thing._anneal_func_type,
            "div_factor": peak / start,
            "final_div_factor": start / end,
            "three_phase": len(phases) == 3,
        },
    )


def _plain(value: Any) -> Any:
    """Returns a number, also out of a tensor of one."""
    if isinstance(value, bool | str | list | tuple | None):
        return value
    if number(value) is not None:
        return number(value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


# Keras ----------------------------------------------------------------------------------------------------------------------------------


def _keras(thing: Any, strict: bool) -> Rate:
    language = known("keras")
    name = language.named(type(thing).__name__)
    config = {key: _plain(value) for key, value in thing.get_config().items() if key != "name"}
    base = config.get("initial_learning_rate", 0.1)
    return read_call(At(language, name, base, strict=strict), Call(name, config))


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
    if code is None:
        raise _unreadable(function, "it has no Python source")
    node = _definition(code)
    if node is None:
        raise _unreadable(function, "its source cannot be found")
    body: ast.AST = node.body  # type: ignore[assignment]
    if isinstance(node, ast.FunctionDef):
        last = node.body[-1]
        if (
            len(node.body) - (ast.get_docstring(node) is not None) != 1
            or not isinstance(last, ast.Return)
            or not last.value
        ):
            raise _unreadable(function, "it is more than one returned expression")
        body = last.value
    names = [argument.arg for argument in node.args.args]
    known_values = {**_outside(function), **_defaults(function), **outer}
    free = [name for name in names if name not in known_values]
    if len(free) != 1:
        raise _unreadable(function, f"it has the arguments {', '.join(names)}")
    text = ast.unparse(_Filled(free[0], known_values).visit(body))
    return Expression(f"lambda {free[0]}: {text}")


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
    found: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name and _first_line(node) == code.co_firstlineno:
            return node
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno <= code.co_firstlineno:
            body = node.body
            if (body.lineno, body.col_offset) in spots or node.lineno == code.co_firstlineno:
                found.append(node)
    exact = [node for node in found if _covers(node.body, spots)]
    return exact[0] if len(exact) == 1 else None


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


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
    return {**around.globals, **around.nonlocals}


def _defaults(function: Any) -> dict[str, Any]:
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    }


class _Filled(ast.NodeTransformer):
    """Puts the numbers from outside into a formula."""

    def __init__(self, variable: str, known_values: Mapping[str, Any]) -> None:
        self.variable, self.known = variable, known_values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == self.variable or node.id not in self.known:
            return node
        value = number(self.known[node.id])
        if value is None or not math.isfinite(value):
            return node
        return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))
