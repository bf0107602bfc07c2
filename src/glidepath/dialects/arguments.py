"""The types of the arguments of other libraries' schedulers, and how a row's signature is read.

A type says in one place what may be given, which error is told, what the page's control is, and what an example begins with. In a row's
signature it stands behind a colon, `StepLR(step_size: steps, gamma: positive = 0.1, mode: 'stairs' | 'smooth' = 'stairs')`:

- `steps` a whole number from 1 on, `steps0` from 0 on, `whole` any whole number
- `limit` one from 0 on, of either sign without `strict`; `span` a number of steps above 0 that need not be whole
  (`span0`: or 0)
- `fine0` a number of steps from 0 on that need not be whole, `fine` of either sign: where one is not, the row is made on a clock of
  `a.unit` parts of a step, in which they all are
- `real`, `positive` (above 0), `least0` (from 0 on), `share` (from 0 to 1), `portion` (the same above 0), `inside` (the same below 1), `flag`,
  `text`; words, as above, are a choice
- `marks` strictly increasing steps, `reals` a list of numbers, `factors` a dict from steps to numbers, `pairs` a list of (step, value)
- `group` a number, or a list of one for the only parameter group; `times` a list of steps that may repeat, `lengths` of whole numbers from 1
  on, `wholes` of any
- `inner` a scheduler, `inners` a list of them, `children` the same as the row itself reads them; `function` a function of the step,
  `formula` one that is a formula; `dicts` a list of dicts, `any` what the row looks at itself
- `unused` what does not bear on the values

A default of None lets None through. `steps['it divides by it']` tells beside a refused value why, or what helps.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from typing import Any

from ..core import Checks, Expression
from ..core.fields import MAX_STEPS, number, simplest
from .calls import Call, read_value

Reader = Callable[[Any, Checks, str, Any], Any]


@dataclass(frozen=True, eq=False)
class Argument:
    """How an argument is read.

    Args:
        kind: The page's control: `length`, `lengths`, `number`, `numbers`, `integer`, `flag`, `text`, `choice` or `auto`.
        read: Returns the value, given the call, the collected problems, the argument's name and what was given.
        begin: What an example begins with.
        options: The words of a choice.
        remedy: What is told beside a value that is refused.
    """

    kind: str
    read: Reader
    begin: Any = None
    options: tuple[str, ...] = ()
    remedy: str = ""


def _read(value: Any) -> Any:
    """Returns what a text holds, where an argument is no string; the page's boxes give texts."""
    return read_value(value) if isinstance(value, str) else value


def _factors(at: Any, checks: Checks, name: str, value: Any) -> dict[int, float]:
    value = _read(value)
    if not isinstance(value, dict):
        checks.refuse(name, "a dict from steps to numbers, such as {1000: 0.1}", value)
        return {}
    found: dict[int, float] = {}
    for key, item in value.items():  # type: ignore[misc]
        step = int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 17 else key
        found[checks.length(f"{name}[{key!r}]", step, -MAX_STEPS)] = checks.real(f"{name}[{key!r}]", item, 0)
    return dict(sorted(found.items()))


def _inner(at: Any, checks: Checks, name: str, value: Any) -> Any:
    return import_module(".reading", __package__).child(at, name, value)  # which knows this module


def _inners(at: Any, checks: Checks, name: str, value: Any) -> list[Any]:
    return [_inner(at, checks, f"{name}[{i}]", item) for i, item in enumerate(checks.items(name, _read(value), 1))]


def _function(at: Any, checks: Checks, name: str, value: Any) -> Any:
    return import_module(".reading", __package__).of_step(at, name, value)


def _fine(low: int) -> Reader:
    def read(at: Any, checks: Checks, name: str, value: Any) -> Any:
        plain = checks.real(name, value, low)
        near = Fraction(plain).limit_denominator(1000)  # 300 * 0.07 is meant to be 21
        if abs(near - plain) > 1e-9 * max(1.0, abs(plain)):
            return math.copysign(checks.span(name, abs(plain)), plain)
        return checks.length(name, int(near), low) if near.denominator == 1 else float(near)

    return read


def _one(at: Any, checks: Checks, name: str, value: Any) -> float:
    return checks.real(name, value[0] if isinstance(value, list | tuple) and len(value) == 1 else value)


def _inside(at: Any, checks: Checks, name: str, value: Any) -> Any:
    plain = number(value)
    if plain is None or not 0 < plain < 1:
        checks.refuse(name, "a number above 0 and below 1", value)
    return plain


def _formula(at: Any, checks: Checks, name: str, value: Any) -> Any:
    found = _function(at, checks, name, value)
    if not isinstance(found, Expression):
        checks.refuse(name, "the text of a function, such as 'lambda x: 0.9**x'", value)
    return found


def _text(at: Any, checks: Checks, name: str, value: Any) -> str:
    if isinstance(value, Call) and not value.arguments and not value.given:
        return value.name  # a member of an enumeration, such as SchedulerType.COSINE
    if not isinstance(value, str):
        checks.refuse(name, "a string", value)
    return str(value)


def _each(low: int, least: int = 0) -> Reader:
    def read(at: Any, checks: Checks, name: str, value: Any) -> list[int]:
        return [checks.length(f"{name}[{i}]", item, low) for i, item in enumerate(checks.items(name, value, least))]

    return read


def _pairs(at: Any, checks: Checks, name: str, value: Any) -> list[tuple[int, float]]:
    items = checks.items(name, _read(value), 1)
    if not all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
        checks.refuse(name, "a list of pairs of a step and a value", value)
        return [(0, 0.5)]
    return [(checks.length(f"{name}[{i}]", x, 0), checks.real(f"{name}[{i}]", y)) for i, (x, y) in enumerate(items)]


def _dicts(at: Any, checks: Checks, name: str, value: Any) -> list[dict[str, Any]]:
    items = checks.items(name, _read(value), 1)
    if not all(isinstance(item, dict) for item in items):
        checks.refuse(name, "a list of dicts of arguments", value)
    return items


UNUSED = Argument("auto", lambda at, checks, name, value: value)
KINDS: Mapping[str, Argument] = {
    "steps": Argument("length", lambda at, checks, name, value: checks.length(name, value), 10000),
    "steps0": Argument("length", lambda at, checks, name, value: checks.length(name, value, 0), 1000),
    "whole": Argument("integer", lambda at, checks, name, value: checks.length(name, value, -MAX_STEPS), 1),
    "fine0": Argument("length", _fine(0), 1000),
    "fine": Argument("length", _fine(-MAX_STEPS), 1000),
    "span0": Argument("length", lambda at, checks, name, value: checks.span(name, value) if value else 0, 3000),
    "span": Argument("length", lambda at, checks, name, value: checks.span(name, value), 3000),
    "real": Argument("number", lambda at, checks, name, value: checks.real(name, value), 0.1),
    "positive": Argument("number", lambda at, checks, name, value: checks.real(name, value, above=0), 0.5),
    "least0": Argument("number", lambda at, checks, name, value: checks.real(name, value, 0), 0.1),
    "share": Argument("number", lambda at, checks, name, value: checks.real(name, value, 0, 1), 0.3),
    "portion": Argument("number", lambda at, checks, name, value: checks.real(name, value, above=0, high=1), 0.3),
    "inside": Argument("number", _inside, 0.9995),
    "limit": Argument(
        "integer", lambda at, checks, name, value: checks.length(name, value, -MAX_STEPS * (not at.strict))
    ),
    "flag": Argument("flag", lambda at, checks, name, value: checks.flag(name, value), False),
    "text": Argument("text", _text, ""),
    "marks": Argument("lengths", lambda at, checks, name, value: checks.milestones(name, value), [3000, 6000, 9000]),
    "times": Argument("lengths", _each(0), [3000, 6000, 9000]),
    "lengths": Argument("auto", _each(1, 1)),
    "wholes": Argument("auto", _each(-MAX_STEPS)),
    "reals": Argument("numbers", lambda at, checks, name, value: checks.reals(name, value, 1), [0.1, 0.03, 0.01]),
    "factors": Argument("auto", _factors, {3000: 0.1, 6000: 0.1}),
    "pairs": Argument("auto", _pairs, [(0, 0.1), (5000, 0.05), (10000, 0.0)]),
    "inner": Argument("auto", _inner),
    "inners": Argument("auto", _inners),
    "function": Argument("text", _function, "lambda step: 0.9997**step"),
    "formula": Argument("text", _formula),
    "group": Argument("number", _one, 0.1),
    "children": Argument("auto", lambda at, checks, name, value: checks.items(name, _read(value), 1)),
    "dicts": Argument("auto", _dicts),
    "any": Argument("auto", lambda at, checks, name, value: value),
    "unused": UNUSED,
}


def _kind(node: ast.expr | None) -> Argument:
    if isinstance(node, ast.Name):
        return KINDS[node.id]
    if isinstance(node, ast.Subscript):
        return replace(_kind(node.value), remedy=ast.literal_eval(node.slice))
    options = tuple(str(part.value) for part in ast.walk(node or ast.Name("any")) if isinstance(part, ast.Constant))
    return Argument("choice", lambda at, checks, name, value: checks.choice(name, value, options), options[0], options)


def signature(text: str) -> tuple[str, list[inspect.Parameter], dict[str, Argument], tuple[str, ...] | None]:
    """Returns the name, the arguments and their types that a row's signature says, and what comes before them by position, if it says that.

    Args:
        text: Such as `StepLR(step_size: steps, gamma: positive = 0.1)`.

    Examples:
        >>> name, parameters, types, _ = signature("StepLR(step_size: steps, gamma: positive = 0.1)")
        >>> name, [str(parameter) for parameter in parameters], types["gamma"].kind
        ('StepLR', ['step_size', 'gamma=0.1'], 'number')
    """
    name, _, inside = text.partition("(")
    made: Any = ast.parse(f"def row({inside}: ...").body[0]
    own, empty, kinds = made.args, inspect.Parameter.empty, inspect.Parameter
    given = [*own.args, *own.kwonlyargs]
    defaults = [*[None] * (len(own.args) - len(own.defaults)), *own.defaults, *own.kw_defaults]
    values = [empty if default is None else ast.literal_eval(default) for default in defaults]
    ways = [kinds.POSITIONAL_OR_KEYWORD] * len(own.args) + [kinds.KEYWORD_ONLY] * len(own.kwonlyargs)
    parameters = [kinds(a.arg, way, default=value) for a, way, value in zip(given, ways, values, strict=True)]
    if own.kwarg:
        parameters.append(kinds(own.kwarg.arg, kinds.VAR_KEYWORD))
    before = tuple(argument.arg for argument in own.posonlyargs if argument.arg != "_")
    types = {argument.arg: _kind(argument.annotation) for argument in given}
    return name, parameters, types, before if own.posonlyargs else None


def read(at: Any, types: Mapping[str, Argument], given: Mapping[str, Any], values: dict[str, Any]) -> int:
    """Puts the values of arguments in the place of the defaults, and returns how many parts a step has, of which fine lengths are counted.

    Args:
        at: The call.
        types: The type of each argument.
        given: What was given.
        values: The defaults; where one is None, None is let through.

    Raises:
        GlidepathError: With every problem found.
    """
    checks = at.checks()
    for name, value in given.items():
        kind, before = types[name], len(checks.problems)
        with checks.kept():
            if value is not None or values.get(name, 0) is not None:
                values[name] = kind.read(at, checks, name, value)
        if kind.remedy:
            checks.problems[before:] = [replace(problem, remedy=kind.remedy) for problem in checks.problems[before:]]
    checks.done()
    fine = (KINDS["fine0"], KINDS["fine"])
    lengths = {name: simplest(values[name]) for name, kind in types.items() if kind in fine and values.get(name)}
    unit = math.lcm(*(length.denominator for length in lengths.values()))
    values |= {name: int(length * unit) for name, length in lengths.items()}
    return unit
