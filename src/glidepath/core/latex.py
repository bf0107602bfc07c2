"""A traced formula as LaTeX, with its numbers in it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .trace import Expr, plain

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_LOOSEST = {"": _SUM, "factor": _PRODUCT, "atom": _ATOM, "base": _ATOM}  # what stands without parentheses in each place
# How each function is written of its arguments, and how tightly that holds together.
_FORMS = {name: (rf"\{name}\left({{0}}\right)", _PRODUCT) for name in ("sin", "cos", "tanh")} | {
    "log": (r"\ln\left({0}\right)", _PRODUCT),
    "log1p": (r"\ln\left(1 + {0:factor}\right)", _PRODUCT),
    "exp": ("e^{{{0}}}", _PRODUCT),
    "expm1": ("e^{{{0}}} - 1", _SUM),
    "sqrt": (r"\sqrt{{{0}}}", _ATOM),
    "neg": ("-{0:factor}", _SUM),
    "+": ("{0} + {1}", _SUM),
    "-": ("{0} - {1:factor}", _SUM),
    "/": (r"\frac{{{0}}}{{{1}}}", _ATOM),
    "//": (r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor", _ATOM),
    "%": (r"{0:factor} \bmod {1:atom}", _PRODUCT),
    "**": ("{0:base}^{{{1}}}", _PRODUCT),
    "minimum": (r"\min\left({0},\, {1}\right)", _ATOM),
    "maximum": (r"\max\left({0},\, {1}\right)", _ATOM),
    "locate": (r"k\!\left({0}\right)", _ATOM),
}
_MOST = 12  # phases that are written out


def latex(expr: Expr, symbol: str = "t") -> str:
    """Returns the formula as LaTeX: phases as cases, constants to six significant digits."""
    return _Writer(symbol).write(expr).text


def number(x: float) -> str:
    """Returns a number with at most six significant digits, powers of ten written out."""
    if x in (math.pi, math.pi / 2):
        return r"\pi" if x == math.pi else r"\frac{\pi}{2}"
    text = f"{x:.6g}"
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = rf"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"-{power}" if mantissa == "-1" else rf"{mantissa} \cdot {power}"


class _Part(NamedTuple):
    """The LaTeX of a node, and how tightly it holds together."""

    text: str
    tightness: int = _ATOM

    def __format__(self, place: str) -> str:
        """Returns the text as it stands in a place: on its own, as a `factor`, an `atom`, or the `base` of a power."""
        loose = self.tightness < _LOOSEST[place] or (place == "base" and self.text.startswith("\\frac"))
        text = rf"\left({self.text}\right)" if loose else self.text
        return f"{{{text}}}" if place == "base" and not loose else text


class _Writer:
    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self._done: dict[Expr, _Part] = {}

    def write(self, node: Expr) -> _Part:
        """Returns the LaTeX of a node."""
        node = plain(node)
        if node not in self._done:
            self._done[node] = self._write(node)
        return self._done[node]

    def _write(self, node: Expr) -> _Part:
        op, args = node.op, node.args
        if op == "const":
            text = number(node.data)
            return _Part(text, _SUM if node.data < 0 else _PRODUCT if r"\cdot" in text else _ATOM)
        if op == "step":
            return _Part(self.symbol)
        if op == "held":
            return self.write(args[1])
        if op in ("phases", "take"):
            return _Part(self._cases(node) if op == "phases" else self._table(node))
        parts = [self.write(arg) for arg in args]
        if op == "+" and parts[1].text.startswith("-") and parts[1].tightness == _SUM:
            return _Part(f"{parts[0]} {parts[1]}", _SUM)
        if op == "*":
            return _Part(self._product(args[0], args[1], *parts), _PRODUCT)
        form, tightness = _FORMS[op]
        return _Part(form.format(*parts), tightness)

    def _product(self, x: Expr, y: Expr, left: _Part, right: _Part) -> str:
        if x is y:
            inner = plain(x)
            wave = inner.op in ("sin", "cos", "tanh")
            return rf"\{inner.op}^2\left({self.write(inner.args[0])}\right)" if wave else f"{left:base}^2"
        if y.op == "const" and x.op != "const":
            left, right = right, left
        return rf"{left:factor} \, {right:factor}"

    def _cases(self, node: Expr) -> str:
        at, bounds = self.write(node.args[0]).text, node.data
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
            lines.append((self.write(result).text, condition))
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
        return rf"\left[{listing}\right]_{{{self.write(node.args[0])}}}"
