"""Functions of the step that stand in somebody's code, as formulas: a lambda, a `def` of assignments, ifs and returns, or a partial of one."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core import Expression, GlidepathError
from .arithmetic import Unknown

if TYPE_CHECKING:
    from .calls import Around, CodeReader

_MOST = 2000  # nodes
Names = Mapping[str, ast.expr]


class Formulas:
    """Reads functions into formulas.

    Args:
        around: What stands around them.
        reader: What reads the values of their names.
    """

    def __init__(self, around: Around, reader: CodeReader) -> None:
        self.around, self.reader = around, reader
        self.size = 0

    def of(self, function: ast.Lambda | ast.FunctionDef, given: Names | None = None, outer: Names | None = None) -> Any:
        """Returns a function of the step as an expression, or the names that it takes from where nobody knows.

        Args:
            function: A lambda or a definition.
            given: What some of its arguments are.
            outer: What names around it are.

        Raises:
            GlidepathError: If it is no formula.
        """
        self.size, unknown = 0, list[str]()
        raw, free = self._bound(function.args, dict(given or {}))
        names = {name: self._inlined(value, {}, "", unknown) for name, value in {**(outer or {}), **raw}.items()}
        if len(free) != 1:
            raise _unreadable(function, f"it has the arguments {', '.join(free) or 'nothing'}")
        if isinstance(function, ast.Lambda):
            body = self._inlined(function.body, names, free[0], unknown)
        else:
            body = self._body(function, function.body, names, free[0], unknown)
        if unknown:
            return Unknown(tuple(dict.fromkeys(unknown)))
        return Expression(f"lambda {free[0]}: {ast.unparse(ast.fix_missing_locations(body))}")

    def partial(self, node: ast.Call) -> Any:
        """Returns `partial(function, name=value, …)` as an expression."""
        function = self.around.functions.get(ast.unparse(node.args[0])) if node.args else None
        return Unknown((ast.unparse(node),)) if function is None else self.of(function, _given(function, node, 1))

    def made(self, call: ast.Call) -> Any:
        """Returns the function that a call of the code's own function makes: of its lambda, or of the `def` inside it.

        Args:
            call: Such as `one_cycle(1, 0.1, epochs)`.
        """
        maker = self.around.functions.get(ast.unparse(call.func))
        last = maker.body[-1] if maker is not None else None
        inner = last.value if isinstance(last, ast.Return) else None
        if maker is not None and isinstance(inner, ast.Name):
            inner = next((one for one in maker.body if isinstance(one, ast.FunctionDef) and one.name == inner.id), None)
        if maker is None or not isinstance(inner, ast.Lambda | ast.FunctionDef):
            return Unknown((ast.unparse(call),))
        return self.of(inner, outer=self._bound(maker.args, _given(maker, call))[0])

    @staticmethod
    def _bound(arguments: ast.arguments, given: dict[str, ast.expr]) -> tuple[dict[str, ast.expr], list[str]]:
        """Returns the arguments that have a value, and the names of the others."""
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        values = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        names += [argument.arg for argument in arguments.kwonlyargs]
        values |= {argument.arg: default for argument, default in pairs if default is not None}
        values |= given
        return values, [name for name in names if name not in values]

    def _body(
        self, function: ast.FunctionDef, lines: Sequence[ast.stmt], names: Names, step: str, unknown: list[str]
    ) -> ast.expr:
        """Returns what statements return, as one expression."""
        for i, line in enumerate(lines):
            if isinstance(line, ast.Return) and line.value is not None:
                return self._inlined(line.value, names, step, unknown)
            if isinstance(line, ast.If):
                rest = list(lines[i + 1 :])
                test = self._inlined(line.test, names, step, unknown)
                yes = self._body(function, [*line.body, *rest], names, step, unknown)
                no = self._body(function, [*line.orelse, *rest], names, step, unknown)
                return ast.IfExp(test, yes, no)
            match line:
                case ast.Assign(targets=[ast.Name(id=target)], value=value):
                    pass
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                    pass
                case ast.AugAssign(target=ast.Name(id=target), op=op, value=more):
                    value = ast.BinOp(ast.Name(target, ast.Load()), op, more)
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    continue
                case _:
                    raise _unreadable(function, f"line {line.lineno} is no assignment, if or return")
            names = {**names, target: self._inlined(value, names, step, unknown)}
            step = "" if target == step else step
        raise _unreadable(function, "a way through it returns nothing")

    def _inlined(self, node: ast.expr, names: Names, step: str, unknown: list[str]) -> ast.expr:
        """Returns an expression with its names filled in, and its calls of the code's own functions written out."""
        self.size += 1
        if self.size > _MOST:
            raise GlidepathError.of("text", "function", "a formula that is shorter", ast.unparse(node)[:80])
        if isinstance(node, ast.Name):
            if node.id in names:
                return names[node.id]
            if node.id == step:
                return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.around.functions:
            inner = self.around.functions[node.func.id]
            given = _given(inner, node).items()
            values, free = self._bound(inner.args, {n: self._inlined(v, names, step, unknown) for n, v in given})
            if free:
                raise _unreadable(inner, f"it is called without {', '.join(free)}")
            return self._body(inner, inner.body, values, step, unknown)
        uses = any(isinstance(part, ast.Name) and (part.id in names or part.id == step) for part in ast.walk(node))
        named = isinstance(node, ast.Subscript) and not isinstance(node.value, ast.List | ast.Tuple | ast.Dict)
        known = named or isinstance(node, ast.Name | ast.Attribute | ast.Call)
        if not uses and known:
            value = self.reader.value(node)
            if isinstance(value, int | float):
                return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))
            plain = isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("math", "np", "numpy")
            if not plain and ast.unparse(node) not in ("pi", "e"):
                unknown += value.names if isinstance(value, Unknown) else [ast.unparse(node)]
            return node
        made = copy.copy(node)
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and field != "func":
                setattr(made, field, self._inlined(value, names, step, unknown))
            elif isinstance(value, list) and value and isinstance(value[0], ast.expr):
                setattr(made, field, [self._inlined(item, names, step, unknown) for item in value])
        return made


def _given(function: ast.FunctionDef, call: ast.Call, first: int = 0) -> dict[str, ast.expr]:
    """Returns the arguments that a call gives to a function, by name."""
    placed = zip([argument.arg for argument in function.args.args], call.args[first:], strict=False)
    return dict(placed) | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _unreadable(function: ast.Lambda | ast.FunctionDef, reason: str) -> GlidepathError:
    name = "the lambda" if isinstance(function, ast.Lambda) else function.name
    rule = "a function whose one expression of the step can be read"
    return GlidepathError.of("text", "function", rule, name, f"{reason}; write it as a formula of the step")
