"""How a call becomes a schedule: its arguments read, the schedulers inside it too, and where it came from noted.

Which scheduler a name is and what its arguments are stands in the `table`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..core import Checks, Expression, GlidepathError, Rate, Recurrence, Schedule
from ..core.fields import number
from . import pieces
from .calls import Call, read_value
from .table import CallSite, known, whose

_READ = re.compile(r"\(|lambda|^[\[{]")  # what a text is read for


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
    at = CallSite(language, proper, kept, version or "", mode, value, strict)
    texts = {name for name, item in (arguments or {}).items() if isinstance(item, str) and _READ.search(item)}
    given = {name: read_value(item) if name in texts else item for name, item in (arguments or {}).items()}
    return read_call(at, Call(proper, given))


def read_call(at: CallSite, call: Call) -> Rate:
    """Returns the schedule of a call; without `strict`, one that is refused is replayed step by step where the library can be."""
    language = at.dialect
    row = language.readers[at.name]
    if at.value not in ("lr", row.moves):
        raise at.refused("value", f"'lr': this scheduler does not move the {at.value.replace('_', ' ')}", at.value)
    settled, arguments = language.bound(at, call)
    tidy = Call(at.name, {name: _tidied(settled, value) for name, value in arguments.items()})
    try:
        schedule = row(settled, **tidy.arguments)
    except GlidepathError as refusal:
        if at.strict or language.framework not in Recurrence.rules or at.value != "lr":
            raise
        try:
            schedule = Recurrence(language.framework, str(tidy), settled.base)
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


def _tidied(at: CallSite, value: Any) -> Any:
    """Returns an argument with the calls inside it under their plain names and with named arguments."""
    if isinstance(value, list | tuple):
        return [_tidied(at, item) for item in value]
    if isinstance(value, dict):
        return {key: _tidied(at, item) for key, item in value.items()}  # type: ignore[misc]
    if isinstance(value, Rate):
        library, *_, call = source_of(value)
        shares_base = library == at.dialect.framework and not at.dialect.base
        value = read_value(call) if shares_base else Rate(value.schedule)
    if isinstance(value, Call) and not value.bare and not at.dialect.base and at.dialect.find(value.name):
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
    row = known(library).readers.get(call.name)
    if row is not None and row.moves and mode == "eager":
        with suppress(GlidepathError):  # it stays, as with cycle_momentum=False
            found[row.moves] = load(library, call.name, call.arguments, version=version or None, value=row.moves)
    return found


def nested(at: CallSite, field: str, value: Any) -> Call | Schedule:
    """Returns an inner scheduler as its call, or as a schedule where it comes from no call of this library.

    Raises:
        GlidepathError: If it is neither.
    """
    value = read_value(value) if isinstance(value, str) else value
    if isinstance(value, Rate) and source_of(value)[0] == at.dialect.framework and not at.dialect.base:
        value = read_value(source_of(value)[3])
    if isinstance(value, Call):
        return replace(value, name=at.dialect.named(value.name))
    if isinstance(value, Schedule):
        return value
    raise at.refused(field, "a scheduler, as a schedule or as text", value)


def child(at: CallSite, field: str, value: Any) -> Schedule:
    """Returns the schedule of an inner scheduler, of this library or of another, with the same base rate.

    Raises:
        GlidepathError: If it is no scheduler.
    """
    value = read_value(value) if isinstance(value, str) else value
    if isinstance(value, Rate):
        return value.schedule
    if isinstance(value, Schedule):
        return value if value.absolute or at.dialect.absolute else pieces.scaled(value, at.base)
    if not isinstance(value, Call):
        raise at.refused(field, "a scheduler, as a schedule or as text", value)
    language = at.dialect if at.dialect.find(value.name) else whose(value)[0]
    return read_call(replace(at, dialect=language, name=language.named(value.name)), value).schedule


def of_step(at: CallSite, field: str, value: Any) -> Schedule:
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
            raise GlidepathError(replace(p, where=at.where, field=field) for p in error.problems) from None
    rule = "a schedule or the text of a function of the step, such as 'lambda t: 0.95**t'"
    remedy = "a function cannot be saved or compared: write it as text" if callable(value) else ""
    remedy = remedy if number(value) is None else f"a constant is written 'lambda t: {value!r}'"
    raise at.refused(field, rule, value, remedy)
