"""How code is written: calls with their optimizer, functions of the step as flat source, and what cannot be said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..core import Expression, GlidepathError, Hold, Problem, Product, Rate, Schedule, shown
from ..core.fields import MAX_STEPS
from .calls import Call, read
from .reading import load, source_of


class NotExpressible(GlidepathError):
    """A schedule, or a part of one, that cannot be said in a library's code."""


def refused(framework: str, path: str, rule: str, value: Any, remedy: str = "") -> NotExpressible:
    """Returns the error of a part that cannot be said."""
    return NotExpressible(Problem(f"{framework} {path}".strip(), "", rule, shown(value), remedy))


def closed_or_refused(schedule: Schedule, framework: str) -> None:
    """Refuses a schedule with a part that is no function of the step.

    Raises:
        NotExpressible: With the path of the part.
    """
    for path, part in _walked(schedule, "$"):
        if not part.closed and not part.schedules():
            raise refused(framework, path, "a function of the step to be said there", part, "it is only replayed")


def _walked(schedule: Schedule, path: str) -> Iterator[tuple[str, Schedule]]:
    yield path, schedule
    for name in schedule.field_names():
        value = getattr(schedule, name)
        items = enumerate(value) if isinstance(value, tuple) else [("", value)]  # type: ignore[arg-type]
        for i, item in items:
            if isinstance(item, Schedule):
                yield from _walked(item, f"{path}.{name}" + (f"[{i}]" if item is not value else ""))


def peeled(schedule: Schedule) -> tuple[Schedule, float]:
    """Returns what is inside notes of origin and plain scales, and the scale."""
    scale = 1.0
    while True:
        if isinstance(schedule, Rate):
            schedule = schedule.schedule
        elif isinstance(schedule, Product) and len(schedule.parts) == 1:
            schedule, scale = schedule.parts[0], scale * schedule.scale
        else:
            return schedule, scale


def original(schedule: Schedule, framework: str) -> tuple[Call, float] | None:
    """Returns the call that a schedule was read from and its base rate, if it came from this library and still has these values."""
    if not isinstance(schedule, Rate) or schedule.base is None:
        return None
    library, version, mode, text = source_of(schedule)
    if library != framework or mode != "eager":
        return None
    call = read(text)
    for strict in (True, False):
        how: Any = {"version": version or None, "strict": strict}
        with suppress(GlidepathError):
            if load(framework, call.name, call.arguments, base_lr=schedule.base, **how).schedule == schedule.schedule:
                return call, schedule.base
    return None


def is_said(call: Call, schedule: Schedule, framework: str, base: float) -> bool:
    """Tells whether a call, read back for a base rate, has the values of a schedule."""
    try:
        again = load(framework, call.name, dict(call.arguments), base_lr=base)
        last = 400 if schedule.duration == math.inf else min(int(schedule.duration) + 50, 4000)
        steps = sorted({*range(0, last, max(1, last // 400)), *(10**k for k in range(2, 7))})
        values = [schedule(step) for step in steps]
        limit = 1e-12 * (max(map(abs, values)) or 1.0)
        return all(abs(again(step) - value) <= limit for step, value in zip(steps, values, strict=True))
    except GlidepathError:
        return False


def laid_out(name: str, inside: Sequence[str], indent: int = 0, limit: int = 110) -> str:
    """Returns a call as code; on several lines where it is long."""
    text = f"{name}({', '.join(inside)})"
    if len(text) + indent <= limit and "\n" not in text:
        return text
    pad = "\n" + " " * (indent + 4)
    return f"{name}({pad}{f',{pad}'.join(inside)},\n{' ' * indent})"


def rate_line(base: float | None) -> str:
    """Returns the line that says the optimizer's rate, where one is needed."""
    return "" if base is None else f"base_lr = {base!r}  # the optimizer's rate when the scheduler is made\n\n\n"


class Writer:
    """Collects the functions that a piece of code needs.

    Args:
        prefix: What stands before the names of schedulers, such as `lr_scheduler.`.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.imports: list[str] = []
        self.functions: list[str] = []

    def function(self, schedule: Schedule, name: str = "factor") -> str:
        """Writes a schedule as a function of the step and returns its name; a constant becomes a lambda."""
        if isinstance(schedule, Hold) or (isinstance(schedule, Expression) and "step" not in schedule.formula):
            return f"lambda step: {schedule(0)!r}"
        unique = name if not self.functions else f"{name}{len(self.functions) + 1}"
        lines = re.sub(r"\bT(\d+)\b", rf"{unique.upper()}_TABLE\1", plain_source(schedule, unique)).splitlines()
        self.imports += [line for line in lines if line.startswith("from ")]
        self.functions.append("\n".join(line for line in lines if not line.startswith("from ")).strip())
        return unique

    def value(self, value: Any, indent: int) -> str:
        """Returns an argument as code."""
        if isinstance(value, Call):
            return self.call(value, indent)
        if isinstance(value, Schedule):
            return self.function(value)
        if isinstance(value, list | tuple):
            items = [self.value(item, indent + 4) for item in value]  # type: ignore[arg-type]
            if any(isinstance(item, Call) for item in value):  # type: ignore[arg-type]
                pad = "\n" + " " * (indent + 4)
                return f"[{pad}{(',' + pad).join(items)},\n{' ' * indent}]"
            return f"[{', '.join(items)}]"
        return repr(value)

    def call(self, call: Call, indent: int) -> str:
        """Returns a call as code, with its optimizer; on several lines where it is long."""
        name = call.name.rpartition(".")[2]
        first = [] if name == "ChainedScheduler" else ["optimizer"]
        given = dict(call.arguments)
        around = given.pop("scheduler_or_optimizer", None)  # of OneFlow's warmup: a scheduler, or the optimizer itself
        if isinstance(around, Schedule) or (isinstance(around, Call) and not around.bare):
            first = [self.value(around, indent + 4)]
        inner = [f"{key}={self.value(value, indent + 4)}" for key, value in given.items()]
        prefix = "swa_utils." if name == "SWALR" and self.prefix == "lr_scheduler." else self.prefix
        return laid_out(prefix + name, [*first, *inner], indent)

    def head(self, *lines: str) -> str:
        """Returns the imports, in order and once each, and the functions."""
        imports, math = sorted({*self.imports, *lines}), "from math import "
        names = sorted({name for line in imports if line.startswith(math) for name in line[17:].split(", ")})
        standard = [line for line in imports if line.startswith("from bisect")]
        standard += [math + ", ".join(names)] if names else []
        others = [line for line in imports if not line.startswith(("from math", "from bisect"))]
        groups = ["\n".join(group) for group in (standard, others) if group]
        return "\n\n".join(groups) + "\n\n\n" + "".join(f"{text}\n\n\n" for text in self.functions)


def plain_source(schedule: Schedule, name: str) -> str:
    """Returns the flat source of a schedule without what only NaN and steps beyond 2^53 need."""
    source = re.sub(r"return (.+) if t == t else t$", r"return \1", schedule.source(name), flags=re.MULTILINE)
    lines = source.splitlines()
    if (endless := f"    if t < {MAX_STEPS}:") in lines:
        top = lines.index(endless)
        lines = [*lines[:top], *(line[4:] for line in lines[top + 1 : -1])]
    return "\n".join(lines) + "\n"
