"""Makes the schedule of a tree and says, for everything refused, at which control."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from .. import dialects
from ..core import Chain, GlidepathError, Problem, Schedule
from ..core.text import ARITHMETIC, vocabulary
from .asked import Settled, length_of, number_of, plain, refused
from .tree import Tree, signature


@dataclass
class Built:
    """What became of a tree.

    Args:
        schedule: The schedule, or None if something was refused.
        tree: The tree with what was typed read into numbers and lists, as far as it could be.
        problems: What was refused: the path of the call, the argument, and the sentence.
        durations: How long the schedule at each path lasts.
        text: Its text, as typed or as written from the controls.
    """

    schedule: Schedule | None
    tree: Tree
    problems: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    durations: dict[str, float] = field(default_factory=dict[str, float])
    text: str = ""


def build(tree: Tree, budget: Settled) -> Built:
    """Returns the schedule of a tree, or every problem with its place.

    Args:
        tree: From the page; what was typed into boxes is read here.
        budget: What lengths in percents and epochs are of.
    """
    maker = _Maker(budget)
    try:
        made, read = maker.node(tree, "")
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        told = f"tree: must be made of words, operators and numbers, got {error}"
        return Built(None, tree, [{"path": "", "field": "", "message": told}])
    if not maker.problems and not isinstance(made, Schedule):
        maker.refuse("", GlidepathError.of("text", "", "a schedule", made, "a number alone is written hold(value=…)"))
    return Built(None if maker.problems else made, read, maker.problems, maker.durations)


class _Maker:
    def __init__(self, budget: Settled) -> None:
        self.budget = budget
        self.problems: list[dict[str, Any]] = []
        self.durations: dict[str, float] = {}

    def refuse(self, path: str, error: GlidepathError, names: Iterable[str] = (), only: str = "") -> None:
        self.problems += (refused(problem, path, only or _field(problem, [*names])) for problem in error.problems)

    def made(self, path: str, rule: str, names: Iterable[str], make: Callable[[], Any]) -> Any:
        """Returns what a function makes, None if that is refused."""
        try:
            made = make()
        except GlidepathError as error:
            return self.refuse(path, error, names)
        except (TypeError, ArithmeticError) as error:
            return self.refuse(path, GlidepathError.of("text", "", rule, str(error)))
        if isinstance(made, Schedule):
            self.durations[path] = made.duration
        return made

    def node(self, tree: Tree, path: str) -> tuple[Any, Tree]:
        """Returns what a part of the tree makes, None if it was refused, and the part as read."""
        if tree["t"] == "num":
            value, read = self._value(tree["value"], path, "value")
            return value, {"t": "num", "value": read}
        if tree["t"] == "op":
            op, pairs = tree["op"], [self.node(part, _at(path, f"parts.{i}")) for i, part in enumerate(tree["parts"])]
            parts, read = [made for made, _ in pairs], {"t": "op", "op": op, "parts": [part for _, part in pairs]}
            if any(part is None for part in parts):
                return None, read
            return self.made(path, f"parts that {op} can join", (), lambda: _joined(op, parts)), read
        return self._call(tree, path)

    def _call(self, tree: Tree, path: str) -> tuple[Any, Tree]:
        lib, word, before = tree["lib"], tree["word"], len(self.problems)
        values, read = dict[str, Any](), list[dict[str, Any]]()
        try:
            parameters = signature(lib, word).parameters
        except GlidepathError as error:
            self.refuse(path, error)
            return None, tree
        for i, argument in enumerate(tree["args"]):
            name = argument["name"]
            values[name], kept = self._value(argument["value"], _at(path, f"args.{i}.value"), name, path)
            read.append({"name": name, "value": kept})

        def make() -> Schedule:
            own, base = dict(values), 0.1
            if not lib:
                several = [name for name, one in parameters.items() if one.kind is one.VAR_POSITIONAL]
                return vocabulary()[word](*(own.pop(several[0], ()) if several else ()), **own)
            if "base_lr" in parameters and parameters["base_lr"].default is not inspect.Parameter.empty:
                base = own.pop("base_lr", base)  # the optimizer's, not the scheduler's
            return dialects.load(lib, word, own, base_lr=base)

        lost = len(self.problems) > before
        made = None if lost else self.made(path, "called with its own arguments", values, make)
        return made, {"t": "call", "lib": lib, "word": word, "args": read}

    def _value(self, value: Any, path: str, name: str, call: str = "") -> tuple[Any, Any]:
        if isinstance(value, list):
            pairs = [self._value(item, f"{path}.{i}", name, call) for i, item in enumerate(value)]
            return [made for made, _ in pairs], [read for _, read in pairs]
        if isinstance(value, dict) and "raw" not in value:
            return self.node(value, path)
        try:
            if isinstance(value, float) and not math.isfinite(value):
                raise GlidepathError.of(name, "", "finite", value)
            typed = isinstance(value, dict)
            read = _typed(str(value["raw"]), name, value.get("as", ""), self.budget) if typed else value
        except GlidepathError as error:
            self.refuse(call, error, only=name)
            return None, value
        return read, read


def _at(path: str, inside: str) -> str:
    return f"{path}.{inside}".lstrip(".")


def _field(problem: Problem, names: list[str]) -> str:
    """Returns the control that a problem belongs to: the argument it names, or the one that its path begins with."""
    head = problem.field.partition("[")[0].partition(" ")[0]
    if head in names:
        return head
    return next((name for name in names if f".{name}" in problem.where.partition(" ")[0]), "")


def _joined(operator: str, parts: list[Any]) -> Any:
    if operator == ">>":
        for part in parts:
            if not isinstance(part, Schedule):
                raise GlidepathError.of("text", "", "a schedule on both sides of >>", part)
        return Chain(tuple(parts))
    return reduce(ARITHMETIC[operator], parts)


def _typed(text: str, name: str, kind: str, budget: Settled) -> Any:
    """Returns what was typed into a box: a number, a length with a unit, a list of numbers, or text."""
    if len(text) > 4000:
        raise GlidepathError.of(name, "", "at most 4000 characters", f"{len(text)} of them")
    text = text.strip()
    if kind in ("text", "list"):
        return text if kind == "text" else _list(text, name, budget)
    value = _amount(text, budget)
    if value is None:
        rule = "a number" if kind != "length" else "a number of steps such as 500, 5% or 2ep"
        raise GlidepathError.of(name, "", rule, text)
    return value


def _amount(text: str, budget: Settled) -> float | None:
    return number_of(text) if (length := length_of(text, budget)) is None else length


def _list(text: str, name: str, budget: Settled) -> list[Any]:
    text = plain(text).strip("[]()").strip()
    apart = re.search(r"[;\n]|,\s", text)  # so that "1,000, 2,000" is two numbers
    pieces = [piece.strip() for piece in re.split(r"[;\n]\s*|,\s+" if apart else ",", text.rstrip(",;"))]
    if len(pieces) > 1000:
        raise GlidepathError.of(name, "", "at most 1000 numbers", f"{len(pieces)} of them")
    values = [_amount(piece, budget) for piece in pieces]
    if None in values:
        told = pieces[values.index(None)] or "nothing"
        raise GlidepathError.of(name, "", "a list of numbers such as 3000, 6000", told)
    return values
