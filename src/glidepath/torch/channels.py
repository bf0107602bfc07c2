"""The quick way of a drive's values into the groups, and the watch over what others write there.

Groups with one base share one Python float. Whether a group still holds that very object is the watch: it costs one comparison of
addresses. Tensors in the memory of the processor are written through NumPy views of that memory, ten times faster than `fill_`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .drives import Drive
from .seats import Group, Seat, write

__all__ = ["Channel"]

Write = Callable[[list[Group], int], bool]
_MANY = 8  # so many groups with a base must there be, on average, that sharing one loop pays
_version = attrgetter("_version")


class Lane:
    """Some seats, and what was last written there: one value that all share, or a list with one for each."""

    __slots__ = ("last", "picks", "seats")

    def __init__(self, seats: list[Seat], picks: Callable[[list[Group]], Sequence[Group]]) -> None:
        self.seats, self.picks = seats, picks
        self.last: Any = None

    def values(self) -> list[Any]:
        """Returns what was last written in each seat."""
        return self.last if isinstance(self.last, list) else [self.last] * len(self.seats)


class Channel:
    """One drive and all its seats.

    `write(groups, k)` writes the values of update `k` and returns True; or returns False as soon as a group does not hold what was
    written there last, with none, some or all values written.

    Args:
        drive: What drives.
        scale: Multiplies every value; 1 unless somebody changed the rates of the run.
    """

    def __init__(self, drive: Drive, scale: float = 1.0) -> None:
        self.drive, self.scale = drive, scale
        self.seats: list[Seat] = []
        self.lanes: list[Lane] = []
        self.write: Write = _nothing
        self.only: tuple[Lane, str, float, Callable[[float], float]] | None = None  # all there is to the only group
        self.on_cuda = False

    def value(self, seat: Seat, k: int) -> float:
        """Returns the value of a seat for update `k`."""
        return seat.value(k, self.scale)

    def base(self, seat: Seat) -> float:
        """Returns what the schedule's value is multiplied by."""
        return (1.0 if self.drive.absolute else seat.base) * self.scale

    def written(self) -> dict[int, Any]:
        """Returns what was last written in each seat, by the seat's `id`."""
        return {id(seat): value for lane in self.lanes for seat, value in zip(lane.seats, lane.values(), strict=True)}

    def build(self, groups: list[Group], k: int) -> None:
        """Writes the values of update `k` everywhere and makes the quick way for the updates after it."""
        index = {id(group): i for i, group in enumerate(groups)}
        self.lanes, writes, self.only = [], [], None
        tensors: list[tuple[int, Seat, Tensor]] = []
        floats: dict[tuple[float, int], list[tuple[int, Seat]]] = {}
        for seat in self.seats:
            held = _held(self.drive, seat.group)
            at = index[id(seat.group)]
            if isinstance(held, Tensor):
                tensors.append((at, seat, held))
            else:
                floats.setdefault((self.base(seat), seat.start), []).append((at, seat))
        if tensors:
            local = [row for row in tensors if _in_memory(row[2])]
            other = [row for row in tensors if not _in_memory(row[2])]
            self.on_cuda = any(row[2].is_cuda for row in other)
            writes += [self._memory(local, k)] if local else []
            writes += [self._filled(other, k)] if other else []
        count = sum(map(len, floats.values()))
        if self.drive.place is not None:
            writes += [self._inside(rows, k) for rows in floats.values()]
        elif count > _MANY and len(floats) * _MANY > count and not any(start for _, start in floats):
            writes.append(self._many(sorted(chain.from_iterable(floats.values()), key=itemgetter(0)), k))
        elif len(floats) > 1 and self.drive.floor is None and not any(start for _, start in floats):
            writes.append(self._several([(base, rows) for (base, _), rows in floats.items()], k))
        else:
            writes += [self._shared(rows, base, start, len(groups), k) for (base, start), rows in floats.items()]
        self.write = writes[0] if len(writes) == 1 else _in_turn(writes) if writes else _nothing

    def _lane(self, rows: list[tuple[int, Seat]]) -> Lane:
        lane = Lane([seat for _, seat in rows], _picks([at for at, _ in rows]))
        self.lanes.append(lane)
        return lane

    def _shared(self, rows: list[tuple[int, Seat]], base: float, start: int, count: int, k: int) -> Write:
        """Returns the way of groups that share one value."""
        lane, key, factor, picks = self._lane(rows), self.drive.key, self.drive.schedule.scalar, None
        lane.last = self.value(lane.seats[0], k)
        for seat in lane.seats:
            seat.group[key] = lane.last
        if len(rows) == count and start == 0 and self.drive.floor is None:
            self.only = (lane, key, base, factor) if count == 1 else None

            def write_all(groups: list[Group], k: int) -> bool:
                last = lane.last
                value = base * factor(k)
                for group in groups:
                    if group[key] is not last:
                        return False
                    group[key] = value
                lane.last = value
                return True

            return write_all
        floor, picks = self.drive.floor, lane.picks

        def write_some(groups: list[Group], k: int) -> bool:
            last = lane.last
            value = base * factor(k - start)
            if floor is not None and value < floor:
                value = floor
            for group in picks(groups):
                if group[key] is not last:
                    return False
                group[key] = value
            lane.last = value
            return True

        return write_some

    def _several(self, parts: list[tuple[float, list[tuple[int, Seat]]]], k: int) -> Write:
        """Returns the way of groups with a few bases; all on the clock of the run."""
        key, factor = self.drive.key, self.drive.schedule.scalar
        ways: list[tuple[Lane, float, Callable[[list[Group]], Sequence[Group]]]] = []
        for base, rows in parts:
            lane = self._lane(rows)
            lane.last = self.value(lane.seats[0], k)
            for seat in lane.seats:
                seat.group[key] = lane.last
            ways.append((lane, base, lane.picks))

        def write_several(groups: list[Group], k: int) -> bool:
            part = factor(k)
            for lane, base, picks in ways:
                last = lane.last
                value = base * part
                for group in picks(groups):
                    if group[key] is not last:
                        return False
                    group[key] = value
                lane.last = value
            return True

        return write_several

    def _many(self, rows: list[tuple[int, Seat]], k: int) -> Write:
        """Returns the way of groups of which each has its own base; all on the clock of the run."""
        lane, key, factor = self._lane(rows), self.drive.key, self.drive.schedule.scalar
        bases, floor, picks = np.array([self.base(seat) for _, seat in rows]), self.drive.floor, lane.picks
        lane.last = [self.value(seat, k) for seat in lane.seats]
        for seat, value in zip(lane.seats, lane.last, strict=True):
            seat.group[key] = value

        def write_many(groups: list[Group], k: int) -> bool:
            values = bases * factor(k)
            row = (values if floor is None else np.maximum(values, floor)).tolist()
            for group, last, value in zip(picks(groups), lane.last, row):  # noqa: B905  (both are as long as the rows)
                if group[key] is not last:
                    return False
                group[key] = value
            lane.last = row
            return True

        return write_many

    def _inside(self, rows: list[tuple[int, Seat]], k: int) -> Write:
        """Returns the way into one place of a tuple."""
        lane, drive, key = self._lane(rows), self.drive, self.drive.key
        place: int = drive.place or 0
        first, picks = lane.seats[0], lane.picks
        lane.last = self.value(first, k)
        for seat in lane.seats:
            write(drive, seat.group, lane.last)

        def write_inside(groups: list[Group], k: int) -> bool:
            last, value = lane.last, self.value(first, k)
            for group in picks(groups):
                held = group[key]
                if held[place] is not last:
                    return False
                group[key] = type(held)((*held[:place], value, *held[place + 1 :]))
            lane.last = value
            return True

        return write_inside

    def _memory(self, rows: list[tuple[int, Seat, Tensor]], k: int) -> Write:
        """Returns the way of tensors in memory; what is read back before an update is compared with what was read after the last."""
        lane, drive = self._lane([(at, seat) for at, seat, _ in rows]), self.drive
        tensors = [tensor for _, _, tensor in rows]
        arrays = [tensor.detach().numpy() for tensor in tensors]
        addresses, count, picks = [tensor.data_ptr() for tensor in tensors], len(rows), lane.picks
        for array, seat in zip(arrays, lane.seats, strict=True):
            array[()] = self.value(seat, k)
        lane.last = [array.item() for array in arrays]
        one = len({(self.base(seat), seat.start) for seat in lane.seats}) == 1
        first, get = lane.seats[0], _getter(drive)

        def write_memory(groups: list[Group], k: int) -> bool:
            i = k % count
            if [array.item() for array in arrays] != lane.last or tensors[i].data_ptr() != addresses[i]:
                return False
            held = map(get, picks(groups))
            if one:
                value = self.value(first, k)
                for given, tensor, array in zip(held, tensors, arrays):  # noqa: B905
                    if given is not tensor:
                        return False
                    array[()] = value
            else:
                for given, tensor, array, seat in zip(held, tensors, arrays, lane.seats):  # noqa: B905
                    if given is not tensor:
                        return False
                    array[()] = self.value(seat, k)
            lane.last = [array.item() for array in arrays]
            return True

        return write_memory

    def _filled(self, rows: list[tuple[int, Seat, Tensor]], k: int) -> Write:
        """Returns the way of tensors elsewhere, such as on a GPU; reading them would wait for it, so their versions are the watch."""
        lane, drive = self._lane([(at, seat) for at, seat, _ in rows]), self.drive
        tensors = [tensor for _, _, tensor in rows]
        for tensor, seat in zip(tensors, lane.seats, strict=True):
            tensor.detach().fill_(self.value(seat, k))
        lane.last = [self.value(seat, k) for seat in lane.seats]
        version, picks, get = sum(map(_version, tensors)), lane.picks, _getter(drive)

        def write_filled(groups: list[Group], k: int) -> bool:
            nonlocal version
            if sum(map(_version, tensors)) != version:
                return False
            row = [self.value(seat, k) for seat in lane.seats]
            for given, tensor, value in zip(map(get, picks(groups)), tensors, row):  # noqa: B905
                if given is not tensor:
                    return False
                tensor.detach().fill_(value)
            version = sum(map(_version, tensors))
            lane.last = row
            return True

        return write_filled


def _nothing(groups: list[Group], k: int) -> bool:
    del groups, k
    return True


def _in_turn(writes: list[Write]) -> Write:
    def write_in_turn(groups: list[Group], k: int) -> bool:
        return all(way(groups, k) for way in writes)

    return write_in_turn


def _held(drive: Drive, group: Group) -> Any:
    return group[drive.key] if drive.place is None else group[drive.key][drive.place]


def _getter(drive: Drive) -> Callable[[Group], Any]:
    if drive.place is None:
        return itemgetter(drive.key)
    return lambda group: group[drive.key][drive.place]


def _picks(indices: list[int]) -> Callable[[list[Group]], Sequence[Group]]:
    """Returns the function that picks the groups at these indices out of the optimizer's list."""
    stride = indices[1] - indices[0] if len(indices) > 1 else 1
    if stride > 0 and indices == list(range(indices[0], indices[-1] + 1, stride)):
        return itemgetter(slice(indices[0], indices[-1] + 1, stride))
    return itemgetter(*indices)


def _in_memory(tensor: Tensor) -> bool:
    """Returns whether a tensor's number can be written through NumPy."""
    if type(tensor.detach()) is not torch.Tensor or tensor.device.type != "cpu":
        return False
    return tensor.dtype in (torch.float16, torch.float32, torch.float64)
