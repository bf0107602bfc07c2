"""A traced formula as straight code for arrays: no branches, every phase evaluated and the right one kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..core.trace import Expr

__all__ = ["array_code"]

_LONGEST = 100


def array_code(expr: Expr, module: str, indent: str) -> tuple[list[str], dict[str, Any]]:
    """Returns the lines that compute a formula of `t` with the functions of a module, and its tables.

    Args:
        expr: The traced formula.
        module: What the functions are called by, such as `jnp`.
        indent: What every line begins with.
    """
    printer = _Printer(module, indent)
    printer.count(expr)
    result = printer.text(expr)
    return [*printer.lines, f"{indent}return {_bare(result)}"], printer.tables


class _Printer:
    def __init__(self, module: str, indent: str) -> None:
        self.module, self.indent = module, indent
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._uses: Counter[Expr] = Counter()
        self._names: dict[Expr, str] = {}

    def count(self, root: Expr) -> None:
        """Counts how often each part is used."""
        stack, seen = [root], set[Expr]()
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                for arg in map(_plain, node.args):
                    self._uses[arg] += 1
                    stack.append(arg)

    def text(self, node: Expr) -> str:
        """Returns an expression for a part, after writing the lines that it needs."""
        node = _plain(node)
        if node.op == "const":
            return repr(float(node.data)) if node.data >= 0 else f"({float(node.data)!r})"
        if node.op == "step":
            return "t"
        if node not in self._names:
            text = self._expression(node)
            if self._uses[node] <= 1 and len(text) <= _LONGEST:
                return text
            self._names[node] = f"a{len(self._names) + 1}"
            self.lines.append(f"{self.indent}{self._names[node]} = {_bare(text)}")
        return self._names[node]

    def _expression(self, node: Expr) -> str:
        call = self.module
        if node.op == "phases":
            at, *branches = [self.text(arg) for arg in node.args]
            text = branches[0]
            for bound, branch in zip(node.data, branches[1:], strict=True):
                text = f"{call}.where({at} < {float(bound)!r}, {text}, {branch})"
                if len(text) > _LONGEST:
                    name = f"a{len(self._names) + 1}"
                    self._names[Expr(node.trace, "", (), None, 0, 0, False)] = name
                    self.lines.append(f"{self.indent}{name} = {text}")
                    text = name
            return text
        args = [self.text(arg) for arg in node.args]
        if node.op in ("+", "-", "*", "/"):
            return f"({args[0]} {node.op} {args[1]})"
        if node.op == "//":
            return f"{call}.floor({args[0]} / {args[1]})"
        if node.op == "%":
            return f"({args[0]} - {args[1]} * {call}.floor({args[0]} / {args[1]}))"
        if node.op == "**":
            return f"{call}.power({args[0]}, {args[1]})"
        if node.op == "neg":
            return f"(-{args[0]})"
        if node.op == "held":
            return args[1]
        if node.op == "locate":
            return f"({call}.searchsorted({self._table(node.data)}, {args[0]}, side='right') - 1)"
        if node.op == "take":
            return f"{call}.take({self._table(node.data)}, {self._index(args[0], node.data)})"
        return f"{call}.{node.op}({', '.join(map(_bare, args))})"

    def _index(self, text: str, table: Any) -> str:
        """Returns an index into a table; a phase that is not the present one may look beyond it."""
        inside = f"{self.module}.clip({_bare(text)}, 0, {len(table) - 1})"
        return f"{inside}.astype(int)" if self.module == "jnp" else f"{self.module}.cast({inside}, 'int32')"

    def _table(self, values: Any) -> str:
        for name, known in self.tables.items():
            if known is values:
                return name
        name = f"TABLE{len(self.tables) + 1}"
        self.tables[name] = values
        return name


def _plain(node: Expr) -> Expr:
    return node.args[0] if node.op == "narrow" else node


def _bare(text: str) -> str:
    """Returns a text without parentheses around the whole."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text
