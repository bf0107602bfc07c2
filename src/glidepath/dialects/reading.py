"""How a call becomes a schedule: finding the reader of its name, binding and checking its arguments, and noting where it came from.

A dialect is a table: one library, one row for each of its schedulers. A row is the scheduler's own signature, with the types of
`arguments`, a sentence, and what it is in our words, in absolute values: a function of the checked arguments `a`, in which `a.lr` is the
optimizer's rate.

    MYLIB = dialect("mylib", title="MyLib", follows="1.0", modules=("mylib.schedulers",))
    MYLIB.row(
        "DropLR(every: steps, factor: positive = 0.5)",
        "One more factor every so many steps.",
        lambda a: pieces.scaled(Step(a.every, a.factor), a.lr),
    )

That is all: the documentation's row, the page's entry and controls, `glidepath list DropLR`, the names in errors and the calls that are
understood (`mylib.schedulers.DropLR(optimizer, 30)`, also by position) follow from it. Signature and sentence may also stand in `rows_strings`;
then `rows` takes what each is. A rule between two arguments is written
`a.at.require(a.warmup < a.total, "total", f"above the {a.warmup} steps of warmup", a.total)`. What the library accepts and gets wrong is
refused or mended while `a.at.strict`, and followed otherwise. Arguments that every row takes, and what the training loop knows and the call
does not (the length of an epoch), are declared once for the library (`common`), and so is what they do to every schedule (`around`).
"""

from __future__ import annotations

import difflib
import inspect
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from ..core.checks import Checks
from ..core.combinators import Stretch
from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.expression import Expression
from ..core.fields import number
from ..core.rate import Rate
from ..core.recurrence import Recurrence
from ..core.schedule import Schedule
from . import pieces
from .arguments import UNUSED, Argument, checked, counted, signature
from .arithmetic import Unknown, names_in
from .calls import Call, read_value
from .rows_strings import ELSEWHERE, ROWS

__all__ = ["At", "Dialect", "Reader", "child", "dialect", "libraries", "load", "names", "nested", "of_step"]

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
        edition: The version as it was written.
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

    def require(self, holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        """Refuses an argument unless a rule holds.

        Raises:
            GlidepathError: If it does not.
        """
        if not holds:
            raise self.refused(field, rule, value, remedy)


WITHOUT_EFFECT = {
    "optimizer": None,
    "last_epoch": -1,
    "last_step": -1,
    "verbose": None,
    "global_step": None,
    "name": None,
}
"""Arguments that no library's values depend on, each with what it must be (None: anything)."""


class Dialect:
    """One library's schedulers.

    Args:
        framework: The library's name.
        base: The argument that gives the base rate in a call, if it is one of the scheduler's own.
        ignored: Arguments that do not bear on the values, each with what it must be (None: anything).
        rule: The rule that replays this library step by step, if there is one.
        versioned: Whether its versions differ in their values.
        title: The library's name as it is written.
        follows: The version that the table follows.
        modules: Where its schedulers are found, such as `torch.optim.lr_scheduler`, and what these are usually imported as.
        aliases: Other names of the library.
        leading: The arguments that come first in a call by position and do not bear on the values.
        grouped: The arguments that may hold one value for each parameter group.
        common: The signature of the arguments that every row takes besides its own, by name.
        around: What these do to a row's schedule: given the arguments and the schedule, returns the whole.
        absolute: Whether the values do not follow the optimizer's rate.
    """

    def __init__(
        self,
        framework: str,
        base: str = "",
        ignored: Mapping[str, Any] | None = None,
        rule: str = "",
        versioned: bool = False,
        title: str = "",
        follows: str = "",
        modules: tuple[str, ...] = (),
        aliases: tuple[str, ...] = (),
        leading: tuple[str, ...] | None = None,
        grouped: tuple[str, ...] = (),
        common: str = "",
        around: Callable[[Any, Schedule], Schedule] | None = None,
        absolute: bool = False,
    ) -> None:
        self.framework, self.base, self.ignored = framework, base, {**WITHOUT_EFFECT, **(ignored or {})}
        self.rule, self.versioned = rule, versioned
        self.follows = follows
        self.title, self.modules, self.aliases, self.grouped = title or framework, modules, aliases, grouped
        self.first = leading if leading is not None else (base,) if base else ("optimizer",)
        _, self.common, self.common_types = signature(f"common(*, {common})" if common else "common()")
        self.around, self.absolute = around, absolute
        self.readers: dict[str, Reader] = {}
        self.leading: dict[str, tuple[str, ...]] = {}
        self.examples: dict[str, str] = {}
        self.elsewhere: dict[str, str] = dict(ELSEWHERE.get(framework, {}))

    def reads(
        self, *names: str, leading: tuple[str, ...] | None = None, example: str = ""
    ) -> Callable[[Reader], Reader]:
        """Registers the reader of a scheduler under its names: the row of the table.

        Args:
            names: The scheduler's names.
            leading: The arguments that come before the reader's own in a call by position.
            example: Arguments that it accepts, about 10,000 steps long, where the types do not give them.
        """

        def register(reader: Reader) -> Reader:
            for name in names:
                self.readers[name] = reader
                self.leading[name] = leading if leading is not None else self.first
                self.examples[name] = example
            return reader

        return register

    def row(
        self,
        text: str,
        about: str,
        make: Callable[[Any], Schedule],
        *,
        leading: tuple[str, ...] | None = None,
        example: str = "",
        value: str = "",
        plain: bool = False,
    ) -> None:
        """Adds a scheduler to the table.

        Args:
            text: Its signature, with the types of `arguments`.
            about: What it is, in a sentence.
            make: Returns the schedule of its checked arguments: `a.lr` is the optimizer's rate, `a.at` the call.
            leading: As in `reads`.
            example: As in `reads`.
            value: What it moves besides the rate: `momentum` or `weight_decay`, where `a.at.value` is that.
            plain: Whether the library's common arguments do nothing here that `make` does not do.
        """
        name, parameters, types = signature(text)
        own = {parameter.name for parameter in parameters}
        open_end = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
        parameters += [parameter for parameter in self.common if parameter.name not in own and not open_end]
        types = {**self.common_types, **types}
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        rest = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), "")
        known_names = {p.name for p in parameters}

        def taken(at: At, given: Mapping[str, Any]) -> Any:
            own = {name: value for name, value in given.items() if name in known_names}
            values = checked(at, types, own, defaults)
            unit = counted(types, values)
            a = SimpleNamespace(**{"lr": at.base, **values, "at": at, "unit": unit})
            if rest:
                setattr(a, rest, {name: value for name, value in given.items() if name not in known_names})
            return a

        def reader(at: At, **given: Any) -> Schedule:
            a = taken(at, given)
            made = make(a)
            whole = made if plain or self.around is None else self.around(a, made)
            return whole if a.unit == 1 else Stretch(whole, 1 / a.unit)

        reader.__doc__ = about
        first = inspect.Parameter("at", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        reader.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
        reader.__types__ = types  # type: ignore[attr-defined]
        reader.__taken__ = taken  # type: ignore[attr-defined]
        reader.__companions__ = (value,) if value else ()  # type: ignore[attr-defined]
        self.reads(name, leading=leading, example=example)(reader)

    def rows(
        self, makers: Mapping[str, Callable[[Any], Schedule]], **options: Mapping[str, Any] | tuple[str, ...]
    ) -> None:
        """Adds the schedulers whose signatures and sentences stand in `rows_strings`.

        Args:
            makers: The schedule of each one's checked arguments, by its name.
            **options: As in `row`, by name, or the names for which it is true.
        """
        for name, make in makers.items():
            text, about, *example = ROWS[self.framework][name]
            own: dict[str, Any] = {
                option: given[name] if isinstance(given, Mapping) else True
                for option, given in options.items()
                if name in given
            }
            self.row(f"{name}{text}", about, make, example=next(iter(example), ""), **own)

    def parameters(self, name: str) -> list[inspect.Parameter]:
        """Returns a scheduler's own arguments, in their order.

        Args:
            name: As it is registered.
        """
        return list(inspect.signature(self.readers[name]).parameters.values())[1:]

    def signature(self, name: str) -> str:
        """Returns a scheduler's arguments as they are written, without those that its library's training loop knows.

        Args:
            name: As it is registered.
        """
        common = {parameter.name for parameter in self.common}
        own = [str(p.replace(annotation=p.empty)) for p in self.parameters(name) if p.name not in common]
        return f"({', '.join(own)})"

    def types(self, name: str) -> Mapping[str, Argument]:
        """Returns the types of a scheduler's arguments, as far as its row says them."""
        return getattr(self.readers[name], "__types__", {})

    def taken(self, at: At, arguments: Mapping[str, Any]) -> Any:
        """Returns a row's arguments as it has them.

        Raises:
            GlidepathError: With every problem found in them.
        """
        return getattr(self.readers[at.name], "__taken__")(at, arguments)  # noqa: B009 - of a function

    def inside(self, at: At, call: Call) -> Schedule:
        """Returns the schedule of another call of this library on the same optimizer.

        Raises:
            GlidepathError: With every problem found in its arguments.
        """
        inner, bound = self.bound(replace(at, name=self.named(call.name)), call)
        return self.readers[inner.name](inner, **bound)

    def has(self, name: str) -> bool:
        """Tells whether a scheduler of this name, with or without its module, is known here."""
        short = name.rpartition(".")[2]
        return name in self.readers or any(known.rpartition(".")[2] == short for known in self.readers)

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

    def _refuse_unknown(self, at: At, types: Mapping[str, Argument], arguments: dict[str, Any], checks: Checks) -> None:
        """Refuses arguments that depend on names that nobody gave, all names at once."""
        free = {name: _free(types.get(name), name, value) for name, value in arguments.items()}
        names = list(dict.fromkeys(name for found in free.values() for name in found))
        if names:
            remedy = f"give {' '.join(f'--let {shlex.quote(name)}=…' for name in names)}, in Python let={{…}}"
            for name, found in free.items():
                if found:
                    checks.problems.append(Problem(at.where, name, "known", ", ".join(found), remedy))
            checks.done()

    def bound(self, at: At, call: Call) -> tuple[At, dict[str, Any]]:
        """Returns the arguments by their names, with the base rate taken out of them.

        Raises:
            GlidepathError: With every argument that is unknown, missing or given twice.
        """
        parameters = self.parameters(at.name)
        own = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        open_end = len(own) < len(parameters)
        checks = at.checks()
        arguments = dict(call.arguments)
        placed = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        order = [*self.leading[at.name], *placed]
        given = list(call.given)
        if order[:1] == ["optimizer"]:
            if given and not (isinstance(given[0], Unknown) or (isinstance(given[0], Call) and _variable(given[0]))):
                order = order[1:]  # nested calls are written without their optimizer
                order = order[1:] if order[:1] == ["param_name"] and not isinstance(given[0], str) else order
            order += [name for name in ("last_epoch", "verbose") if name not in order]
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
        types = self.types(at.name)
        for name, fixed in self.ignored.items():
            without_effect = name not in own or types.get(name) is UNUSED
            value = arguments.pop(name, fixed) if without_effect else fixed
            if fixed is not None and value != fixed:
                rule = f"{fixed!r}: a schedule is a function of the step and resumes by itself"
                checks.refuse(name, rule, value, "seek(step) of what is attached goes to a step")
        self._refuse_unknown(at, types, arguments, checks)
        for name, value in arguments.items():
            if name not in own and not open_end:
                checks.refuse(name, f"one of its arguments ({', '.join(own)})", value, did_you_mean(name, own))
        for parameter in parameters:
            if parameter.default is parameter.empty and parameter.name in own and parameter.name not in arguments:
                checks.problems.append(Problem(at.where, parameter.name, "given", "nothing"))
        checks.done()
        more = {name: value for name, value in arguments.items() if open_end and name not in own}
        return at, {name: arguments[name] for name in own if name in arguments} | more


def _free(kind: Argument | None, name: str, value: Any) -> list[str]:
    """Returns the names inside an argument that nobody gave; an optimizer and a member of an enumeration are none."""
    if isinstance(value, Call) and _variable(value):
        member = kind is not None and kind.kind == "text" and "." in value.name
        return [] if member or "optimizer" in name else [value.name]
    if isinstance(value, list | tuple):
        return [found for item in value for found in _free(kind, name, item)]
    return names_in(value)


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
    for language in _dialects.values():
        if framework in (language.framework, *language.aliases):
            return language
    hint = did_you_mean(str(framework)[:50], _dialects)
    raise GlidepathError.of("dialects", "framework", f"one of {', '.join(_dialects)}", framework, hint)


def libraries() -> tuple[str, ...]:
    """Returns the names of the libraries whose schedulers `load` reads.

    Examples:
        >>> "optax" in libraries()
        True
    """
    return tuple(_dialects)


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
        value: `momentum` for the companion of CyclicLR and OneCycleLR, `weight_decay` for that of Megatron-LM.
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
    value = checks.choice("value", value, ("lr", "momentum", "weight_decay"))
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
    if at.value not in ("lr", *getattr(language.readers[at.name], "__companions__", ())):
        raise at.refused("value", f"'lr': this scheduler does not move the {at.value.replace('_', ' ')}", at.value)
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
    if isinstance(value, dict):
        return {key: _tidied(at, item) for key, item in value.items()}  # type: ignore[misc]
    if isinstance(value, Rate):
        library, *_, call = source_of(value)
        shares_base = library == at.dialect.framework and not at.dialect.base
        value = read_value(call) if shares_base else Rate(value.schedule)
    if isinstance(value, Call) and not _variable(value) and not at.dialect.base and at.dialect.has(value.name):
        inner = replace(at, name=at.dialect.named(value.name))
        return Call(inner.name, {k: _tidied(at, v) for k, v in at.dialect.bound(inner, value)[1].items()})
    return value


def source_of(rate: Rate) -> tuple[str, str, str, str]:
    """Returns what the origin of a rate says: library, version, mode and call."""
    source, _, call = rate.origin.partition(" ")
    source, _, mode = source.partition(":")
    library, _, version = source.partition("@")
    return library, version, mode or "eager", call


def companions_of(rate: Schedule) -> dict[str, Schedule]:
    """Returns what else the scheduler of a rate that was read moves, by its name: the momentum, against the rate, or the weight decay."""
    if not isinstance(rate, Rate) or not rate.origin:
        return {}
    library, version, mode, text = source_of(rate)
    call, found = read_value(text), dict[str, Schedule]()
    moved = getattr(known(library).readers.get(call.name), "__companions__", ())
    for value in moved if mode == "eager" else ():
        with suppress(GlidepathError):  # it stays, as with cycle_momentum=False
            found[value] = load(library, call.name, call.arguments, version=version or None, value=value)
    return found


def _numbers(version: str | None) -> tuple[int, ...] | None:
    """Returns the leading numbers of a version, or None for the newest ("master")."""
    found = re.match(r"\D{0,10}?(\d+(?:\.\d+)*)", version or "") if not (version or "").startswith("master") else None
    return tuple(int(part[:9]) for part in found.group(1).split(".")) if found else None


def _texts(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments with schedulers and lambdas that are given as text read."""
    return {
        name: read_value(value)
        if isinstance(value, str) and ("(" in value or "lambda" in value or value[:1] in ("[", "{"))
        else value
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


def child(at: At, field: str, value: Any) -> Schedule:
    """Returns the schedule of an inner scheduler, of this library or of another, with the same base rate.

    Raises:
        GlidepathError: If it is no scheduler.
    """
    if isinstance(value, str):
        value = read_value(value)
    if isinstance(value, Rate):
        return value.schedule
    if isinstance(value, Schedule):
        return value if value.absolute or at.dialect.absolute else pieces.scaled(value, at.base)
    if not isinstance(value, Call):
        raise at.refused(field, "a scheduler, as a schedule or as text", value)
    language = at.dialect
    if not language.has(value.name):
        from .resolving import library_of  # it knows every library

        language = library_of(value)
    inner = replace(at, dialect=language, name=language.named(value.name))
    return read_call(inner, value).schedule


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
