"""The one-line form, which is also Python: `warmup(500) >> cosine(9500, floor=0.1)`.

Text is read from its syntax tree: calls of known names, numbers, strings for curves, lists, and `>> + - * /`. Nothing is ever executed.

Over 400 lines: one grammar, whose writing and reading have to change together.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import groupby
from operator import add, mul, sub, truediv
from typing import Any, ParamSpec

from . import shorthand
from .checks import checked
from .combinators import Chain, Maximum, Minimum, Product, Sum
from .curves import Curve
from .errors import GlidepathError, Problem, did_you_mean
from .fields import one_document
from .node import Node
from .schedule import Schedule, whole
from .segments import Ramp
from .syntax import syntax

__all__ = ["parse", "to_text", "vocabulary"]

P = ParamSpec("P")
MAX_TEXT = 64_000
_WIDE = 16  # parts of one operator that are written in a row

_functions: dict[str, Callable[..., Schedule]] = {name: getattr(shorthand, name) for name in shorthand.__all__}
# Kinds that are written with operators or functions of any number of parts.
_OPERATED = {"chain", "product", "sum", "minimum", "maximum"}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}
"""What each operator but `>>` makes of two parts."""
_OPERATORS: dict[type[ast.operator], str] = dict(
    zip((ast.RShift, ast.Add, ast.Sub, ast.Mult, ast.Div), (">>", *ARITHMETIC), strict=True)
)


def offer(function: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """Makes a function that returns a schedule a word of the text form, under its own name."""
    if function.__name__ in vocabulary():
        raise GlidepathError.of("offer", "name", "new to the vocabulary", function.__name__)
    _functions[function.__name__] = function
    return function


def recipe(function: Callable[P, Schedule]) -> Callable[P, Schedule]:
    """Makes a function a word of the text form that checks its arguments by the types it declares."""
    return offer(checked(function))  # type: ignore[return-value]


def withdraw(name: str) -> None:
    """Removes a word that `offer` added."""
    _functions.pop(name, None)


def vocabulary() -> Mapping[str, Callable[..., Schedule]]:
    """Returns every word of the text form with what it makes."""
    kinds = {name: cls for name, cls in Schedule.registry.items() if name not in _OPERATED and name != "custom"}
    return {**kinds, **_functions}  # type: ignore[dict-item]


# Writing ------------------------------------------------------------------------------------------------------------------------------


def to_text(node: Node) -> str:
    """Returns the text of a schedule or a curve; `parse` (or `curve_of`) gives back an equal one."""
    return _curve_text(node) if isinstance(node, Curve) else _write(node)[0]


_ATOM, _MUL, _ADD, _SHIFT = 4, 3, 2, 1  # how tightly a text holds together


def _write(node: Any) -> tuple[str, int]:
    """Returns the text of a schedule and how tightly it holds together."""
    if isinstance(node, Minimum | Maximum) or (isinstance(node, Chain) and len(node.phases) == 1):
        return f"{node.kind}({', '.join(_write(part)[0] for part in node.schedules())})", _ATOM
    if isinstance(node, Chain):
        return _row([_held(phase, _ADD) for phase in node.phases], " >> "), _SHIFT
    if isinstance(node, Product):
        factors = [_held(part, _ATOM) for part in node.parts]
        if node.scale != 1.0 or len(factors) == 1:
            factors.insert(0, _number(node.scale))
        return _row(factors, " * "), _MUL
    if isinstance(node, Sum):
        terms = [_held(part, _MUL) for part in node.parts]
        if node.offset != 0.0 or len(terms) == 1:
            terms.insert(0, _number(node.offset))
        return _row(terms, " + "), _ADD
    if isinstance(node, Ramp) and (short := _short(node)):
        return short, _ATOM
    name, arguments = node.call(_arguments)
    return f"{name}({', '.join(arguments)})", _ATOM


def _held(node: Schedule, tightness: int) -> str:
    text, own = _write(node)
    return text if own >= tightness else f"({text})"


def _row(items: list[str], operator: str) -> str:
    """Joins items by an operator; long rows are grouped, so that the syntax tree stays shallow."""
    while len(items) > _WIDE:
        rows = [items[i : i + _WIDE] for i in range(0, len(items), _WIDE)]
        items = [f"({operator.join(row)})" if len(row) > 1 else row[0] for row in rows]
    return operator.join(items)


def _arguments(node: Node) -> list[str]:
    """Returns the arguments of a node: the first and those without a default by position, others by name where they differ from it."""
    texts: list[str] = []
    for i, field in enumerate(dataclasses.fields(node)):  # type: ignore[arg-type]
        value = getattr(node, field.name)
        if field.default is dataclasses.MISSING or (i == 0 and value != field.default):
            texts.append(_value(value))
        elif value != field.default:
            texts.append(f"{field.name}={_value(value)}")
    return texts


def _short(node: Ramp) -> str | None:
    """Returns a ramp in one of the short forms, or None."""
    word, curve = node.curve.kind, node.curve
    if node.end == 1.0 and node.start < 1.0:
        start = None if node.start == 1 / (node.steps + 1) else node.start
        word, named = "warmup", {"start": start, "curve": _curve_text(curve)}
    elif node.start >= node.end and word in shorthand.__all__:
        named = {name: getattr(curve, name) for name in curve.field_names()} | {"floor": node.end, "peak": node.start}
    else:
        return None
    usual = inspect.signature(_functions[word]).parameters
    texts = [f"{name}={_value(value)}" for name, value in named.items() if value != usual[name].default]
    return f"{word}({', '.join([_value(node.steps), *texts])})"


def _value(value: Any) -> str:
    if isinstance(value, Curve):
        return f'"{_curve_text(value)}"'
    if isinstance(value, Schedule):
        return _write(value)[0]
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float):
        return _number(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _curve_text(curve: Any) -> str:
    values = [getattr(curve, name) for name in curve.field_names()]
    inside = [_curve_text(value) if isinstance(value, Curve) else _number(value) for value in values]
    return f"{curve.kind}({', '.join(inside)})" if inside else curve.kind


# Reading ------------------------------------------------------------------------------------------------------------------------------


@one_document()
def parse(text: str) -> Schedule:
    """Returns the schedule that a line of text describes, or a scheduler call of another library.

    A call whose rates follow its optimizer's is a factor, as ours are; one with rates of its own is absolute.

    Args:
        text: At most 64 kB; words are listed by `glidepath list`.

    Raises:
        GlidepathError: If it is not in the language, or an argument breaks its rule; every problem found is listed.

    Examples:
        >>> parse("warmup(500) >> cosine(9500, floor=0.1)")(10000)
        0.1
    """
    return whole(read(text))


def read(text: str) -> Schedule:
    """Returns what `parse` does, or a phase of length 0."""
    if not isinstance(text, str):
        raise GlidepathError.of("text", "", "a string", text)
    begun = re.match(r"[\s\w.]*", text[:MAX_TEXT])
    first = begun[0].strip() if begun else ""
    if first and not first[0].isdecimal() and first not in vocabulary():
        foreign = import_module("glidepath.dialects.converting").foreign(text)  # imported only then
        if foreign is not None:
            return foreign
    return Reader(text).schedule()


def curve_of(text: str) -> Curve:
    """Returns the curve that a line of text describes, such as `cosine` or `polynomial(2)`.

    Raises:
        GlidepathError: If there is no such curve or an argument breaks its rule.
    """
    made = Reader(text, "curve", Curve.registry, "polynomial(2)").made()
    if not isinstance(made, Curve):
        raise GlidepathError.of("curve", "", f"a curve ({', '.join(sorted(Curve.registry))})", text)
    return made


class _Refused(Exception):
    """A part that could not be read; its problems are noted already."""


class Reader:
    """Reads one text. A refused part does not stop the reading: the problems of all parts are collected.

    Args:
        text: What to read.
        where: What it is, for the messages.
        words: The vocabulary of another family than schedules, whose words need no parentheses; None for schedules.
        example: A text that is right, for the messages.

    Raises:
        GlidepathError: If the text is too long, or not one expression.
    """

    def __init__(
        self,
        text: str,
        where: str = "text",
        words: Mapping[str, Any] | None = None,
        example: str = "warmup(500) >> cosine(9500)",
    ) -> None:
        if not isinstance(text, str):
            raise GlidepathError.of(where, "", "a string", text)
        self.where, self.words = where, words
        self.problems: list[Problem] = []
        self.text = text = re.sub(r"[\r\n]", " ", text).strip()
        if len(text.encode("utf-8", "replace")) > MAX_TEXT:
            raise GlidepathError.worded(where, "", f"at most {MAX_TEXT} bytes", f"{len(text)} characters")
        if re.search(r"\d{400}", text):
            raise GlidepathError.worded(where, "every number", "of fewer than 400 digits", "a longer one")
        try:
            self.tree: ast.expr = syntax(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            refuse_suffixed(where, text, error)
            reason = getattr(error, "msg", "not text" if isinstance(error, ValueError) else "nested too deep")
            at = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise GlidepathError.of(where, "", f"one line such as {example}", text, f"{reason}{at}") from None
        if not text.isascii():
            self._refuse_look_alikes()

    def _refuse_look_alikes(self) -> None:
        """Refuses names in letters that Python takes for others, such as those of full width."""
        written = self.text.encode()
        for node in ast.walk(self.tree):
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.keyword) else None
            if name is not None and not written.startswith(name.encode(), node.col_offset):  # type: ignore[attr-defined]
                raise GlidepathError.of(self.where, "every name", "in plain letters", name)

    def made(self) -> Any:
        """Returns what the tree means.

        Raises:
            GlidepathError: With every problem found.
        """
        value = self.value(self.tree)
        if self.problems:
            raise GlidepathError(self.problems)
        return value

    def schedule(self) -> Schedule:
        """Returns the schedule that the tree means.

        Raises:
            GlidepathError: With every problem found, or if it means something else.
        """
        value = self.made()
        if not isinstance(value, Schedule):
            raise GlidepathError.of(self.where, "", "a schedule", self.text, "a number alone is written hold(value=…)")
        return value

    def refuse(self, node: ast.AST, rule: str, remedy: str = "") -> Any:
        column = getattr(node, "col_offset", 0)
        piece = self.text.encode()[column : getattr(node, "end_col_offset", column)].decode(errors="replace")
        error = GlidepathError.of(f"{self.where}, column {column + 1}", "", rule, piece or ast.dump(node)[:50], remedy)
        self.problems.extend(error.problems)
        raise _Refused

    def value(self, node: ast.AST, depth: int = 0) -> Any:
        """Returns what a part of the tree means; None if it was refused."""
        try:
            return self._value(node, depth)
        except _Refused:
            return None
        except GlidepathError as error:
            self.problems.extend(error.problems)
            return None

    def _value(self, node: ast.AST, depth: int) -> Any:
        if depth > 200:
            self.refuse(node, "nested less deep")
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool | int | float | str) or node.value is None:
                return node.value
            self.refuse(node, "a number, a name in quotes, True, False or None")
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.List | ast.Tuple):
            return [self._sure(item, depth) for item in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = self._sure(node.operand, depth)
            if isinstance(inner, bool) or not isinstance(inner, int | float | Schedule):
                self.refuse(node, "a sign before a number or a schedule")
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            return self._operation(node, depth)
        if isinstance(node, ast.Name):
            if self.words is not None:
                return self._made(node, node.id, [], {})
            known = vocabulary()
            hint = f"{node.id}(…)" if node.id in known else did_you_mean(node.id, known)
            self.refuse(node, "a number, or a word with its arguments in parentheses", hint)
        return self.refuse(node, "made of words, numbers, lists and >> + - * /")

    def _sure(self, node: ast.AST, depth: int) -> Any:
        before = len(self.problems)
        value = self.value(node, depth + 1)
        if len(self.problems) > before:
            raise _Refused
        return value

    def _operation(self, node: ast.BinOp, depth: int) -> Any:
        spine: list[tuple[ast.BinOp, str]] = []  # a long row leans to the left: walk down it without recursion
        first: ast.AST = node
        while isinstance(first, ast.BinOp):
            if type(first.op) not in _OPERATORS:
                self.refuse(first, "joined by >> + - * or /")
            spine.append((first, _OPERATORS[type(first.op)]))
            first = first.left
        spine.reverse()
        values = [self.value(part, depth + 1) for part in (first, *(step.right for step, _ in spine))]
        if any(value is None for value in values):
            if not self.problems:
                self.refuse(node, "made of numbers and schedules")
            raise _Refused
        made, *rest = values
        for operator, run in groupby(zip(spine, rest, strict=True), key=lambda pair: pair[0][1]):
            made = self._joined(operator, made, [(value, step) for (step, _), value in run])
        return made

    def _joined(self, operator: str, first: Any, others: list[tuple[Any, ast.BinOp]]) -> Any:
        """Returns `first op other op other …` for one operator; a row of schedules is joined at once."""
        schedules = [first, *(value for value, _ in others)]
        if operator in (">>", "+", "*") and all(isinstance(value, Schedule) for value in schedules):
            join = {">>": Chain, "+": Sum, "*": Product}[operator]
            return join(tuple(schedules))
        for other, step in others:
            for side in (first, other):
                if isinstance(side, bool) or not isinstance(side, int | float | Schedule):
                    self.refuse(step, "made of numbers and schedules")
            if operator == ">>":
                if not (isinstance(first, Schedule) and isinstance(other, Schedule)):
                    self.refuse(step, "a schedule on both sides of >>")
                continue
            try:
                first = ARITHMETIC[operator](first, other)
            except (TypeError, ZeroDivisionError, OverflowError) as error:
                return self.refuse(step, f"numbers and schedules that {operator} can join", str(error))
        return first

    def _call(self, node: ast.Call, depth: int) -> Any:
        if not isinstance(node.func, ast.Name):
            return self.refuse(node.func, "a word of the vocabulary")
        before = len(self.problems)
        arguments = [self.value(argument, depth + 1) for argument in node.args]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in named:
                self.refuse(keyword.value, "given by position or once by name")
            named[keyword.arg] = self.value(keyword.value, depth + 1)  # type: ignore[index]
        if len(self.problems) > before:
            raise _Refused
        return self._made(node, node.func.id, arguments, named)

    def _made(self, node: ast.AST, word: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        known: Mapping[str, Any] = vocabulary() if self.words is None else self.words
        if word not in known:
            rule = "a known word" if self.words is None else f"a known {self.where} ({', '.join(sorted(known))})"
            remedy = "`glidepath list` names them all" if self.words is None else ""
            self.refuse(node, rule, did_you_mean(word, known) or remedy)
        maker = known[word]
        if known is Curve.registry:
            arguments = [Curve.of(a) if isinstance(a, str) else a for a in arguments]
        signature = inspect.signature(maker)
        try:
            signature.bind(*arguments, **named)
        except TypeError as error:
            names = list(signature.parameters)
            unknown = [name for name in named if name not in names]
            hint = did_you_mean(unknown[0], names) if unknown else ""
            self.refuse(node, f"called as {word}({', '.join(names)})", hint or str(error))
        try:
            return maker(*arguments, **named)
        except GlidepathError as error:
            if self.words is not None:
                raise  # a curve or a controller is one word
            at = f"{self.where}, column {getattr(node, 'col_offset', 0) + 1}"
            raise GlidepathError(dataclasses.replace(p, where=f"{at}: {p.where}") for p in error.problems) from None


def refuse_suffixed(where: str, text: str, error: Exception) -> None:
    """Refuses a text whose error is a number with letters at its end, such as 10k.

    Args:
        where: What the text is, for the message.
        text: The text.
        error: Of the attempt to read it.

    Raises:
        GlidepathError: If that is its error.
    """
    if isinstance(error, SyntaxError) and error.msg.startswith("invalid decimal literal"):
        for found in re.finditer(r"(?<![\w.])\d[\w.]*", text):
            if found.start() < (error.offset or 0) <= found.end():
                at = f"{where}, column {found.start() + 1}"
                raise GlidepathError.of(at, "", "a number such as 10000 or 1e4", found[0]) from None
