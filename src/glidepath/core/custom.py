"""A user's own formula as a full schedule. Files hold its name and a hash of its source, never code."""

from __future__ import annotations

import ast
import hashlib
import inspect
import keyword
import math
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from .checks import taken
from .errors import GlidepathError, did_you_mean
from .fields import MAX_STEPS, MAX_VALUE, Broken, Check, integer, number, numbers_by_name, text
from .formula import Formula
from .namespace import Namespace
from .node import Node, kind
from .syntax import syntax
from .text import offer, vocabulary, withdraw

__all__ = ["Custom", "register", "unregister"]


@dataclass(frozen=True)
class _Formula:
    name: str
    function: Callable[..., Any]
    signature: inspect.Signature
    digest: str


_formulas: dict[str, _Formula] = {}


def _number(value: Any) -> int | float:
    plain = number(value)
    if plain is None or not -MAX_VALUE <= plain <= MAX_VALUE:
        raise Broken("is not")
    return int(plain) if plain == math.floor(plain) and abs(plain) <= MAX_STEPS else plain


_word = text("a name of letters, digits and underscores", lambda word: word.isidentifier() and len(word) <= 100)
_hexadecimal = re.compile("[0-9a-f]{64}")
_sha256 = text("a SHA-256 in hexadecimal", _hexadecimal.fullmatch, pattern=f"^{_hexadecimal.pattern}$")
_RULE = f"a mapping from names to finite numbers of magnitude at most {MAX_VALUE:g}"
_arguments = numbers_by_name(Check(_number, {"type": "number"}), _RULE)


@kind("custom")
class Custom(Formula):
    r"""A registered formula with its arguments; made by calling what `register` returns.

    $$ f(t) = \text{formula}(t; \text{arguments}) $$

    It ends after the argument `steps`, where the formula has one.

    Args:
        formula: The name it is registered under.
        digest: SHA-256 of the formula's source.
        arguments: Its arguments by name, each a finite number.
    """

    formula: Annotated[str, _word]
    digest: Annotated[str, _sha256]
    arguments: Annotated[tuple[tuple[str, int | float], ...], _arguments] = ()

    def __post_init__(self) -> None:
        formula = self._formula()
        try:
            bound = formula.signature.bind(**dict(self.arguments))
        except TypeError as error:
            rule = f"those of the formula ({', '.join(formula.signature.parameters)})"
            raise GlidepathError.of(self.formula, "arguments", rule, dict(self.arguments), str(error)) from None
        bound.apply_defaults()
        object.__setattr__(self, "arguments", taken(self.formula, "arguments", dict(bound.arguments), _arguments))
        taken(self.formula, "steps", dict(self.arguments).get("steps", 1), integer(1))
        self._try()

    def _try(self) -> None:
        """Refuses a formula that cannot be traced, or whose ends are not finite."""
        try:
            self._graph  # noqa: B018 - traces it
            ends = self._unkept(0.0), self._unkept(float(self._last))
            pole = self._pole(self._last)
        except GlidepathError:
            raise
        except Exception as error:  # noqa: BLE001 - a user's formula may raise anything
            rule = "written with + - * / and the functions of its namespace"
            raise GlidepathError.worded(self.formula, "formula", rule, f"{type(error).__name__}: {error}") from None
        if not all(math.isfinite(value) for value in ends):
            raise GlidepathError.of(self.formula, "formula", "finite at its ends", ends)
        if pole is not None:
            rule = "of a finite value at every step"
            raise GlidepathError.worded(self.formula, "formula", rule, f"none at step {pole}")

    def _formula(self) -> _Formula:
        formula = _formulas.get(self.formula)
        if formula is None:
            hint = did_you_mean(self.formula, _formulas)
            hint = hint or f'define it with @glidepath.register("{self.formula}") first'
            raise GlidepathError.of("custom", "formula", "registered in this process", self.formula, hint)
        if formula.digest != self.digest:
            rule, remedy = f"that of the registered source, {formula.digest[:12]}…", "the formula has changed since"
            raise GlidepathError.of(self.formula, "digest", rule, f"{self.digest[:12]}…", remedy)
        return formula

    @property
    def duration(self) -> int | float:
        return dict(self.arguments).get("steps", math.inf)

    def raw(self, xp: Namespace, step: Any) -> Any:
        return self._formula().function(step, xp, **dict(self.arguments))

    def field_data(self, name: str) -> Any:
        return dict(self.arguments) if name == "arguments" else getattr(self, name)

    def call(self, arguments: Callable[[Node], list[str]]) -> tuple[str, list[str]]:
        """Returns the word and the arguments of the text form."""
        return self.formula, [f"{name}={value!r}" for name, value in self.arguments]


def register(name: str, *, replace: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Custom]]:
    """Registers a formula under a name, which becomes a word of the text form.

    The formula receives the step, from 0, and the namespace `xp` whose functions it must use (`xp.sin`, `xp.minimum`, `xp.phases`, …), then
    its own arguments by name, each a number with or without a default. With an argument `steps` it lasts that long, else for ever.

    Args:
        name: A word that is not taken.
        replace: Whether a formula of that name may be replaced by one of other source.

    Returns:
        A decorator; what it returns makes schedules: call it with the arguments.

    Raises:
        GlidepathError: If the name is taken or the source cannot be found.

    Examples:
        >>> @register("wave", replace=True)
        ... def wave(step, xp, *, period=100.0):
        ...     return 0.5 + 0.5 * xp.cos(6.283185307179586 * step / period)
        >>> wave(period=200)(100)
        0.0
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Custom]:
        if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
            raise GlidepathError.of("register", "name", "a name of letters, digits and underscores", name)
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        if len(parameters) < 2 or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            rule = "a function of (step, xp, …) with named arguments"
            raise GlidepathError.of("register", "formula", rule, function)
        own = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters[2:]]
        formula = _Formula(name, function, inspect.Signature(own), _source_digest(function))
        known = _formulas.get(name)
        if name in vocabulary() if known is None else known.digest != formula.digest and not replace:
            raise GlidepathError.of("register", "name", "new", name, "pass replace=True to replace your own formula")
        if known is not None:
            withdraw(name)
        _formulas[name] = formula

        def make(*unnamed: float, **arguments: float) -> Custom:
            if unnamed:
                rule = f"given by name ({', '.join(formula.signature.parameters)})"
                raise GlidepathError.of(name, "arguments", rule, unnamed)
            return Custom(name, formula.digest, tuple(arguments.items()))

        make.__name__, make.__doc__ = name, function.__doc__
        make.__signature__ = formula.signature.replace(return_annotation=Custom)  # type: ignore[attr-defined]
        offer(make)
        return make

    return decorate


def unregister(name: str) -> None:
    """Forgets a registered formula."""
    if _formulas.pop(name, None) is not None:
        withdraw(name)


def _source_digest(function: Callable[..., Any]) -> str:
    """Returns the hash of a function's source: of its syntax tree, so that comments, layout, decorators and docstring do not count."""
    try:
        tree = syntax(textwrap.dedent(inspect.getsource(function)), "exec").body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        rule = "a function whose source can be read (def in a file or a notebook)"
        raise GlidepathError.of("register", "formula", rule, function) from None
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list = []
        if ast.get_docstring(tree) is not None:
            tree.body = tree.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
