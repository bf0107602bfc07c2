"""The types of the arguments of other libraries' schedulers.

Each says in one place what may be given, which error is told, what the page's control is, and what an example begins with. A row of a
dialect's table names them in its signature:

    @TIMM.reads("StepLRScheduler")
    def step(at: At, decay_t: Span, decay_rate: Real = 1.0, warmup_t: Steps0 = 0) -> Schedule:
        ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

from ..core.checks import Checks
from ..core.fields import MAX_STEPS
from ..core.schedule import Schedule
from .calls import Call, read_value

if TYPE_CHECKING:
    from .reading import At

__all__ = [
    "UNUSED",
    "Argument",
    "Factors",
    "Flag",
    "Function",
    "Inner",
    "Inners",
    "Marks",
    "NotNegative",
    "Pairs",
    "Positive",
    "Real",
    "Reals",
    "Share",
    "Span",
    "Steps",
    "Steps0",
    "Text",
    "Unused",
    "Whole",
    "arguments",
    "choice",
]


@dataclass(frozen=True, eq=False)
class Argument:
    """How an argument is read.

    Args:
        kind: The page's control: `length`, `lengths`, `number`, `numbers`, `integer`, `flag`, `text`, `choice` or `auto`.
        read: Returns the value, given the call, the collected problems, the argument's name and what was given.
        begin: What an example begins with.
        options: The words of a choice.
    """

    kind: str
    read: Callable[[At, Checks, str, Any], Any]
    begin: Any = None
    options: tuple[str, ...] = ()


def choice(*options: str) -> Argument:
    """Returns the note of a type that is one of several words, put into `Annotated[str, …]`."""
    return Argument("choice", lambda at, checks, name, value: checks.choice(name, value, options), options[0], options)


def _read(value: Any) -> Any:
    """Returns what a text holds, where an argument is no string; the page's boxes give texts."""
    return read_value(value) if isinstance(value, str) else value


def _factors(at: At, checks: Checks, name: str, value: Any) -> dict[int, float]:
    """Returns numbers by the step that they belong to, in order."""
    value = _read(value)
    given = value if isinstance(value, dict) else {}
    if not isinstance(value, dict):
        checks.refuse(name, "a dict from steps to numbers, such as {1000: 0.1}", value)
    found: dict[int, float] = {}
    for key, item in given.items():
        step = int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 17 else key
        found[checks.length(f"{name}[{key!r}]", step, -MAX_STEPS)] = checks.real(f"{name}[{key!r}]", item, 0)
    return dict(sorted(found.items()))


def _inner(at: At, checks: Checks, name: str, value: Any) -> Schedule:
    from .reading import child

    return child(at, name, value)


def _inners(at: At, checks: Checks, name: str, value: Any) -> list[Schedule]:
    return [_inner(at, checks, f"{name}[{i}]", item) for i, item in enumerate(checks.items(name, _read(value), 1))]


def _function(at: At, checks: Checks, name: str, value: Any) -> Schedule:
    from .reading import of_step

    return of_step(at, name, value)


def _text(at: At, checks: Checks, name: str, value: Any) -> str:
    if isinstance(value, Call) and not value.arguments and not value.given:
        return value.name  # a member of an enumeration, such as SchedulerType.COSINE
    if not isinstance(value, str):
        checks.refuse(name, "a string", value)
    return str(value)


def _pairs(at: At, checks: Checks, name: str, value: Any) -> list[tuple[int, float]]:
    items = checks.items(name, _read(value), 1)
    if not all(isinstance(item, list | tuple) and len(item) == 2 for item in items):
        checks.refuse(name, "a list of pairs of a step and a value", value)
        return [(0, 0.5)]
    return [(checks.length(f"{name}[{i}]", at_, 0), checks.real(f"{name}[{i}]", y)) for i, (at_, y) in enumerate(items)]


Steps = Annotated[int, Argument("length", lambda at, checks, name, value: checks.length(name, value), 10000)]
"""A whole number of steps from 1 on."""
Steps0 = Annotated[int, Argument("length", lambda at, checks, name, value: checks.length(name, value, 0), 1000)]
"""A whole number of steps from 0 on."""
Whole = Annotated[int, Argument("integer", lambda at, checks, name, value: checks.length(name, value, -MAX_STEPS), 1)]
"""A whole number."""
Span = Annotated[float, Argument("length", lambda at, checks, name, value: checks.span(name, value), 3000)]
"""A number of steps above 0, which need not be whole."""
Real = Annotated[float, Argument("number", lambda at, checks, name, value: checks.real(name, value), 0.1)]
"""A finite number."""
Positive = Annotated[float, Argument("number", lambda at, checks, name, value: checks.real(name, value, above=0), 0.5)]
"""A finite number above 0."""
NotNegative = Annotated[float, Argument("number", lambda at, checks, name, value: checks.real(name, value, 0), 0.1)]
"""A finite number from 0 on."""
Share = Annotated[float, Argument("number", lambda at, checks, name, value: checks.real(name, value, 0, 1), 0.3)]
"""A number from 0 to 1."""
Flag = Annotated[bool, Argument("flag", lambda at, checks, name, value: checks.flag(name, value), False)]
"""True or false."""
Text = Annotated[str, Argument("text", _text, "")]
"""A string."""
Marks = Annotated[
    Sequence[int],
    Argument("lengths", lambda at, checks, name, value: checks.milestones(name, value), [3000, 6000, 9000]),
]
"""Strictly increasing steps."""
Reals = Annotated[
    Sequence[float],
    Argument("numbers", lambda at, checks, name, value: checks.reals(name, value, 1), [0.1, 0.03, 0.01]),
]
"""One number or more."""
Factors = Annotated[dict[int, float], Argument("auto", _factors, {3000: 0.1, 6000: 0.1})]
"""Numbers from 0 on by the step that they belong to."""
Pairs = Annotated[Sequence[tuple[int, float]], Argument("auto", _pairs, [(0, 0.1), (5000, 0.05), (10000, 0.0)])]
"""Pairs of a step and a value."""
Inner = Annotated[Schedule, Argument("auto", _inner)]
"""A scheduler."""
Inners = Annotated[Sequence[Schedule], Argument("auto", _inners)]
"""A list of schedulers."""
Function = Annotated[Schedule, Argument("text", _function, "lambda step: 0.9997**step")]
"""A function of the step."""
UNUSED = Argument("auto", lambda at, checks, name, value: value)
Unused = Annotated[Any, UNUSED]
"""What does not bear on the values."""


def arguments(reader: Callable[..., Any]) -> dict[str, Argument]:
    """Returns the types of a row's arguments by their names; none for a reader that checks by itself.

    Args:
        reader: A function registered with `Dialect.reads`.
    """
    if not any("Annotated" in str(hint) or isinstance(hint, str) for hint in reader.__annotations__.values()):
        return {}
    from . import reading

    hints = get_type_hints(reader, {**reader.__globals__, "At": reading.At}, include_extras=True)
    found: dict[str, Argument] = {}
    for name in list(inspect.signature(reader).parameters)[1:]:
        for hint in (hints.get(name), *get_args(hints.get(name))):
            for note in getattr(hint, "__metadata__", ()):
                if isinstance(note, Argument):
                    found[name] = note
    return found
