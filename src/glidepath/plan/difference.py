"""What differs between two plans, and from where on their values do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..core import Answer, Schedule, each_of, shown
from .findings import places
from .given import read
from .model import Plan

_NOTHING = object()  # what stands where a field is not


@dataclass(frozen=True)
class Difference(Answer):
    """One field that differs.

    Args:
        path: Where, such as `$.horizon.batch`.
        before: What it was, as text; empty if it was not there.
        after: What it is; empty if it is gone.
    """

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.path}: + {self.after}"
        return f"{self.path}: {self.before} -> {self.after}" if self.after else f"{self.path}: - {self.before}"


@dataclass(frozen=True)
class Differences(Answer):
    """All differences of two plans.

    Args:
        fields: The fields that differ.
        effects: What that does to the run and to the values, a sentence each.
    """

    fields: tuple[Difference, ...]
    effects: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.fields)

    def lines(self) -> list[str]:
        """Returns the differences as lines of text."""
        return [*map(str, self.fields), *self.effects] if self.fields else ["no difference"]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def diff(a: Any, b: Any) -> Differences:
    """Returns what differs between two plans.

    Args:
        a: The plan before: itself, its data or its text.
        b: The plan after.

    Raises:
        GlidepathError: If one is no plan.
    """
    before, after = Plan.of(a), Plan.of(b)
    fields = tuple(_compared(before.to_dict(), after.to_dict(), "$"))
    return Differences(fields, tuple(_effects(before, after)) if fields else ())


def sentences(before: Plan, after: Plan) -> list[str]:
    """Returns what differs between the plan that a state was saved with and the present one, a sentence each; rules go by their titles."""
    found = list[str]()
    old, new = ({rule.title: rule for rule in plan.rules} for plan in (before, after))
    for title, rule in old.items():
        for field in ("schedule", "absolute", "floor", "join", "later", "over") if title in new else ():
            was, now = getattr(rule, field), getattr(new[title], field)
            if was != now:
                found.append(f"{title}: {'' if field == 'schedule' else field + ' '}saved {was}, now {now}")
        if title not in new:
            found.append(f"{title}: saved with {rule.schedule}, now not driven")
    found += [f"{title}: not in the saved plan, now {rule.schedule}" for title, rule in new.items() if title not in old]
    if not found and list(old) != list(new):
        found.append("the rules are the same in another order")
    rest = ("horizon", "clock", "feedback", "batch")
    was, now = ({key: value for key, value in each.to_dict().items() if key in rest} for each in (before, after))
    fields = _compared(was, now, "")
    return found + [f"{d.path[1:]}: saved {d.before or 'nothing'}, now {d.after or 'nothing'}" for d in fields]


def diff_files(a: str | Path, b: str | Path) -> Differences:
    """Returns what differs between two plan files, for `glidepath diff`.

    Raises:
        GlidepathError: With the problems of both files.
    """
    return diff(*each_of((a, b), read, lambda i: Path((a, b)[i]).name))


def _compared(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _compared(before.get(key, _NOTHING), after.get(key, _NOTHING), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for i, (left, right) in enumerate(zip_longest(before, after, fillvalue=_NOTHING)):
            yield from _compared(left, right, f"{path}[{i}]")
    elif type(before) is not type(after) or before != after:
        yield Difference(path, _text(before), _text(after))


def _text(value: Any) -> str:
    if value is _NOTHING:
        return ""
    return value if isinstance(value, str) and len(value) <= 200 and value else shown(value, 200)


def _effects(before: Plan, after: Plan) -> list[str]:
    """Returns what the differences do."""
    lines: list[str] = []
    for name in ("updates", "samples", "tokens"):
        old, new = getattr(before.derived, name), getattr(after.derived, name)
        if old != new:
            told = ("unknown" if value is None else str(value) for value in (old, new))
            lines.append(f"{name} of the run: {' -> '.join(told)}")
    if before.clock != after.clock:
        return [*lines, f"the clocks differ ({before.clock}, {after.clock}): the values are not compared"]
    known = {(r.parameter, r.groups): s for r, s in zip(before.rules, before.resolution[0], strict=True)}
    for rule, new in zip(after.rules, after.resolution[0], strict=True):
        old = known.get((rule.parameter, rule.groups))
        if old is not None and new is not None and old != new:
            lines.append(f"{rule.parameter} of {', '.join(rule.groups)}: {_apart(old, new, before, after)}")
    return lines


def _apart(old: Schedule, new: Schedule, before: Plan, after: Plan) -> str:
    """Returns from where on two schedules differ, and by how much at most."""
    ends = [end for end in (before.total, after.total, old.duration, new.duration) if end is not None and end < 2**53]
    last = int(max(ends, default=10_000))
    steps = places(last)
    gap = [abs(old(step) - new(step)) for step in steps]
    apart = next((i for i, each in enumerate(gap) if each > 1e-12), None)
    if apart is None:
        return "equal values, as far as looked at"
    first, low = steps[apart], steps[max(apart - 1, 0)]
    while first - low > 1:  # looked at some places only: find the first in between
        middle = (low + first) // 2
        low, first = (low, middle) if abs(old(middle) - new(middle)) > 1e-12 else (middle, first)
    at = steps[gap.index(max(gap))]
    return f"differs from {first} {after.clock} on, most at {at}: {old(at):.6g} -> {new(at):.6g}"
