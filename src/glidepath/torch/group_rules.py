"""A rule's place in one group: which group, what its base is, where its clock began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core import GlidepathError, Problem, Schedule, shown
from ..core.fields import number
from ..plan import Rule

Group = dict[str, Any]
MISSING = object()
_SAMPLES = 2048  # a longer schedule is looked at in so many places before it may drive anything
_SHARES = ("momentum", "betas", "alpha")  # below 1, and mostly near it
_OF_ADAFACTOR = "relative_step=False, scale_parameter=False, warmup_init=False"
_SLACK = 1 + 1e-9  # an absolute peak is a product, and may round to above the base that it was made of


@dataclass(slots=True, eq=False, repr=False)
class Seat:
    """One rule in one group.

    Args:
        rule: What drives, its schedule complete.
        group: The group, as the optimizer holds it now.
        label: The group's name, or its number as text.
        base: The value that factors multiply.
        start: The position at which the schedule's step 0 was.
        seen: What the group held when the seat was taken.
        carried: Whether the base is one that the group carried, and not just the value that it held.
    """

    rule: Rule
    group: Group
    label: str
    base: float
    start: int
    seen: Any  # and from then on what was last written
    carried: bool = True
    factor: float = 1.0  # of the group's own, which its rate is multiplied by
    saved: float | None = None  # what a checkpoint says that the base was
    tried: Any = None  # what a write that was not finished may have left
    tensor: Tensor | None = None  # where it is written, if that is a tensor
    formed: bool = False  # the group held a number, which was made a tensor
    own: float = field(init=False)  # what the base was when the seat was taken
    found: Any = field(init=False)  # what was held then
    before: Any = field(init=False)  # the base that the group carried then
    params: list[Any] = field(init=False)
    schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        self.own, self.found, self.before = self.base, self.seen, self.group.get(self.base_key, MISSING)
        self.schedule, self.params = self.rule.complete, self.group["params"]

    @property
    def base_key(self) -> str:
        """The key of the group that holds its base; PyTorch's own for a learning rate."""
        return f"initial_{self.rule.parameter}"

    @property
    def start_key(self) -> str:
        """The key of the group that holds the start of its clock, where it has its own."""
        return f"start_{self.rule.parameter}"

    @classmethod
    def take(cls, rule: Rule, group: Group, label: str, start: int, rebase: bool) -> Seat:
        """Returns the seat of a rule in a group; nothing is written.

        Raises:
            GlidepathError: If the group has no such hyper-parameter, or a value that is none.
        """
        current, where = read(rule, group, label), f"group {label}"
        if rule.parameter == "lr" and (current is None or group.get("relative_step")):
            remedy = f"lr=1e-3, and for Adafactor {_OF_ADAFACTOR}; or drive another key"
            got = "one that the optimizer makes itself"
            raise GlidepathError.worded(where, "lr", "a rate of your own", got, remedy)
        key, since = f"initial_{rule.parameter}", f"start_{rule.parameter}"
        known = key in group and not rebase
        base = group[key] if known else current
        plain = float(base) if isinstance(base, Tensor) and base.numel() == 1 else number(base)
        if plain is None or not math.isfinite(plain):
            raise GlidepathError.of(where, key if known else rule.parameter, "a finite number", base)
        started = number(group[since]) if known and since in group else start
        if started is None or started != started // 1:
            raise GlidepathError.of(where, since, "a whole number", group[since])
        seen = float(current) if isinstance(current, Tensor) else current
        return cls(rule, group, label, float(plain), int(started), seen, known)

    def scale_by(self, key: str | None) -> None:
        """Finds the group's own factor of its rate.

        Raises:
            GlidepathError: If it is none.
        """
        if key and self.rule.parameter == "lr":
            plain = number(self.group.get(key, 1.0))
            if plain is None or not 0 <= plain < math.inf:
                raise GlidepathError.of(f"group {self.label}", key, "a finite number, at least 0", self.group[key])
            self.factor = float(plain)

    def check(self, low: float, high: float, end: float) -> list[Problem]:
        """Returns the problems of driving this group by values between `low` and `high` that end on `end`."""
        rule, problems, where = self.rule, list[Problem](), f"group {self.label}"
        if not rule.absolute:
            if rule.key in _SHARES and low > 0.5 and high < 1.0:
                text = f"values from {low:g} to {high:g}, which look like {rule.key} itself"
                remedy = f'say so: {{"{rule.parameter}": {{"schedule": …, "absolute": True}}}}, or rate(…)'
                problems.append(Problem(where, rule.parameter, "given as factors of its base", text, remedy))
            low, high = sorted((low * self.base, high * self.base))
        elif rule.parameter == "lr" and not self.schedule.absolute and high > self.base * _SLACK:
            remedy = "give the group a rule of its own, or factors"
            value, what = (end, "ends on") if end > self.base else (high, "reaches")
            said = f"at least the {value!r} that its absolute schedule {what}"
            problems.append(Problem(where, rule.parameter, said, shown(self.base), remedy))
        if rule.floor is not None:
            low, high = max(low, rule.floor), max(high, rule.floor)
            if rule.floor > self.base:
                said = f"at least its absolute floor {rule.floor!r}"
                problems.append(Problem(where, rule.parameter, said, shown(self.base), "factors have relative floors"))
        share = rule.key in _SHARES
        fits = low >= 0.0 and high < (1.0 if share else math.inf)
        if not fits and (share or rule.key in ("lr", "weight_decay", "eps")):
            said = f"{'at least 0 and below 1' if share else 'finite and at least 0'} at every step"
            problems.append(Problem(where, rule.parameter, said, f"values from {low!r} to {high!r}"))
        return problems

    def finish(self, made: float, scale: float) -> float:
        """Returns what a value of the schedule comes to in this group."""
        rule = self.rule
        value = (self.root * scale) * made
        return value if rule.floor is None or value >= rule.floor else rule.floor

    @property
    def root(self) -> float:
        """What the schedule's value is multiplied by."""
        return (1.0 if self.rule.absolute else self.base) * self.factor

    def form(self, tensors: bool, early: bool = False) -> str:
        """Gives a learning rate the form that the optimizer accepts, a tensor if `tensors`; returns what was refused, or nothing.

        With `early` a form that is refused stays as it is until the first update.
        """
        group, held = self.group, self.group[self.rule.key]
        if self.rule.parameter != "lr":
            return ""
        refused = group.get("foreach") is True and group.get("capturable") is False
        if isinstance(held, Tensor) and refused and not early:
            group["lr"] = float(held)
        elif tensors and not refused and not isinstance(held, Tensor):
            device = group["params"][0].device if group["params"] and group.get("capturable") else "cpu"
            group["lr"], self.formed = torch.tensor(float(held), device=device), True
        self.tensor = group["lr"] if isinstance(group["lr"], Tensor) else None
        refused = refused and not early and (tensors or isinstance(held, Tensor))
        return "foreach=True with capturable=False takes no tensor: its learning rate is a float" if refused else ""

    def leave(self, keep: bool) -> None:
        """Makes the group what it was before the seat was taken, but for the value if `keep`."""
        if self.formed:
            self.group["lr"] = float(self.group["lr"])
        if not keep:
            write(self.rule, self.group, self.base)
        self.rise()

    def sit(self, keep: bool = False) -> None:
        """Writes the base of a learning rate, and the start of the clock if it has its own, into the group.

        `initial_lr` is PyTorch's own key. The base of another hyper-parameter gets none: checkpoints of before would miss it. With `keep`
        a base that is there stays.
        """
        if not keep if self.base_key in self.group else self.rule.parameter == "lr":
            self.group[self.base_key] = self.base
        if self.start:
            self.group[self.start_key] = self.start

    def rise(self) -> None:
        """Takes out of the group what `sit` added."""
        self.group.pop(self.start_key, None)
        self.group.pop(self.base_key, None)
        if self.before is not MISSING:
            self.group[self.base_key] = self.before


def powerless(rule: Rule, seats: Sequence[Seat]) -> Problem | None:
    """Returns the problem of factors of nothing: every group of a rule has a base of 0."""
    if rule.absolute or not seats or any(seat.base for seat in seats):
        return None
    remedy = f"give the optimizer a {rule.key} above 0, or the values themselves: absolute=True, or rate(…)"
    names = ", ".join(seat.label for seat in seats[:8])
    said = "a base above 0 in some group: factors of 0 stay 0"
    return Problem(f"group {names}", rule.parameter, said, "0", remedy)


def extent(schedule: Schedule) -> tuple[float, float, float]:
    """Returns the lowest and the highest value of a schedule and the one it ends on, found by looking at up to 2048 steps."""
    last = min(schedule.duration, 2**53)
    steps = np.arange(last + 1) if last < _SAMPLES else np.unique(np.linspace(0.0, float(last), _SAMPLES).round())
    seen = schedule(steps)
    return float(seen.min()), float(seen.max()), float(schedule.scalar(last))


def name_of(group: Group) -> str | None:
    """Returns the name of a group, or None."""
    name = group.get("name")
    return name if isinstance(name, str) and name else None


def held(rule: Rule, group: Group) -> Any:
    """Returns what a group holds for a rule's hyper-parameter, unchecked."""
    return group[rule.key] if rule.place is None else group[rule.key][rule.place]


def read(rule: Rule, group: Group, label: str) -> Any:
    """Returns what a group holds for a rule's hyper-parameter.

    Raises:
        GlidepathError: If it holds nothing that can be driven.
    """
    where, place = f"group {label}", rule.place
    if rule.key not in group:
        known = ", ".join(key for key in group if key != "params")
        raise GlidepathError.of(where, "the hyper-parameter", f"one of {known}", rule.parameter)
    value = group[rule.key]
    if place is not None:
        if not isinstance(value, tuple | list) or place >= len(value):
            raise GlidepathError.of(where, rule.key, f"a tuple of more than {place} numbers", value)
        value = value[place]
    tensor = isinstance(value, Tensor)
    if tensor and (value.numel() != 1 or not value.is_floating_point()):
        said = "a floating-point tensor with one number"
        raise GlidepathError.of(where, rule.parameter, said, f"a tensor {value.dtype} {tuple(value.shape)}")
    if not tensor and number(value) is None and value is not None:
        raise GlidepathError.of(where, rule.parameter, "a number", value)
    return value


def write(rule: Rule, group: Group, value: float) -> None:
    """Writes a value into a group; a tensor keeps its place in memory."""
    current = held(rule, group)
    if isinstance(current, Tensor):
        current.detach().fill_(value)
    elif rule.place is None:
        group[rule.key] = value
    else:
        whole = group[rule.key]
        group[rule.key] = type(whole)((*whole[: rule.place], value, *whole[rule.place + 1 :]))
