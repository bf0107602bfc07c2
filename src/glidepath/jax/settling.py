"""A plan and what makes an optimizer, settled for known labels: what drives what, from which base, multiplied by what."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax.numpy as jnp

from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.schedule import Schedule
from ..plan import Plan, Progress
from ..plan.by_update import by_update
from .rates import base_problem

__all__ = ["Cell", "Settled", "maker", "position", "ramps_of", "settle", "values_of"]

WORDS = {"lr": "learning_rate", "betas[0]": "b1", "betas[1]": "b2"}  # a plan's names, as optax writes them


@dataclass(frozen=True)
class Cell:
    """What one hyper-parameter of one group is made of: base times schedule, times the multipliers of some controllers."""

    schedule: Schedule
    floor: float | None
    controllers: tuple[int, ...]


@dataclass(frozen=True)
class Settled:
    """A plan and what makes the optimizer, for labels that are known.

    Args:
        cells: What drives each hyper-parameter, by label and name.
        bases: What the factors are multiplied by.
        fixed: The other arguments of what makes the optimizer, by label.
    """

    cells: dict[str, dict[str, Cell]]
    bases: dict[str, dict[str, float]]
    fixed: dict[str, dict[str, Any]]


def maker(make: Any, name: str) -> Any:
    """Returns what makes the transformation of a label."""
    return make[name] if isinstance(make, Mapping) else make


def settle(
    plan: Plan, make: Any, names: tuple[str, ...], labelled: bool, arguments: dict[str, Any], saved: Any
) -> Settled:
    """Returns what drives what; `saved` has the bases of a checkpoint, which take the place of the arguments'."""
    problems = [
        Problem("jax plan", f"rules[{i}].groups", f"a pattern of a label ({', '.join(names)})", shown(rule.groups))
        for i, rule in enumerate(plan.rules)
        if not any(rule.matches(name if labelled else None) for name in names)
    ]
    if isinstance(make, Mapping):
        lacking = [name for name in names if name not in make]
        problems += [Problem("jax plan", "make", "given for every label", f"none for {name!r}") for name in lacking]
        names = tuple(name for name in names if name in make)
    problems += [
        Problem(
            "jax plan",
            f"feedback[{i}]",
            "without a warmup on this clock, as the batch size changes",
            str(part.controller),
        )
        for i, part in enumerate(plan.feedback)
        if hasattr(part.controller, "warmup") and plan.clock != "updates" and len(plan.stages) > 1
    ]
    schedules = plan.schedules()
    settled = Settled({}, {}, {})
    for name in names:
        parameters = inspect.signature(maker(make, name)).parameters
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        fixed = {
            key: value[name] if labelled and isinstance(value, Mapping) and name in value else value
            for key, value in arguments.items()
        }
        settled.fixed[name], settled.cells[name], settled.bases[name] = fixed, {}, {}
        for i, rule in enumerate(plan.rules):
            if not rule.matches(name if labelled else None):
                continue
            word = rule.parameter if rule.parameter in parameters else WORDS.get(rule.parameter, rule.parameter)
            where = "jax plan" if not labelled else f"label {name}"
            if word not in parameters and not takes_all:
                rest = f"an argument of {getattr(maker(make, name), '__name__', 'make')}"
                problems.append(
                    Problem(where, f"rules[{i}].parameter", rest, shown(rule.parameter), did_you_mean(word, parameters))
                )
                continue
            if word in settled.cells[name]:
                problems.append(Problem(where, word, "driven by one rule", "two"))
                continue
            given = fixed.pop(word, None)
            default = parameters[word].default if word in parameters else None
            absolute = rule.absolute or schedules[i].absolute
            base: Any = given if given is not None else None if default is inspect.Parameter.empty else default
            if saved is not None:
                given, base = None, saved.get(name, {}).get(word)
            problem = base_problem(where, word, absolute, base, given, str(schedules[i]))
            if problem is not None:
                problems.append(problem)
                continue
            schedule = by_update(plan, schedules[i])
            if not absolute and base is not None:
                settled.bases[name][word] = float(base)
                schedule = float(base) * schedule
            listening = tuple(k for k, part in enumerate(plan.feedback) if part.parameter == rule.parameter)
            settled.cells[name][word] = Cell(schedule, rule.floor, listening)
    if problems:
        raise GlidepathError(problems)
    return settled


def values_of(cells: dict[str, dict[str, Cell]], count: Any, ramps: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the value of every hyper-parameter at an update, on the device."""

    def value(cell: Cell, group: int) -> Any:
        made = cell.schedule(count)
        for i in cell.controllers:
            start, end = ramps["start"][i, group], ramps["end"][i, group]
            share = (count - ramps["begin"][i]) / ramps["length"][i]
            made = made * jnp.where(share >= 1, end, start + (end - start) * jnp.maximum(share, 0.0))
        return made if cell.floor is None else jnp.maximum(made, cell.floor)

    return {label: {name: value(cell, j) for name, cell in row.items()} for j, (label, row) in enumerate(cells.items())}


def ramps_of(plan: Plan, names: Any, progress: Progress) -> dict[str, Any]:
    """Returns the controllers' multipliers as straight lines over updates, a row for each controller, a column for each group.

    Raises:
        GlidepathError: If a controller's multiplier is no straight line between two observations.
    """
    if not plan.feedback:
        return {}
    rows: dict[str, list[Any]] = {"start": [], "end": [], "begin": [], "length": []}
    for part, state in zip(plan.feedback, progress.states, strict=True):
        controller, begun = part.controller, getattr(state, "begun", None)
        length = getattr(controller, "warmup", 0) if begun is not None else 0
        begin = begun or 0
        start, end = ([controller.multiplier(state, at, name) for name in names] for at in (begin, begin + length))
        middle = [controller.multiplier(state, begin + length / 2, name) for name in names]
        late = [controller.multiplier(state, math.inf, name) for name in names]
        if late != end or any(abs(a + b - 2 * m) > 1e-9 for a, b, m in zip(start, end, middle, strict=True)):
            raise GlidepathError.of(
                "jax plan", "controller", "constant or a straight line between observations", controller
            )
        rows["start"].append(start)
        rows["end"].append(end)
        rows["begin"].append(_updates(plan, begin))
        rows["length"].append(_updates(plan, length) or 1)
    kinds = {"begin": jnp.int32}
    return {name: jnp.asarray(row, kinds.get(name, jnp.float32)) for name, row in rows.items()}


def _updates(plan: Plan, position: float) -> float:
    """Returns a position of the plan's clock in updates."""
    return (
        position if plan.clock == "updates" else float(plan.derived.convert(Fraction(position), plan.clock, "updates"))
    )


def position(plan: Plan, updates: int) -> int:
    """Returns where a run is on the plan's clock after full updates."""
    if plan.clock == "updates":
        return updates
    each = 1 if plan.clock == "samples" else plan.horizon.tokens_per_sample or 1
    stages = [(stage.begin, stage.size) for stage in plan.stages] or [(0, plan.derived.samples_per_update or 1)]
    position = 0
    for i, (_, size) in enumerate(stages):
        end = stages[i + 1][0] if i + 1 < len(stages) else math.inf
        made = updates if end == math.inf else min(updates, max(0, -(-(int(end) - position) // (size * each))))
        position, updates = position + made * size * each, updates - made
    return position
