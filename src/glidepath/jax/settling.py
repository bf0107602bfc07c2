"""Schedules as JAX takes them; and a plan and what makes an optimizer, settled for known labels: what drives what, from which base."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..core import Problem, Rate, Scaled, Schedule, base_problem, did_you_mean, rate_of, refuse, shown
from ..plan import Plan, Progress
from ..plan.by_update import by_update, line_of

WORDS = {"lr": "learning_rate", "betas[0]": "b1", "betas[1]": "b2"}  # a plan's names, as optax writes them


@dataclass(frozen=True)
class Cell:
    """What one hyper-parameter of one group is made of: base times schedule, times the multipliers of some controllers."""

    schedule: Schedule
    floor: float | None
    controllers: tuple[int, ...]


@dataclass(frozen=True)
class LabelledPlan:
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


def settle(plan: Plan, make: Any, names: tuple[str, ...], labelled: bool, arguments: Any, saved: Any) -> LabelledPlan:
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
    schedules = plan.schedules()
    settled = LabelledPlan({}, {}, {})
    for name in names:
        parameters, where = inspect.signature(maker(make, name)).parameters, f"label {name}" if labelled else "jax plan"
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        own = [key for key, value in arguments.items() if labelled and isinstance(value, Mapping) and name in value]
        fixed = {key: value[name] if key in own else value for key, value in arguments.items()}
        settled.fixed[name], settled.cells[name], settled.bases[name] = fixed, {}, {}
        for i, rule in enumerate(plan.rules):
            if not rule.matches(name if labelled else None):
                continue
            word = rule.parameter if rule.parameter in parameters else WORDS.get(rule.parameter, rule.parameter)
            field, one = f"rules[{i}]", f"an argument of {getattr(maker(make, name), '__name__', 'make')}"
            near, alone = did_you_mean(word, parameters), "left out: optax is driven one value at a time"
            rows = (
                (word in parameters or takes_all, f"{field}.parameter", one, shown(rule.parameter), near),
                (word not in settled.cells[name], word, "driven by one rule", "two", ""),
                (rule.over is None, f"{field}.over", alone, shown(rule.over), ""),
            )
            if broken := [Problem(where, *row) for holds, *row in rows if not holds]:
                problems.append(broken[0])
                continue
            given = fixed.pop(word, None)
            default = parameters[word].default if word in parameters else None
            absolute = rule.absolute or schedules[i].absolute
            base: Any = given if given is not None else None if default is inspect.Parameter.empty else default
            if saved is not None:
                given, base = None, saved.get(name, {}).get(word)
            if (problem := base_problem(where, word, absolute, base, given, schedules[i])) is not None:
                problems.append(problem)
                continue
            schedule = by_update(plan, schedules[i])
            if not absolute and base is not None:
                settled.bases[name][word] = float(base)
                schedule = float(base) * schedule
            listening = tuple(k for k, part in enumerate(plan.feedback) if part.parameter == rule.parameter)
            settled.cells[name][word] = Cell(schedule, rule.floor, listening)
    refuse(problems)
    return settled


def values_of(cells: dict[str, dict[str, Cell]], count: Any, ramps: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the value of every hyper-parameter at an update, on the device."""

    def value(cell: Cell, group: int) -> Any:
        made = cell.schedule(count)
        for i in cell.controllers:
            start, end = ramps["start"][i, group], ramps["end"][i, group]
            share = (count - ramps["begin"][i, group]) / ramps["length"][i, group]
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
    pairs = list(zip(plan.feedback, progress.states, strict=True))
    lines = [[line_of(plan, part.controller, state, name) for name in names] for part, state in pairs]
    fields = {"start": jnp.float32, "end": jnp.float32, "begin": jnp.int32, "length": jnp.float32}
    return {f: jnp.asarray([[getattr(line, f) for line in row] for row in lines], dtype) for f, dtype in fields.items()}


# Schedules where JAX wants a function of the step, or a static part of a tree -----------------------------------------------------------


def static() -> None:
    """Makes every kind of schedule a static node of JAX's trees: part of what is compiled, without leaves."""
    for kind in {*Schedule.registry.values()} - _registered:
        jax.tree_util.register_static(kind)
        _registered.add(kind)


_registered: set[Any] = set()
static()
jax.tree_util.register_pytree_node(Scaled, lambda s: ((s.factor,), s.schedule), lambda inner, f: Scaled(inner, *f))


def rate(schedule: Any, base: float | None = None) -> Rate:
    """Returns a schedule of rates, for `optax.adam(learning_rate=…)` and whatever else takes a function of the step.

    Args:
        schedule: A schedule or its text: a factor, or absolute (`rate(…)` in the text).
        base: What a factor is multiplied by, above 0. Not given for an absolute schedule.

    Returns:
        The product, evaluated in float64 and rounded once; hashable, and a static node of JAX's trees.

    Raises:
        GlidepathError: If a factor has no base, or an absolute schedule has one.

    Examples:
        >>> rate("cosine(100)", 3e-4)(0)
        0.0003
    """
    static()
    return rate_of(schedule, base, "rate")


@dataclass(frozen=True)
class Rounded:
    """The values of a schedule to the nearest integer, halves up, as int32: see `whole`."""

    schedule: Schedule

    def __call__(self, step: Any) -> Any:
        """Returns the whole value at a step."""
        value = self.schedule(step)
        return math.floor(value + 0.5) if isinstance(value, float) else jnp.floor(value + 0.5).astype(jnp.int32)


jax.tree_util.register_static(Rounded)


def whole(schedule: Any) -> Rounded:
    """Returns a schedule of whole numbers, such as `optax.MultiSteps(…, every_k_schedule=whole("piecewise_constant([500], [1, 4])"))`.

    Args:
        schedule: A schedule or its text.
    """
    static()
    return Rounded(Schedule.of(schedule))
