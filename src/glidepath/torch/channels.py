"""The quick way of a rule's values into the groups, and the watch over what others write there.

Groups with one base share one Python float. Whether a group still holds that very object is the watch: it costs one comparison of
addresses. Tensors are written by their rows, which watch over them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import numpy as np
from torch import Tensor

from ..plan import Plan, Rule
from ..plan.progress import apart, steered
from .group_rules import Group, Seat, held, write
from .rows import Values, tensors

Write = Callable[[list[Group], float], bool]
Rows = list[tuple[int, Seat]]  # seats, with the places of their groups
_MANY = 8  # so many groups with a base must there be, on average, that sharing one loop pays


class Lane:
    """Some seats, and what was last written there: one value that all share, or a list with one for each."""

    __slots__ = ("last", "picks", "seats", "tried")

    def __init__(self, seats: list[Seat], picks: Callable[[list[Group]], Sequence[Group]]) -> None:
        self.seats, self.picks = seats, picks
        self.last: Any = None
        self.tried: Any = None  # what was being written when a group was found that did not hold the last value

    def pairs(self) -> list[tuple[Seat, Any]]:
        """Returns each seat with what was last written there."""
        return list(zip(self.seats, self.last if isinstance(self.last, list) else repeat(self.last), strict=False))


class Channel:
    """One rule and all its seats.

    Args:
        rule: What drives.
        plan: Whose rule it is, for its controllers.
        scale: Multiplies every value; 1 unless somebody changed the rates of the run.
    """

    def __init__(self, rule: Rule, plan: Plan, scale: float = 1.0) -> None:
        self.rule, self.scale, self.plan, self.schedule = rule, scale, plan, rule.complete
        self.steered = any(part.parameter == rule.parameter for part in plan.feedback) or rule.over is not None
        self.others = [other for other in plan.driven if other.parameter == rule.over]  # that it is kept apart from
        self.states: tuple[Any, ...] = ()  # of the controllers, for the coming write
        self.seats: list[Seat] = []
        self.lanes: list[Lane] = []
        self.only: tuple[Lane, str, float, Callable[[float], float]] | None = None  # all there is to the only group
        self.on_cuda = False

    def value(self, seat: Seat, k: float) -> float:
        """Returns the value of a seat at position `k`."""
        made = self.schedule.scalar(k - seat.start)
        if self.steered:
            made = steered(self.plan, made, k, self.states, self.rule.parameter, seat.label)
            for other in self.others:
                if other.matches(seat.label):
                    made = apart(self.plan, made, other, k, self.states, seat.label, seat.start)
        return seat.finish(made, self.scale)

    def base(self, seat: Seat) -> float:
        """Returns what the schedule's value is multiplied by."""
        return seat.root * self.scale

    def harvest(self) -> None:
        """Lets each seat know what was last written there."""
        for lane in self.lanes:
            tried = lane.tried if isinstance(lane.tried, list) else [lane.tried] * len(lane.seats)
            for (seat, value), half in zip(lane.pairs(), tried, strict=True):
                seat.seen, seat.tried = value, half

    def build(self, groups: list[Group], k: float, left: frozenset[int] = frozenset()) -> list[Write]:
        """Writes the values of position `k` into these groups and returns the quick ways for the updates after it.

        Each of them writes the values of another position and returns True; or returns False as soon as a group does not hold what was
        written there last, with none, some or all values written.

        Args:
            groups: Those that are about to be stepped.
            k: The position.
            left: The seats that are left as they are, by their `id`.
        """
        index = {id(group): i for i, group in enumerate(groups)}
        self.harvest()
        self.lanes, self.only = [], None
        kinds: dict[Any, Rows] = {}  # of tensors
        floats: dict[int, dict[float, Rows]] = {}  # by the beginning of their clocks, then by their bases
        for seat in self.seats:
            if id(seat.group) in index and id(seat) not in left:
                found, row = held(self.rule, seat.group), (index[id(seat.group)], seat)
                if isinstance(found, Tensor):
                    kinds.setdefault((found.dtype, type(found), found.device), []).append(row)
                else:
                    floats.setdefault(seat.start, {}).setdefault(self.base(seat), []).append(row)
        self.on_cuda = any(device.type == "cuda" for _, _, device in kinds)
        writes = [self._tensors(rows, k) for rows in kinds.values()]
        shares = [rows for bases in floats.values() for rows in bases.values()]
        every = sorted(chain.from_iterable(shares), key=itemgetter(0))
        many = floats.keys() == {0} and len(every) > _MANY and len(shares) * _MANY > len(every)
        if self.rule.place is not None:
            return writes + [self._inside(rows, k) for rows in ([[row] for row in every] if self.steered else shares)]
        if every and (self.steered or many):
            return [*writes, self._many(every, k)]
        return writes + [self._shared(bases, start, len(groups), k) for start, bases in floats.items()]

    def _lane(self, rows: Rows, k: float | None = None, each: bool = False) -> Lane:
        """Returns the lane of some seats, with the values of position `k` written: one that they share, or each its own."""
        lane = Lane([seat for _, seat in rows], _picks([at for at, _ in rows]))
        self.lanes.append(lane)
        if k is not None:
            lane.last = [self.value(seat, k) for seat in lane.seats] if each else self.value(lane.seats[0], k)
            for seat, value in lane.pairs():
                write(self.rule, seat.group, value)
        return lane

    def _shared(self, bases: dict[float, Rows], start: int, count: int, k: float) -> Write:
        """Returns the way of groups on one clock, of which those with one base share a value."""
        key, factor, floor = self.rule.key, self.schedule.scalar, self.rule.floor
        ways = [(lane := self._lane(rows, k), base, lane.picks) for base, rows in bases.items()]
        if count == 1 and not start and floor is None:
            self.only = (ways[0][0], key, ways[0][1], factor)

        def write_shared(groups: list[Group], k: float) -> bool:
            part = factor(k - start)
            for lane, base, picks in ways:
                last, value = lane.last, base * part
                if floor is not None and value < floor:
                    value = floor
                for group in picks(groups):
                    if group[key] is not last:
                        lane.tried = value
                        return False
                    group[key] = value
                lane.last = value
            return True

        return write_shared

    def _many(self, rows: Rows, k: float) -> Write:
        """Returns the way of groups of which each has a value of its own: by its base, or by what controllers say of it."""
        lane, key, factor = self._lane(rows, k, each=True), self.rule.key, self.schedule.scalar
        bases, floor, picks = np.array([self.base(seat) for _, seat in rows]), self.rule.floor, lane.picks

        def write_many(groups: list[Group], k: float) -> bool:
            if self.steered:
                row = [self.value(seat, k) for seat in lane.seats]
            else:
                values = bases * factor(k)
                row = (values if floor is None else np.maximum(values, floor)).tolist()
            for group, last, value in zip(picks(groups), lane.last, row):  # noqa: B905  (both are as long as the rows)
                if group[key] is not last:
                    lane.tried = row
                    return False
                group[key] = value
            lane.last = row
            return True

        return write_many

    def _inside(self, rows: Rows, k: float) -> Write:
        """Returns the way into one place of a tuple."""
        lane, rule, key = self._lane(rows, k), self.rule, self.rule.key
        place: int = rule.place or 0
        first, picks = lane.seats[0], lane.picks

        def write_inside(groups: list[Group], k: float) -> bool:
            last, value = lane.last, self.value(first, k)
            for group in picks(groups):
                whole = group[key]
                if whole[place] is not last:
                    lane.tried = value
                    return False
                group[key] = type(whole)((*whole[:place], value, *whole[place + 1 :]))
            lane.last = value
            return True

        return write_inside

    def _tensors(self, rows: Rows, k: float) -> Write:
        """Returns the way of tensors of one kind and place."""
        lane, get = self._lane(rows), _getter(self.rule)
        line, seats, picks = tensors([get(seat.group) for seat in lane.seats]), lane.seats, lane.picks
        one = len({(self.base(seat), seat.start) for seat in seats}) == 1 and not self.steered

        def values(k: float) -> Values:
            return np.array([self.value(seats[0], k)] * len(seats) if one else [self.value(seat, k) for seat in seats])

        line.write((), "", values(k))
        lane.last = line.left

        def write_tensors(groups: list[Group], k: float) -> bool:
            if line.kept(list(map(get, picks(groups)))) is None:
                return False
            line.write((), "", values(k))
            lane.last = line.left
            return True

        return write_tensors


def _getter(rule: Rule) -> Callable[[Group], Any]:
    return itemgetter(rule.key) if rule.place is None else lambda group: group[rule.key][rule.place]


def _picks(indices: list[int]) -> Callable[[list[Group]], Sequence[Group]]:
    """Returns the function that picks the groups at these indices out of the optimizer's list."""
    stride = indices[1] - indices[0] if len(indices) > 1 else 1
    if stride > 0 and indices == list(range(indices[0], indices[-1] + 1, stride)):
        return itemgetter(slice(indices[0], indices[-1] + 1, stride))
    return itemgetter(*indices)
