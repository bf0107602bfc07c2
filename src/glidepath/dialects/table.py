"""A dialect is a table: one library, one row for each of its schedulers; whose a name is, and how a call's arguments are bound.

A row is the scheduler's own signature, with the types of `arguments`, a sentence, and what it is in our words, in absolute values: a function
of the checked arguments `a`, in which `a.lr` is the optimizer's rate.

    MYLIB = dialect("mylib", title="MyLib", follows="1.0", modules=("mylib.schedulers",))
    MYLIB.row(
        "DropLR(every: steps, factor: positive = 0.5)",
        "One more factor every so many steps.",
        lambda a: pieces.scaled(Step(a.every, a.factor), a.lr),
    )

That is all: the documentation's row, the page's entry and controls, `glidepath list DropLR`, the names in errors and the calls that are
understood (`mylib.schedulers.DropLR(optimizer, 30)`, also by position) follow from it. What a library is called and its rows' signatures and
sentences may also stand in `rows_strings`; then `rows` takes what each is. A rule between two arguments is written
`a.require(a.warmup < a.total, "total", f"above the {a.warmup} steps of warmup")`. What the library accepts and gets wrong is
refused or mended while `a.at.strict`, and followed otherwise. Arguments that every row takes, and what the training loop knows and the call
does not (the length of an epoch), are declared once for the library (`common`), and so is what they do to every schedule (`around`).

Over 400 lines: a row, its library and whose a name is are one thing, and each asks the others.
"""

from __future__ import annotations

import difflib
import inspect
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from ..core import Checks, GlidepathError, Problem, Schedule, Stretch, did_you_mean, vocabulary
from ..core.fields import number
from .arguments import UNUSED, Argument, read, signature
from .arithmetic import names_in
from .calls import Call, stands_for_optimizer
from .rows_strings import ELSEWHERE, LIBRARIES, ROWS

# Arguments that no library's values depend on, each with what it must be (None: anything).
WITHOUT_EFFECT = dict.fromkeys(("optimizer", "verbose", "global_step", "name")) | {"last_epoch": -1, "last_step": -1}
# The libraries that are asked first, in this order.
_FIRST = ("pytorch", "keras", "paddle", "oneflow", "tensorflow", "tensorflow/models")
Maker = Callable[[Any], Schedule]


@dataclass(frozen=True)
class CallSite:
    """What a row knows besides the scheduler's arguments.

    Args:
        dialect: The library.
        name: The scheduler's name there.
        base: The base rate.
        edition: The library's version as it was written; nothing for the newest.
        mode: `eager` or `graph`.
        value: `lr` or `momentum`.
        strict: Whether what the library gets wrong is refused.
    """

    dialect: Dialect
    name: str
    base: float
    edition: str = ""
    mode: str = "eager"
    value: str = "lr"
    strict: bool = True

    @property
    def where(self) -> str:
        """The call as it is named in messages."""
        return f"{self.dialect.framework} {self.name}"

    @property
    def version(self) -> tuple[int, ...] | None:
        """The leading numbers of the version, or None for the newest ("master")."""
        found = None if self.edition.startswith("master") else re.match(r"\D{0,10}?(\d+(?:\.\d+)*)", self.edition)
        return tuple(int(part[:9]) for part in found.group(1).split(".")) if found else None

    def checks(self) -> Checks:
        """Returns a new collection of problems for this call."""
        return Checks(self.where)

    def older(self, *version: int) -> bool:
        """Tells whether the library is older than a version."""
        return self.version is not None and self.version < version

    def refused(self, field: str, rule: str, value: Any, remedy: str = "") -> GlidepathError:
        """Returns the error of one refused argument."""
        return GlidepathError.of(self.where, field, rule, value, remedy)

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Refuses an argument unless a rule holds.

        Raises:
            GlidepathError: If it does not.
        """
        if not holds:
            raise self.refused(field, rule, value, remedy)


class RowArguments(SimpleNamespace):
    """The arguments of a call as a row has them: checked, by their names, with the call as `at` and the optimizer's rate as `lr`."""

    def require(self, holds: bool, field: str, rule: str, remedy: str = "") -> None:
        """Refuses an argument unless a rule holds.

        Raises:
            GlidepathError: If it does not.
        """
        self.at.require(holds, field, rule, getattr(self, field), remedy)

    def given(self, field: str, rule: str = "given", remedy: str = "") -> Any:
        """Returns an argument that must be there.

        Raises:
            GlidepathError: If it is None.
        """
        self.require(getattr(self, field) is not None, field, rule, remedy)
        return getattr(self, field)

    def level(self, plain: str, share: str, needed: bool = True) -> float:
        """Returns a rate that is given as it is or as a share of the optimizer's; 0 where neither is and it is not needed.

        Raises:
            GlidepathError: If both are given, or none.
        """
        level, part = getattr(self, plain), getattr(self, share)
        one, none = (level is None) != (part is None), level is None and part is None
        self.require(one or (none and not needed), plain, f"given, or {share}, and not both")
        return self.lr * part if part is not None else level or 0.0


class Row:
    """A scheduler of a library. Called with an `CallSite` and its arguments by name, it makes the schedule, in absolute values.

    Args:
        library: The library.
        text: Its signature, with the types of `arguments`; by position `optimizer` or the base rate comes before its own arguments, or what
            stands before a `/` (`_` for nothing).
        about: What it is, in a sentence.
        make: Returns the schedule of its checked arguments: `a.lr` is the optimizer's rate, `a.at` the call.
        example: Arguments that it accepts, about 10,000 steps long, where the types do not give them.
        value: What it moves besides the rate: `momentum` or `weight_decay`, where `a.at.value` is that.
        plain: Whether the library's common arguments do nothing here that `make` does not do.
    """

    def __init__(
        self,
        library: Dialect,
        text: str,
        about: str,
        make: Maker,
        example: str = "",
        value: str = "",
        plain: bool = False,
    ) -> None:
        self.name, own, types, leading = signature(text)
        self.leading = library.before if leading is None else leading
        self.rest = next((p.name for p in own if p.kind is p.VAR_KEYWORD), "")
        shared = [p for p in library.shared if p.name not in types and not self.rest]
        self.parameters = [*own, *shared]
        self.types: Mapping[str, Argument] = {p.name: library.shared_types[p.name] for p in shared} | types
        self.make, self.around = make, None if plain else library.around
        self.example, self.moves = example, value
        self.__doc__ = about
        first = inspect.Parameter("at", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.__signature__ = inspect.Signature([first, *self.parameters])

    def taken(self, at: CallSite, given: Mapping[str, Any]) -> Any:
        """Returns the arguments as the row has them.

        Raises:
            GlidepathError: With every problem found in them.
        """
        own = {name: value for name, value in given.items() if name in self.types}
        values = {p.name: p.default for p in self.parameters if p.default is not p.empty}
        unit = read(at, self.types, own, values)
        rest = {self.rest: {name: value for name, value in given.items() if name not in own}} if self.rest else {}
        return RowArguments(**{"lr": at.base, **values, **rest, "at": at, "unit": unit})

    def __call__(self, at: CallSite, **given: Any) -> Schedule:
        """Returns the schedule of arguments by their names."""
        a = self.taken(at, given)
        made = self.make(a)
        whole = made if self.around is None else self.around(a, made)
        return whole if a.unit == 1 else Stretch(whole, 1 / a.unit)


@dataclass(eq=False)
class Dialect:
    """One library's schedulers.

    Args:
        framework: The library's name.
        title: Its name as it is written.
        follows: The version that the table follows.
        modules: Where its schedulers are found, such as `torch.optim.lr_scheduler`, and what these are usually imported as.
        aliases: Other names of the library.
        base: The argument that gives the base rate in a call, if it is one of the scheduler's own.
        leading: The arguments that come first in a call by position and do not bear on the values.
        grouped: The arguments that may hold one value for each parameter group.
        ignored: Arguments that do not bear on the values, each with what it must be (None: anything).
        common: The signature of the arguments that every row takes besides its own, by name.
        around: What these do to a row's schedule: given the arguments and the schedule, returns the whole.
        absolute: Whether the values do not follow the optimizer's rate.
        versioned: Whether its versions differ in their values.
    """

    framework: str
    title: str = ""
    follows: str = ""
    modules: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    base: str = ""
    leading: tuple[str, ...] | None = None
    grouped: tuple[str, ...] = ()
    ignored: Mapping[str, Any] = field(default_factory=dict[str, Any])
    common: str = ""
    around: Callable[[Any, Schedule], Schedule] | None = None
    absolute: bool = False
    versioned: bool = False

    def __post_init__(self) -> None:
        self.title = self.title or self.framework
        self.ignored = {**WITHOUT_EFFECT, **self.ignored}
        self.before = (self.base or "optimizer",) if self.leading is None else self.leading
        _, self.shared, self.shared_types, _ = signature(f"common(*, {self.common})" if self.common else "common()")
        self.elsewhere = ELSEWHERE.get(self.framework, {})
        self.readers: dict[str, Row] = {}

    def row(self, *row: Any, **options: Any) -> None:
        """Adds a scheduler to the table: see `Row`."""
        made = Row(self, *row, **options)
        self.readers[made.name] = made

    def rows(self, makers: Mapping[str, Any], plain: tuple[str, ...] = (), moves: str = "", **more: Maker) -> None:
        """Adds the schedulers whose signatures and sentences stand in `rows_strings`.

        Args:
            makers: The schedule of each one's checked arguments, by its name; a module's `globals()` serve.
            plain: As in `Row`, the names for which it is true.
            moves: What a row moves besides, as `value` in `Row`: `OneCycle=momentum`.
            **more: Further makers.
        """
        values, every = dict(pair.split("=") for pair in moves.split()), {**makers, **more}
        for name, (text, about, *example) in ROWS[self.framework].items():
            if name in every:
                self.row(name + text, about, every[name], "".join(example), values.get(name, ""), name in plain)

    def parameters(self, name: str) -> list[inspect.Parameter]:
        """Returns a scheduler's own arguments, in their order.

        Args:
            name: As it is registered.
        """
        return self.readers[name].parameters

    def signature(self, name: str) -> str:
        """Returns a scheduler's arguments as they are written, without those that its library's training loop knows.

        Args:
            name: As it is registered.
        """
        common = {parameter.name for parameter in self.shared}
        return f"({', '.join(str(p) for p in self.parameters(name) if p.name not in common)})"

    def inside(self, at: CallSite, call: Call) -> Schedule:
        """Returns the schedule of another call of this library on the same optimizer.

        Raises:
            GlidepathError: With every problem found in its arguments.
        """
        inner, bound = self.bound(replace(at, name=self.named(call.name)), call)
        return self.readers[inner.name](inner, **bound)

    def taken(self, at: CallSite, call: Call) -> Any:
        """Returns the arguments of a call as its row has them.

        Raises:
            GlidepathError: With every problem found in them.
        """
        settled, bound = self.bound(at, call)
        return self.readers[at.name].taken(settled, bound)

    def find(self, name: str) -> str | None:
        """Returns what a scheduler of this name, with or without its module, is known as here, or None."""
        short = name.rpartition(".")[2]
        same = (known for known in self.readers if known.rpartition(".")[2] == short)
        return name if name in self.readers else next(same, None)

    def named(self, name: str) -> str:
        """Returns the name under which a scheduler is known here.

        Raises:
            GlidepathError: If it is not.
        """
        if not isinstance(name, str):
            raise GlidepathError.of(self.framework, "name", "a string", name)
        if found := self.find(name):
            return found
        short = name.rpartition(".")[2]
        if short in self.elsewhere:
            raise GlidepathError.of(self.framework, "name", "a scheduler of the step", name, self.elsewhere[short])
        lower = {known.lower(): known for known in self.readers}
        near = difflib.get_close_matches(short[:50].lower(), lower, n=1)
        hint = f"did you mean {lower[near[0]]!r}?" if near else "names() lists them"
        raise GlidepathError.of(self.framework, "name", "a known scheduler", name, hint)

    def holds(self, prefix: str) -> bool:
        """Tells whether a prefix is a module of this library, or the end of one, as in `lr_scheduler.StepLR`."""
        ends = any(f".{module}".endswith(f".{prefix}") for module in self.modules)
        return ends or prefix in (self.framework, *self.aliases)

    def order(self, name: str, given: tuple[Any, ...]) -> list[str]:
        """Returns the names of a scheduler's arguments by position, where these are given."""
        row = self.readers[name]
        found = [*row.leading, *(p.name for p in row.parameters if p.kind is p.POSITIONAL_OR_KEYWORD)]
        if found[:1] == ["optimizer"]:
            if given and not stands_for_optimizer(given[0]):  # nested calls are written without their optimizer
                found = found[2 if found[1:2] == ["param_name"] and not isinstance(given[0], str) else 1 :]
            found += [name for name in ("last_epoch", "verbose") if name not in found]
        return found

    def bound(self, at: CallSite, call: Call) -> tuple[CallSite, dict[str, Any]]:
        """Returns the arguments by their names, with the base rate taken out of them.

        Raises:
            GlidepathError: With every argument that is unknown, missing or given twice.
        """
        row, checks, arguments = self.readers[at.name], at.checks(), dict(call.arguments)
        needed = {p.name: p.default is p.empty for p in row.parameters if p.name != row.rest}
        order = self.order(at.name, call.given)
        count = f"given at most {len(order)} arguments by position ({', '.join(order)})"
        checks.require(len(call.given) <= len(order), "", count, len(call.given))
        for name, value in zip(order, call.given, strict=False):
            if name in arguments:
                checks.problems.append(Problem(at.where, name, "given once", "it twice"))
            arguments[name] = value
        if self.base in arguments and self.base not in needed:
            base = number(value := arguments.pop(self.base))
            if base is None:
                checks.refuse(self.base, "a number", value)
            at = replace(at, base=at.base if base is None else base)
        for name, fixed in self.ignored.items():
            without_effect = name not in needed or row.types.get(name) is UNUSED
            value = arguments.pop(name, fixed) if without_effect else fixed
            if fixed is not None and value != fixed:
                rule = f"{fixed!r}: a schedule is a function of the step and resumes by itself"
                checks.refuse(name, rule, value, "seek(step) of what is attached goes to a step")
        free = {name: _free(row.types.get(name), name, value) for name, value in arguments.items()}
        if asked := dict.fromkeys(name for found in free.values() for name in found):
            remedy = f"give {' '.join(f'--let {shlex.quote(name)}=…' for name in asked)}, in Python let={{…}}"
            lacking = {name: ", ".join(found) for name, found in free.items() if found}
            checks.problems += [Problem(at.where, name, "known", found, remedy) for name, found in lacking.items()]
            checks.done()
        for name, value in arguments.items():
            if name not in needed and not row.rest:
                checks.refuse(name, f"one of its arguments ({', '.join(needed)})", value, did_you_mean(name, needed))
        missing = [name for name, must in needed.items() if must and name not in arguments]
        checks.problems += [Problem(at.where, name, "given", "nothing") for name in missing]
        checks.done()
        more = {name: value for name, value in arguments.items() if name not in needed}
        return at, {name: arguments[name] for name in needed if name in arguments} | more


def _free(kind: Argument | None, name: str, value: Any) -> list[str]:
    """Returns the names inside an argument that nobody gave; an optimizer and a member of an enumeration are none."""
    if isinstance(value, Call) and value.bare:
        member = kind is not None and kind.kind == "text" and "." in value.name
        return [] if member or "optimizer" in name else [value.name]
    if isinstance(value, list | tuple):
        return [found for item in value for found in _free(kind, name, item)]
    return names_in(value)


_dialects: dict[str, Dialect] = {}


def dialect(framework: str, **options: Any) -> Dialect:
    """Returns a new library's dialect, which `load` then knows: see `Dialect`."""
    _dialects[framework] = Dialect(framework, **LIBRARIES.get(framework, {}), **options)
    return _dialects[framework]


def known(framework: str) -> Dialect:
    """Returns a library's dialect.

    Raises:
        GlidepathError: If there is none of that name.
    """
    for language in _dialects.values():
        if framework in (language.framework, *language.aliases):
            return language
    hint = did_you_mean(str(framework)[:50], _dialects)
    raise GlidepathError.of("dialects", "framework", f"one of {', '.join(libraries())}", framework, hint)


def libraries() -> tuple[str, ...]:
    """Returns the names of the libraries whose schedulers `load` reads.

    Examples:
        >>> "optax" in libraries()
        True
    """
    return tuple(sorted(_dialects, key=[*LIBRARIES, *_dialects].index))


def names(framework: str) -> tuple[str, ...]:
    """Returns the names of the schedulers that `load` reads for a library.

    Args:
        framework: Such as `pytorch` or `optax`: `libraries` lists them.

    Raises:
        GlidepathError: If the library is unknown.

    Examples:
        >>> "StepLR" in names("pytorch")
        True
    """
    return tuple(known(framework).readers)


# Whose a name is: a qualified one is matched whole, a bare one by the libraries that have it -----------------------------------------------


def candidates(name: str) -> list[Dialect]:
    """Returns the libraries that a name can be of, the most usual first.

    Args:
        name: As it is written, with its module or without.
    """
    prefix, _, last = name.rpartition(".")
    asked = [_dialects[framework] for framework in dict.fromkeys((*_FIRST, *libraries()))]
    found = [one for one in asked if (one.find(last) or last in one.elsewhere) and (not prefix or one.holds(prefix))]
    return [one for one in found if prefix in (*one.modules, one.framework, *one.aliases)] or found


def of_library(prefix: str) -> bool:
    """Tells whether a prefix is a module in which some library has its schedulers."""
    return any(language.holds(prefix) for language in _dialects.values())


def whose(call: Call, framework: str | None = None) -> tuple[Dialect, str]:
    """Returns the library of a call, and a line that says whose it was taken for where the name alone does not tell.

    Args:
        call: A call of a scheduler.
        framework: The library, where it is known.

    Raises:
        GlidepathError: If no library has such a scheduler.
    """
    if not (found := [known(framework)] if framework else candidates(call.name)):
        raise nobody(call.name)
    if len(found) == 1:
        return found[0], ""
    taken, *others = [language for language in found if _fits(language, call)] or found
    modules = " or ".join(f"{language.modules[0]}." for language in others if language.modules)
    told = ", which has all of its arguments" if not others else f"; write {modules} before it for another's"
    return taken, f"{call.name} is read as {taken.title}'s{told}"


def _fits(language: Dialect, call: Call) -> bool:
    """Tells whether a library's scheduler takes the arguments of a call."""
    with suppress(GlidepathError):
        language.bound(CallSite(language, language.named(call.name), 0.1, strict=False), call)
        return True
    return False


def nobody(name: str) -> GlidepathError:
    """Returns the error of a name that no library has, or that stands in a module which is none of a library that has it."""
    prefix, _, last = name.rpartition(".")
    rule = "a scheduler of a known library, or our own text"
    having = [language for language in map(known, libraries()) if language.find(last)]
    for language in map(known, libraries()):
        if prefix and language.holds(prefix) and language not in having:
            language.named(name)  # refuses it, and says what is near
    if prefix and having:
        places = " or ".join(f"{language.modules[0]}.{last}" for language in having if language.modules)
        remedy = f"{prefix} is no module of theirs: if it is, write {places}"
        return GlidepathError.of("text", "call", rule, name, remedy)
    every = {word for language in _dialects.values() for word in language.readers}
    return GlidepathError.of("text", "call", rule, name, did_you_mean(last, every | set(vocabulary())))
