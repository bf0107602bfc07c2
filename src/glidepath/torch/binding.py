"""The hooks: right before an update the values are written, right after it the update is counted."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..core.errors import GlidepathError, Problem
from .channels import Channel
from .dynamo import invisible
from .events import Applied, ForeignWrite, ForeignWriteWarning
from .progress import Run
from .seats import Group, Seat, name_of, read, write

__all__ = ["Binding", "bindings_of"]


class Binding:
    """Ties a run to the groups of an optimizer. The optimizer's hooks hold it, and nothing else does.

    Args:
        run: The plan and the progress.
        optimizer: Only looked at; `settle` writes.

    Raises:
        GlidepathError: With every problem found in the groups.
    """

    def __init__(self, run: Run, optimizer: Optimizer) -> None:
        self.run = run
        self.channels = [Channel(drive, scale) for drive, scale in zip(run.drives, run.scales, strict=True)]
        self.ranges = [drive.values() for drive in run.drives]
        self.labels = 0
        self.count = 0
        self.write: Callable[[list[Group], int], bool] = _false
        self.only: Any = None
        self.on_cuda = self.careful = False
        groups = optimizer.param_groups
        problems: list[Problem] = []
        for channel, seats in zip(self.channels, self._seat(groups, problems), strict=True):
            if not seats and not channel.drive.later and not problems:
                names = ", ".join(repr(name_of(group)) for group in groups[:20])
                rule = f"patterns that match a group ({names})"
                problems += GlidepathError.of(
                    f"drive of {channel.drive.parameter}", "groups", rule, list(channel.drive.groups)
                ).problems
        if problems:
            raise GlidepathError(problems)
        self._note(optimizer)

    def _note(self, optimizer: Optimizer) -> None:
        self.run.supports_scaling = bool(getattr(optimizer, "_step_supports_amp_scaling", False))
        self.careful = self.on_cuda or self.run.supports_scaling
        self.run.note()
        self.run.bases = self.bases()

    # Who sits where ------------------------------------------------------------------------------------------------------------------

    def _seat(self, groups: list[Group], problems: list[Problem], look: bool = False) -> list[list[Seat]]:
        """Gives every group its seats: those that it had, found by its parameters, or new ones. Problems are noted.

        With `look` the seats are only returned.
        """
        k = self.run.updates
        tensors: dict[tuple[int, int], tuple[Seat, Channel]] = {}
        taken: dict[tuple[int, str, int | None], int] = {}
        seated: list[list[Seat]] = []
        for n, channel in enumerate(self.channels):
            known = {id(seat.params): seat for seat in channel.seats}
            heads = {id(seat.params[0]): seat for seat in channel.seats if seat.params}
            seats: list[Seat] = []
            for i, group in enumerate(groups):
                params = group["params"]
                seat = known.get(id(params)) or (heads.get(id(params[0])) if params else None)
                if seat is None and not channel.drive.matches(name_of(group)):
                    continue
                label = seat.label if seat else name_of(group) or str(i)
                try:
                    start = k if channel.drive.join == "start" else 0
                    taker = Seat.take(channel.drive, group, label, start, self.run.rebase and seat is None)
                except GlidepathError as error:
                    problems += error.problems
                    continue
                if seat is not None:
                    carried = f"initial_{channel.drive.parameter}" in group
                    taker.base, taker.before = taker.base if carried else seat.base, seat.before
                    taker.formed = seat.formed
                    taker.start = taker.start if carried and f"start_{channel.drive.parameter}" in group else seat.start
                place = (i, channel.drive.key, channel.drive.place)
                if taken.setdefault(place, n) != n:
                    rule = "driven by one drive"
                    value = f"drives {taken[place]} and {n} (counted from 0)"
                    problems.append(Problem(f"group {label}", channel.drive.parameter, rule, value))
                problems += taker.check(*self.ranges[n])
                _share(tensors, taker, channel, problems)
                seats.append(taker)
            seated.append(seats)
        if not problems and not look:
            for channel, seats in zip(self.channels, seated, strict=True):
                channel.seats = seats
        return seated

    def bases(self, groups: list[Group] | None = None) -> tuple[int, str]:
        """Returns the number of seats, and a hash of their names, bases and starts that does not depend on their order.

        The first seat follows the hash in plain text, so that a state of one size for any number of groups can tell how it differs.

        Args:
            groups: Where to look for seats, if the groups may have changed since the last update.

        Raises:
            GlidepathError: If a new group is refused.
        """
        problems: list[Problem] = []
        seated = [c.seats for c in self.channels] if groups is None else self._seat(groups, problems, look=True)
        if problems:
            raise GlidepathError(problems)
        rows = sorted(
            f"{n}|{name_of(seat.group) or ''}|{seat.base.hex()}|{seat.start}"
            for n, seats in enumerate(seated)
            for seat in seats
        )
        digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        first = next((seat for seats in seated for seat in seats), None)
        if first is None:
            return 0, digest
        plain = json.dumps([first.label[:60], first.drive.parameter, first.base, first.start])
        return len(rows), f"{digest} {plain}"

    def sit(self) -> None:
        """Writes each group's base into it."""
        for channel in self.channels:
            for seat in channel.seats:
                seat.sit()

    # Writing -------------------------------------------------------------------------------------------------------------------------

    def put(self, groups: list[Group], k: int) -> None:
        """Writes the values of update `k` everywhere, and makes the quick way for the updates after it."""
        for channel, scale in zip(self.channels, self.run.scales, strict=True):
            channel.scale = scale
            refused = [(seat.label, reason) for seat in channel.seats if (reason := seat.form(self.run.tensors))]
            channel.build(groups, k)
            if refused and ("", channel.drive.parameter) not in self.run.warned:
                self.run.warned.add(("", channel.drive.parameter))
                names = ", ".join(label for label, _ in refused[:8])
                warnings.warn(f"group {names}: {refused[0][1]}", UserWarning, stacklevel=5)
        ways = [channel.write for channel in self.channels]
        self.write = ways[0] if len(ways) == 1 else lambda groups, k: all(way(groups, k) for way in ways)
        self.count = -1 if self.run.moved else len(groups)
        self.only = self.channels[0].only if len(ways) == 1 else None
        self.on_cuda = any(channel.on_cuda for channel in self.channels)
        self.careful = self.on_cuda or self.run.supports_scaling

    def show(self, groups: list[Group]) -> None:
        """Writes what the groups hold between updates: the values last used, or those of the coming update."""
        if self.run.updates or self.run.ahead:
            self.put(groups, self.run.updates if self.run.ahead else self.run.updates - 1)

    def repair(self, optimizer: Optimizer) -> None:
        """The long way: finds the groups again, sees who wrote what, and writes the values of the coming update.

        Raises:
            GlidepathError: If a new group is refused, if foreign writes are, or if the bases are not those of the checkpoint.
        """
        run, groups = self.run, optimizer.param_groups
        before: dict[tuple[int, int], float] = {}
        for channel in self.channels:
            written = channel.written()
            before |= {(id(channel), id(seat.params)): written.get(id(seat), seat.seen) for seat in channel.seats}
        if run.moved:
            remedy = "load its optimizer's state, or resume with override"
            raise GlidepathError.worded(
                "checkpoint", "the groups' bases", "those that it was saved with", self._moved(), remedy
            )
        problems: list[Problem] = []
        self._seat(groups, problems)
        if problems:
            raise GlidepathError(problems)
        events = self._foreign(before)
        self.sit()
        self.put(groups, run.updates)
        self._note(optimizer)
        fresh = [event for event in events if (event.group, event.parameter) not in run.warned]
        run.warned |= {(event.group, event.parameter) for event in fresh}
        for event in events:
            run.tell(event)
        for event in fresh:
            warnings.warn(ForeignWriteWarning(str(event)), stacklevel=4)

    def _starts(self) -> dict[tuple[int, int], tuple[float, int]]:
        rows = ((n, seat) for n, channel in enumerate(self.channels) for seat in channel.seats)
        return {(n, id(seat.params)): (seat.base, seat.start) for n, seat in rows}

    def promise(self) -> None:
        """Notes the bases that a checkpoint was accepted with: the optimizer's state may be loaded later, and must have the same."""
        self.run.promise, self.run.moved = (self.run.updates, self._starts()), False

    def _keep_promise(self) -> None:
        run = self.run
        if run.promise is not None and run.promise[0] == run.updates:
            run.moved = any(run.promise[1].get(key, row) != row for key, row in self._starts().items())

    def _moved(self) -> str:
        """Returns which groups have other bases or starts than the checkpoint was accepted with, the first eight of them."""
        accepted = {} if self.run.promise is None else self.run.promise[1]
        found = [
            f"group {seat.label}, {channel.drive.parameter}: base {seat.base!r} at start {seat.start} "
            f"where {was[0]!r} at {was[1]} was accepted"
            for n, channel in enumerate(self.channels)
            for seat in channel.seats
            if (was := accepted.get((n, id(seat.params)))) not in (None, (seat.base, seat.start))
        ]
        return "; ".join(found[:8]) or "others"

    def _foreign(self, before: dict[tuple[int, int], float]) -> list[ForeignWrite]:
        run, events = self.run, list[ForeignWrite]()
        for channel in self.channels:
            for seat in channel.seats:
                expected = before.get((id(channel), id(seat.params)))
                held = read(channel.drive, seat.group, seat.label)
                value = float(held)
                coming = channel.value(seat, run.updates)
                if expected is None or value in (expected, _rounded(expected, held), _rounded(coming, held)):
                    continue
                adopted = (
                    run.foreign == "adopt" and expected != 0.0 and math.isfinite(value) and not channel.drive.absolute
                )
                if adopted:
                    seat.base *= value / expected
                    seat.group[f"initial_{channel.drive.parameter}"] = seat.base
                policy = "restore" if run.foreign == "adopt" and not adopted else run.foreign
                events.append(ForeignWrite(run.updates, seat.label, channel.drive.parameter, value, expected, policy))
        if run.foreign == "refuse" and events:
            k = run.updates if run.ahead else run.updates - 1
            for channel in self.channels:
                for seat in channel.seats:
                    shown = before.get((id(channel), id(seat.params))) if k < 0 else channel.value(seat, k)
                    if shown is not None:
                        write(channel.drive, seat.group, shown)
                        seat.seen = shown
                channel.lanes = []
            self.count = -1
            raise GlidepathError(
                Problem(
                    f"group {e.group}", e.parameter, f"written by its schedule only ({e.expected!r})", repr(e.value)
                )
                for e in events
            )
        return events

    def reload(self, optimizer: Optimizer) -> None:
        """Finds the groups again after the optimizer loaded a state, and writes the values last used."""
        problems: list[Problem] = []
        self._seat(optimizer.param_groups, problems)
        if problems:
            raise GlidepathError(problems)
        self.sit()
        self.count = -1
        for channel in self.channels:
            channel.lanes = []
        self._keep_promise()
        self.show(optimizer.param_groups)
        self._note(optimizer)

    # Counting ------------------------------------------------------------------------------------------------------------------------

    def settle_late(self) -> None:
        """Waits for a `found_inf` that is on its way, and counts its update unless it was skipped."""
        if self.run.late is not None:
            copy, event = self.run.late
            self.run.late = None
            event.synchronize()
            self.finish(bool(copy.item()))

    def finish(self, skipped: bool) -> None:
        """Counts an update, or only what it consumed if the optimizer skipped it."""
        run = self.run
        run.consume()
        if not skipped:
            run.updates += 1
            if run.listeners:
                for applied in self.applied():
                    run.tell(applied)

    def applied(self) -> list[Applied]:
        """Returns the values that the last update was made with."""
        k = self.run.updates - 1
        if k < 0:
            return []
        rows: list[Applied] = []
        for channel in self.channels:
            written = {} if self.run.armed or self.run.ahead else channel.written()
            for seat in channel.seats:
                value = written.get(id(seat))
                value = channel.value(seat, k) if value is None else value
                rows.append(Applied(k, seat.label, channel.drive.parameter, value))
        return rows

    def after(self, optimizer: Optimizer) -> None:
        """Counts an update of which more is to be known than that it happened."""
        found: Any = optimizer.__dict__.get("found_inf") if self.run.supports_scaling else None
        if isinstance(found, Tensor) and found.is_cuda:
            copy = torch.empty((), dtype=found.dtype, pin_memory=True)
            copy.copy_(found.reshape(()), non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            self.run.late = (copy, event)
            return
        self.finish(found is not None and bool(found))

    def hooks(self) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
        """Returns what runs before an update, after it, and after the optimizer loaded a state. Dynamo does not look inside."""
        run = self.run

        def before(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
            if self.careful:
                self.settle_late()
                if self.on_cuda and torch.cuda.is_current_stream_capturing():
                    run.armed = False  # a capture makes no update: `replay` does
                    return
            groups = optimizer.param_groups
            if len(groups) != self.count:
                self.repair(optimizer)
            elif self.only is not None:  # `write`, without its call
                lane, key, base, factor = self.only
                group = groups[0]
                if group[key] is lane.last:
                    group[key] = lane.last = base * factor(run.updates)
                else:
                    self.repair(optimizer)
            elif not self.write(groups, run.updates):
                self.repair(optimizer)
            run.armed = True

        def after(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
            if run.armed:
                run.armed = False
                if run.special:
                    self.after(optimizer)
                else:
                    run.updates += 1

        def loaded(optimizer: Optimizer) -> None:
            self.reload(optimizer)

        for hook in (before, after, loaded):
            invisible(hook)
        before._glidepath_binding = self  # type: ignore[attr-defined]
        return before, after, loaded


def bindings_of(optimizer: Optimizer) -> list[Binding]:
    """Returns what already drives an optimizer."""
    hooks = vars(optimizer)["_optimizer_step_pre_hooks"].values()
    return [hook._glidepath_binding for hook in hooks if hasattr(hook, "_glidepath_binding")]  # type: ignore[attr-defined]


def _false(groups: list[Group], k: int) -> bool:
    del groups, k
    return False


def _rounded(value: float, held: Any) -> float:
    return torch.tensor(value, dtype=held.dtype).item() if isinstance(held, Tensor) else value


def _share(
    tensors: dict[tuple[int, int], tuple[Seat, Channel]], seat: Seat, channel: Channel, problems: list[Problem]
) -> None:
    """Notes a problem if two groups have one tensor for values that differ."""
    held = read(channel.drive, seat.group, seat.label)
    if not isinstance(held, Tensor):
        return
    first, other = tensors.setdefault((id(held), 0), (seat, channel))
    same = (first.base, first.start, other.drive.schedule, other.drive.floor, other.drive.absolute)
    mine = (seat.base, seat.start, channel.drive.schedule, channel.drive.floor, channel.drive.absolute)
    if same != mine:
        where, rule = f"group {seat.label}", "a tensor of its own"
        value = f"the tensor of group {first.label}"
        problems.append(Problem(where, channel.drive.parameter, rule, value, "clone() it"))
