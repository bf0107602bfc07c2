"""A call of a library's scheduler as data: read from one line of text, never executed, and written back as one."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import GlidepathError
from ..core.expression import Expression
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.syntax import syntax
from ..core.text import MAX_TEXT, parse, refuse_suffixed

__all__ = ["Call", "read", "read_value"]

_DEEPEST = 40


@dataclass(frozen=True)
class Call:
    """A scheduler with its arguments.

    Args:
        name: As it was written, such as `StepLR` or `torch.optim.lr_scheduler.StepLR`.
        arguments: By name.
        given: By position, before the names are known.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    given: tuple[Any, ...] = ()

    def __str__(self) -> str:
        inside = [written(value) for value in self.given]
        inside += [f"{name}={written(value)}" for name, value in self.arguments.items()]
        return f"{self.name}({', '.join(inside)})"


def written(value: Any) -> str:
    """Returns an argument as the text that `read_value` reads."""
    if isinstance(value, Call):
        return str(value)
    if isinstance(value, Expression):
        return f"lambda step: {value.formula}"
    if isinstance(value, Schedule):
        plain = Rate(value.schedule) if isinstance(value, Rate) else value
        return f"glidepath({plain})".replace('"', "'")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{written(key)}: {written(item)}' for key, item in value.items())}}}"  # type: ignore[misc]
    return repr(value)


def read(text: str) -> Call:
    """Returns the call that a line of text holds.

    Raises:
        GlidepathError: If it is no call of names, numbers, strings, lists, lambdas and further calls.

    Examples:
        >>> read("torch.optim.lr_scheduler.StepLR(optimizer, step_size=30)").name
        'torch.optim.lr_scheduler.StepLR'
    """
    value = read_value(text)
    if not isinstance(value, Call):
        raise GlidepathError.of("text", "", "a call such as StepLR(step_size=30)", text)
    return value


def read_value(text: str) -> Any:
    """Returns the argument that a piece of text holds: a number, a string, a list, a call, or a lambda as an expression.

    Raises:
        GlidepathError: If it is none of them.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise GlidepathError.of("text", "", f"a string of at most {MAX_TEXT} characters", text)
    if re.search(r"\d{400}", text):
        raise GlidepathError.of("text", "every number", "of fewer than 400 digits", "a longer one")
    text = text.strip()
    try:
        tree = syntax(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        refuse_suffixed("text", text, error)
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise GlidepathError.of("text", "", "a call such as StepLR(step_size=30)", text, str(reason)) from None
    return _value(tree, 0)


def _refuse(node: ast.AST, rule: str) -> GlidepathError:
    return GlidepathError.of("text", "", rule, _written(node))


def _written(node: ast.AST) -> str:
    """Returns a part of a call as text."""
    try:
        return ast.unparse(node)
    except RecursionError:
        raise GlidepathError.of("text", "", "nested less deep", "a formula of many operators") from None


def _value(node: ast.AST, depth: int) -> Any:
    if depth > _DEEPEST:
        raise GlidepathError.of("text", "", f"nested at most {_DEEPEST} deep", "a deeper call")
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
        return node.value
    if isinstance(node, ast.Lambda):
        return Expression(_written(node))
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_value(key, depth + 1) for key in node.keys if key is not None]
        if not all(isinstance(key, int | float | str) for key in keys):
            raise _refuse(node, "a dict from numbers or strings")
        return dict(zip(keys, [_value(item, depth + 1) for item in node.values], strict=True))
    if isinstance(node, ast.Call):
        return _call(node, depth)
    if isinstance(node, ast.Name | ast.Attribute):
        return Call(
            _dotted(node)
        )  # a variable, such as the optimizer: the reader of the arguments knows what it may be
    if isinstance(node, ast.BinOp | ast.UnaryOp):
        try:
            folded = Expression(_written(node))
        except GlidepathError:
            raise _refuse(node, "made of numbers") from None
        if "step" in folded.formula:
            raise _refuse(node, "made of numbers")
        value = folded(0)
        return int(value) if value == int(value) and "." not in folded.formula else value
    raise _refuse(node, "made of calls, numbers, strings, lists and lambdas")


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _refuse(node, "a name")
    return ".".join([node.id, *reversed(parts)])


def _call(node: ast.Call, depth: int) -> Any:
    name = _dotted(node.func)
    if name == "glidepath":
        if len(node.args) != 1 or node.keywords:
            raise _refuse(node, "one schedule in parentheses")
        return parse(_written(node.args[0]))
    if name == "expression" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        return Expression(node.args[0].value)  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in arguments:
            raise _refuse(keyword.value, "given by position or once by name")
        arguments[keyword.arg] = _value(keyword.value, depth + 1)
    return Call(name, arguments, tuple(_value(argument, depth + 1) for argument in node.args))
