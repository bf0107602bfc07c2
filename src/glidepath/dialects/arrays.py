"""A traced formula as straight code for arrays: no branches, every phase evaluated and the right one kept.

The clock stays an integer as long as the formula only counts with it: bounds are subtracted and cycles divided exactly, whatever a compiler
makes of divisions, and far out as well as near; what is left, small by then, becomes a float.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from ..core import Schedule
from ..core.source import bare
from ..core.trace import Expr, Tracer, ordered, plain

_LONGEST = 100
_INT = 2**31 - 1
_STEP = 2**28 - 1  # the steps that are counted with: 268 million, and up to eight times as much in between
_COUNTING = ("neg", "+", "-", "*", "//", "%", "minimum", "maximum")  # of whole numbers they make whole numbers


def array_code(schedule: Schedule, module: str, indent: str) -> tuple[list[str], dict[str, Any]]:
    """Returns the lines that compute a schedule at `t` with the functions of a module, and its tables.

    Args:
        schedule: Of closed forms.
        module: What the functions are called by, such as `jnp`.
        indent: What every line begins with.
    """
    expr, printer = schedule.traced(Tracer(), _STEP), _ArrayPrinter(module, indent)
    printer.count(expr)
    result = printer.text(expr, real=True)
    if module == "jnp" and expr.op != "const" and printer.whole(expr):
        result = f"1.0 * {result}"  # a float, as everywhere
    return [*printer.lines, f"{indent}return {bare(result)}"], printer.tables


class _ArrayPrinter:
    def __init__(self, module: str, indent: str) -> None:
        self.module, self.indent = module, indent
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._uses: Counter[Expr] = Counter()
        self._names: dict[Expr, str] = {}
        self._whole: dict[Expr, bool] = {}

    def count(self, root: Expr) -> None:
        """Counts how often each part is used."""
        self._uses.update(plain(arg) for node in ordered(root) for arg in node.args)

    def text(self, node: Expr, real: bool = False) -> str:
        """Returns an expression for a part, after writing the lines that it needs.

        Args:
            node: The part.
            real: Whether a whole number is wanted as a float.
        """
        node = plain(node)
        if node.op == "const":
            number = float(node.data) if real or not self.whole(node) else int(node.data)
            return repr(number) if number >= 0 else f"({number!r})"
        if node.op != "step" and node not in self._names:
            text = self._expression(node)
            if self._uses[node] > 1 or len(text) > _LONGEST:
                text = self._line(bare(text))
            self._names[node] = text
        text = self._names.get(node, "t")
        cast = real and self.module == "ops" and self.whole(node)
        return f"ops.cast({bare(text)}, 'float32')" if cast else text

    def _line(self, text: str) -> str:
        self.lines.append(f"{self.indent}a{len(self.lines) + 1} = {text}")
        return f"a{len(self.lines)}"

    def whole(self, node: Expr) -> bool:
        """Tells whether a part is a whole number that fits 32 bits for every step that is counted with."""
        if node not in self._whole:
            args = node.args[1:] if node.op == "phases" else node.args
            match node.op:
                case "const":
                    counts = float(node.data).is_integer()
                case "take":
                    counts = _integral(_kept(node))
                case "phases":
                    counts = all(float(bound).is_integer() for bound in node.data)
                case op:
                    counts = op in ("step", "locate", "narrow", *_COUNTING)
                    counts = counts and (op not in ("//", "%") or args[1].low > 0)
            fits = node.low >= -_INT and node.high <= _INT
            self._whole[node] = counts and fits and (node.op in ("locate", "take") or all(map(self.whole, args)))
        return self._whole[node]

    def _expression(self, node: Expr) -> str:
        call, whole = self.module, self.whole(node)
        if node.op == "phases":
            inside, *branches = (self.text(arg, real=i > 0 and not whole) for i, arg in enumerate(node.args))
            text = branches[0]
            for bound, branch in zip(node.data, branches[1:], strict=True):
                if bound == math.inf:
                    break  # never
                mark = int(bound) if bound == int(bound) and abs(bound) <= _INT else float(bound)
                text = f"{call}.where({inside} < {mark!r}, {text}, {branch})"
                text = self._line(text) if len(text) > _LONGEST else text
            return text
        if node.op == "locate":
            kept = self._table(node.data[: int(node.high) + 1])
            return f"({call}.searchsorted({kept}, {self.text(node.args[0])}, side='right') - 1)"
        if node.op == "take":  # a phase that is not the present one may look beyond the table
            kept = _kept(node)
            index = f"{call}.clip({bare(self.text(node.args[0]))}, 0, {len(kept) - 1})"
            index = f"{index}.astype(int)" if call == "jnp" else f"{call}.cast({index}, 'int32')"
            return f"{call}.take({self._table(kept)}, {index})"
        args = [self.text(arg, real=not whole) for arg in node.args]
        match node.op:
            case "+" | "-" | "*" | "/":
                return f"({args[0]} {node.op} {args[1]})"
            case "//" | "%" if whole:
                return f"({args[0]} {node.op} {args[1]})"
            case "//":
                return f"{call}.floor({args[0]} / {args[1]})"
            case "%":
                return f"({args[0]} - {args[1]} * {call}.floor({args[0]} / {args[1]}))"
            case "neg":
                return f"(-{args[0]})"
            case "held":
                return args[1]
            case "**":
                return f"{call}.power({args[0]}, {args[1]})"
            case op:
                return f"{call}.{op}({', '.join(map(bare, args))})"

    def _table(self, values: Any) -> str:
        made = [*map(int if _integral(values) else float, values)]
        name = next((name for name, known in self.tables.items() if known == made), f"TABLE{len(self.tables) + 1}")
        self.tables[name] = made
        return name


def _kept(node: Expr) -> Any:
    """Returns the part of a table that is looked at."""
    return node.data[: max(1, int(min(node.args[0].high, len(node.data))) + 1)]


def _integral(values: Any) -> bool:
    return all(float(value).is_integer() and abs(value) <= _INT for value in values)
