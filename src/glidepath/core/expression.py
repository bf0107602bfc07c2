"""A formula of the step as text: the safe stand-in for a lambda, which can be saved, compared and traced."""

from __future__ import annotations

import ast
import functools
import math
import re
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

from .clock import Clock
from .errors import GlidepathError, did_you_mean, shown
from .fields import MAX_STEPS, MAX_VALUE, Broken, Check
from .formula import Formula
from .namespace import MATH, Namespace
from .node import kind
from .schedule import Endless
from .syntax import syntax

__all__ = ["Expression", "normal_form", "substituted"]

_LONGEST = 2000  # characters
_LARGEST = 500  # nodes of the syntax tree
_DEEPEST = 60
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_LIBRARIES = {"math", "np", "numpy", "torch", "jnp", "glidepath"}
_UNARY = ("sin", "cos", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "square", "floor", "ceil", "abs", "int")
_COUNTS: dict[str, tuple[int, float]] = {  # how many arguments each function takes
    **dict.fromkeys(_UNARY, (1, 1)),
    **dict.fromkeys(("min", "max", "minimum", "maximum"), (1, 16)),
    **dict.fromkeys(("pow", "power"), (2, 2)),
    **dict.fromkeys(("clip", "where"), (3, 3)),
    "float": (1, 1),
}

_wrong = functools.partial(GlidepathError.of, "expression", "formula")


def _formula(value: Any) -> str:
    if not isinstance(value, str):
        raise Broken("the text of a formula of the step, such as 0.95**step")
    return normal_form(value)


@kind("expression")
class Expression(Formula, Endless):
    r"""A formula of the step, written as text and read from its syntax tree; nothing is ever executed as code.

    $$ f(t) = \text{formula}(t) $$

    A formula holds numbers, `step`, `pi` and `e`, `+ - * / // % **`, comparisons (1 where they hold, else 0), `and or not`,
    `a if b else c`, and the functions `sin cos tanh exp expm1 log log1p sqrt square floor ceil int abs min max clip where pow`, also
    written as `math.cos`. A lambda of one argument is read too. A negative base counts as 0 under a power that is not a whole number. All of
    it is computed in floating point, as arrays are: what leaves the range is infinite and what is undefined is NaN, and both may vanish on the
    way (`min(1, 1 / step)` is 1 at 0). From where the value would leave the range for good, the last one is held. A formula without a
    finite value at a step in between is refused where that is found; where it is not, such a step has the value of the one before.

    Args:
        formula: At most 2000 characters and 500 operations.

    Raises:
        GlidepathError: If the text is not such a formula, or is found to have no finite value at step 0 or another.

    Examples:
        >>> Expression("lambda t: 0.5**t")
        expression("0.5 ** step")
        >>> Expression("min(1, (step + 1) / 4) if step < 6 else 0.5")(1)
        0.5
    """

    example = 'expression("0.5 * (1 + cos(pi * min(step, 10000) / 10000)) ** 2")'

    formula: Annotated[str, Check(_formula, {"type": "string", "maxLength": _LONGEST})]

    def __post_init__(self) -> None:
        if self._finite_at(0) is None:
            raise _wrong("finite at step 0", self.formula)
        pole = self._pole(self._last_finite)
        if pole is not None:
            got = f"none at step {pole}: {shown(self.formula)}"
            remedy = "keep what it divides by, and what logarithms and roots are taken of, above 0: max(…, 1e-3)"
            raise self._worded("formula", "of a finite value at every step", got, remedy)

    def at(self, clock: Clock) -> Any:
        return super().at(clock.clipped(None, self._last_finite) if self._last_finite < MAX_STEPS else clock)

    def raw(self, xp: Namespace, step: Any) -> Any:
        return _Walk(xp).value(self._tree, step)

    @cached_property
    def _tree(self) -> ast.expr:
        return syntax(self.formula)

    def _finite_at(self, step: int) -> float | None:
        value = self._unkept(step)
        return value if abs(value) <= MAX_VALUE else None

    @cached_property
    def _last_finite(self) -> int:
        """The largest step up to which the formula is known to be finite: most are so for ever."""
        if self._finite_at(MAX_STEPS) is not None:
            return MAX_STEPS
        low, high = 0, 1
        while high < MAX_STEPS and self._finite_at(high) is not None:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._finite_at(middle) is None else (middle, high)
        return low


# Reading ------------------------------------------------------------------------------------------------------------------------------


def normal_form(text: str) -> str:
    """Returns a formula in the one way that it is stored: the variable is `step`, functions have no prefix, constants are folded.

    Raises:
        GlidepathError: If the text is not a formula of one variable.

    Examples:
        >>> normal_form("lambda t: math.cos(2*math.pi*t)")
        'cos(6.283185307179586 * step)'
    """
    if len(text) > _LONGEST:
        raise _wrong(f"at most {_LONGEST} characters", text)
    if re.search(r"\d{309}", text):
        raise _wrong("made of numbers below 1e308", text)
    try:
        tree: ast.expr = syntax(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", type(error).__name__)
        raise _wrong("one line such as 0.95**step", text, str(reason)) from None
    variable = "step"
    if isinstance(tree, ast.Lambda):
        given = tree.args
        if len(given.args) != 1 or given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
            raise _wrong("a function of one argument", text)
        variable, tree = given.args[0].arg, tree.body
    return ast.unparse(_Reader(text, variable).read(tree, 0))


def substituted(formula: str, inner: str) -> str:
    """Returns a formula in normal form with another one in the place of its step.

    Examples:
        >>> substituted("0.5 ** step", "step // 10")
        '0.5 ** (step // 10)'
    """
    replacement = syntax(inner)

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return replacement if node.id == "step" else node

    return normal_form(ast.unparse(Put().visit(syntax(formula))))


def _refused(node: ast.AST, rule: str, remedy: str = "") -> GlidepathError:
    try:
        return _wrong(rule, ast.unparse(node), remedy)
    except RecursionError:
        return _wrong(rule, "a formula that is nested too deep", remedy)


class _Reader:
    """Checks a syntax tree against the allow-list and rewrites it in its normal form."""

    def __init__(self, text: str, variable: str) -> None:
        self._text, self._variable, self._size = text, variable, 0

    def read(self, node: ast.AST, depth: int) -> ast.expr:
        self._size += 1
        if self._size > _LARGEST or depth > _DEEPEST:
            raise _wrong(f"made of at most {_LARGEST} parts, {_DEEPEST} deep", self._text)
        made = self._read(node, depth + 1)
        if isinstance(made, ast.Constant) or any(isinstance(n, ast.Name) and n.id == "step" for n in ast.walk(made)):
            return made
        return self._constant(made, _Walk(MATH).value(made, math.nan))

    def _constant(self, node: ast.AST, value: Any) -> ast.expr:
        if not isinstance(value, bool | int | float) or not abs(value) <= MAX_VALUE:
            raise _refused(node, f"made of real numbers of magnitude at most {MAX_VALUE:g}")
        value = float(value)
        plain = int(value) if value == math.floor(value) and abs(value) <= MAX_STEPS else value
        return ast.UnaryOp(ast.USub(), ast.Constant(-plain)) if plain < 0 else ast.Constant(plain)

    def _read(self, node: Any, depth: int) -> ast.expr:
        if isinstance(node, ast.Constant):
            return self._constant(node, node.value)
        if isinstance(node, ast.Name | ast.Attribute):
            name = self._name(node)
            if name == self._variable and isinstance(node, ast.Name):
                return ast.Name("step", ast.Load())
            if name in _CONSTANTS:
                return ast.Constant(_CONSTANTS[name])
            known = [self._variable, *_CONSTANTS, *_COUNTS]
            raise _refused(node, f"a formula of {self._variable} alone", did_you_mean(name, known))
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return self.read(node.operand, depth)
        operators = getattr(node, "ops", [getattr(node, "op", None)])
        if isinstance(node, ast.IfExp) or all(isinstance(op, _KNOWN) for op in operators):
            parts: dict[str, Any] = dict(ast.iter_fields(node))
            for name, part in parts.items():
                if isinstance(part, ast.expr):
                    parts[name] = self.read(part, depth)
                elif name in ("values", "comparators"):
                    parts[name] = [self.read(each, depth) for each in part]
            return type(node)(**parts)
        raise _refused(node, "made of numbers, step, operators, comparisons and functions")

    def _name(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _LIBRARIES:
            return node.attr
        raise _refused(node, "a plain name or one of math")

    def _call(self, node: ast.Call, depth: int) -> ast.expr:
        name = self._name(node.func)
        if name not in _COUNTS:
            raise _refused(node, "a call of a known function", did_you_mean(name, _COUNTS))
        given = node.args
        if len(given) == 1 and name in ("min", "max") and isinstance(given[0], ast.List | ast.Tuple):
            given = given[0].elts
        low, high = _COUNTS[name]
        if node.keywords or not low <= len(given) <= high:
            raise _refused(node, f"a call with {low}{'' if low == high else ' or more'} arguments by position")
        inside = [self.read(argument, depth) for argument in given]
        if name == "float":
            return inside[0]
        name = {"minimum": "min", "maximum": "max", "power": "pow"}.get(name, name)
        if name == "pow":
            return ast.BinOp(inside[0], ast.Pow(), inside[1])
        if name == "where":
            return ast.IfExp(inside[0], inside[1], inside[2])
        return ast.Call(ast.Name(name, ast.Load()), inside, [])


# Evaluating ---------------------------------------------------------------------------------------------------------------------------


class _Walk:
    """Evaluates a checked tree over a namespace."""

    def __init__(self, xp: Namespace) -> None:
        self.xp = xp

    def value(self, node: ast.AST, step: Any) -> Any:
        xp: Any = self.xp
        if isinstance(node, ast.Constant):
            return node.value if xp.digits == math.inf else float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return step
        if isinstance(node, ast.BinOp):
            return _OPERATORS[type(node.op)](xp, self.value(node.left, step), self.value(node.right, step))
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not):
                return 1.0 - self._truth(node.operand, step)
            return -self.value(node.operand, step)
        if isinstance(node, ast.Compare):
            return self._compare(node, step)
        if isinstance(node, ast.BoolOp):
            join = xp.minimum if isinstance(node.op, ast.And) else xp.maximum
            return functools.reduce(join, [self._truth(part, step) for part in node.values])
        if isinstance(node, ast.IfExp):
            return self._choice(node, step)
        name, values = node.func.id, [self.value(argument, step) for argument in node.args]  # type: ignore[attr-defined]
        return _FUNCTIONS[name](xp, *values) if name in _FUNCTIONS else getattr(xp, name)(*values)

    def _truth(self, node: ast.AST, step: Any) -> Any:
        """Returns 1 where a part holds (is not 0), else 0."""
        value = self.value(node, step)
        yes_or_no = isinstance(node, ast.Compare | ast.BoolOp) or isinstance(getattr(node, "op", None), ast.Not)
        return value if yes_or_no else _COMPARISONS[ast.NotEq](self.xp, value, 0)

    def _compare(self, node: ast.Compare, step: Any) -> Any:
        values = [self.value(part, step) for part in (node.left, *node.comparators)]
        held = [_COMPARISONS[type(op)](self.xp, x, y) for op, x, y in zip(node.ops, values, values[1:], strict=False)]
        return functools.reduce(self.xp.minimum, held)

    def _choice(self, node: ast.IfExp, step: Any) -> Any:
        yes, no = (lambda step: self.value(node.body, step)), (lambda step: self.value(node.orelse, step))
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
            bound, op = test.comparators[0], test.ops[0]
            if isinstance(bound, ast.Constant) and isinstance(op, ast.Lt | ast.GtE):
                return self.xp.phases(step, [bound.value], [yes, no] if isinstance(op, ast.Lt) else [no, yes], step)
        return self.xp.phases(self._truth(test, step), [0.5], [no, yes], step)


def _below(xp: Namespace, x: Any, y: Any) -> Any:
    """Returns 1 where `x < y`, else 0."""
    difference = x - y
    if isinstance(difference, int | float):
        return 1.0 if difference < 0 else 0.0
    return xp.phases(difference, [0], [lambda: 1.0, lambda: 0.0])


_OPERATORS: dict[type[ast.AST], Callable[[Namespace, Any, Any], Any]] = {
    ast.Add: lambda xp, x, y: x + y,
    ast.Sub: lambda xp, x, y: x - y,
    ast.Mult: lambda xp, x, y: x * y,
    ast.Div: lambda xp, x, y: xp.divide(x, y),
    ast.FloorDiv: lambda xp, x, y: xp.quotient(x, y),
    ast.Mod: lambda xp, x, y: xp.remainder(x, y),
    ast.Pow: lambda xp, x, y: xp.power(x, y),
}
_COMPARISONS: dict[type[ast.AST], Callable[[Namespace, Any, Any], Any]] = {
    ast.Lt: _below,
    ast.Gt: lambda xp, x, y: _below(xp, y, x),
    ast.LtE: lambda xp, x, y: 1.0 - _below(xp, y, x),
    ast.GtE: lambda xp, x, y: 1.0 - _below(xp, x, y),
    ast.Eq: lambda xp, x, y: 1.0 - xp.maximum(_below(xp, x, y), _below(xp, y, x)),
    ast.NotEq: lambda xp, x, y: xp.maximum(_below(xp, x, y), _below(xp, y, x)),
}
_KNOWN = (ast.USub, ast.Not, ast.And, ast.Or, *_OPERATORS, *_COMPARISONS)
# The functions that the namespace has not by these names.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": lambda xp, *values: functools.reduce(xp.minimum, values),
    "max": lambda xp, *values: functools.reduce(xp.maximum, values),
    "clip": lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high),
    "abs": lambda xp, x: xp.maximum(x, -x),
    "floor": lambda xp, x: xp.quotient(x, 1),
    "ceil": lambda xp, x: -xp.quotient(-x, 1),
    "int": lambda xp, x: xp.maximum(xp.quotient(x, 1), 0) - xp.maximum(xp.quotient(-x, 1), 0),
}
