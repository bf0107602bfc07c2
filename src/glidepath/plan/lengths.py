"""Quoted durations in a schedule's text, resolved against a horizon into a schedule of the core.

`warmup("5%") >> cosine("rest", floor=0.1)` is read as the same syntax tree as any other text; each duration in it becomes a whole number on
the plan's clock, rounded to the nearest, halves up. `"rest"` is what the run leaves after the other phases of its chain.
"""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from ..core import GlidepathError, Problem, Schedule
from ..core.fields import Broken
from ..core.text import Reader
from .duration import Duration

if TYPE_CHECKING:
    from .horizon import Derived

_CARRIES = ("clip", "until", "minimum", "maximum", "rate")  # words whose schedules run on the clock of the whole


class Resolved(NamedTuple):
    """What became of a text.

    Args:
        schedule: The schedule, or None if it could not be resolved.
        problems: Why it could not, or what is wrong.
        unknown: Whether all that is missing is the length of the run, or something it follows from.
    """

    schedule: Schedule | None
    problems: list[Problem]
    unknown: bool


def durations(text: str) -> list[str]:
    """Returns the quoted durations in a schedule's text, wrong ones included.

    Raises:
        GlidepathError: If the text is not one expression.
    """
    tree = Reader(text).tree
    formulas = {id(inner) for node in ast.walk(tree) if _is_formula(node) for inner in ast.walk(node)}
    return [
        node.value  # type: ignore[misc]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in formulas and Duration.looks_like(node.value)
    ]


def _is_formula(node: ast.AST) -> bool:
    """Whether what is quoted in a node is a formula: `0.5 * cos(step)` begins as a duration does."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "expression"


def resolve(text: str, derived: Derived, clock: str = "updates") -> Resolved:
    """Returns the schedule that a text with quoted durations means on a clock.

    Args:
        text: A schedule as text; plain numbers in it count on the clock.
        derived: What is known of the run.
        clock: What the schedule's steps count.
    """
    reader = Reader(text)
    resolver = _Resolver(reader, derived, clock)
    try:
        total = derived.total(clock)
        reader.tree = resolver.resolved(reader.tree, total)
        if not reader.problems:
            return Resolved(reader.schedule(), [], False)
    except GlidepathError as error:
        found = list(dict.fromkeys([*reader.problems, *error.problems]))
        return Resolved(None, found, False)
    except RecursionError:
        return Resolved(None, list(GlidepathError.of("text", "", "nested less deep", text).problems), False)
    return Resolved(None, list(dict.fromkeys(reader.problems)), set(reader.problems) <= set(resolver.unknown))


class _Resolver:
    """Replaces the durations of one tree by numbers."""

    def __init__(self, reader: Reader, derived: Derived, clock: str) -> None:
        self.reader, self.derived, self.clock = reader, derived, clock
        self.total = derived.total(clock)
        self.unknown: list[Problem] = []  # problems that more knowledge of the run would mend

    def refuse(self, node: ast.AST, rule: str, remedy: str = "", unknown: bool = False) -> None:
        column = getattr(node, "col_offset", 0)
        piece = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
        problems = GlidepathError.of(f"text, column {column + 1}", "", rule, piece, remedy).problems
        self.reader.problems.extend(problems)
        if unknown:
            self.unknown.extend(problems)

    def resolved(self, node: ast.expr, room: int | None) -> ast.expr:
        """Returns the tree with numbers; `room` is what is left for what may take the rest, None where nothing may."""
        if _is_formula(node):
            return node
        if isinstance(node, ast.Constant):
            return self._constant(node, room)
        if isinstance(node, ast.BinOp):
            return self._row(node, room)
        if isinstance(node, ast.Call):
            return self._call(node, room)
        if isinstance(node, ast.List | ast.Tuple):
            return ast.copy_location(ast.List([self.resolved(item, None) for item in node.elts], ast.Load()), node)
        if isinstance(node, ast.UnaryOp):
            return ast.copy_location(ast.UnaryOp(node.op, self.resolved(node.operand, room)), node)
        return node

    def _constant(self, node: ast.Constant, room: int | None) -> ast.expr:
        if not Duration.looks_like(node.value):
            return node
        try:
            duration = Duration.parse(node.value)
            if self.total is None and duration.unit in ("rest", "percent"):
                remedy = "give horizon.length, and what it takes to count it"
                self.refuse(node, "a share of a run of known length", remedy, unknown=True)
                return node
            exact = self.derived.counted(duration, self.clock)
            if exact is None:
                return self._rest(node, room)
        except Broken as broken:
            self.refuse(node, broken.rule, broken.remedy, unknown=broken.rule.startswith("in "))
            return node
        steps = math.floor(exact + Fraction(1, 2))
        if steps == 0 and duration.amount > 0:
            remedy = f"it comes to {float(exact):.3g}; a phase of no length says nothing"
            self.refuse(node, f"at least one of the clock's {self.clock}", remedy)
            return node
        return ast.copy_location(ast.Constant(steps), node)

    def _rest(self, node: ast.expr, room: int | None) -> ast.expr:
        if room is None:
            self.refuse(node, "the length of one phase of the outermost chain")
        elif room < 0:
            remedy = f"the other phases take {(self.total or 0) - room} of {self.total}"
            self.refuse(node, f"at least one of the clock's {self.clock}", remedy)
        else:
            return ast.copy_location(ast.Constant(room), node)
        return node

    def _row(self, node: ast.BinOp, room: int | None) -> ast.expr:
        """Resolves a row of one operator, which leans to the left, without recursion down the row."""
        chain = isinstance(node.op, ast.RShift)
        spine: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and isinstance(first.op, ast.RShift) == chain:
            spine.append(first)
            first = first.left
        spine.reverse()
        parts = [first, *(step.right for step in spine)]
        done = self._phases(parts, room) if chain else [self.resolved(part, room) for part in parts]
        made = done[0]
        for step, part in zip(spine, done[1:], strict=True):
            made = ast.copy_location(ast.BinOp(made, step.op, part), step)
        return made

    def _phases(self, parts: list[ast.expr], room: int | None) -> list[ast.expr]:
        """Resolves the phases of a chain: the one that takes the rest comes last."""
        takers = [i for i, part in enumerate(parts) if _takes_rest(part)]
        if len(takers) > 1:
            self.refuse(parts[takers[1]], "the only phase that takes the rest of its chain")
            return parts
        done, left, sound = list(parts), room, True
        for i, part in enumerate(parts):
            if i in takers:
                continue
            before = len(self.reader.problems)
            done[i] = self.resolved(part, None)
            value = self.reader.value(done[i]) if takers and len(self.reader.problems) == before else None
            sound = sound and len(self.reader.problems) == before
            if isinstance(value, Schedule) and value.duration == math.inf:
                self.refuse(part, "of finite length where another phase takes the rest", "give it a length")
                sound = False
            elif isinstance(value, Schedule) and left is not None:
                left -= int(value.duration)
        if takers:
            before = len(self.reader.problems)
            last = self.resolved(parts[takers[0]], left if sound or left is None else max(1, left))
            if not sound and len(self.reader.problems) == before:
                self.reader.value(last)  # finds what else is wrong
            done[takers[0]] = last
        return done

    def _call(self, node: ast.Call, room: int | None) -> ast.expr:
        word = node.func.id if isinstance(node.func, ast.Name) else ""
        if word == "chain":
            return self._with(node, self._phases(list(node.args), room), [])
        inside = room
        if any(_takes_rest(a) for a in node.args if isinstance(a, ast.Call | ast.BinOp)) and word not in _CARRIES:
            inside = None
        return self._with(
            node,
            [self.resolved(a, inside) for a in node.args],
            [ast.keyword(k.arg, self.resolved(k.value, inside)) for k in node.keywords],
        )

    def _with(self, node: ast.Call, args: list[ast.expr], keywords: list[ast.keyword]) -> ast.Call:
        return ast.copy_location(ast.Call(node.func, args, keywords or node.keywords), node)


def _takes_rest(node: ast.AST) -> bool:
    return any(
        isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.strip() == "rest" for n in ast.walk(node)
    )
