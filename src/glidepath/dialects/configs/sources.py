"""What a configuration file holds, as plain data: YAML, JSON, Python's assignments, a command's options. Nothing is run.

Python is read from its syntax tree: constants, arithmetic of constants, `dict()`, names given above or by the caller, and the files that
`_base_` names. What needs more than that stands as an `Unbound`, which says what it lacks, and matters only where it is asked for.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...core import GlidepathError, Problem, Schedule
from ...core.documents import data_of_text, text_of_file
from ...core.syntax import syntax
from ..arithmetic import Unknown
from ..calls import Around, Call, CodeReader

_MAX_BASES = 16
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
        found[name] = value
        if isinstance(value, dict):
            inner, before = cast("dict[str, Any]", value), base.get(name)
            anew = not isinstance(before, dict) or inner.get("_delete_")
            fresh = {key: item for key, item in inner.items() if key != "_delete_"}
            found[name] = _merged({} if anew else cast("dict[str, Any]", before), fresh)
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
            inner, value = re.sub(r"\b[A-Za-z_]\w*\b", lambda m: variables.get(m[0], m[0]), filled(match[1])), None
            with contextlib.suppress(GlidepathError, SyntaxError, ValueError, RecursionError, MemoryError):
                value = CodeReader(Around()).value(syntax(re.sub(r"/+", "//", inner).strip()))
            return str(value) if isinstance(value, int) else match[0].replace(" ", "")

        return re.sub(r"\$\(\(([\w\s$+*/%(){}-]{1,200}?)\)\)", result, part)

    found: dict[str, Any] = {}
    for line in map(counted, lines):
        if set_here := re.match(r"\s*(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w*)=(.*)", line):
            variables[set_here[1]] = filled(set_here[2].partition(" #")[0].strip().strip("\"'"))
    lines = [counted(line) for line in lines]
    try:
        words = [filled(word) for word in shlex.split(" ".join(lines), comments=False)]
    except ValueError:
        words = filled(" ".join(lines)).split()
    words = [part for word in words for part in (word.split() if " --" in f" {word}" and "{" not in word else [word])]
    words = [word.strip("()\"'") for word in words]
    for word, following in zip(words, [*words[1:], "--"], strict=True):
        name, given, value = word.removeprefix("--").partition("=")
        if word.startswith("--"):
            value = value if given or following.startswith("--") else following
            _put(found, name.replace("-", "_"), _plain(value) if value else True)
        elif given and "." in name:  # OLMo-core's and Hydra's overrides
            _put(found, name, _plain(value))
    return found


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    *parts, last = name.split(".")
    for part in parts:
        found = found.setdefault(part, {})
        if not isinstance(found, dict):
            return
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
    reader = CodeReader(Around(known, exact=True))
    found: dict[str, Any] = {}
    bases: list[str] = []
    for line in _tree(text).body:
        if isinstance(line, ast.With):  # mmengine's `with read_base():`
            inside = [one for one in line.body if isinstance(one, ast.ImportFrom) and one.level]
            bases += ["../" * (one.level - 1) + str(one.module or "").replace(".", "/") + ".py" for one in inside]
        if not isinstance(line, ast.Assign | ast.AnnAssign) or line.value is None:
            continue
        for target in line.targets if isinstance(line, ast.Assign) else [line.target]:
            if isinstance(target, ast.Name):
                known[target.id] = found[target.id] = _settled(reader, line.value)
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


def _settled(reader: CodeReader, node: ast.expr) -> Any:
    """Returns what an expression stands for, with an `Unbound` for what the file does not hold."""
    text = ast.unparse(node)[:80]
    try:
        return _plainly(reader.value(node, depth=1), text)
    except RecursionError:
        raise GlidepathError.of(f"line {node.lineno}", text, "less deep", "a long expression") from None
    except GlidepathError:
        return Unbound(text)


def _plainly(value: Any, text: str = "") -> Any:
    if isinstance(value, list):
        return [_plainly(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {str(key): _plainly(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, Unknown | Call):
        names = value.names if isinstance(value, Unknown) else (value.name,) if value.bare else ()
        return Unbound(text or ", ".join(names) or str(value), tuple(name for name in names if name.isidentifier()))
    return Unbound(text) if isinstance(value, Schedule) else value
