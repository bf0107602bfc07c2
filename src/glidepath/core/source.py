"""A traced formula as flat Python source: the fast path for one number, bit-equal to the formula.

This is the only thing the package ever compiles. The source holds nothing but numbers, operators, comparisons and the functions below.
"""

from __future__ import annotations

import inspect
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any

from .namespace import MATH
from .trace import FUNCTIONS, Expr, ordered, plain, unknown

_FUNCTIONS: dict[str, Any] = {name: getattr(math, name) for name in FUNCTIONS}
# Where an operand may be out of range, the namespace's own function is called instead.
_GUARDED: dict[str, Any] = {f"{name}_of": getattr(MATH, name) for name in FUNCTIONS if name != "tanh"}
_GUARDED.update(divided=MATH.divide, quotient=MATH.quotient, remainder=MATH.remainder, powered=MATH.power)
_NAMED = {"/": "divided", "//": "quotient", "%": "remainder", "**": "powered"}
_NUMBERS = {
    "inf": math.inf,
    "nan": math.nan,
}  # as Python prints them: products of growing schedules may leave the range
_SCOPE = {"__builtins__": {}, "bisect_right": bisect_right} | _FUNCTIONS | _GUARDED | _NUMBERS
_ROWS = ("+", "*", "minimum", "maximum")
_DEEP = 40  # terms of a row that are written in one expression
_LONGEST = 160  # characters of one expression; longer ones go through a temporary


def source(expr: Expr, name: str = "schedule") -> str:
    """Returns the source of a function of `t`, with tables written out: runs anywhere with `import math` and `bisect`."""
    text, tables = _printed(expr, name)
    guards = [inspect.getsource(function) for name, function in _GUARDED.items() if f"{name}(" in text]
    text = "\n\n".join([*guards, text])
    used = [name for name in _FUNCTIONS if f"{name}(" in text]
    used += [name for name in _NUMBERS if re.search(rf"\b{name}\b", text)]
    head = ["from bisect import bisect_right\n"] if "bisect_right" in text else []
    head += [f"from math import {', '.join(used)}\n"] if used else []
    head += [f"{table} = {values!r}\n" for table, values in tables.items()]
    return "".join([*head, "\n", text])


def compiled(expr: Expr) -> Callable[[int | float], float]:
    """Returns the function that the source of a traced formula defines."""
    text, tables = _printed(expr, "schedule")
    scope: dict[str, Any] = _SCOPE | tables
    exec(compile(text, "<glidepath formula>", "exec"), scope)  # noqa: S102 - our own source: numbers and operators only
    return scope["schedule"]


def _printed(expr: Expr, name: str) -> tuple[str, dict[str, Any]]:
    printer = _Printer(expr)
    printer.finish(expr, 1, None)
    return "".join([f"def {name}(t):\n", *printer.lines]), printer.tables


class _Printer:
    """Writes the statements of one function. A node that is used more than once in a block gets a temporary there."""

    def __init__(self, root: Expr) -> None:
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._table_names: dict[int, str] = {}
        self._names: list[dict[Expr, str]] = [{}]  # what each open block has named, innermost last
        self._temporaries = 0
        self._uses = Counter(plain(arg) for node in ordered(root) for arg in node.args)

    def finish(self, node: Expr, indent: int, target: str | None) -> None:
        """Writes the statements that return the value of `node` (or assign it to `target`)."""
        node = plain(node)
        if node.op == "phases" and self._named(node) is None:
            at = self._operand(node.args[0], indent)
            self._tree(at, node.data, [plain(arg) for arg in node.args[1:]], indent, target)
            return
        text = bare(self.text(node, indent))
        self._write(indent, f"return {text}" if target is None else f"{target} = {text}")

    def _tree(self, at: str, bounds: tuple[Any, ...], results: list[Expr], indent: int, target: str | None) -> None:
        if len(results) == 1:
            self._names.append({})
            self.finish(results[0], indent, target)
            self._names.pop()
            return
        middle = (len(results) + 1) // 2
        self._write(indent, f"if {at} < {bounds[middle - 1]!r}:")
        self._tree(at, bounds[: middle - 1], results[:middle], indent + 1, target)
        if target is None:
            self._tree(at, bounds[middle:], results[middle:], indent, target)
        else:
            self._write(indent, "else:")
            self._tree(at, bounds[middle:], results[middle:], indent + 1, target)

    def text(self, node: Expr, indent: int) -> str:
        """Returns an expression for `node`, after writing the temporaries it needs."""
        node = plain(node)
        if node.op == "const":
            return repr(node.data) if node.data >= 0 else f"({node.data!r})"
        if node.op == "step":
            return "t"
        name = self._named(node)
        if name is not None:
            return name
        for deep in reversed(self._spine(node)[_DEEP::_DEEP]):
            if self._named(deep) is None:
                self._keep(deep, self._expression(deep, indent), indent)
        if node.op == "phases":
            name = self._new()
            self.finish(node, indent, name)
            self._names[-1][node] = name
            return name
        text = self._expression(node, indent)
        if self._uses[node] > 1 or len(text) > _LONGEST:
            return self._keep(node, text, indent)
        return text

    def _spine(self, node: Expr) -> list[Expr]:
        """Returns a row that leans to the left, as long sums and products do, from its end."""
        spine: list[Expr] = []
        while node.op in _ROWS and self._named(node) is None:
            spine.append(node)
            node = plain(node.args[0])
        return spine

    def _expression(self, node: Expr, indent: int) -> str:
        if node.op in ("minimum", "maximum"):
            x, y = (self._operand(arg, indent) for arg in node.args)
            number = f" or {x} != {x}" if unknown(node.args[0]) else ""
            return f"({x} if {x} {'<' if node.op == 'minimum' else '>'} {y}{number} else {y})"
        if node.op == "locate":
            return f"(bisect_right({self._table(node.data)}, {self.text(node.args[0], indent)}) - 1)"
        if node.op == "take":
            return f"{self._table(node.data)}[{self.text(node.args[0], indent)}]"
        if node.op == "held":
            x, value = (self._operand(arg, indent) for arg in node.args)
            return f"({value} if {x} == {x} else {x})"
        if node.op == "neg":
            return f"(-{self.text(node.args[0], indent)})"
        if len(node.args) == 1:
            arg, (low, high) = node.args[0], FUNCTIONS[node.op]
            sure = node.op == "tanh" or (low <= arg.low and arg.high <= high and not unknown(arg))
            return f"{node.op}{'' if sure else '_of'}({bare(self.text(arg, indent))})"
        x, y = (self.text(arg, indent) for arg in node.args)
        if node.op in _NAMED and (unknown(node) or (node.op == "**" and math.inf in (node.high, -node.low))):
            return f"{_NAMED[node.op]}({x}, {y})"
        return f"({x} {node.op} {y})"

    def _operand(self, node: Expr, indent: int) -> str:
        """Returns a name or a number for `node`, so that it is evaluated once."""
        node = plain(node)
        text = self.text(node, indent)
        if node.op in ("const", "step") or self._named(node) is not None:
            return text
        return self._keep(node, text, indent)

    def _keep(self, node: Expr, text: str, indent: int) -> str:
        name = self._new()
        self._write(indent, f"{name} = {bare(text)}")
        self._names[-1][node] = name
        return name

    def _new(self) -> str:
        self._temporaries += 1
        return f"a{self._temporaries}"

    def _named(self, node: Expr) -> str | None:
        for block in reversed(self._names):
            if node in block:
                return block[node]
        return None

    def _table(self, values: Any) -> str:
        name = self._table_names.get(id(values))
        if name is None:
            name = self._table_names[id(values)] = f"T{len(self._table_names)}"
            self.tables[name] = values
        return name

    def _write(self, indent: int, line: str) -> None:
        self.lines.append("    " * indent + line + "\n")


def bare(text: str) -> str:
    """Returns an expression without the parentheses around all of it."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text
