"""A traced formula as LaTeX, with its numbers in it."""

from __future__ import annotations

import math
from typing import Any

from .trace import Expr

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_NAMES = {"sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh", "exp": r"\exp", "log": r"\ln"}
_MOST = 12  # phases that are written out


def latex(expr: Expr, symbol: str = "t") -> str:
    """Returns the formula as LaTeX: phases as cases, constants to six significant digits."""
    return _Writer(symbol).write(expr)[0]


def number(x: float) -> str:
    """Returns a number with at most six significant digits, powers of ten written out."""
    for value, name in ((math.pi, r"\pi"), (math.pi / 2, r"\frac{\pi}{2}")):
        if x == value:
            return name
    text = f"{x:.6g}"
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = rf"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"-{power}" if mantissa == "-1" else rf"{mantissa} \cdot {power}"


class _Writer:
    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self._done: dict[Expr, tuple[str, int]] = {}

    def write(self, node: Expr) -> tuple[str, int]:
        """Returns the LaTeX of a node and how tightly it holds together."""
        while node.op == "narrow":
            node = node.args[0]
        if node not in self._done:
            self._done[node] = self._write(node)
        return self._done[node]

    def _tight(self, node: Expr, tightness: int) -> str:
        text, own = self.write(node)
        return text if own >= tightness else rf"\left({text}\right)"

    def _write(self, node: Expr) -> tuple[str, int]:
        op, args = node.op, node.args
        if op == "const":
            text = number(node.data)
            return text, _SUM if node.data < 0 else _PRODUCT if r"\cdot" in text else _ATOM
        if op == "step":
            return self.symbol, _ATOM
        if op == "held":
            return self.write(args[1])
        if op == "phases":
            return self._cases(node), _ATOM
        if op in ("+", "-"):
            return self._sum(op, *args), _SUM
        if op == "*":
            if args[0] is args[1]:
                return self._square(args[0]), _PRODUCT
            left, right = self._tight(args[0], _PRODUCT), self._tight(args[1], _PRODUCT)
            if args[1].op == "const" and args[0].op != "const":
                left, right = right, left
            return rf"{left} \, {right}", _PRODUCT
        if op == "/":
            return rf"\frac{{{self.write(args[0])[0]}}}{{{self.write(args[1])[0]}}}", _ATOM
        if op == "//":
            return rf"\left\lfloor \frac{{{self.write(args[0])[0]}}}{{{self.write(args[1])[0]}}} \right\rfloor", _ATOM
        if op == "%":
            return rf"{self._tight(args[0], _PRODUCT)} \bmod {self._tight(args[1], _ATOM)}", _PRODUCT
        if op == "**":
            return rf"{self._base(args[0])}^{{{self.write(args[1])[0]}}}", _PRODUCT
        if op in ("minimum", "maximum"):
            return rf"\{op[:3]}\left({self.write(args[0])[0]},\, {self.write(args[1])[0]}\right)", _ATOM
        if op == "neg":
            return f"-{self._tight(args[0], _PRODUCT)}", _SUM
        if op == "sqrt":
            return rf"\sqrt{{{self.write(args[0])[0]}}}", _ATOM
        if op == "exp":
            return rf"e^{{{self.write(args[0])[0]}}}", _PRODUCT
        if op == "expm1":
            return rf"e^{{{self.write(args[0])[0]}}} - 1", _SUM
        if op == "log1p":
            return rf"\ln\left(1 + {self._tight(args[0], _PRODUCT)}\right)", _PRODUCT
        if op == "locate":
            return rf"k\!\left({self.write(args[0])[0]}\right)", _ATOM
        if op == "take":
            return self._table(node), _ATOM
        return rf"{_NAMES[op]}\left({self.write(args[0])[0]}\right)", _PRODUCT

    def _sum(self, op: str, x: Expr, y: Expr) -> str:
        right = self.write(y)
        if op == "+" and right[0].startswith("-") and right[1] == _SUM:
            return f"{self.write(x)[0]} {right[0]}"
        text = right[0] if right[1] > _SUM or op == "+" else rf"\left({right[0]}\right)"
        return f"{self.write(x)[0]} {op} {text}"

    def _square(self, node: Expr) -> str:
        while node.op == "narrow":
            node = node.args[0]
        if node.op in ("sin", "cos", "tanh"):
            return rf"{_NAMES[node.op]}^2\left({self.write(node.args[0])[0]}\right)"
        return rf"{self._base(node)}^2"

    def _base(self, node: Expr) -> str:
        """Returns what a power is put on: fractions and everything loose in parentheses."""
        text, own = self.write(node)
        return rf"\left({text}\right)" if own < _ATOM or text.startswith("\\frac") else f"{{{text}}}"

    def _cases(self, node: Expr) -> str:
        at, bounds = self.write(node.args[0])[0], node.data
        lines: list[tuple[str, str]] = []
        for i, result in enumerate(node.args[1:]):
            if result.op == "const" and not i and bounds[0] == 0 and at == self.symbol:
                continue  # before the first step the first value is held: said once for every schedule
            if i == len(bounds):
                condition = rf"{at} \ge {number(bounds[-1])}"
            elif i == 0:
                condition = rf"{at} < {number(bounds[0])}"
            else:
                condition = rf"{number(bounds[i - 1])} \le {at} < {number(bounds[i])}"
            if result.op == "held" and bounds[-1] >= 2**53:
                continue  # beyond the last exact step
            lines.append((self.write(result)[0], condition))
        if len(lines) == 1:
            return lines[0][0]
        if len(lines) > _MOST:
            lines = [*lines[: _MOST - 2], (r"\vdots", r"\vdots"), lines[-1]]
        body = r" \\ ".join(f"{value} & {condition}" for value, condition in lines)
        return rf"\begin{{cases}} {body} \end{{cases}}"

    def _table(self, node: Expr) -> str:
        values: Any = node.data
        shown = [number(v) for v in (values if len(values) <= 6 else values[:5])]
        listing = ", ".join(shown) + (r", \dots" if len(values) > 6 else "")
        return rf"\left[{listing}\right]_{{{self.write(node.args[0])[0]}}}"
