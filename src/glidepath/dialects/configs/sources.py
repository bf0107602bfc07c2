"""What a configuration file holds, as plain data: YAML, JSON, Python's assignments, a command's options. Nothing is run.

Python is read from its syntax tree: constants, arithmetic of constants, `dict()`, names given above or by the caller, and the files that
`_base_` names. What needs more than that stands as an `Unbound`, which says what it lacks, and matters only where it is asked for.
"""

from __future__ import annotations

import ast
import contextlib
import math
import operator
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...core.documents import data_of_text, text_of_file
from ...core.errors import GlidepathError, Problem
from ...core.syntax import syntax

__all__ = ["Unbound", "data_of"]

_MAX_BASES = 16
_MAX_DIGITS = 40
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"int": int, "float": float, "round": round, "min": min, "max": max}
_OPTION = re.compile(r"(?:^|\s)--[A-Za-z][\w.-]*")


@dataclass(frozen=True)
class Unbound:
    """A value that the file does not hold.

    Args:
        text: As it is written.
        names: The names that would have to be known; none where it is no arithmetic.
    """

    text: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text.rpartition(".")[2]


def data_of(path: Path, names: Mapping[str, Any], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Returns what a file holds by name, the files below it merged in; under `` what its text is: `yaml`, `python` or `options`.

    Args:
        path: A `.json`, `.yaml`, `.yml`, `.toml` or `.py` file, or one whose content is one of these or a command with options.
        names: What Python's names stand for that the file does not give.
        above: Files that this one is the base of.

    Raises:
        GlidepathError: If the file cannot be read, is none of these, is hostile, or files name one another in a circle.
    """
    if path in above or len(above) > _MAX_BASES:
        raise GlidepathError.of(path.name, "_base_", f"a chain of at most {_MAX_BASES} files", "a circle or more")
    text = text_of_file(path)
    try:
        kind, data = _read(path, text, names)
    except GlidepathError as error:
        raise GlidepathError(
            Problem(path.name if p.where == "$" else f"{path.name} {p.where}", p.field, p.rule, p.value, p.remedy)
            for p in error.problems
        ) from None
    bases = data.pop("_base_", data.pop("_BASE_", ()))
    merged: dict[str, Any] = {}
    for base in [bases] if isinstance(bases, str) else cast("list[Any]", bases or ()):
        if not isinstance(base, str) or ":" in base or Path(base).is_absolute():
            raise GlidepathError.of(path.name, "_base_", "a file beside this one", str(base))
        merged = _merged(merged, data_of((path.parent / base).resolve(), names, (*above, path)))
    return {**_merged(merged, data), "": kind}


def _read(path: Path, text: str, names: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    ending = path.suffix.lower()
    data: Any
    if ending == ".py":
        return "python", _assignments(text, names)
    if ending == ".toml":
        try:
            return "toml", tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise GlidepathError.of("$", "", "TOML", str(error)[:200]) from None
    if ending not in (".json", ".yaml", ".yml") and len(_OPTION.findall(text)) > 1:
        return "options", _options(text)
    json = ending == ".json" or (ending not in (".yaml", ".yml") and text.lstrip()[:1] == "{")
    data = data_of_text(text, json=json, foreign=True)
    if not isinstance(data, dict):
        raise GlidepathError.of("$", "", "a mapping from names to values", type(data).__name__)
    return "yaml", {str(key): value for key, value in cast("dict[Any, Any]", data).items()}


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns one mapping with another over it, level by level; `_delete_` begins a level anew."""
    found = dict(base)
    for name, value in over.items():
        before = found.get(name)
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            fresh = {key: item for key, item in inner.items() if key != "_delete_"}
            anew = not isinstance(before, dict) or inner.get("_delete_")
            found[name] = fresh if anew else _merged(cast("dict[str, Any]", before), fresh)
        else:
            found[name] = value
    return found


def _options(text: str) -> dict[str, Any]:
    """Returns a command's options by name, `-` for `_`; a shell's variables are put in where the file sets them."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#")]
    variables: dict[str, str] = {}

    def filled(part: str) -> str:
        return re.sub(r"\$\{?(\w+)(?::?[-=]([^}]*))?\}?", lambda m: variables.get(m[1], m[2] or m[0]), part)

    def counted(part: str) -> str:
        """Returns text with its `$((…))` worked out, in whole numbers, where every name in them is known."""

        def result(match: re.Match[str]) -> str:
            inner = re.sub(r"\b[A-Za-z_]\w*\b", lambda m: variables.get(m[0], m[0]), filled(match[1]))
            with contextlib.suppress(GlidepathError, IndexError, AttributeError):
                value = _value(cast("ast.Expr", _tree(re.sub(r"/+", "//", inner).strip()).body[0]).value, {})
                return str(value) if isinstance(value, int) else match[0].replace(" ", "")
            return match[0].replace(" ", "")

        return re.sub(r"\$\(\(([\w\s$+*/%(){}-]{1,200}?)\)\)", result, part)

    found: dict[str, Any] = {}
    for line in lines:
        line = counted(line)
        if set_here := re.match(r"\s*(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w*)=(.*)", line):
            variables[set_here[1]] = filled(set_here[2].partition(" #")[0].strip().strip("\"'"))
    lines = [counted(line) for line in lines]
    try:
        words = [filled(word) for word in shlex.split(" ".join(lines), comments=False)]
    except ValueError:
        words = filled(" ".join(lines)).split()
    words = [part for word in words for part in (word.split() if " --" in f" {word}" and "{" not in word else [word])]
    words = [word.strip("()\"'") for word in words]
    for at, word in enumerate(words):
        if not word.startswith("--"):
            if "=" in word and "." in word.partition("=")[0]:  # OLMo-core's and Hydra's overrides
                name, _, value = word.partition("=")
                _put(found, name, _plain(value))
            continue
        name, given, value = word[2:].partition("=")
        following = words[at + 1] if at + 1 < len(words) else "--"
        if not given:
            value = "" if following.startswith("--") else following
        _put(found, name.replace("-", "_"), _plain(value) if value else True)
    return found


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    *parts, last = name.split(".")
    for part in parts:
        inner = found.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        found = cast("dict[str, Any]", inner)
    found[last] = value


def _plain(text: str) -> Any:
    if text[:1] in ("{", "["):
        with contextlib.suppress(GlidepathError):
            return data_of_text(text, json=False, foreign=True)
    if text.startswith("$"):
        return Unbound(text, (re.sub(r"\W", "", text),))
    if re.fullmatch(r"[-+]?[0-9][0-9_]{0,40}", text):
        return int(text.replace("_", ""))
    if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
        return float(text)
    return {"true": True, "false": False, "null": None, "none": None}.get(text.lower(), text)


def _assignments(text: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the names that a Python file gives at its top level, with what they are given."""
    known: dict[str, Any] = dict(names)
    found: dict[str, Any] = {}
    bases: list[str] = []
    for line in _tree(text).body:
        if isinstance(line, ast.With):  # mmengine's `with read_base():`
            bases += [
                "../" * (one.level - 1) + str(one.module or "").replace(".", "/") + ".py"
                for one in line.body
                if isinstance(one, ast.ImportFrom) and one.level
            ]
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        value = getattr(line, "value", None)
        if not isinstance(line, ast.Assign | ast.AnnAssign) or value is None:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                try:
                    known[target.id] = found[target.id] = _value(value, known)
                except RecursionError:
                    raise GlidepathError.of(
                        f"line {line.lineno}", target.id, "less deep", "a long expression"
                    ) from None
    if bases:
        found["_base_"] = [*bases, *cast("list[str]", found.get("_base_", []))]
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _tree(text: str) -> ast.Module:
    try:
        return syntax(text, "exec")
    except SyntaxError as error:
        raise GlidepathError.of(f"line {error.lineno}", "", "Python", str(error.msg)[:100]) from None
    except (ValueError, RecursionError, MemoryError, SystemError) as error:
        raise GlidepathError.of("$", "", "Python", str(error)[:100] or type(error).__name__) from None


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Returns what an expression stands for."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known.get(name, Unbound(name, (name,)))
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_value(item, known) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {
                str(_value(key, known)): _value(value, known)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=words):
            return {word.arg: _value(word.value, known) for word in words if word.arg is not None}
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _calculated(node, _FUNCTIONS[name], [_value(arg, known) for arg in args])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _calculated(node, operator.neg, [_value(operand, known)])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _calculated(node, _OPERATORS[type(op)], [_value(left, known), _value(right, known)])
        case _:
            return Unbound(ast.unparse(node)[:80])


def _calculated(node: ast.expr, function: Callable[..., Any], given: list[Any]) -> Any:
    names = tuple(name for value in given if isinstance(value, Unbound) for name in value.names)
    plain = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 10**_MAX_DIGITS for v in given)
    if plain:
        try:
            return function(*given)
        except (ArithmeticError, TypeError, ValueError):
            pass
    return Unbound(ast.unparse(node)[:80], names)
