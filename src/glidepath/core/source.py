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
from .trace import FUNCTIONS, Expr, unknown

_FUNCTIONS: dict[str, Any] = {name: getattr(math, name) for name in FUNCTIONS}
# Where an operand may be out of range, the namespace's own function is called instead.
_GUARDED: dict[str, Any] = {f"{name}_of": getattr(MATH, name) for name in FUNCTIONS if name != "tanh"}
_GUARDED.update(divided=MATH.divide, quotient=MATH.quotient, remainder=MATH.remainder, powered=MATH.power)
_NAMED = {"/": "divided", "//": "quotient", "%": "remainder", "**": "powered"}
_NUMBERS = {
    "inf": math.inf,
    "nan": math.nan,
}  # as Python prints them: a product of growing schedules may leave the range
_ROWS = ("+", "*", "minimum", "maximum")
_DEEP = 40  # terms of a row that are written in one expression
_LONGEST = 160  # characters of one expression; longer ones go through a temporary


def source(expr: Expr, name: str = "schedule") -> str:
    """Returns the source of a function of `t`, with tables written out: runs anywhere with `import math` and `bisect`."""
    text, tables = _printed(expr, name)
    guards = [
        inspect.getsource(function) for name, function in _GUARDED.items() if any(f"{name}(" in line for line in text)
    ]
    text = ["\n\n".join([*guards, ""]), *text] if guards else text
    head = ["from bisect import bisect_right\n"] if any("bisect_right" in line for line in text) else []
    used = [f for f in _FUNCTIONS if any(f"{f}(" in line for line in text)]
    used += [name for name in _NUMBERS if any(re.search(rf"\b{name}\b", line) for line in text)]
    if used:
        head.append(f"from math import {', '.join(used)}\n")
    for table, values in tables.items():
        head.append(f"{table} = {values!r}\n")
    return "".join([*head, "\n", *text])


def compiled(expr: Expr) -> Callable[[int | float], float]:
    """Returns the function that the source of a traced formula defines."""
    text, tables = _printed(expr, "schedule")
    scope: dict[str, Any] = {
        "__builtins__": {},
        "bisect_right": bisect_right,
        **_FUNCTIONS,
        **_GUARDED,
        **_NUMBERS,
        **tables,
    }
    exec(compile("".join(text), "<glidepath formula>", "exec"), scope)  # noqa: S102 - our own source: numbers and operators only
    return scope["schedule"]


def _printed(expr: Expr, name: str) -> tuple[list[str], dict[str, Any]]:
    printer = _Printer(expr)
    printer.finish(expr, 1, None)
    return [f"def {name}(t):\n", *printer.lines], printer.tables


class _Printer:
    """Writes the statements of one function. A node that is used more than once in a block gets a temporary there."""

    def __init__(self, root: Expr) -> None:
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._table_names: dict[int, str] = {}
        self._names: list[dict[Expr, str]] = [{}]  # what each open block has named, innermost last
        self._temporaries = 0
        self._uses: Counter[Expr] = Counter()
        seen: set[Expr] = set()
        stack = [root]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            for arg in node.args:
                arg = plain(arg)
                self._uses[arg] += 1
                stack.append(arg)

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
            name = self._new(node)
            self.finish_into(node, indent, name)
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

    def finish_into(self, node: Expr, indent: int, name: str) -> None:
        """Writes the statements that assign the value of phases to `name`."""
        at = self._operand(node.args[0], indent)
        self._tree(at, node.data, [plain(arg) for arg in node.args[1:]], indent, name)
        self._names[-1][node] = name

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
            inner = bare(self.text(node.args[0], indent))
            low, high = FUNCTIONS[node.op]
            arg = node.args[0]
            sure = node.op == "tanh" or (low <= arg.low and arg.high <= high and not unknown(arg))
            return f"{node.op}({inner})" if sure else f"{node.op}_of({inner})"
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
        name = self._new(node)
        self._write(indent, f"{name} = {bare(text)}")
        self._names[-1][node] = name
        return name

    def _new(self, node: Expr) -> str:
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


def plain(node: Expr) -> Expr:
    """Returns a node without what is known of its interval."""
    return node.args[0] if node.op == "narrow" else node


def bare(text: str) -> str:
    """Returns a text without parentheses around the whole."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:-1] if text.startswith("(") and position == len(text) - 1 else text
    return text
