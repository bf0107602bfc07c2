"""A drive's place in one group: which group, what its base is, where its clock began."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..core.errors import GlidepathError, Problem, shown
from ..core.fields import number
from .drives import Drive, range_problem

__all__ = ["MISSING", "Group", "Seat", "name_of", "read", "write"]

Group = dict[str, Any]
MISSING = object()


class Seat:
    """One drive in one group.

    Args:
        drive: What drives.
        group: The group, as the optimizer holds it now.
        label: The group's name, or its number as text.
        base: The value that factors multiply.
        start: The update at which the schedule's step 0 was.
        before: What the group had under the key of the base, or `MISSING`.
    """

    __slots__ = ("base", "before", "drive", "formed", "group", "label", "params", "seen", "start")

    def __init__(self, drive: Drive, group: Group, label: str, base: float, start: int, seen: float) -> None:
        self.drive, self.group, self.label = drive, group, label
        self.base, self.start = base, start
        self.seen = seen  # what the group held when the seat was taken
        self.formed = False  # the group held a number, which was made a tensor
        self.before: Any = group.get(f"initial_{drive.parameter}", MISSING)
        self.params: list[Any] = group["params"]

    @classmethod
    def take(cls, drive: Drive, group: Group, label: str, start: int, rebase: bool) -> Seat:
        """Returns the seat of a drive in a group; nothing is written.

        Raises:
            GlidepathError: If the group has no such hyper-parameter, or a value that is none.
        """
        current = read(drive, group, label)
        key, since = f"initial_{drive.parameter}", f"start_{drive.parameter}"
        known = key in group and not rebase
        base = group[key] if known else current
        plain = float(base) if isinstance(base, Tensor) and base.numel() == 1 else number(base)
        if plain is None or not math.isfinite(plain):
            raise GlidepathError.of(f"group {label}", key if known else drive.parameter, "a finite number", base)
        started = number(group[since]) if known and since in group else start
        if started is None or started != started // 1:
            raise GlidepathError.of(f"group {label}", since, "a whole number", group[since])
        return cls(drive, group, label, float(plain), int(started), float(current))

    def check(self, low: float, high: float, end: float) -> list[Problem]:
        """Returns the problems of driving this group by values between `low` and `high` that end on `end`."""
        drive, problems = self.drive, list[Problem]()
        where = f"group {self.label}"
        if not drive.absolute:
            low, high = sorted((low * self.base, high * self.base))
        elif drive.parameter == "lr" and end > self.base:
            remedy = "give the group a drive of its own, or factors"
            rule = f"at least the {end!r} that its absolute schedule ends on"
            problems.append(Problem(where, drive.parameter, rule, shown(self.base), remedy))
        if drive.floor is not None:
            low, high = max(low, drive.floor), max(high, drive.floor)
            if drive.floor > self.base:
                rule = f"at least its absolute floor {drive.floor!r}"
                problems.append(Problem(where, drive.parameter, rule, shown(self.base), "factors have relative floors"))
        outside = range_problem(drive, self.label, low, high)
        return [*problems, outside] if outside else problems

    def value(self, k: float, scale: float = 1.0) -> float:
        """Returns the value of update `k`, in the unit of the hyper-parameter."""
        drive = self.drive
        value = ((1.0 if drive.absolute else self.base) * scale) * drive.schedule.scalar(k - self.start)
        return value if drive.floor is None or value >= drive.floor else drive.floor

    def form(self, tensors: bool) -> str:
        """Gives a learning rate the form that the optimizer accepts, a tensor if `tensors`; returns what was refused, or nothing."""
        group, held = self.group, self.group[self.drive.key]
        if self.drive.parameter != "lr":
            return ""
        refused = group.get("foreach") is True and group.get("capturable") is False
        if isinstance(held, Tensor):
            if refused:
                group["lr"] = float(held)
        elif tensors and not refused:
            device = group["params"][0].device if group["params"] and group.get("capturable") else "cpu"
            group["lr"], self.formed = torch.tensor(float(held), device=device), True
        refused = refused and (tensors or isinstance(held, Tensor))
        return "foreach=True with capturable=False takes no tensor: its learning rate is a float" if refused else ""

    def leave(self, keep: bool) -> None:
        """Makes the group what it was before the seat was taken, but for the value if `keep`."""
        if self.formed:
            self.group["lr"] = float(self.group["lr"])
        if not keep:
            write(self.drive, self.group, self.base)
        self.rise()

    def sit(self) -> None:
        """Writes the base, and the start of the clock if it has its own, into the group."""
        self.group[f"initial_{self.drive.parameter}"] = self.base
        if self.start:
            self.group[f"start_{self.drive.parameter}"] = self.start

    def rise(self) -> None:
        """Takes out of the group what `sit` added."""
        self.group.pop(f"start_{self.drive.parameter}", None)
        if self.before is MISSING:
            self.group.pop(f"initial_{self.drive.parameter}", None)
        else:
            self.group[f"initial_{self.drive.parameter}"] = self.before


def name_of(group: Group) -> str | None:
    """Returns the name of a group, or None."""
    name = group.get("name")
    return name if isinstance(name, str) and name else None


def read(drive: Drive, group: Group, label: str) -> Any:
    """Returns what a group holds for a drive's hyper-parameter.

    Raises:
        GlidepathError: If it holds nothing that can be driven.
    """
    where, place = f"group {label}", drive.place
    if drive.key not in group:
        known = ", ".join(key for key in group if key != "params")
        raise GlidepathError.of(where, "the hyper-parameter", f"one of {known}", drive.parameter)
    value = group[drive.key]
    if place is not None:
        if not isinstance(value, tuple | list) or place >= len(value):
            raise GlidepathError.of(where, drive.key, f"a tuple of more than {place} numbers", value)
        value = value[place]
    if isinstance(value, Tensor):
        if value.numel() != 1 or not value.is_floating_point():
            rule = "a floating-point tensor with one number"
            raise GlidepathError.of(where, drive.parameter, rule, f"a tensor {value.dtype} {tuple(value.shape)}")
    elif number(value) is None:
        raise GlidepathError.of(where, drive.parameter, "a number", value)
    return value


def write(drive: Drive, group: Group, value: float) -> None:
    """Writes a value into a group; a tensor keeps its place in memory."""
    place = drive.place
    holder: Any = group if place is None else group[drive.key]
    at: Any = drive.key if place is None else place
    if isinstance(holder[at], Tensor):
        holder[at].detach().fill_(value)
    elif place is None:
        group[drive.key] = value
    else:
        group[drive.key] = type(holder)((*holder[:place], value, *holder[place + 1 :]))
