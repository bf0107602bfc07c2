"""A schedule's text as a tree of words, operators and numbers, and back: what the page's controls and blocks are made of.

A tree is JSON data. A call is `{"t": "call", "lib": "", "word": "warmup", "args": [{"name": "steps", "value": 500}]}`, an operator
`{"t": "op", "op": ">>", "parts": […]}`, a number alone `{"t": "num", "value": 0.1}`. What a person typed into a box and nobody has read yet
is `{"raw": "5%"}`. Words of other libraries carry the library: `pytorch.StepLR(step_size=30)`.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from ..core import GlidepathError, Node, did_you_mean
from ..core.text import Reader, parse, vocabulary
from ..dialects.table import WITHOUT_EFFECT, candidates, known
from ..view.examples import LIBRARIES
from .asked import MAX_TEXT

MAX_NODES = 400
_DEEPEST = 30
_OPERATORS: dict[Any, str] = {ast.RShift: ">>", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
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
    if not lib and word not in vocabulary():
        raise GlidepathError.of("text", "", "a known word", word, did_you_mean(word, vocabulary()))
    if not lib:
        return inspect.signature(vocabulary()[word])
    if lib not in LIBRARIES:
        raise GlidepathError.of("text", "library", f"one of {', '.join(LIBRARIES)}", lib, did_you_mean(lib, LIBRARIES))
    language, keyword = known(lib), inspect.Parameter.KEYWORD_ONLY
    own = {p.name: p.replace(kind=keyword) for p in language.parameters(language.named(word))}
    base = language.base or ("" if language.absolute else "base_lr")
    own |= {base: inspect.Parameter(base, keyword, default=0.1)} if base and base not in own else {}
    return inspect.Signature(list(own.values()))


# Reading ------------------------------------------------------------------------------------------------------------------------------


def called(text: str) -> str:
    """Returns a scheduler call as the page writes it, `pytorch.StepLR(step_size=30)`, of code as people write it; any other text as it is.

    Raises:
        GlidepathError: If the code holds several calls, or one that cannot be read.
    """
    begun = re.match(r"\s*([A-Za-z_]\w*)", text)
    if begun is None or begun[1] in LIBRARIES or begun[1] in vocabulary():
        return text  # the page's own text, without a look at other libraries
    from ..dialects.calls import stands_for_optimizer
    from ..dialects.snippets import mentioned, read_calls

    if not mentioned(text):
        return text
    found = read_calls(text)
    if len(found) != 1:
        lines = ", ".join(f"line {each.line}: {each.text[:60]}" for each in found[:5]) or "none"
        raise GlidepathError.worded("text", "", "one scheduler call", f"{len(found)} of them", lines)
    found[0].schedules()  # says what is missing
    call, library = found[0].call, found[0].library
    given = call.given[1:] if call.given and stands_for_optimizer(call.given[0]) else call.given
    return str(replace(call, name=f"{library.framework}.{library.named(call.name)}", given=given))


def tree_of(text: str) -> Tree | None:
    """Returns the tree of a text, or None if it holds more parts than controls can be made for.

    Args:
        text: One line; words of other libraries are allowed besides the text form's own.

    Raises:
        GlidepathError: If it cannot be read.
    """
    if len(text) > MAX_TEXT:
        raise GlidepathError.of("text", "", f"at most {MAX_TEXT} characters", f"{len(text)} of them")
    reader = _TreeReader(text)
    if sum(isinstance(node, ast.Call | ast.BinOp) for node in ast.walk(reader.tree)) > MAX_NODES:
        return None
    try:
        made = reader.part(reader.tree)
    except _Odd:
        parse(text)  # says what is wrong
        raise GlidepathError.of("text", "", "made of words, numbers, lists and >> + - * /", text) from None
    if reader.problems:
        raise GlidepathError(reader.problems)
    return made


class _Odd(Exception):
    """Something that only the language's own reader can explain."""


class _TreeReader(Reader):
    """Reads a text as a tree, where the language's own reader makes a schedule."""

    def refuse(self, node: ast.AST, rule: str, remedy: str = "") -> NoReturn:
        del node, rule, remedy  # the language's own reader says it better
        raise _Odd

    def part(self, node: ast.AST, depth: int = 0) -> Tree:
        """Returns the tree of a part that stands for itself: a call, an operator, a number alone."""
        value: Any = self.value(node, depth)
        if isinstance(value, bool) or not (isinstance(value, dict | int | float) or self.problems):
            self.refuse(node, "a part")
        return value if isinstance(value, dict) else {"t": "num", "value": value}

    def _value(self, node: ast.AST, depth: int) -> Any:
        if depth > _DEEPEST:
            self.refuse(node, "nested less deep")
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and not math.isfinite(node.value):
            raise GlidepathError.of("text", "every number", "finite", ast.unparse(node)[:40])
        match node:
            case ast.UnaryOp(ast.USub(), ast.Call() | ast.BinOp() as inner):
                return {"t": "op", "op": "*", "parts": [{"t": "num", "value": -1}, self.part(inner, depth + 1)]}
            case _:
                return super()._value(node, depth)

    def _operation(self, node: ast.BinOp, depth: int) -> Tree:
        operator = _OPERATORS.get(type(node.op)) or self.refuse(node, "an operator")
        parts: list[ast.AST] = [node.left, node.right]
        while isinstance(first := parts[0], ast.BinOp) and type(first.op) is type(node.op) and operator not in "-/":
            parts[:1] = first.left, first.right
        return {"t": "op", "op": operator, "parts": [self.part(part, depth + 1) for part in parts]}

    def _call(self, node: ast.Call, depth: int) -> Tree:
        name = ast.unparse(node.func)
        lib, word = _library(name) if isinstance(node.func, ast.Attribute) else ("", name)
        if not lib and word not in vocabulary():
            self.refuse(node, "a known word")
        parameters = signature(lib, word).parameters
        placed = list(parameters)
        if placed and parameters[placed[0]].kind is inspect.Parameter.VAR_POSITIONAL:
            if node.keywords:
                self.refuse(node, "given by position")
            return _call(lib, word, {placed[0]: [self.part(argument, depth + 1) for argument in node.args]})
        if lib and known(lib).base:  # a library's base rate is its first
            placed = [*placed[-1:], *placed[:-1]]
        if lib == "tensorflow":  # a tensor of the step stands between the others
            placed = []
        # a call copied from somebody's code begins with its optimizer
        arguments = node.args[1:] if lib and node.args and isinstance(node.args[0], ast.Name) else node.args
        if len(arguments) > len(placed):
            self.refuse(node, "called with its own arguments")
        given = dict(zip(placed, arguments, strict=False))
        for keyword in node.keywords:
            name = keyword.arg
            if name is None or name in given or (name not in parameters and not lib):
                self.refuse(node, "called with its own arguments, each once")
            elif name in parameters:
                given[name] = keyword.value
            elif name not in WITHOUT_EFFECT:
                rule = f"one of its arguments ({', '.join(parameters)})"
                raise GlidepathError.of(f"{lib}.{word}", name, rule, "it", did_you_mean(name, parameters))
        for name, parameter in parameters.items():
            if parameter.default is parameter.empty and name not in given:
                raise GlidepathError.of(f"{lib}.{word}".lstrip("."), name, "given", "nothing")
        return _call(lib, word, {name: self.value(argument, depth + 1) for name, argument in given.items()})


def _call(lib: str, word: str, given: Mapping[str, Any]) -> Tree:
    return {"t": "call", "lib": lib, "word": word, "args": [{"name": n, "value": v} for n, v in given.items()]}


def _library(name: str) -> tuple[str, str]:
    """Returns the library and the word of a dotted name: `pytorch.StepLR`, or in full as in `torch.optim.lr_scheduler.StepLR`."""
    for language in candidates(name):
        if language.framework in LIBRARIES:
            return language.framework, language.named(name)
    return name.partition(".")[0], name.partition(".")[2]


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
        operator, own = tree["op"], _TIGHTNESS[tree["op"]]
        texts: list[str] = []
        for i, part in enumerate(tree["parts"]):
            text, tight = _written(part, depth + 1)
            loose = tight < own or (i > 0 and tight == own and (operator in "-/" or part.get("op") != operator))
            texts.append(f"({text})" if loose else text)
        return f" {operator} ".join(texts), own
    lib, word = tree["lib"], tree["word"]
    parameters, pieces, by_position = signature(lib, word).parameters, list[str](), not lib
    unknown = inspect.Parameter("unknown", inspect.Parameter.KEYWORD_ONLY)
    for i, argument in enumerate(tree["args"]):
        name, value = argument["name"], argument["value"]
        parameter = parameters.get(name, unknown)
        if parameter.kind is parameter.VAR_POSITIONAL:
            pieces += [_written(item, depth + 1)[0] for item in value]
        elif _same(value, parameter.default):
            by_position = False
        else:
            plain = parameter.default is parameter.empty or i == 0
            by_position = by_position and plain and [*parameters][i : i + 1] == [name]
            pieces.append(_value(value, depth) if by_position else f"{name}={_value(value, depth)}")
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


def calls(tree: Any) -> Iterator[Tree]:
    """Yields every call of a tree, outer ones first."""
    if isinstance(tree, dict):
        if tree.get("t") == "call":
            yield tree
        tree = [*tree.values()]
    for part in tree if isinstance(tree, list) else ():
        yield from calls(part)
