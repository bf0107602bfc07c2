"""How a call becomes a schedule: finding the reader of its name, binding and checking its arguments, and noting where it came from."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.expression import Expression
from ..core.fields import number
from ..core.rate import Rate
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from .calls import Call, read_value
from .checks import Checks

__all__ = ["At", "Dialect", "Reader", "dialect", "load", "names", "nested", "of_step"]

Reader = Callable[..., Schedule]
"""Makes the schedule of one scheduler, in absolute values, from (At, its arguments by their own names)."""


@dataclass(frozen=True)
class At:
    """What a reader knows besides the scheduler's arguments.

    Args:
        dialect: The library.
        name: The scheduler's name there.
        base: The base rate.
        version: The library's version as numbers, or None for the newest.
        mode: `eager` or `graph`.
        value: `lr` or `momentum`.
        strict: Whether what the library gets wrong is refused.
    """

    dialect: Dialect
    name: str
    base: float
    version: tuple[int, ...] | None = None
    mode: str = "eager"
    value: str = "lr"
    strict: bool = True
    edition: str = ""

    @property
    def where(self) -> str:
        """The call as it is named in messages."""
        return f"{self.dialect.framework} {self.name}"

    def checks(self) -> Checks:
        """Returns a new collection of problems for this call."""
        return Checks(self.where)

    def older(self, *version: int) -> bool:
        """Tells whether the library is older than a version."""
        return self.version is not None and self.version < version

    def refused(self, field: str, rule: str, value: Any, remedy: str = "") -> GlidepathError:
        """Returns the error of one refused argument."""
        return GlidepathError.of(self.where, field, rule, value, remedy)


class Dialect:
    """One library's schedulers.

    Args:
        framework: The library's name.
        base: The argument that gives the base rate in a call, if it is one of the scheduler's own.
        ignored: Arguments that do not bear on the values, each with what it must be (None: anything).
        rule: The rule that replays this library step by step, if there is one.
        versioned: Whether its versions differ in their values.
    """

    def __init__(
        self,
        framework: str,
        base: str = "",
        ignored: Mapping[str, Any] | None = None,
        rule: str = "",
        versioned: bool = False,
    ) -> None:
        self.framework, self.base, self.ignored = framework, base, dict(ignored or {})
        self.rule, self.versioned = rule, versioned
        self.readers: dict[str, Reader] = {}
        self.leading: dict[str, tuple[str, ...]] = {}
        self.elsewhere: dict[str, str] = {}

    def reads(self, *names: str, leading: tuple[str, ...] | None = None) -> Callable[[Reader], Reader]:
        """Registers the reader of a scheduler under its names.

        Args:
            names: The scheduler's names.
            leading: The arguments that come before the reader's own in a call by position.
        """

        def register(reader: Reader) -> Reader:
            for name in names:
                self.readers[name] = reader
                self.leading[name] = leading if leading is not None else ((self.base,) if self.base else ("optimizer",))
            return reader

        return register

    def named(self, name: str) -> str:
        """Returns the name under which a scheduler is known here.

        Raises:
            GlidepathError: If it is not.
        """
        if not isinstance(name, str):
            raise GlidepathError.of(self.framework, "name", "a string", name)
        if name in self.readers:
            return name
        short = name.rpartition(".")[2]
        for known in self.readers:
            if known.rpartition(".")[2] == short:
                return known
        if short in self.elsewhere:
            raise GlidepathError.of(self.framework, "name", "a scheduler of the step", name, self.elsewhere[short])
        lower = {known.lower(): known for known in self.readers}
        near = difflib.get_close_matches(short[:50].lower(), lower, n=1)
        hint = f"did you mean {lower[near[0]]!r}?" if near else "names() lists them"
        raise GlidepathError.of(self.framework, "name", "a known scheduler", name, hint)

    def bound(self, at: At, call: Call) -> tuple[At, dict[str, Any]]:
        """Returns the arguments by their names, with the base rate taken out of them.

        Raises:
            GlidepathError: With every argument that is unknown, missing or given twice.
        """
        reader = self.readers[at.name]
        parameters = list(inspect.signature(reader).parameters.values())[1:]
        own = [parameter.name for parameter in parameters]
        checks = at.checks()
        arguments = dict(call.arguments)
        order = [*self.leading[at.name], *own]
        given = list(call.given)
        if given and order[:1] == ["optimizer"] and not (isinstance(given[0], Call) and _variable(given[0])):
            order = order[1:]  # nested calls are written without their optimizer
        if len(given) > len(order):
            checks.refuse("", f"given at most {len(order)} arguments by position ({', '.join(order)})", len(given))
        for name, value in zip(order, given, strict=False):
            if name in arguments:
                checks.problems.append(Problem(at.where, name, "given once", "it twice"))
            arguments[name] = value
        if self.base and self.base in arguments and self.base not in own:
            value = arguments.pop(self.base)
            base = number(value)
            if base is None:
                checks.refuse(self.base, "a number", value)
            else:
                at = replace(at, base=base)
        for name, fixed in self.ignored.items():
            value = arguments.pop(name, fixed) if name not in own else fixed
            if fixed is not None and value != fixed:
                checks.refuse(name, f"{fixed!r}: a schedule is a function of the step and resumes by itself", value)
        for name, value in arguments.items():
            if name not in own:
                checks.refuse(name, f"one of its arguments ({', '.join(own)})", value, did_you_mean(name, own))
        for parameter in parameters:
            if parameter.default is parameter.empty and parameter.name not in arguments:
                checks.problems.append(Problem(at.where, parameter.name, "given", "nothing"))
        checks.done()
        return at, {name: arguments[name] for name in own if name in arguments}


def _variable(call: Call) -> bool:
    return not call.arguments and not call.given


_dialects: dict[str, Dialect] = {}


def dialect(framework: str, **options: Any) -> Dialect:
    """Returns a new library's dialect, which `load` then knows."""
    _dialects[framework] = Dialect(framework, **options)
    return _dialects[framework]


def known(framework: str) -> Dialect:
    """Returns a library's dialect.

    Raises:
        GlidepathError: If there is none of that name.
    """
    if not isinstance(framework, str) or framework not in _dialects:
        raise GlidepathError.of(
            "dialects",
            "framework",
            f"one of {', '.join(_dialects)}",
            framework,
            did_you_mean(str(framework)[:50], _dialects),
        )
    return _dialects[framework]


def names(framework: str) -> tuple[str, ...]:
    """Returns the names of the schedulers that `load` reads for a library.

    Args:
        framework: `pytorch`, `oneflow`, `keras`, `tensorflow`, `tensorflow/models` or `paddle`.

    Raises:
        GlidepathError: If the library is unknown.

    Examples:
        >>> "StepLR" in names("pytorch")
        True
    """
    return tuple(known(framework).readers)


def load(
    framework: str,
    name: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    base_lr: float = 0.1,
    version: str | None = None,
    mode: str = "eager",
    value: str = "lr",
    strict: bool = True,
) -> Rate:
    """Returns the schedule that a library's scheduler follows, in absolute values.

    At step $t$ it has the library's rate after $t$ scheduler steps; for Keras, TensorFlow and their models, the rate at step $t$.

    Args:
        framework: The library, such as `pytorch`: see `names`.
        name: The scheduler's own name.
        arguments: Its arguments under their own names. A scheduler or a list of them is given as schedules that `load` returned or as text
            (`"[StepLR(step_size=30), …]"`), a lambda as a schedule or as text (`"lambda t: 0.95**t"`). Any other schedule is a factor of
            the base rate.
        base_lr: The optimizer's rate, unless the arguments hold it.
        version: The library's version where versions differ, such as `"0.7.0"`; None is the newest.
        mode: `graph` for OneFlow's graph mode.
        value: `momentum` for the companion of CyclicLR and OneCycleLR.
        strict: Whether to refuse what the library accepts but gets wrong, and to hold the end where the library runs past it; otherwise
            the library's own numbers, as long as they are numbers.

    Returns:
        A `rate`: absolute, refused as a factor, with the call as its origin.

    Raises:
        GlidepathError: With every problem found in the arguments.

    Examples:
        >>> load("pytorch", "StepLR", {"step_size": 30, "gamma": 0.1})(30)
        0.010000000000000002
    """
    language = known(framework)
    proper = language.named(name)
    checks = Checks(f"{framework} {proper}")
    mode = checks.choice("mode", mode, ("eager", "graph", "static"))
    value = checks.choice("value", value, ("lr", "momentum"))
    strict = checks.flag("strict", strict)
    base = checks.real("base_lr", base_lr)
    if version is not None and not isinstance(version, str):
        checks.refuse("version", "a string such as '0.9.0'", version)
    if arguments is not None and not isinstance(arguments, Mapping):
        checks.refuse("arguments", "a mapping from names to values", arguments)
    checks.done()
    kept = int(base_lr) if isinstance(base_lr, int) else base
    at = At(language, proper, kept, _numbers(version), mode, value, strict, version or "")
    return read_call(at, Call(proper, _texts(dict(arguments or {}))))


def read_call(at: At, call: Call) -> Rate:
    """Returns the schedule of a call; without `strict`, one that is refused is replayed step by step where the library can be."""
    language = at.dialect
    if at.value == "momentum" and "value" not in getattr(language.readers[at.name], "__companions__", ("",)):
        raise at.refused("value", "'lr': this scheduler does not move the momentum", at.value)
    settled, arguments = language.bound(at, call)
    tidy = Call(at.name, {name: _tidied(settled, value) for name, value in arguments.items()})
    try:
        schedule = language.readers[at.name](settled, **tidy.arguments)
    except GlidepathError as refusal:
        if at.strict or not language.rule or at.value != "lr":
            raise
        try:
            schedule = Recurrence(language.rule, str(tidy), settled.base)
        except GlidepathError as failure:
            raise GlidepathError((*refusal.problems, *failure.problems)) from None
    if at.value != "lr":
        return Rate(schedule)
    edition = f"@{settled.edition.split()[0]}" if language.versioned and settled.edition.strip() else ""
    mode = f":{at.mode}" if at.mode != "eager" else ""
    try:
        return Rate(schedule, f"{language.framework}{edition}{mode} {tidy}", float(settled.base))
    except GlidepathError:
        return Rate(schedule, "", settled.base)  # too long to be noted


def _tidied(at: At, value: Any) -> Any:
    """Returns an argument with the calls inside it under their plain names and with named arguments."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, list | tuple):
        return [_tidied(at, item) for item in value]
    if isinstance(value, Rate):
        library, *_, call = source_of(value)
        shares_base = library == at.dialect.framework and not at.dialect.base
        value = read_value(call) if shares_base else Rate(value.schedule)
    if isinstance(value, Call) and not _variable(value) and not at.dialect.base:
        inner = replace(at, name=at.dialect.named(value.name))
        return Call(inner.name, {k: _tidied(at, v) for k, v in at.dialect.bound(inner, value)[1].items()})
    return value


def source_of(rate: Rate) -> tuple[str, str, str, str]:
    """Returns what the origin of a rate says: library, version, mode and call."""
    source, _, call = rate.origin.partition(" ")
    source, _, mode = source.partition(":")
    library, _, version = source.partition("@")
    return library, version, mode or "eager", call


def companion(reader: Reader) -> Reader:
    """Marks a reader that gives the momentum too."""
    reader.__companions__ = ("value",)  # type: ignore[attr-defined]
    return reader


def _numbers(version: str | None) -> tuple[int, ...] | None:
    """Returns the leading numbers of a version, or None for the newest ("master")."""
    found = re.match(r"\D{0,10}?(\d+(?:\.\d+)*)", version or "") if not (version or "").startswith("master") else None
    return tuple(int(part[:9]) for part in found.group(1).split(".")) if found else None


def _texts(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments with schedulers and lambdas that are given as text read."""
    return {
        name: read_value(value) if isinstance(value, str) and ("(" in value or "lambda" in value) else value
        for name, value in arguments.items()
    }


def nested(at: At, field: str, value: Any) -> Call | Schedule:
    """Returns an inner scheduler as its call, or as a schedule where it comes from no call of this library.

    Raises:
        GlidepathError: If it is neither.
    """
    if isinstance(value, str):
        value = read_value(value)
    if isinstance(value, Rate) and source_of(value)[0] == at.dialect.framework and not at.dialect.base:
        value = read_value(source_of(value)[3])
    if isinstance(value, Call):
        return replace(value, name=at.dialect.named(value.name))
    if isinstance(value, Schedule):
        return value
    raise at.refused(field, "a scheduler, as a schedule or as text", value)


def of_step(at: At, field: str, value: Any) -> Schedule:
    """Returns a function of the step: a schedule, or text such as `lambda t: 0.95**t`.

    Raises:
        GlidepathError: If it is neither; a Python function too, because it cannot be read.
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        try:
            return Expression(value)
        except GlidepathError as error:
            raise GlidepathError(
                Problem(at.where, field, problem.rule, problem.value, problem.remedy) for problem in error.problems
            ) from None
    plain = number(value)
    rule = "a schedule or the text of a function of the step, such as 'lambda t: 0.95**t'"
    remedy = "a function cannot be saved or compared: write it as text" if callable(value) else ""
    if plain is not None:
        remedy = f"a constant is written 'lambda t: {plain!r}'"
    raise GlidepathError(Problem(at.where, field, rule, shown(value), remedy))
