"""Quoted durations in a schedule's text, resolved against a horizon into a schedule of the core.

`warmup("5%") >> cosine("rest", floor=0.1)` is read as the same syntax tree as any other text; each duration in it becomes a whole number on
the plan's clock, rounded to the nearest, halves up. `"rest"` is what the run leaves after the other phases of its chain.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from ..core import GlidepathError, Problem, Schedule
from ..core.fields import Broken
from ..core.text import Reader
from .duration import Duration, nearest

if TYPE_CHECKING:
    from .horizon import Derived

_CARRIES = ("clip", "until", "minimum", "maximum", "rate")  # words whose schedules run on the clock of the whole
_UNKNOWN = ("in ", "a share of a run")  # how the rules begin that more knowledge of the run would mend


class Resolved(NamedTuple):
    """What became of a text.

    Args:
        schedule: The schedule, or None if it could not be resolved.
        problems: Why it could not, or what is wrong.
        unknown: Whether all that is missing is the length of the run, or something it follows from.
    """

    schedule: Schedule | None
    problems: list[Problem]
    unknown: bool = False


def durations(text: str) -> list[str]:
    """Returns the quoted durations in a schedule's text, wrong ones included.

    Raises:
        GlidepathError: If the text is not one expression.
    """
    tree = Reader(text).tree
    formulas = {id(inner) for node in ast.walk(tree) if word_of(node) == "expression" for inner in ast.walk(node)}
    return [node.value for node in quoted(tree) if id(node) not in formulas]  # type: ignore[misc]


def quoted(tree: ast.AST) -> Iterable[ast.Constant]:
    """Yields the constants of a tree that look like durations; a formula, `0.5 * cos(step)`, may begin as one does."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and Duration.looks_like(node.value))


def word_of(node: ast.AST) -> str:
    """Returns the word that a node calls, or an empty string."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def resolve(text: str, derived: Derived, clock: str = "updates") -> Resolved:
    """Returns the schedule that a text with quoted durations means on a clock.

    Args:
        text: A schedule as text; plain numbers in it count on the clock.
        derived: What is known of the run.
        clock: What the schedule's steps count.
    """
    reader = _Resolver(text, derived, clock)
    try:
        reader.place(reader.tree, reader.total)
        if not reader.problems:
            return Resolved(reader.schedule(), [])
    except GlidepathError as error:
        return Resolved(None, list(dict.fromkeys([*reader.problems, *error.problems])))
    except RecursionError:
        return Resolved(None, list(GlidepathError.of("text", "", "nested less deep", text).problems))
    found = list(dict.fromkeys(reader.problems))
    return Resolved(None, found, all(problem.rule.startswith(_UNKNOWN) for problem in found))


class _Resolver(Reader):
    """Puts whole numbers in the place of the durations in its tree."""

    def __init__(self, text: str, derived: Derived, clock: str) -> None:
        super().__init__(text)
        self.derived, self.clock, self.total = derived, clock, derived.total(clock)

    def place(self, node: ast.AST, room: int | None) -> None:
        """Puts numbers into a part of the tree; `room` is what is left for what may take the rest, None where nothing may."""
        word, parts = word_of(node), list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Constant) and Duration.looks_like(node.value):
            try:
                node.value = self.steps(Duration.parse(node.value), room)
            except Broken as broken:
                self.note(node, broken.rule, broken.remedy)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
            self.phases(_row(node), room)
        elif word == "chain":
            self.phases(parts[1:], room)
        elif word != "expression":
            nested = any(_takes_rest(part) for part in parts if isinstance(part, ast.Call | ast.BinOp))
            alone = isinstance(node, ast.List | ast.Tuple) or (word and nested and word not in _CARRIES)
            for part in _row(node) if isinstance(node, ast.BinOp) else parts:
                self.place(part, None if alone else room)

    def steps(self, duration: Duration, room: int | None) -> int:
        """Returns a duration as steps of the clock."""
        counted = self.derived.counted(duration, self.clock)
        exact = room if duration.unit == "rest" else counted
        if exact is None:
            raise Broken("the length of one phase of the outermost chain")
        steps = nearest(Fraction(exact))
        if steps < 0 or (steps == 0 and duration.amount > 0):
            nothing = f"it comes to {float(exact):.3g}; a phase of no length says nothing"
            others = f"the other phases take {(self.total or 0) - steps} of {self.total}"
            raise Broken(f"at least one of the clock's {self.clock}", others if steps else nothing)
        return steps

    def phases(self, parts: Sequence[ast.AST], room: int | None) -> None:
        """Puts numbers into the phases of a chain: the one that takes the rest comes last."""
        takers, begun = [part for part in parts if _takes_rest(part)], len(self.problems)
        if len(takers) > 1:
            return self.note(takers[1], "the only phase that takes the rest of its chain")
        for part in parts:
            if part in takers:
                continue
            before = len(self.problems)
            self.place(part, None)
            value = self.value(part) if takers and len(self.problems) == before else None
            if isinstance(value, Schedule) and value.duration == math.inf:
                self.note(part, "of finite length where another phase takes the rest", "give it a length")
            elif isinstance(value, Schedule) and room is not None:
                room -= int(value.duration)
        before = len(self.problems)
        for part in takers:
            self.place(part, room if room is None or before == begun else max(1, room))
            if begun < before == len(self.problems):
                self.value(part)  # finds what else is wrong
        return None

    def note(self, node: ast.AST, rule: str, remedy: str = "") -> None:
        """Notes a problem of a part."""
        column, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        piece = node.value if isinstance(node, ast.Constant) else self.text.encode()[column:end].decode()
        self.problems += GlidepathError.of(f"text, column {column + 1}", "", rule, piece, remedy).problems


def _row(node: ast.BinOp) -> list[ast.expr]:
    """Returns the parts of a row of `>>`, or of other operators; it leans to the left and is walked down without recursion."""
    chain, parts, first = isinstance(node.op, ast.RShift), list[ast.expr](), node.left
    parts.append(node.right)
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.RShift) == chain:
        parts.append(first.right)
        first = first.left
    return [first, *reversed(parts)]


def _takes_rest(node: ast.AST) -> bool:
    return any(isinstance(inner.value, str) and inner.value.strip() == "rest" for inner in quoted(node))
