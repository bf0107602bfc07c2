"""What `tune` searches: the peak rate, and the parameters that a recipe itself declares.

Lengths other than the whole (`warmup`, `cooldown`, …) are searched as shares of the budget, curves and flags among all that there are,
numbers between usual ends. A parameter whose usual ends nobody has written down here keeps its default, unless the user gives its range.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import Schedule, vocabulary
from ...core import Checks, Problem, did_you_mean, types_of
from ...core.curves import Curve
from ..tasks.schedules import DEFAULT_SCHEDULES

if TYPE_CHECKING:
    import optuna

# Usual ends of a recipe's parameters, and whether the search is logarithmic; lengths are shares of the budget.
ENDS: Mapping[str, tuple[float, float, bool]] = {
    "warmup": (0.0, 0.3, False),
    "cooldown": (0.05, 0.6, False),
    "hold": (0.0, 0.5, False),
    "explore": (0.1, 0.8, False),
    "floor": (0.0, 0.3, False),
    "power": (0.5, 4.0, True),
    "peak_fraction": (0.05, 0.49, False),
    "end": (1e-6, 0.1, True),
}

RATE = "peak_rate"
SHAPE = "schedule"
_EDGE = 0.02  # of a dimension's width
_AROUND = 30.0  # the peak rate is searched from a thirtieth of the task's own to thirty times it


@dataclass(frozen=True)
class Dimension:
    """One thing that is searched.

    Args:
        name: `peak_rate`, `schedule`, or a parameter of a recipe.
        low: Lowest value of a number.
        high: Highest value.
        log: Whether the search is logarithmic.
        share: Whether the value is a share of the budget.
        choices: The values of a choice, as text or booleans; empty for a number.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    share: bool = False
    choices: tuple[str | bool, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name} in {', '.join(map(str, self.choices))}"
        unit = " of the budget" if self.share else ""
        return f"{self.name} in {self.low:g} to {self.high:g}{unit}{' (log)' if self.log else ''}"

    def suggested(self, trial: optuna.Trial) -> Any:
        """What a trial of Optuna proposes."""
        if self.choices:
            return trial.suggest_categorical(self.name, list(self.choices))
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def inside(self, value: Any) -> Any:
        """A value pulled between the ends; one of a choice as it is."""
        return value if self.choices else min(max(float(value), self.low), self.high)

    def at_edge(self, value: Any) -> bool:
        """Whether a number lies at an end of its range that is not the end of what makes sense, such as no warmup at all."""
        if self.choices:
            return False
        low, high, at = (math.log(each) if self.log else each for each in (self.low, self.high, float(value)))
        width = _EDGE * (high - low)
        return at > high - width or (at < low + width and self.low > 0.0)


@dataclass(frozen=True)
class Family:
    """A recipe with a whole length and parameters; or one schedule that is written out, of which nothing but the rate is searched.

    Args:
        name: Its word, or the text.
        make: The recipe; None for what is written out.
        dimensions: What is searched of it, by name.
        fixed: What is given, by name; lengths in updates.
    """

    name: str
    make: Callable[..., Schedule] | None
    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, Any]

    def schedule(self, budget: int, values: Mapping[str, Any]) -> Schedule | str:
        """The member of the family with these values; its text for what is written out.

        Args:
            budget: Length of a run, in updates.
            values: One for each dimension, by name; shares of the budget are rounded to whole updates, other numbers to
                three significant digits.

        Raises:
            GlidepathError: If they do not go together, such as a warmup and a cooldown longer than the budget.
        """
        arguments = {
            name: round(values[name] * budget) if dimension.share else readable(values[name])
            for name, dimension in self.dimensions.items()
        }
        return self.name if self.make is None else self.make(budget, **arguments, **self.fixed)

    def usual(self) -> dict[str, Any]:
        """The values that the recipe's own defaults stand for, pulled into the dimensions' ends."""
        given = inspect.signature(self.make).parameters if self.make else {}
        return {name: _usual(one, given[name].default) for name, one in self.dimensions.items()}


def families(
    names: Sequence[str], *, fixed: Mapping[str, str], ranges: Mapping[str, tuple[float, float]]
) -> list[Family]:
    """The families of these names, with what is searched of each.

    Args:
        names: Words of recipes whose first argument is the whole length: `warmup_cosine`, `wsd`, …; and what is `written` out.
        fixed: Parameters that are given and not searched, as text; a parameter no family has is refused.
        ranges: Ends of the search by parameter, in place of the usual ones.

    Raises:
        GlidepathError: If a name, parameter, value or range breaks its rule; all problems in one message.
    """
    checks = Checks("tune")
    known, texts = _known(), written(names)
    chosen = {name: known[name] for name in names if name in known}
    for name in names:
        if name not in known and name not in texts:
            rule = f"a recipe with a whole length ({', '.join(sorted(known))}), constant, step, or a schedule or scheduler call as text"
            checks.refuse("schedule", rule, name, did_you_mean(name, list(known)))
    if not names:
        checks.refuse("schedule", "at least one recipe", names)
    parameters = sorted({name for make in chosen.values() for name in list(inspect.signature(make).parameters)[1:]})
    for where, given, allowed in (("fix", fixed, parameters), ("range", ranges, sorted([*parameters, RATE]))):
        rule = f"one of {', '.join(allowed)}" if allowed else "left out: what is written out has nothing to give"
        for name in given:
            if (chosen or texts) and name not in allowed:
                checks.refuse(where, rule, name, did_you_mean(name, allowed))
    for name in sorted({*fixed} & {*ranges}):
        checks.problems.append(Problem("tune", name, "either given or searched", "both"))
    for name, (low, high) in ranges.items():
        rule = "" if -math.inf < low < high < math.inf else "two finite numbers, the lower first"
        if rule := rule or ("above 0" if name == RATE and low <= 0.0 else ""):
            checks.problems.append(Problem("tune", f"range of {name}", rule, f"{low:g}:{high:g}"))
    made = {name: _family(name, make, fixed, ranges, checks) for name, make in chosen.items()}
    checks.done()
    return [made.get(name) or Family(name, None, {}, {}) for name in dict.fromkeys(names)]


def written(names: Sequence[str]) -> list[str]:
    """Those of some names that are no word of a recipe with a whole length, but schedules or scheduler calls as text.

    Examples:
        >>> written(["wsd", "constant", "StepLR(optimizer, step_size=30)", "cosin"])
        ['constant', 'StepLR(optimizer, step_size=30)']
    """
    return [name for name in names if name not in _known() and (name in DEFAULT_SCHEDULES or not name.isidentifier())]


def _known() -> dict[str, Callable[..., Schedule]]:
    makers = {word: make for word, make in vocabulary().items() if not isinstance(make, type)}
    return {word: make for word, make in makers.items() if [*inspect.signature(make).parameters][:-1][:1] == ["steps"]}


def search_space(
    chosen: Sequence[Family], peak_rate: float, ranges: Mapping[str, tuple[float, float]]
) -> list[Dimension]:
    """Every dimension of a search: the peak rate, the family if there are several, and the parameters of all.

    Args:
        chosen: The families.
        peak_rate: The task's own; the search goes from a thirtieth of it to thirty times it, at most to 10.
        ranges: Ends of the search by parameter, in place of the usual ones.
    """
    low, high = ranges.get(RATE, (peak_rate / _AROUND, max(min(peak_rate * _AROUND, 10.0), peak_rate)))
    space = [Dimension(RATE, low, high, log=True)]
    if len(chosen) > 1:
        space.append(Dimension(SHAPE, choices=tuple(family.name for family in chosen)))
    return [*space, *{name: one for family in chosen for name, one in family.dimensions.items()}.values()]


def readable(value: Any) -> Any:
    """A searched number with three significant digits, which is all that a search knows of it; anything else as it is.

    Examples:
        >>> readable(0.128427356), readable("linear")
        (0.128, 'linear')
    """
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _family(
    name: str,
    make: Callable[..., Schedule],
    fixed: Mapping[str, str],
    ranges: Mapping[str, tuple[float, float]],
    checks: Checks,
) -> Family:
    dimensions: dict[str, Dimension] = {}
    given: dict[str, Any] = {}
    types = types_of(inspect.unwrap(make))
    for parameter in list(inspect.signature(make).parameters.values())[1:]:
        key = parameter.name
        schema = types[key].json_schema if key in types else {}
        schema = schema.get("anyOf", [schema])[0]
        found = _dimension(key, schema)
        if key in fixed:
            given[key] = checks.take(f"fix {key}", _read(fixed[key]), types[key]) if key in types else fixed[key]
        elif key in ranges:
            low, high = ranges[key]
            log, share = found is not None and found.log and low > 0, schema.get("type") == "integer"
            dimensions[key] = Dimension(key, low, high, log, share)
        elif found is not None:
            dimensions[key] = found
        elif parameter.default is parameter.empty:
            remedy = f"--fix {key}=VALUE or --range {key}=LOW:HIGH"
            checks.problems.append(Problem("tune", f"{name}.{key}", "given or searched", "neither", remedy))
    return Family(name, make, dimensions, given)


def _dimension(name: str, schema: Mapping[str, Any]) -> Dimension | None:
    """What is searched of a parameter whose type has this JSON Schema."""
    kind = schema.get("type")
    if kind == "boolean":
        return Dimension(name, choices=(False, True))
    if "$ref" in schema:
        return Dimension(name, choices=tuple(sorted(k for k, one in Curve.registry.items() if not one.field_names())))
    return Dimension(name, *ENDS[name], share=kind == "integer") if name in ENDS else None


def _read(text: str) -> Any:
    """A number or a truth value, where a text is one."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _usual(dimension: Dimension, default: Any) -> Any:
    if dimension.choices:
        text = default if isinstance(default, bool) else str(default).removesuffix("()")
        return text if text in dimension.choices else dimension.choices[0]
    low, high = dimension.low, dimension.high
    if dimension.share or isinstance(default, bool) or not isinstance(default, int | float):
        default = low if default == 0 else math.sqrt(low * high) if dimension.log else (low + high) / 2
    return dimension.inside(default)
