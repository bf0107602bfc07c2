"""A call of a library's scheduler as data: read from its syntax tree, never executed, and written back as one line."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core import Expression, GlidepathError, Rate, Schedule
from ..core.syntax import syntax
from ..core.text import MAX_TEXT, parse, refuse_suffixed
from .arithmetic import FUNCTIONS, OPERATORS, Unknown, joined
from .formulas import Formulas

_DEEPEST = 40
_CONVERTED = ".build_iter_from_epoch"  # how MMEngine turns epochs into iterations


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

    @property
    def bare(self) -> bool:
        """Whether it has no arguments: a name."""
        return not self.arguments and not self.given

    def __str__(self) -> str:
        inside = [written(value) for value in self.given]
        inside += [f"{name}={written(value)}" for name, value in self.arguments.items()]
        return f"{self.name}({', '.join(inside)})"


def stands_for_optimizer(value: Any) -> bool:
    """Whether an argument is a name, or a call without arguments, as an optimizer is."""
    return isinstance(value, Unknown) or (isinstance(value, Call) and value.bare)


def written(value: Any) -> str:
    """Returns an argument as the text that `read_value` reads."""
    if isinstance(value, Call | Unknown):
        return str(value)
    if isinstance(value, Expression):
        return f"lambda step: {value.formula}"
    if isinstance(value, Schedule):
        return f"glidepath({Rate(value.schedule) if isinstance(value, Rate) else value})".replace('"', "'")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{written(key)}: {written(item)}' for key, item in value.items())}}}"  # type: ignore[misc]
    return repr(value)


@dataclass
class Around:
    """What stands around a call: what its names mean.

    Args:
        let: Values by the text of a name, such as `args.epochs` or `len(loader)`.
        assigned: The expressions of assignments by the text of their targets, in order.
        functions: The functions that are defined, by name.
        imports: What imported names stand for.
        classes: The classes that are defined; `Config.epochs` is what `epochs` is assigned there.
        used: The expressions that a name was looked up in.
        exact: Whether `let` holds whole names only (`lr` says nothing of `args.lr`), and what cannot be computed is left open.
    """

    let: Mapping[str, Any] = field(default_factory=dict[str, Any])
    assigned: dict[str, list[ast.expr]] = field(default_factory=dict[str, list[ast.expr]])
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict[str, ast.FunctionDef])
    imports: dict[str, str] = field(default_factory=dict[str, str])
    classes: set[str] = field(default_factory=set[str])
    used: list[ast.expr] = field(default_factory=list[ast.expr])
    exact: bool = False

    def full(self, name: str) -> str:
        """Returns a dotted name with what its first part was imported from."""
        first, dot, rest = name.partition(".")
        return f"{self.imports.get(first, first)}{dot}{rest}"

    def said(self, text: str) -> Any:
        """Returns what `let` says of a name, by its whole text or its last part; None for nothing."""
        short = text if self.exact or "(" in text else text.rpartition(".")[2]
        return self.let.get(text, self.let.get(short))

    def expression(self, text: str, line: int) -> ast.expr | None:
        """Returns what a name was last assigned before a line, or first after it."""
        prefix, _, last = text.rpartition(".")
        found = self.assigned.get(last if prefix in self.classes else text, [])
        before = [node for node in found if node.lineno <= line]
        return before[-1] if before else found[0] if found else None


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


def checked_text(text: Any) -> str:
    """Returns a text that is short enough and holds no number of a thousand digits.

    Raises:
        GlidepathError: If it is not.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise GlidepathError.of("text", "", f"a string of at most {MAX_TEXT} characters", text)
    if re.search(r"\d{400}", text):
        raise GlidepathError.of("text", "every number", "of fewer than 400 digits", "a longer one")
    return text


def read_value(text: str) -> Any:
    """Returns the argument that a piece of text holds: a number, a string, a list, a call, or a lambda as an expression.

    Raises:
        GlidepathError: If it is none of them.
    """
    tree = tree_of(checked_text(text).strip(), "a call such as StepLR(step_size=30)")
    try:
        return CodeReader(Around()).value(tree)
    except RecursionError:
        raise _too_deep() from None


def tree_of(text: str, wanted: str, whole: bool = False) -> Any:
    """Returns the syntax tree of an expression, or (`whole`) of statements.

    Raises:
        GlidepathError: If it has none.
    """
    try:
        return syntax(f"{text}\n", "exec") if whole else syntax(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if not whole:
            refuse_suffixed("text", text, error)
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and "\n" in text.strip() and whole else ""
        reason = f"{error.msg}{line}" if isinstance(error, SyntaxError) else type(error).__name__
        raise GlidepathError.of("text", "", wanted, text, reason) from None


class CodeReader:
    """Turns syntax trees into values.

    Args:
        around: What the names mean.
    """

    def __init__(self, around: Around) -> None:
        self.around = around
        self.formulas = Formulas(around, self)
        self.following: list[ast.expr] = []  # the assignments that are being followed, for one may lead back to itself

    def value(self, node: ast.AST, depth: int = 0) -> Any:
        """Returns what an expression is: a number, a string, a list, a dict, a `Call`, a formula, or `Unknown`.

        Args:
            node: The expression.
            depth: How deep it stands in another one.

        Raises:
            GlidepathError: If it is nothing of that.
        """
        if depth > _DEEPEST:
            raise GlidepathError.of("text", "", f"nested at most {_DEEPEST} deep", "a deeper call")
        op, operands = None, list[ast.AST]()
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None):
                return node.value
            case ast.Lambda():
                return self.formulas.of(node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return self.values(items, depth)
            case ast.Dict() if None not in node.keys:
                keys = self.values(node.keys, depth)
                if not all(isinstance(key, int | float | str) for key in keys):
                    raise _refuse(node, "a dict from numbers or strings")
                return dict(zip(keys, self.values(node.values, depth), strict=True))
            case ast.Call():
                return self.call(node, depth)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self.name(node, depth)
            case ast.JoinedStr():
                texts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
                return joined(lambda *parts: "".join(map(str, parts)), self.values(texts, depth))
            case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
                operands = [left, right]
            case ast.UnaryOp(op=op, operand=operand):
                operands = [operand]
            case ast.IfExp():
                test = joined(bool, [self.value(node.test, depth + 1)])
                return test if isinstance(test, Unknown) else self.value(node.body if test else node.orelse, depth + 1)
            case ast.ListComp(generators=[over]) | ast.GeneratorExp(generators=[over]):
                return self.listed(node, over, depth)
            case _:
                pass
        if type(op) not in OPERATORS:
            return Unknown((_written(node),))
        return self.applied(node, OPERATORS[type(op)], self.values(operands, depth))

    def values(self, nodes: Sequence[Any], depth: int) -> list[Any]:
        """Returns what each of the expressions inside another is."""
        return [self.value(node, depth + 1) for node in nodes]

    def applied(self, node: ast.AST, function: Any, given: Sequence[Any]) -> Any:
        """Returns what a function of numbers gives."""
        try:
            return joined(function, [Unknown((part.name,)) if isinstance(part, Call) else part for part in given])
        except (ArithmeticError, ValueError, TypeError, MemoryError):
            if self.around.exact:
                return Unknown((_written(node),))
            raise _refuse(node, "made of numbers") from None

    def listed(self, node: ast.ListComp | ast.GeneratorExp, over: ast.comprehension, depth: int) -> Any:
        """Returns the list that a comprehension over a known list makes."""
        items = self.value(over.iter, depth + 1)
        if not isinstance(items, list) or not isinstance(over.target, ast.Name) or over.ifs:
            return Unknown((_written(node),))
        name = over.target.id
        each = [CodeReader(replace(self.around, let={**self.around.let, name: item})) for item in items[:1000]]  # type: ignore[misc]
        return [reader.value(node.elt, depth + 1) for reader in each]

    def name(self, node: ast.expr, depth: int) -> Any:
        """Returns what a name stands for; one that nobody gave is a `Call` without arguments: the arguments' reader knows what it may be."""
        text = _written(node)
        if (said := self.around.said(text)) is not None:
            return said
        assigned = self.around.expression(text, node.lineno)
        if assigned is not None and assigned not in self.following:
            self.around.used.append(assigned)
            self.following.append(assigned)
            found = self.value(assigned, depth + 1)
            self.following.pop()
            return Unknown((text,)) if isinstance(found, Unknown) and isinstance(assigned, ast.Call) else found
        if text in self.around.functions:
            return self.formulas.of(self.around.functions[text])
        if isinstance(node, ast.Subscript):
            return self.item(node, text, depth)
        if not text.replace(".", "").isidentifier():
            raise _refuse(node, "a name")
        full = self.around.full(text)
        return FUNCTIONS[full] if isinstance(FUNCTIONS.get(full), float) else Call(text)

    def item(self, node: ast.Subscript, text: str, depth: int) -> Any:
        """Returns the item of a list or of a dict."""
        whole, key = self.value(node.value, depth + 1), self.value(node.slice, depth + 1)
        try:
            return whole[key] if isinstance(whole, list | dict) else Unknown((text,))  # type: ignore[index]
        except (LookupError, TypeError):
            return Unknown((text,))

    def call(self, node: ast.Call, depth: int) -> Any:
        """Returns the call of a scheduler, or what a function of numbers gives."""
        text = _written(node)
        if (said := self.around.said(text)) is not None:
            return said
        name = self.around.full(_written(node.func))
        if not name.replace(".", "").isidentifier():
            return Unknown((text,))
        if name == "glidepath":
            if len(node.args) != 1 or node.keywords:
                raise _refuse(node, "one schedule in parentheses")
            return parse(_written(node.args[0]))
        if name == "expression" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return Expression(node.args[0].value)  # type: ignore[arg-type]
        if name in ("partial", "functools.partial"):
            return self.formulas.partial(node)
        if name in self.around.functions:
            return self.formulas.made(node)
        arguments: dict[str, Any] = {}
        for keyword in node.keywords:
            more = self.value(keyword.value, depth + 1)
            more = {keyword.arg: more} if keyword.arg is not None else more
            if not isinstance(more, dict) or keyword.arg in arguments:
                raise _refuse(keyword.value if keyword.arg else node, "given by position or once by name")
            arguments |= more
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _refuse(node, "given by position or once by name")
        given = tuple(self.values(node.args, depth))
        if name == "len":
            count = len(given[0]) if given and isinstance(given[0], list) else next(iter(given), None)
            return count if isinstance(count, int) else Unknown((text,))
        if name == "dict" and not given:
            return arguments
        if name in FUNCTIONS:
            return self.applied(node, FUNCTIONS[name], given)
        if name.endswith(_CONVERTED):
            name, arguments = name.removesuffix(_CONVERTED), {**arguments, "convert_to_iter_based": True}
        from .table import candidates  # it knows every library

        return Call(name, arguments, given) if depth == 0 or candidates(name) else Unknown((text,))


def _refuse(node: ast.AST, rule: str) -> GlidepathError:
    return GlidepathError.of("text", "", rule, _written(node))


def _written(node: ast.AST) -> str:
    """Returns a part of a call as text."""
    try:
        return ast.unparse(node)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> GlidepathError:
    return GlidepathError.of("text", "", "nested less deep", "a formula of many operators")
