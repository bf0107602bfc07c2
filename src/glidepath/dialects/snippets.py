"""Code as people write it: which scheduler calls stand in it, what their names mean there, and the schedule of each group.

Nothing is imported or run. Names are followed through imports and assignments, arithmetic is done, functions of the step are read into
formulas; what is left open is asked for.
"""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core import GlidepathError, Rate, shown
from ..core.fields import number
from .calls import Around, Call, CodeReader, checked_text, read_value, tree_of
from .reading import read_call
from .table import CallSite, Dialect, candidates, known, nobody, of_library, whose

BASE = 0.1  # of a call that does not say its optimizer's rate
# Assigned in configuration files.
_LISTS = {"lr_config": "mmcv.lr_config", "param_scheduler": "mmengine.param_scheduler"}
_OPTIMIZER = ("lr", "learning_rate", "base_lr")


@dataclass(frozen=True)
class FoundCall:
    """A scheduler call in somebody's code.

    Args:
        call: With its names resolved.
        library: Whose it is.
        line: Where it stands, from 1 on.
        text: As it is written.
        base: The optimizer's rate, where the code says it.
        notes: What was taken for granted.
    """

    call: Call
    library: Dialect
    line: int = 1
    text: str = ""
    base: float | None = None
    notes: tuple[str, ...] = ()

    def schedules(self, base_lr: float | None = None, strict: bool = True) -> dict[str, Rate]:
        """Returns the schedule of every parameter group by its name: `0`, `1` …; of a single one under an empty name.

        Args:
            base_lr: The optimizer's rate; None is what the code says, or 0.1.
            strict: As in `load`.

        Raises:
            GlidepathError: With every problem found in the arguments.
        """
        name = self.library.named(self.call.name)
        base = base_lr if base_lr is not None else self.base if self.base is not None else BASE
        at = CallSite(self.library, name, 1.0 if name == "NoamDecay" else base, strict=strict)
        groups, checks, made = self._groups(at), at.checks(), dict[str, Rate]()
        for i, call in enumerate(groups):
            with checks.kept():
                made[str(i) if len(groups) > 1 else ""] = read_call(at, call)
        checks.problems = [*dict.fromkeys(checks.problems)]
        checks.done()
        return made

    def _groups(self, at: CallSite) -> list[Call]:
        """Returns the call of each group: arguments that hold one value for each are taken apart."""
        grouped, given = self.library.grouped, self.call.given
        order = self.library.order(at.name, given)
        named = {**dict(zip(order, given, strict=False)), **self.call.arguments}
        lists = {name: value for name, value in named.items() if name in grouped and isinstance(value, list)}
        lengths = {len(value) for value in lists.values()}  # type: ignore[arg-type]
        if len(given) > len(order) or not lists or lengths == {1}:
            return [replace(self.call, name=at.name)]
        at.require(len(lengths) == 1, next(iter(lists)), "as long as the other lists for groups", sorted(lengths))
        each = [{name: value[i] for name, value in lists.items()} for i in range(lengths.pop())]
        return [Call(at.name, {**named, **own}) for own in each]


def read_calls(source: str, framework: str | None = None, let: Mapping[str, Any] | None = None) -> list[FoundCall]:
    """Returns the scheduler calls in a piece of code, outermost ones only, in the order of their lines.

    Args:
        source: One call, several lines, or a whole Python file.
        framework: The library, where the code does not say it.
        let: What names stand for that the code leaves open, such as `{"args.epochs": 90, "len(loader)": 500}`; a text is read.

    Raises:
        GlidepathError: If it is no Python, or a call in it cannot be read.
    """
    told = {name: _told(value) for name, value in (let or {}).items()}
    try:
        return _Scan(_tree(source), framework, told).found()
    except RecursionError:
        raise GlidepathError.of("text", "", "nested less deep", source) from None


def _tree(source: str) -> ast.Module:
    """Returns the syntax tree of code, also of an example with its prompts."""
    plain = textwrap.dedent(checked_text(source)).strip()
    code = re.sub(r"^(>>>|\.\.\.) ?", "", plain, flags=re.MULTILINE)
    return tree_of(code, "a call such as StepLR(step_size=30), or Python code", whole=True)


@functools.lru_cache(maxsize=256)  # a file may hold the same line thousands of times
def mentioned(source: str, lists: bool = True) -> bool:
    """Tells whether a piece of code calls a scheduler that a library has, under any module, or anything of a library's module.

    Args:
        source: Any text.
        lists: Whether what OpenMMLab's configuration files assign counts too.
    """
    try:
        tree = _tree(source)
        calls = [ast.unparse(_made_by(node).func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        targets = [ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    except (RecursionError, GlidepathError):
        return False
    plain = [name.removesuffix(".build_iter_from_epoch").rpartition(".") for name in calls]
    named = any(candidates(last) or (prefix and of_library(prefix)) for prefix, _, last in plain)
    return named or (lists and bool({*_LISTS} & {*targets}))


def _told(value: Any) -> Any:
    try:
        made = read_value(value) if isinstance(value, str) else value
    except GlidepathError:
        return value
    return value if isinstance(made, Call) and made.bare else made  # a word


def _made_by(node: ast.Call) -> ast.Call:
    """Returns a call, or the one that `partial(StepLR, …)` is for."""
    if ast.unparse(node.func) not in ("partial", "functools.partial") or not node.args:
        return node
    return ast.copy_location(ast.Call(node.args[0], node.args[1:], node.keywords), node)


class _Scan:
    """Walks through a piece of code.

    Args:
        tree: The module.
        framework: The library, or None.
        let: Values of names.
    """

    def __init__(self, tree: ast.Module, framework: str | None, let: Mapping[str, Any]) -> None:
        self.tree, self.framework, self.let = tree, framework, let
        self.around, self.stars = Around(let), list[str]()
        for node in ast.walk(tree):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        """Notes what a statement says of names."""
        around = self.around
        if isinstance(node, ast.Import):
            around.imports |= {name.asname: name.name for name in node.names if name.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            named = {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names if name.name != "*"}
            around.imports |= named
            self.stars += [str(node.module)] if any(name.name == "*" for name in node.names) else []
        elif isinstance(node, ast.FunctionDef):
            around.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            around.classes.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple | ast.List):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                for name, value in pairs:
                    if not isinstance(name, ast.Tuple | ast.List):
                        around.assigned.setdefault(ast.unparse(name), []).append(value)

    def found(self) -> list[FoundCall]:
        """Returns the scheduler calls that are no part of another one."""
        nodes = [*self._configured(), *self._outermost(self.tree)]
        if not nodes:
            raise self._nothing()
        made: list[tuple[ast.AST, FoundCall]] = []
        used: list[ast.expr] = []
        for node, name in nodes:
            self.around.used = []
            made.append((node, self._made(node, name)))
            used += self.around.used
        inner = {id(part) for node in used for part in ast.walk(node)}
        free = [found for node, found in made if id(node) not in inner]
        return sorted(free or [found for _, found in made], key=lambda found: found.line)

    def _configured(self) -> list[tuple[ast.expr, str]]:
        """Returns mmcv's `lr_config = dict(policy=…)`, and MMEngine's `param_scheduler = [dict(type=…), …]`."""
        found = [(value, full) for name, full in _LISTS.items() for value in self.around.assigned.get(name, [])]
        like = re.compile(r"(\[|\(|{|dict\().*(policy|type)")
        return [(value, full) for value, full in found if like.match(ast.unparse(value))]

    def _outermost(self, node: ast.AST) -> list[tuple[ast.expr, str]]:
        made = _made_by(node) if isinstance(node, ast.Call) else None
        if made is not None and (name := self._name(made)):
            return [(made, name)]
        return [found for part in ast.iter_child_nodes(node) for found in self._outermost(part)]

    def _name(self, node: ast.Call) -> str:
        """Returns the full name of a scheduler, or an empty string for any other call."""
        written = ast.unparse(node.func)
        if not written.replace(".", "").isidentifier() or written in (*self.around.functions, *self.around.classes):
            return ""
        full = self.around.full(written)
        names = [full, *(f"{star}.{written}" for star in self.stars if "." not in written and full == written)]
        language = known(self.framework) if self.framework else None
        for name in names:
            plain = name.removesuffix(".build_iter_from_epoch")
            own = language is not None and (language.find(plain) or plain.rpartition(".")[2] in language.elsewhere)
            if own or (language is None and candidates(plain)):
                return name
        return ""

    def _made(self, node: ast.AST, name: str) -> FoundCall:
        """Returns a call with its library, its optimizer's rate, and what was taken for granted."""
        value = CodeReader(self.around).value(node)
        if name == _LISTS["param_scheduler"]:
            value = {"parts": value if isinstance(value, list) else [value]}
        call = Call(name, value) if isinstance(value, dict) else value
        call = replace(call, name=name.removesuffix(".build_iter_from_epoch"))
        library, note = whose(call, self.framework)
        notes = [note] if note else []
        arguments = dict(call.arguments)
        for ignored in ("last_epoch", "last_step"):
            if ignored in arguments and arguments[ignored] != -1:
                told = f"{ignored}={shown(str(arguments.pop(ignored))).strip(chr(39))} has no effect"
                notes.append(f"{told}: step 0 is the beginning, seek(step) goes elsewhere")
        common = {parameter.name for parameter in library.shared}
        arguments |= {key: item for key, item in self.let.items() if key in common and key not in arguments}
        text = ast.unparse(node) if isinstance(node, ast.expr) else name
        line = getattr(node, "lineno", 1)
        return FoundCall(replace(call, arguments=arguments), library, line, text, self._rate(node), tuple(notes))

    def _rate(self, node: ast.AST) -> float | None:
        """Returns the rate of the optimizer that a call is given, where the code makes it."""
        if not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and node.func.id == "dict"):
            said = [self.around.assigned.get(name, [None])[-1] for name in ("optim_wrapper", "optimizer")]
            inner = [CodeReader(self.around).value(value) for value in said if value is not None]
            flat = [one.get("optimizer", one) for one in inner if isinstance(one, dict)]
            return next((float(one["lr"]) for one in flat if number(one.get("lr")) is not None), None)
        given = [keyword.value for keyword in node.keywords if keyword.arg == "optimizer"]
        first = next(iter((*given, *node.args)), None)
        named = isinstance(first, ast.Name | ast.Attribute)
        made = self.around.expression(ast.unparse(first), node.lineno) if named else first
        if not isinstance(made, ast.Call):
            return None
        rates = [keyword.value for keyword in made.keywords if keyword.arg in _OPTIMIZER]
        if not rates and ast.unparse(made.func).rpartition(".")[2][:1].isupper():
            rates = made.args[1:2]  # SGD(model.parameters(), 0.1)
        value = CodeReader(self.around).value(rates[0]) if rates else None
        return None if number(value) is None else float(value)  # type: ignore[arg-type]

    def _nothing(self) -> GlidepathError:
        """Returns the error of code without a scheduler call."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        names = [self.around.full(ast.unparse(node.func)) for node in calls]
        named = [name for name in names if name.replace(".", "").isidentifier()]
        near = named if len(self.tree.body) == 1 else [one for one in named if candidates(one.rpartition(".")[2])]
        if near:
            return nobody(near[0])
        return GlidepathError.of("text", "", "code with a call of a scheduler in it", f"{len(calls)} other calls")


def chosen(found: list[FoundCall], number: int | None) -> FoundCall:
    """Returns one of several calls.

    Args:
        found: The calls.
        number: Which one, from 1 on; None where there is only one.

    Raises:
        GlidepathError: If it must be said which; all are listed with their lines.
    """
    if number is None and len(found) == 1:
        return found[0]
    if number is not None and 1 <= number <= len(found):
        return found[number - 1]
    listing = "; ".join(f"{i}: line {one.line}: {one.text[:100]}" for i, one in enumerate(found, 1))
    rule = f"one from 1 to {len(found)}" if len(found) > 1 else "1"
    raise GlidepathError.of("text", "call", rule, number, f"choose with --call N, in Python call=N: {listing}")
