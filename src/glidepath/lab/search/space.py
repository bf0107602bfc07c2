"""What `tune` searches: the peak rate, and the parameters that a recipe itself declares.

Lengths other than the whole (`warmup`, `cooldown`, …) are searched as shares of the budget, curves and flags among all that there are,
numbers between usual ends. A parameter whose usual ends nobody has written down here keeps its default, unless the user gives its range.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import Schedule, vocabulary
from ...core import Checks, Problem, did_you_mean, types_of
from ...core.curves import Curve
from ..tasks.schedules import DEFAULT_SCHEDULES

if TYPE_CHECKING:
    import optuna

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
"""Usual ends of a recipe's parameters, and whether the search is logarithmic; lengths are shares of the budget."""

RATE = "peak_rate"
SHAPE = "schedule"
_EDGE = 0.02  # of a dimension's width
_AROUND = 30.0  # the peak rate is searched from a thirtieth of the task's own to thirty times it


@dataclass(frozen=True)
class Dimension:
    """One thing that is searched.

    Args:
        name: `peak_rate`, `schedule`, or a parameter of a recipe.
        low: Lowest value of a number; None for a choice.
        high: Highest value.
        log: Whether the search is logarithmic.
        share: Whether the value is a share of the budget.
        choices: The values of a choice, as text or booleans; empty for a number.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    share: bool = False
    choices: tuple[str | bool, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name} in {', '.join(map(str, self.choices))}"
        unit = " of the budget" if self.share else ""
        return f"{self.name} in {self.low:g} to {self.high:g}{unit}{' (log)' if self.log else ''}"

    def bounded(self, low: float, high: float) -> Dimension:
        """The same between other ends."""
        return Dimension(self.name, low, high, self.log and low > 0, self.share)

    def suggested(self, trial: optuna.Trial) -> Any:
        """What a trial of Optuna proposes."""
        if self.low is None or self.high is None:
            return trial.suggest_categorical(self.name, list(self.choices))
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def inside(self, value: Any) -> Any:
        """A value pulled between the ends; one of a choice as it is."""
        return value if self.low is None or self.high is None else min(max(float(value), self.low), self.high)

    def at_edge(self, value: Any) -> bool:
        """Whether a number lies at an end of its range that is not the end of what makes sense, such as no warmup at all."""
        if self.low is None or self.high is None:
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
        defaults = {each.name: each.default for each in (_typed(self.make) if self.make else ())}
        return {name: _usual(one, defaults[name]) for name, one in self.dimensions.items()}


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
    parameters = {name for make in chosen.values() for name in list(inspect.signature(make).parameters)[1:]}
    searchable = sorted({*parameters, RATE})
    for name, where in [*((name, "fix") for name in fixed), *((name, "range") for name in ranges)]:
        allowed = sorted(parameters) if where == "fix" else searchable
        if (chosen or texts) and name not in allowed:
            rule = f"one of {', '.join(allowed)}" if allowed else "left out: what is written out has nothing to give"
            checks.refuse(where, rule, name, did_you_mean(name, allowed))
    for name in sorted({*fixed} & {*ranges}):
        checks.problems.append(Problem("tune", name, "either given or searched", "both"))
    for name, (low, high) in ranges.items():
        ends = f"{low:g}:{high:g}"
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            checks.problems.append(Problem("tune", f"range of {name}", "two finite numbers, the lower first", ends))
        elif name == RATE and low <= 0.0:
            checks.problems.append(Problem("tune", f"range of {name}", "above 0", ends))
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
    names = {word: list(inspect.signature(make).parameters) for word, make in makers.items()}
    return {word: makers[word] for word, given in names.items() if len(given) > 1 and given[0] == "steps"}


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
    found = {name: one for family in chosen for name, one in family.dimensions.items()}
    return [*space, *found.values()]


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
    for parameter in _typed(make)[1:]:
        if parameter.name in fixed:
            given[parameter.name] = _read(parameter, fixed[parameter.name], checks)
            continue
        found = _dimension(parameter)
        if parameter.name in ranges:
            whole = Dimension(parameter.name, 0.0, 1.0, share=parameter.annotation == "int")
            found = (found or whole).bounded(*ranges[parameter.name])
        if found is not None:
            dimensions[parameter.name] = found
        elif parameter.default is parameter.empty:
            remedy = f"--fix {parameter.name}=VALUE or --range {parameter.name}=LOW:HIGH"
            checks.problems.append(Problem("tune", f"{name}.{parameter.name}", "given or searched", "neither", remedy))
    return Family(name, make, dimensions, given)


def _dimension(parameter: inspect.Parameter) -> Dimension | None:
    hint = str(parameter.annotation)
    if hint in ("Curve", "bool"):
        curves = sorted(kind for kind, one in Curve.registry.items() if not one.field_names())
        return Dimension(parameter.name, choices=(False, True) if hint == "bool" else tuple(curves))
    ends = ENDS.get(parameter.name)
    return ends and Dimension(parameter.name, *ends, share=hint == "int")


def _typed(make: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a recipe, each annotated with the word of what its type takes."""
    types = types_of(inspect.unwrap(make))

    def word(parameter: inspect.Parameter) -> str:
        if parameter.name not in types:
            return str(parameter.annotation).strip("'")
        schema = types[parameter.name].json_schema
        schema = schema.get("anyOf", [schema])[0]
        return {"integer": "int", "boolean": "bool"}.get(
            schema.get("type", ""), "Curve" if "$ref" in schema else "float"
        )

    return [each.replace(annotation=word(each)) for each in inspect.signature(make).parameters.values()]


def _read(parameter: inspect.Parameter, text: str, checks: Checks) -> Any:
    """A value given as text, by the declared type; the recipe itself checks its bounds."""
    hint = str(parameter.annotation)
    if hint == "Curve":
        return text
    if hint == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text) if hint == "int" else float(text)
    except ValueError:
        rules = {"bool": "true or false", "int": "a whole number of updates"}
        checks.refuse(f"fix {parameter.name}", rules.get(hint, "a number"), text)
        return None


def _usual(dimension: Dimension, default: Any) -> Any:
    if dimension.choices:
        text = default if isinstance(default, bool) else str(default).removesuffix("()")
        return text if text in dimension.choices else dimension.choices[0]
    low, high = dimension.low or 0.0, dimension.high or 0.0
    if dimension.share or isinstance(default, bool) or not isinstance(default, int | float):
        default = low if default == 0 else math.sqrt(low * high) if dimension.log else (low + high) / 2
    return dimension.inside(default)
