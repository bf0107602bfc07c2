"""Durations with units: `"3 epochs"`, `"500 steps"`, `"10%"`, `"2e9 tokens"`, `"1e6 samples"`, `"rest"`; alone and quoted in a schedule's text.

`warmup("5%") >> cosine("rest", floor=0.1)` is read as the same syntax tree as any other text; each duration in it becomes a whole number on
the plan's clock, rounded to the nearest, halves up. `"rest"` is what the run leaves after the other phases of its chain.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from ..core import GlidepathError, Problem, Schedule, did_you_mean
from ..core.fields import MAX_STEPS, Broken, Check
from ..core.text import Reader

if TYPE_CHECKING:
    from .horizon import Derived

# Every unit that can be written, and its own name.
_OWN = {form: unit for unit in ("updates", "epochs", "samples", "tokens") for form in (unit, unit[:-1])}
_UNITS = _OWN | {"step": "updates", "steps": "updates", "%": "percent"}

_FORM = re.compile(r"\s*(\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE]([+-]?\d{1,2}))?\s*([A-Za-z]{1,20}|%)\s*")
_RULE = 'a duration such as "3 epochs", "500 steps", "10%", "2e9 tokens", "1e6 samples" or "rest"'
_LENGTH = 'a length such as "40 steps", "3 epochs", "1e6 samples" or "2e6 tokens"'


@dataclass(frozen=True)
class Duration:
    """A length with its unit.

    Args:
        amount: How many, exactly; 0 for the rest.
        unit: `updates`, `epochs`, `samples`, `tokens`, `percent` or `rest`.

    Examples:
        >>> Duration.parse("2e9 tokens")
        Duration(amount=Fraction(2000000000, 1), unit='tokens')
        >>> print(Duration.parse("1.5epochs"))
        1.5 epochs
    """

    amount: Fraction
    unit: str

    @classmethod
    def parse(cls, text: Any) -> Duration:
        """Returns the duration that a text means.

        Raises:
            Broken: If it is none, with the rule.
        """
        if not isinstance(text, str) or len(text) > 100:
            raise Broken(_RULE)
        if text.strip() == "rest":
            return cls(Fraction(0), "rest")
        found = _FORM.fullmatch(text)
        if found is None:
            raise Broken(_RULE, "a number needs its unit" if re.fullmatch(r"[-+\s\d.eE]+", text) else "")
        if found[3] not in _UNITS:
            raise Broken(_RULE, did_you_mean(found[3], _UNITS))
        amount, unit = Fraction(found[1]) * Fraction(10) ** int(found[2] or "0"), _UNITS[found[3]]
        if amount > MAX_STEPS:
            raise Broken(f"a duration of at most {MAX_STEPS} of its unit")
        if unit == "percent" and amount > 100:
            raise Broken("a share of at most 100%")
        return cls(amount, unit)

    @classmethod
    def looks_like(cls, text: Any) -> bool:
        """Returns whether a text is meant as a duration, a wrong one included: it begins with a digit, or is `rest`."""
        return isinstance(text, str) and (text.strip() == "rest" or re.match(r"\s*\.?\d", text) is not None)

    def __str__(self) -> str:
        if self.unit == "rest":
            return "rest"
        if self.unit == "percent":
            return f"{written(self.amount)}%"
        word = "steps" if self.unit == "updates" else self.unit
        return f"{written(self.amount)} {word[:-1] if self.amount == 1 else word}"


def written(amount: Fraction | float) -> str:
    """Returns an exact decimal as short as it can be read: `500`, `2e9`, `1.5`; other fractions are rounded."""
    exact = Fraction(amount)
    digits, plain = str(exact.numerator), repr(float(exact))
    if exact.denominator == 1:
        zeros = len(digits) - len(digits.rstrip("0"))
        return f"{digits[:-zeros]}e{zeros}" if zeros >= 6 else digits
    if Fraction(plain) == exact:
        return plain
    for places in range(1, 100):
        scaled = exact * 10**places
        if scaled.denominator == 1:
            digits = str(scaled.numerator).rjust(places + 1, "0")
            return f"{digits[:-places]}.{digits[-places:]}"
    return f"{float(exact):.6g}"


def nearest(amount: Fraction) -> int:
    """Returns the nearest whole number, halves up."""
    return math.floor(amount + Fraction(1, 2))


def plural(n: int, word: str) -> str:
    """Returns a number of things in words: `1 process`, `2 processes`."""
    return f"{n} {word}{'' if n == 1 else 'es' if word.endswith('s') else 's'}"


def _span(value: Any) -> str:
    try:
        found = Duration.parse(value)
    except Broken as broken:
        raise Broken(_LENGTH if broken.rule == _RULE else broken.rule, broken.remedy) from None
    if found.unit in ("percent", "rest"):
        raise Broken(_LENGTH, "shares are of this length")
    if found.amount == 0:
        raise Broken("a length above 0")
    return str(found)


# The length of a run, with its unit.
Span = Annotated[str, Check(_span, {"type": "string", "description": 'A length such as "3 epochs" or "2e9 tokens".'})]


# In a schedule's text -----------------------------------------------------------------------------------------------------------------

_CARRIES = ("clip", "until", "minimum", "maximum", "rate")  # words whose schedules run on the clock of the whole
# How the rules begin that more knowledge of the run would mend.
_UNKNOWN = ("in updates", "in samples", "in tokens", "in epochs", "a share of a run")


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
