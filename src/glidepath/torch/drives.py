"""What drives what: a schedule, the hyper-parameter it drives, and the groups it drives it in."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Literal

import numpy as np

from ..core.errors import GlidepathError, Problem, did_you_mean, shown
from ..core.fields import number
from ..core.schedule import Schedule

__all__ = ["Drive", "drives_of", "range_problem"]

_PARAMETER = re.compile(r"([A-Za-z_]\w*)(?:\[(\d{1,3})\])?\Z")
_SAMPLES = 2048  # a longer schedule is looked at in so many places before it may drive anything
JOINS = ("progress", "start")


@dataclass(frozen=True)
class Drive:
    """One schedule for one hyper-parameter of some groups.

    Args:
        schedule: The schedule, or its text.
        parameter: A key of the groups, such as `lr`, `weight_decay` or `momentum`, or one place of a tuple, such as `betas[0]`.
        groups: Names or patterns of groups (`group["name"]`; `*`, `?` and `[…]` as in file names); a leading `!` takes groups away again.
            A group without a name is matched by `*` only.
        absolute: Whether the schedule gives the values themselves instead of factors of each group's own base.
        floor: In the unit of the hyper-parameter: no group's value falls below it. At most each group's base. None for none.
        join: Where a group that is added later begins: `"progress"` at the update where the run is, `"start"` at the schedule's step 0.
        later: Whether no group needs to match yet.

    Raises:
        GlidepathError: If an argument breaks its rule above; every problem is listed.

    Examples:
        >>> Drive("cosine(100)", "weight_decay", groups=("*", "!norm")).matches("head")
        True
    """

    schedule: Schedule
    parameter: str = "lr"
    groups: tuple[str, ...] = ("*",)
    absolute: bool = False
    floor: float | None = None
    join: Literal["progress", "start"] = "progress"
    later: bool = False

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        where = f"drive of {self.parameter}" if isinstance(self.parameter, str) else "drive"

        def require(holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
            if not holds:
                problems.append(Problem(where, field, rule, shown(value), remedy))

        try:
            object.__setattr__(self, "schedule", Schedule.of(self.schedule))
        except GlidepathError as error:
            problems.extend(error.inside(where).problems)
        else:
            rate = self.schedule.absolute and self.absolute is False
            rule, remedy = "a factor of each group's own value", "it is a rate of its own: pass absolute=True"
            require(not rate, "schedule", rule, self.schedule, remedy)
        if isinstance(self.groups, str):
            object.__setattr__(self, "groups", (self.groups,))
        elif isinstance(self.groups, list | tuple):
            object.__setattr__(self, "groups", tuple(self.groups))
        named = isinstance(self.groups, tuple) and all(isinstance(g, str) and g.strip("!") for g in self.groups)
        require(bool(named and self.groups), "groups", "a pattern or several", self.groups)
        plain = isinstance(self.parameter, str) and _PARAMETER.match(self.parameter) is not None
        require(plain, "parameter", "a name, or a name and a place such as betas[0]", self.parameter)
        require(isinstance(self.absolute, bool), "absolute", "True or False", self.absolute)
        require(isinstance(self.later, bool), "later", "True or False", self.later)
        require(self.join in JOINS, "join", f"one of {', '.join(JOINS)}", self.join)
        if self.floor is not None:
            floor = number(self.floor)
            require(floor is not None and math.isfinite(floor), "floor", "a finite number", self.floor)
            if floor is not None:
                object.__setattr__(self, "floor", float(floor))
        if problems:
            raise GlidepathError(problems)

    @property
    def key(self) -> str:
        """The key in the groups: `betas` for `betas[0]`."""
        return self.parameter.partition("[")[0]

    @property
    def place(self) -> int | None:
        """The place in the tuple: 0 for `betas[0]`; None for a plain hyper-parameter."""
        found = _PARAMETER.match(self.parameter)
        return int(found[2]) if found and found[2] else None

    def matches(self, name: str | None) -> bool:
        """Returns whether the drive is for a group of this name; None is a group without one."""
        taken = False
        for pattern in self.groups:
            away = pattern.startswith("!")
            plain = pattern.lstrip("!")
            if plain == "*" or (name is not None and fnmatch.fnmatchcase(name, plain)):
                taken = not away
        return taken

    def to_dict(self) -> dict[str, Any]:
        """Returns the drive as JSON data, without fields that have their default."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        if "groups" in data:
            data["groups"] = list(self.groups)
        return data | {"schedule": self.schedule.to_dict()}

    @classmethod
    def from_dict(cls, data: Any) -> Drive:
        """Returns the drive that JSON data describes.

        Raises:
            GlidepathError: If a field is unknown, missing or breaks its rule.
        """
        if not isinstance(data, dict) or "schedule" not in data:
            raise GlidepathError.of("drive", "", 'an object with a "schedule"', data)
        known = [f.name for f in fields(cls)]
        odd = [str(key) for key in data if key not in known]
        if odd:
            raise GlidepathError.of("drive", "every field", "known", odd[0], did_you_mean(odd[0], known))
        return cls(**data)

    def values(self) -> tuple[float, float, float]:
        """Returns the lowest and the highest value of the schedule and the one it ends on, found by looking at up to 2048 steps."""
        last = min(self.schedule.duration, 2**53)
        steps = np.arange(last + 1) if last < _SAMPLES else np.unique(np.linspace(0.0, float(last), _SAMPLES).round())
        seen = self.schedule(steps)
        return float(seen.min()), float(seen.max()), float(self.schedule.scalar(last))


def drives_of(given: Any, **options: Any) -> tuple[Drive, ...]:
    """Returns the drives that `attach` was given, as one schedule, as a schedule for each hyper-parameter, or as drives.

    Raises:
        GlidepathError: With the problems of all drives.
    """
    changed = {name: value for name, value in options.items() if value != Drive.__dataclass_fields__[name].default}
    problems: list[Problem] = []
    drives: list[Drive] = []
    make: Any = Drive
    wanted: list[Callable[[], Drive]]
    if isinstance(given, Mapping) and "kind" not in given:
        wanted = [partial(make, schedule, parameter, **changed) for parameter, schedule in given.items()]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        wanted = [partial(_given, drive) for drive in given]
        if changed:
            name, value = next(iter(changed.items()))
            raise GlidepathError.of("attach", name, "given in each Drive", value)
    else:
        wanted = [partial(_given, given) if isinstance(given, Drive) else partial(make, given, **changed)]
    for want in wanted:
        try:
            drives.append(want())
        except GlidepathError as error:
            problems.extend(error.problems)
    if not drives and not problems:
        raise GlidepathError.of("attach", "schedule", "a schedule, schedules by hyper-parameter, or drives", given)
    if problems:
        raise GlidepathError(problems)
    return tuple(drives)


def _given(drive: Any) -> Drive:
    if not isinstance(drive, Drive):
        raise GlidepathError.of("attach", "every item of a list", "a Drive", drive)
    return drive


def range_problem(drive: Drive, group: str, low: float, high: float) -> Problem | None:
    """Returns the problem of the values from `low` to `high` for a drive's hyper-parameter, or None."""
    top = 1.0 if drive.key in ("momentum", "betas", "alpha") else math.inf
    if drive.key not in ("lr", "weight_decay", "momentum", "betas", "alpha", "eps"):
        return None
    if math.isfinite(low) and math.isfinite(high) and low >= 0.0 and (high < top):
        return None
    rule = "finite and at least 0" if top == math.inf else "at least 0 and below 1"
    return Problem(f"group {group}", drive.parameter, f"{rule} at every step", f"values from {low!r} to {high!r}")
