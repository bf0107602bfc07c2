"""A traced formula as straight code for arrays: no branches, every phase evaluated and the right one kept.

The clock stays an integer as long as the formula only counts with it: bounds are subtracted and cycles divided exactly, whatever a compiler
makes of divisions, and far out as well as near; what is left, small by then, becomes a float.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ..core.trace import Expr

_LONGEST = 100
_INT = 2**31 - 1
_STEP = 2**28 - 1  # the steps that are counted with: 268 million, and up to eight times as much in between
_COUNTING: Mapping[str, Callable[..., tuple[int, int]]] = {  # between which whole numbers a result lies
    "narrow": lambda a: a,
    "neg": lambda a: (-a[1], -a[0]),
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": lambda a, b: (min(x * y for x in a for y in b), max(x * y for x in a for y in b)),
    "//": lambda a, b: (min(a[0] // b[0], a[0] // b[1]), max(a[1] // b[0], a[1] // b[1])),
    "%": lambda a, b: (0, b[1] - 1),
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
}


def array_code(expr: Expr, module: str, indent: str) -> tuple[list[str], dict[str, Any]]:
    """Returns the lines that compute a formula of `t` with the functions of a module, and its tables.

    Args:
        expr: The traced formula.
        module: What the functions are called by, such as `jnp`.
        indent: What every line begins with.
    """
    printer = _ArrayPrinter(module, indent)
    printer.count(expr)
    result = printer.text(expr, real=True)
    return [*printer.lines, f"{indent}return {_bare(result)}"], printer.tables


class _ArrayPrinter:
    def __init__(self, module: str, indent: str) -> None:
        self.module, self.indent = module, indent
        self.lines: list[str] = []
        self.tables: dict[str, Any] = {}
        self._uses: Counter[Expr] = Counter()
        self._names: dict[Expr, str] = {}
        self._cut: dict[int, int] = {}
        self._spans: dict[Expr, tuple[int, int] | None] = {}

    def count(self, root: Expr) -> None:
        """Counts how often each part is used."""
        stack, seen = [root], set[Expr]()
        while stack:
            node = stack.pop()
            if node.op == "locate":  # a table of bounds, and those beside it, end where no step comes
                self._cut[len(node.data)] = max(1, sum(value <= _STEP for value in node.data))
            if node not in seen:
                seen.add(node)
                for arg in map(_plain, node.args):
                    self._uses[arg] += 1
                    stack.append(arg)

    def text(self, node: Expr, real: bool = False) -> str:
        """Returns an expression for a part, after writing the lines that it needs.

        Args:
            node: The part.
            real: Whether a whole number is wanted as a float.
        """
        node = _plain(node)
        if node.op == "const":
            whole = not real and self.whole(node)
            number = int(node.data) if whole else float(node.data)
            return repr(number) if number >= 0 else f"({number!r})"
        text = self._named(node)
        if real and self.whole(node):
            return f"{self.module}.cast({_bare(text)}, 'float32')" if self.module == "ops" else text
        return text

    def _named(self, node: Expr) -> str:
        if node.op == "step":
            return "t"
        if node not in self._names:
            text = self._expression(node)
            if self._uses[node] <= 1 and len(text) <= _LONGEST:
                return text
            self._names[node] = f"a{len(self._names) + 1}"
            self.lines.append(f"{self.indent}{self._names[node]} = {_bare(text)}")
        return self._names[node]

    def whole(self, node: Expr) -> bool:
        """Tells whether a part is a whole number that fits 32 bits for every step that does."""
        return self._span(node) is not None

    def _span(self, node: Expr) -> tuple[int, int] | None:
        """Returns the whole numbers between which a part lies; None where it is no whole number, or leaves 32 bits."""
        if node not in self._spans:
            found = self._reach(node)
            if found is not None:  # what the trace knows of it, such as the phase that it stands in
                found = (max(found[0], _clipped(node.low)), min(found[1], _clipped(node.high)))
            inside = found is not None and found[0] >= -_INT and found[1] <= _INT
            self._spans[node] = found if inside else None
        return self._spans[node]

    def _reach(self, node: Expr) -> tuple[int, int] | None:
        if node.op == "const":
            return (int(node.data), int(node.data)) if abs(node.data) <= _INT and node.data == int(node.data) else None
        if node.op == "step":
            return -_STEP, _STEP
        if node.op == "locate":
            return -1, len(node.data)
        if node.op == "take":
            values = self._kept(node.data)
            return (int(min(values)), int(max(values))) if _integral(values) else None
        if node.op == "phases":
            if any(bound != int(bound) or abs(bound) > 2**53 for bound in node.data):
                return None
            ends = [self._span(branch) for branch in node.args[1:]]
            known = [end for end in ends if end is not None]
            return (min(known)[0], max(high for _, high in known)) if len(known) == len(ends) else None
        spans = [self._span(arg) for arg in node.args if node.op in _COUNTING]
        whole = [span for span in spans if span is not None]
        divides = node.op in ("//", "%") and whole[-1:] and whole[-1][0] <= 0
        return None if not spans or len(whole) < len(spans) or divides else _COUNTING[node.op](*whole)

    def _expression(self, node: Expr) -> str:
        call = self.module
        whole = self.whole(node)
        if node.op == "phases":
            at, *branches = node.args
            inside = self.text(at)
            texts = [self.text(branch, real=not whole) for branch in branches]
            text = texts[0]
            for bound, branch in zip(node.data, texts[1:], strict=True):
                if bound > _STEP and node.args[0].op in ("step", "narrow"):  # no step comes there
                    break
                mark = repr(int(bound)) if bound == int(bound) and abs(bound) <= _INT else repr(float(bound))
                text = f"{call}.where({inside} < {mark}, {text}, {branch})"
                if len(text) > _LONGEST:
                    name = f"a{len(self._names) + 1}"
                    self._names[Expr(node.trace, "", (), None, 0, 0, False)] = name
                    self.lines.append(f"{self.indent}{name} = {text}")
                    text = name
            return text
        if node.op == "locate":
            table = self._table(node.data)
            return f"({call}.searchsorted({table}, {self.text(node.args[0])}, side='right') - 1)"
        if node.op == "take":
            index = self._index(self.text(node.args[0]), self._kept(node.data))
            return f"{call}.take({self._table(node.data)}, {index})"
        args = [self.text(arg, real=not whole) for arg in node.args]
        if node.op in "+-*/" or (node.op in ("//", "%") and whole):
            return f"({args[0]} {node.op} {args[1]})"
        match node.op:
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
                return f"{call}.{op}({', '.join(map(_bare, args))})"

    def _index(self, text: str, table: Any) -> str:
        """Returns an index into a table; a phase that is not the present one may look beyond it."""
        inside = f"{self.module}.clip({_bare(text)}, 0, {len(table) - 1})"
        return f"{inside}.astype(int)" if self.module == "jnp" else f"{self.module}.cast({inside}, 'int32')"

    def _kept(self, values: Any) -> Any:
        return values[: self._cut.get(len(values), len(values))]

    def _table(self, values: Any) -> str:
        kept = self._kept(values)
        for name, known in self.tables.items():
            if known is values or list(known) == list(kept):
                return name
        name = f"TABLE{len(self.tables) + 1}"
        self.tables[name] = [int(value) for value in kept] if _integral(kept) else [float(value) for value in kept]
        return name


def _integral(values: Any) -> bool:
    return all(float(value).is_integer() and abs(value) <= _INT for value in values)


def _clipped(bound: float) -> int:
    return round(min(max(bound, -(2.0**40)), 2.0**40))


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
