"""The one kit of checks: arguments are taken as the types in `fields` say, and every broken rule is reported at once.

Kinds of schedules check their fields with the same types when they are made (`node`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar, get_type_hints

from .errors import GlidepathError, Problem, did_you_mean, shown
from .fields import MAX_STEPS, Broken, Check, Flag, check_of, choice, integer, number, real, simplest

__all__ = ["Checks", "checked", "each_of", "problem_of", "refuse", "settle", "taken", "types_of"]

P = ParamSpec("P")
R = TypeVar("R")


class Checks:
    """Checks the arguments of one call and collects what is wrong.

    A refused argument is replaced by one that is accepted, so that the rest can be checked too; `done` raises if anything was refused.

    Args:
        where: What is called, such as `pytorch StepLR`.
        path: What stands in front of what is refused inside an argument; None is `where`.
    """

    def __init__(self, where: str, path: str | None = None) -> None:
        self.where, self.path = where, where if path is None else path
        self.problems: list[Problem] = []

    def refuse(self, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes a broken rule."""
        self.worded(field, rule, shown(value), remedy)

    def worded(self, field: str, rule: str, got: str, remedy: str = "") -> None:
        """Notes a broken rule, with words for what was given."""
        self.problems.append(Problem(self.where, field, rule, got, remedy))

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes a broken rule unless it holds; skipped once something else is wrong, because it may only follow from that."""
        if not holds and not self.problems:
            self.refuse(field, rule, value, remedy)

    @contextmanager
    def kept(self, path: str = "") -> Generator[None]:
        """Notes what is refused within, which ends there; `path` is put in front of where it was."""
        try:
            yield
        except GlidepathError as error:
            self.problems += (error.inside(path) if path else error).problems

    def done(self) -> None:
        """Raises everything that was noted.

        Raises:
            GlidepathError: If anything was.
        """
        if self.problems:
            raise GlidepathError(self.problems)

    def take(self, field: str, value: Any, kind: Any, remedy: str = "") -> Any:
        """Returns an argument in its normal form.

        Args:
            field: Its name.
            value: What was given.
            kind: What it must be: a `Check`, or one of the types in `fields`.
            remedy: What to do if it is refused; the check may know better.
        """
        check = kind if isinstance(kind, Check) else check_of(kind)
        if check is None:
            raise TypeError(f"the type of {field} must have a check, got {kind}")
        try:
            return check.func(value)
        except Broken as error:
            self.refuse(field, error.rule, value, error.remedy or remedy)
        except GlidepathError as error:
            self.problems.extend(error.inside(f"{self.path}.{field}").problems)
        return check.stand_in

    def length(self, field: str, value: Any, low: int = 1, remedy: str = "") -> int:
        """Returns a whole number of steps from `low` on."""
        return self.take(field, value, integer(low), remedy)

    def span(self, field: str, value: Any) -> float:
        """Returns a number of steps above 0 that need not be whole."""
        plain = number(value)
        if plain is None or not 0 < plain <= MAX_STEPS:
            self.refuse(field, f"a number of steps above 0 and at most {MAX_STEPS}", value)
            return 1
        if simplest(plain).denominator > 1_000_000:
            self.refuse(field, "a whole number of steps or a fraction of one with a denominator up to 10^6", value)
            return 1
        return plain

    def real(self, field: str, value: Any, *ends: float, **bounds: float) -> float:
        """Returns a finite number between two bounds, or above one that is itself excluded: see `fields.real`."""
        return self.take(field, value, real(*ends, **bounds))

    def flag(self, field: str, value: Any) -> bool:
        """Returns true or false."""
        return self.take(field, value, Flag)

    def choice(self, field: str, value: Any, options: Sequence[str]) -> str:
        """Returns one of several words."""
        return self.take(field, value, choice(*options))

    def items(self, field: str, value: Any, least: int = 0) -> list[Any]:
        """Returns a list of at least so many items."""
        if not isinstance(value, list | tuple) or not least <= len(value) <= 100_000:
            self.refuse(field, f"a list of {least} to 100000 items", value)
            return []
        return list(value)

    def distinct(self, field: str, value: Iterable[Any], kind: Any, one: str = "") -> list[Any]:
        """Returns at least one item, no two alike; `one` is what a single one is called in what is refused."""
        before = len(self.problems)
        found = [self.take(one or field, item, kind) for item in value]
        if not found:
            self.refuse(field, "at least one", found)
        elif before == len(self.problems) and len(set(found)) < len(found):
            self.refuse(field, "all different", found)
        return found

    def reals(self, field: str, value: Any, least: int = 0) -> list[float]:
        """Returns a list of finite numbers."""
        return [self.real(f"{field}[{i}]", item) for i, item in enumerate(self.items(field, value, least))]

    def milestones(self, field: str, value: Any, low: int = 0, least: int = 0) -> list[int]:
        """Returns strictly increasing steps."""
        marks = [self.length(f"{field}[{i}]", item, low) for i, item in enumerate(self.items(field, value, least))]
        self.require(all(a < b for a, b in pairwise(marks)), field, "strictly increasing", value)
        return marks


def taken(where: str, field: str, value: Any, kind: Any, remedy: str = "") -> Any:
    """Returns one argument in its normal form: see `Checks.take`.

    Raises:
        GlidepathError: If it breaks the rule.
    """
    checks = Checks(where)
    made = checks.take(field, value, kind, remedy)
    checks.done()
    return made


def problem_of(where: str, field: str, value: Any, kind: Any) -> Problem | None:
    """Returns what is wrong with an argument that is kept as it is given, or None.

    Args:
        where: What is called.
        field: The argument's name.
        value: What was given; a whole number must be an `int`.
        kind: What it must be: a `Check`, or one of the types in `fields`.

    Examples:
        >>> from glidepath.core.fields import Count
        >>> print(problem_of("train", "steps", 3, Count), problem_of("train", "steps", 0, Count))
        None train: steps must be an integer from 1 to 9007199254740992, got 0
    """
    checks = Checks(where)
    taken = checks.take(field, value, kind)
    if isinstance(taken, int) and not isinstance(value, int):
        checks.refuse(field, "an int", value)
    return checks.problems[0] if checks.problems else None


def refuse(problems: Iterable[Problem | None]) -> None:
    """Raises every problem there is, in one error; returns if there is none.

    Raises:
        GlidepathError: If there is a problem.
    """
    found = [problem for problem in problems if problem is not None]
    if found:
        raise GlidepathError(found)


@functools.cache
def types_of(function: Callable[..., Any]) -> dict[str, Check]:
    """Returns the checks of a function's arguments by their names; arguments whose types have none are left out."""
    hints = get_type_hints(function, include_extras=True)
    found = {name: check_of(hint) for name, hint in hints.items() if name != "return"}
    return {name: check for name, check in found.items() if check is not None}


def each_of(items: Iterable[Any], make: Callable[[Any], R], path: Callable[[int], str]) -> tuple[R, ...]:
    """Returns what is made of each item; what is refused is told of all of them at once.

    Args:
        items: What there is.
        make: Makes one.
        path: What the place of an item is called.

    Raises:
        GlidepathError: If any was refused.
    """
    checks, made = Checks(""), list[R]()
    for i, item in enumerate(items):
        with checks.kept(path(i)):
            made.append(make(item))
    checks.done()
    return tuple(made)


def settle(record: Any, where: str) -> Checks:
    """Brings the fields of a frozen dataclass into their normal forms, by the types it declares; returns the checks, not done yet."""
    checks = Checks(where)
    for name, check in types_of(type(record)).items():
        object.__setattr__(record, name, checks.take(name, getattr(record, name), check))
    return checks


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function check its arguments, all of them before it refuses any, by the types it declares; others are left alone."""
    signature, where = inspect.signature(function), function.__name__
    names = list(signature.parameters)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        checks = Checks(where)
        given: dict[str, Any] = dict(kwargs)
        for name in [name for name in given if name not in names]:
            rule = f"one of its arguments ({', '.join(names)})"
            checks.refuse(name[:50], rule, given.pop(name), did_you_mean(name, names))
        try:
            bound = signature.bind(*args, **given)
        except TypeError as error:
            problem = Problem(where, "", f"called as {where}({', '.join(names)})", f"a call with {error}")
            raise GlidepathError([*checks.problems, problem]) from None
        types, lost = types_of(function), False
        for name, value in bound.arguments.items():
            if name in types and not (value is None and signature.parameters[name].default is None):
                bound.arguments[name] = checks.take(name, value, types[name])
                lost = lost or bound.arguments[name] is None
        if lost:  # nothing can stand in for what was refused
            checks.done()
        try:
            made = function(*bound.args, **bound.kwargs)
        except GlidepathError as error:
            raise GlidepathError([*checks.problems, *error.problems]) from None
        checks.done()
        return made

    return call
