"""A schedule's text as a tree of words, operators and numbers, and back: what the page's controls and blocks are made of.

A tree is JSON data. A call is `{"t": "call", "lib": "", "word": "warmup", "args": [{"name": "steps", "value": 500}]}`, an operator
`{"t": "op", "op": ">>", "parts": […]}`, a number alone `{"t": "num", "value": 0.1}`. What a person typed into a box and nobody has read yet
is `{"raw": "5%"}`. Words of other libraries carry the library: `pytorch.StepLR(step_size=30)`.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import GlidepathError, did_you_mean
from ..core.node import Node
from ..core.syntax import syntax
from ..core.text import parse, vocabulary
from ..dialects.table import WITHOUT_EFFECT, candidates
from ..view.foreign import LIBRARIES

__all__ = ["MAX_TEXT", "signature", "text_of", "tree_of"]

MAX_TEXT = 20_000
MAX_NODES = 400
_DEEPEST = 30

_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.RShift: ">>",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_TIGHTNESS = {">>": 1, "+": 2, "-": 2, "*": 3, "/": 3}

Tree = dict[str, Any]


def signature(lib: str, word: str) -> inspect.Signature:
    """Returns the arguments of a word, of ours or of a library's, where `base_lr` comes last.

    Args:
        lib: A library, or an empty string for our own words.
        word: The word.

    Raises:
        GlidepathError: If there is no such word.
    """
    if not lib:
        known = vocabulary()
        if word not in known:
            raise GlidepathError.of("text", "", "a known word", word, did_you_mean(word, known))
        return inspect.signature(known[word])
    if lib not in LIBRARIES:
        raise GlidepathError.of("text", "library", f"one of {', '.join(LIBRARIES)}", lib, did_you_mean(lib, LIBRARIES))
    from ..dialects.table import known as library

    language = library(lib)
    reader = language.readers[language.named(word)]
    own = list(inspect.signature(reader).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    names = {parameter.name for parameter in own}
    follows = "base_lr" not in names and not language.absolute
    base = [inspect.Parameter("base_lr", keyword, default=0.1)] if follows else []
    if language.base and language.base not in names:
        base = [inspect.Parameter(language.base, keyword, default=0.1)]
    return inspect.Signature([*(p.replace(kind=keyword) for p in own), *base])


# Reading ------------------------------------------------------------------------------------------------------------------------------


def tree_of(text: str) -> Tree | None:
    """Returns the tree of a text, or None if it holds more parts than controls can be made for.

    Args:
        text: One line; words of other libraries are allowed besides the text form's own.

    Raises:
        GlidepathError: If it cannot be read.
    """
    if len(text) > MAX_TEXT:
        raise GlidepathError.of("text", "", f"at most {MAX_TEXT} characters", f"{len(text)} of them")
    try:
        body = syntax(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        parse(text)  # says what is wrong
        raise GlidepathError.of("text", "", "one line such as warmup(500) >> cosine(9500)", text) from None
    if sum(isinstance(node, ast.Call | ast.BinOp) for node in ast.walk(body)) > MAX_NODES:
        return None
    try:
        return _Reader(text).node(body, 0)
    except _Odd:
        parse(text)
        raise GlidepathError.of("text", "", "made of words, numbers, lists and >> + - * /", text) from None


class _Odd(Exception):
    """Something that only the language's own reader can explain."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def node(self, node: ast.AST, depth: int) -> Tree:
        if depth > _DEEPEST:
            raise _Odd
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return self._operation(node, depth)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not _is_number(node):
            return {"t": "op", "op": "*", "parts": [{"t": "num", "value": -1}, self.node(node.operand, depth + 1)]}
        value = _literal(node)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"t": "num", "value": value}
        raise _Odd

    def _operation(self, node: ast.BinOp, depth: int) -> Tree:
        operator = _OPERATORS[type(node.op)]
        parts: list[ast.AST] = [node.right]
        first: ast.AST = node.left
        while isinstance(first, ast.BinOp) and _OPERATORS.get(type(first.op)) == operator and operator not in "-/":
            parts.append(first.right)
            first = first.left
        parts.append(first)
        return {"t": "op", "op": operator, "parts": [self.node(part, depth + 1) for part in reversed(parts)]}

    def _call(self, node: ast.Call, depth: int) -> Tree:
        lib = ""
        if isinstance(node.func, ast.Name):
            word = node.func.id
        elif isinstance(node.func, ast.Attribute):
            lib, word = _library(ast.unparse(node.func))
        else:
            raise _Odd
        if not lib and word not in vocabulary():
            raise _Odd
        parameters = list(signature(lib, word).parameters.values())
        if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
            if node.keywords:
                raise _Odd
            many = [self.node(argument, depth + 1) for argument in node.args]
            return {"t": "call", "lib": lib, "word": word, "args": [{"name": parameters[0].name, "value": many}]}
        given: dict[str, Any] = {}
        # a call copied from somebody's code begins with its optimizer
        arguments = node.args[1:] if lib and node.args and isinstance(node.args[0], ast.Name) else node.args
        for parameter, argument in zip(_placed(lib, parameters), arguments, strict=False):
            given[parameter.name] = self._value(argument, depth)
        if len(arguments) > len(_placed(lib, parameters)):
            raise _Odd
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in given:
                raise _Odd
            if keyword.arg not in {parameter.name for parameter in parameters}:
                if not lib:
                    raise _Odd
                if keyword.arg in WITHOUT_EFFECT:
                    continue
                names = [parameter.name for parameter in parameters]
                rule = f"one of its arguments ({', '.join(names)})"
                raise GlidepathError.of(f"{lib}.{word}", keyword.arg, rule, "it", did_you_mean(keyword.arg, names))
            given[keyword.arg] = self._value(keyword.value, depth)
        missing = [p.name for p in parameters if p.default is p.empty and p.name not in given]
        if missing:
            raise GlidepathError.of(f"{lib}.{word}" if lib else word, missing[0], "given", "nothing")
        return {"t": "call", "lib": lib, "word": word, "args": [{"name": n, "value": v} for n, v in given.items()]}

    def _value(self, node: ast.AST, depth: int) -> Any:
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(item, depth + 1) for item in node.elts]
        if isinstance(node, ast.Call | ast.BinOp) and _literal(node) is _NONE:
            return self.node(node, depth + 1)
        value = _literal(node)
        if value is _NONE:
            raise _Odd
        return value


def _library(name: str) -> tuple[str, str]:
    """Returns the library and the word of a dotted name: `pytorch.StepLR`, or in full as in `torch.optim.lr_scheduler.StepLR`."""
    found = [language for language in candidates(name) if language.framework in LIBRARIES]
    if found:
        return found[0].framework, found[0].named(name)
    return name.partition(".")[0], name.partition(".")[2]


def _placed(lib: str, parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Returns the arguments in the order in which they may be given without names: a library's base rate is its first."""
    if lib == "tensorflow":  # a tensor of the step stands between the others
        return []
    from ..dialects.table import known as library

    return [*parameters[-1:], *parameters[:-1]] if lib and library(lib).base else parameters


_NONE = object()


def _is_number(node: ast.AST) -> bool:
    return isinstance(_literal(node), int | float)


def _literal(node: ast.AST) -> Any:
    """Returns the number, string, bool or None that a node is, or `_NONE`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
        if isinstance(node.value, float) and not math.isfinite(node.value):
            raise GlidepathError.of("text", "every number", "finite", ast.unparse(node)[:40])
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _literal(node.operand)
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            return -inner if isinstance(node.op, ast.USub) else inner
    return _NONE


# Writing ------------------------------------------------------------------------------------------------------------------------------


def text_of(tree: Tree) -> str:
    """Returns a tree as one line of text; boxes that were not read yet stand in it as they were typed.

    Args:
        tree: What `tree_of` gave, perhaps changed.

    Raises:
        GlidepathError: If it is no tree.
    """
    try:
        return _written(tree, 0)[0]
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise GlidepathError.of("tree", "", "a tree of words, operators and numbers", str(error)) from None


def _written(tree: Tree, depth: int) -> tuple[str, int]:
    if depth > 2 * _DEEPEST:
        raise GlidepathError.of("tree", "", f"nested at most {2 * _DEEPEST} deep", "a deeper one")
    if tree["t"] == "num":
        return _value(tree["value"], depth), 4
    if tree["t"] == "op":
        operator = tree["op"]
        own = _TIGHTNESS[operator]
        texts: list[str] = []
        for i, part in enumerate(tree["parts"]):
            text, tight = _written(part, depth + 1)
            loose = tight < own or (i > 0 and tight == own and (operator in "-/" or part.get("op") != operator))
            texts.append(f"({text})" if loose else text)
        return f" {operator} ".join(texts), own
    lib, word = tree["lib"], tree["word"]
    parameters = signature(lib, word).parameters
    pieces: list[str] = []
    by_position = not lib
    for i, argument in enumerate(tree["args"]):
        name, value = argument["name"], argument["value"]
        parameter = parameters.get(name)
        if parameter is not None and parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            pieces += [_written(item, depth + 1)[0] for item in value]
            continue
        if parameter is not None and parameter.default is not parameter.empty and _same(value, parameter.default):
            by_position = False
            continue
        needed = parameter is not None and parameter.default is parameter.empty
        by_position = by_position and list(parameters)[i : i + 1] == [name] and (needed or i == 0)
        text = _value(value, depth)
        pieces.append(text if by_position else f"{name}={text}")
    return f"{lib + '.' if lib else ''}{word}({', '.join(pieces)})", 4


def _same(value: Any, default: Any) -> bool:
    """Tells whether a value is the default: 1 and 1.0 are the same, 1 and True are not."""
    if isinstance(default, Node):
        return value == str(default)
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def _value(value: Any, depth: int) -> str:
    if isinstance(value, dict):
        return str(value["raw"]) if "raw" in value else _written(value, depth + 1)[0]
    if isinstance(value, list):
        return f"[{', '.join(_value(item, depth + 1) for item in value)}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def walk(tree: Tree, visit: Callable[[Tree], None]) -> None:
    """Calls `visit` with every call of a tree, outer ones first."""
    if tree["t"] == "op":
        for part in tree["parts"]:
            walk(part, visit)
    elif tree["t"] == "call":
        visit(tree)
        for argument in tree["args"]:
            values = argument["value"] if isinstance(argument["value"], list) else [argument["value"]]
            for value in values:
                if isinstance(value, dict) and "t" in value:
                    walk(value, visit)
