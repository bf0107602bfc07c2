"""The hooks: right before an update the values are written, right after it the update is counted.

Over 400 lines: one class, as what a call of `step()` is, who sits where, and who wrote what are asked of the same few lists at once.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ..core import Checks, GlidepathError, Problem
from .channels import Channel, Write
from .group_rules import Group, Seat, extent, held, name_of, read, write
from .optimizers import dummy, has_past, past_of
from .progress import Applied, Attachment, ForeignWrite, ForeignWriteWarning, OverrunWarning

_BASE = "initial_lr"


def _invisible(hook: Any) -> Any:
    """Makes Dynamo neither look into a hook that it meets, nor compile the hook and what it calls when they run.

    `torch.compiler.disable` does the same around every call, for a microsecond each; these two marks cost nothing.
    """
    hook._torchdynamo_disable = True
    with suppress(ImportError, AttributeError, TypeError):  # without the second one some small graphs are lost
        frames: Any = import_module("torch._C._dynamo.eval_frame")
        skip = frames._FrameAction.SKIP
        frames.set_code_exec_strategy(hook.__code__, frames._FrameExecStrategy(skip, skip))
    return hook


class Binding:
    """Ties a run to the groups of one optimizer. The optimizer's hooks hold it, and nothing else does.

    Args:
        run: The plan and the progress.
        optimizer: Only looked at; `settle` writes.
        name: What goes before the names of its groups, where there are several optimizers.
        first: The number of its first group, where they have no names.

    Raises:
        GlidepathError: With every problem found in the groups.
    """

    def __init__(self, run: Attachment, optimizer: Optimizer, name: str = "", first: int = 0) -> None:
        self.run, self.name, self.first = run, name, first
        self.channels = [Channel(rule, run.plan, scale) for rule, scale in zip(run.rules, run.scales, strict=True)]
        self.extents = [extent(rule.complete) for rule in run.rules]
        self.count = 0
        self.write: Write = lambda _groups, _at: False
        self.only: Any = None
        self.head: Any = None
        self.roots: tuple[Any, Any] = (None, None)  # the bases that the first and the last group carry
        self.on_cuda = self.careful = self.partial = False
        self.again: tuple[int, int, int] | None = None
        self.shower = 0  # the `id` of the copy of a bridge that wrote last between updates
        self.handles: list[Any] = []
        self.seat(optimizer.param_groups)
        self._note(optimizer)

    def _note(self, optimizer: Optimizer) -> None:
        self.run.supports_scaling |= bool(getattr(optimizer, "_step_supports_amp_scaling", False))
        self.careful = self.on_cuda or self.run.supports_scaling
        self.run.note()

    @property
    def seats(self) -> list[Seat]:
        """Every seat there is."""
        return [seat for channel in self.channels for seat in channel.seats]

    @property
    def places(self) -> set[tuple[str, int | None, int]]:
        """What it drives: keys, places in them, and groups by their identity."""
        return {(seat.rule.key, seat.rule.place, id(seat.group)) for seat in self.seats}

    # Holding on and letting go -------------------------------------------------------------------------------------------------------

    def unbind(self) -> None:
        """Removes the hooks; the groups stay as they are."""
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def release(self, keep: bool) -> None:
        """Removes the hooks and what was added to the groups."""
        self.unbind()
        for seat in self.seats:
            seat.leave(keep)

    def inherit(self, other: Binding) -> None:
        """Lets the seats know what those of another binding know of the same values in the same groups."""
        known = {(seat.rule.parameter, id(seat.group)): seat for seat in other.seats}
        for seat in self.seats:
            old = known.get((seat.rule.parameter, id(seat.group)))
            for name in ("base", "own", "carried", "found", "start", "before", "formed") if old else ():
                setattr(seat, name, getattr(old, name))

    def saving(self, optimizer: Optimizer) -> None:
        """Puts right, before the optimizer's state is saved, what others wrote as bases: the state would not be that of this run."""
        if self.run.ahead:
            return
        here = {id(group) for group in optimizer.param_groups}
        events = self.foreign_bases(seat for seat in self.seats if id(seat.group) in here)
        if events:
            self.settle()
            self.tell(events)

    # Who sits where ------------------------------------------------------------------------------------------------------------------

    def label(self, group: Group, i: int) -> str:
        """Returns what a group is called: its name, or its number."""
        return self.name + (name_of(group) or str(i if self.name else self.first + i))

    def seat(self, groups: list[Group], look: bool = False, loaded: bool = False) -> list[list[Seat]]:
        """Gives every group its seats: those that it had, found by its parameters, or new ones. Nothing is changed if one is refused.

        With `look` the seats are only returned. With `loaded` the groups come from a state, and so do the bases that they carry.
        """
        run, at, checks = self.run, self.run.position(), Checks("")
        tensors, taken = dict[int, Seat](), dict[tuple[int, str, int | None], int]()
        seated, changes = list[list[Seat]](), list[tuple[Seat, Group, Seat | None]]()
        for n, channel in enumerate(self.channels):
            rule, seats = channel.rule, list[Seat]()
            known = {id(mark): seat for seat in channel.seats for mark in (seat.group, seat.params, *seat.params[:1])}
            for i, group in enumerate(groups):
                marks = (group, group["params"], *group["params"][:1])
                seat = next((known[id(mark)] for mark in marks if id(mark) in known), None)
                if seat is None and not rule.matches(self.label(group, i)):
                    continue
                label = seat.label if seat else self.label(group, i)
                with checks.kept():
                    start = int(at) if rule.join == "start" else 0
                    taker = Seat.take(rule, group, label, start, run.rebase and seat is None)
                    taker.scale_by(run.scale_key)
                    first = taken.setdefault((i, rule.key, rule.place), n)
                    if first != n:
                        value = f"rules {first} and {n} (counted from 0)"
                        checks.problems.append(Problem(f"group {label}", rule.parameter, "driven by one rule", value))
                    mine = seat or taker
                    carried = loaded and taker.carried and not self._decided(mine, taker.base)
                    if seat is None or carried:
                        checks.problems += taker.check(*self.extents[n])
                    checks.problems += _shared(tensors, taker if carried else mine, held(rule, group))
                    changes.append((mine, group, taker if carried and seat else None))
                    seats.append(mine)
            seated.append(seats)
        checks.done()
        if look:
            return seated
        for seat, group, taker in changes:
            seat.group, seat.params = group, group["params"]
            seat.scale_by(run.scale_key)
            if taker is not None:
                seat.base, seat.carried = taker.base, True
                seat.start = taker.start if seat.start_key in group else seat.start
        for channel, seats in zip(self.channels, seated, strict=True):
            here = {id(seat) for seat in seats}
            # A group that is not there may only be waiting for its turn to be stepped.
            channel.seats = [*seats, *(seat for seat in channel.seats if id(seat) not in here)]
        return seated

    def _decided(self, seat: Seat, carried: float) -> bool:
        """Returns whether a resume has decided about a base: a state that brings the saved one says nothing new."""
        run = self.run
        if run.promise is None or run.promise[0] != run.updates:
            return False
        if run.promise[1] == "strict" and carried != seat.base:
            said = f"base {carried!r} at start {seat.start} where {seat.base!r} at {seat.start} was accepted"
            run.moved = run.moved or f"group {seat.label}, {seat.rule.parameter}: {said}"
            return False
        return run.promise[1] == "keep" or seat.saved in (None, carried)

    def settle(self, keep: bool = False, early: bool = True) -> None:
        """Writes each group's base into it, if `keep` only where there is none, and gives learning rates their form."""
        for channel in self.channels:
            for seat in channel.seats:
                seat.sit(keep)
            forms = [(seat.label, seat.form(self.run.tensors, early)) for seat in channel.seats]
            refused = [(label, reason) for label, reason in forms if reason]
            if refused and ("", channel.rule.parameter) not in self.run.warned:
                self.run.warned.add(("", channel.rule.parameter))
                names = ", ".join(label for label, _ in refused[:8])
                warnings.warn(f"group {names}: {refused[0][1]}", UserWarning, stacklevel=5)

    # Writing -------------------------------------------------------------------------------------------------------------------------

    def put(self, groups: list[Group], at: float, states: Any, left: frozenset[int] | None = None) -> None:
        """Writes the values of a position and makes the quick way for the updates after it.

        With `left` it keeps what others wrote: the seats that are in it, and the bases.
        """
        run, ways = self.run, list[Write]()
        self.settle(left is not None, early=False)
        for channel, scale in zip(self.channels, run.scales, strict=True):
            channel.scale, channel.states = scale, states
            ways += channel.build(groups, at, left or frozenset())
        self.write = ways[0] if len(ways) == 1 else lambda groups, at: all(way(groups, at) for way in ways)
        self.again = None if left else _mark(groups)
        heads = [group["params"][0] for group in groups if group["params"]]
        rates = any(channel.seats and channel.rule.parameter == "lr" for channel in self.channels)
        # Without a rate of ours, with groups that are empty or with several calls an update, every call is looked at.
        whole = len(heads) == len(groups) and not self.partial and bool(run.updates or run.placed)
        quick = run.plain and rates and not left and not run.moved and whole
        self.count, self.head = (len(groups), heads[0]) if quick and heads else (-1, None)
        self.roots = (groups[0].get(_BASE), groups[-1].get(_BASE)) if groups else (None, None)
        only = self.channels[0].only if len(self.channels) == 1 else None
        self.only = None if only is None else (*only, self.roots[0])
        self.on_cuda = any(channel.on_cuda for channel in self.channels)
        self.careful = self.on_cuda or run.supports_scaling

    def writes(self, groups: list[Group], at: float) -> bool:
        """Writes the values of a position the quick way; returns False where that cannot be."""
        return _mark(groups) == self.again and not self.run.moved and self.write(groups, at)

    def show(self, groups: list[Group]) -> None:
        """Writes what the groups hold between updates: the values last used, or those of the coming update."""
        run = self.run
        if run.ahead:
            self.put(groups, run.position(), run.states)
        elif run.updates:
            self.put(groups, run.last(), run.states if run.plain else run.now)
        else:
            self.settle()

    def turn(self, optimizer: Optimizer, failed: bool = False) -> bool:
        """The long way before a call of `step()`: finds out what it is, and writes the values of its update.

        Args:
            optimizer: What is stepped.
            failed: Whether the quick way was tried, and met a value that was not ours.

        Returns:
            Whether it is one: not if it only makes the optimizer's state.

        Raises:
            GlidepathError: If a new group is refused, if foreign writes are, or if the bases are not those of the checkpoint.
        """
        run, groups = self.run, optimizer.param_groups
        if run.late is not None:
            self.settle_late()
        for channel in self.channels:
            channel.harvest()
        if dummy(groups, self.channels):
            run.dummied = True
            return False
        heads = [id(group["params"][0]) for group in groups if group["params"]]
        # A step inside a step, or after one that failed, belongs to the same update.
        if (not run.seen or not run.seen.isdisjoint(heads)) if not run.armed else not run.slow:
            if self.partial and run.seen.issubset(heads):
                self.partial, self.again = False, None
            run.begin()
            if run.at > run.end:
                self._tell_end()
        else:
            if not run.armed:
                self.partial, self.count = True, -1  # from now on every call is looked at
            if run.plain:
                run.at = run.updates - 1 if run.counted else run.updates
        run.seen.update(heads)
        if not run.updates and not run.placed:
            self._tell_past(run.at)
        for channel in self.channels:
            channel.states = run.now
        if failed or not self.writes(groups, run.at):
            self.repair(optimizer, run.at, run.now, "keep" if run.ahead else "update")
        run.slow = run.special = True
        return True

    def _tell_past(self, at: float) -> None:
        """Warns where an optimizer that has made updates meets a schedule at its beginning."""
        run = self.run
        run.placed, self.again = True, None
        said = run.past or past_of(self.channels)
        if said and not at:
            remedy = "load the scheduler's state, or seek(n) to the updates done"
            more = "rebase=True takes the present rates as bases, and seek(0) begins anew"
            warnings.warn(f"{said}, and its schedule begins at step 0: {remedy}; {more}", UserWarning, stacklevel=5)

    def _tell_end(self) -> None:
        """Warns once where the run goes on past the end of its schedules."""
        run, end = self.run, f"{self.run.end:g} {self.run.plan.clock}"
        run.end = math.inf
        said = f"update {run.updates} is past the end of the schedule, {end}: its last value is held"
        remedy = "`>> hold()` says that on purpose, and a longer plan with resume='extend' goes on"
        warnings.warn(f"{said} ({remedy})", OverrunWarning, stacklevel=5)

    def repair(self, optimizer: Optimizer, at: float, states: tuple[Any, ...], mode: str) -> None:
        """Finds the groups again, sees who wrote what, and writes the values of a position.

        Args:
            optimizer: Whose groups.
            at: The position.
            states: What the controllers say there.
            mode: `update` is before an update; `keep` leaves what others wrote, as a bridge does then; `step` is a bridge's own step.

        Raises:
            GlidepathError: If a new group is refused, if foreign writes are, or if the bases are not those of the checkpoint.
        """
        run, groups = self.run, optimizer.param_groups
        for channel, scale in zip(self.channels, run.scales, strict=True):
            channel.harvest()
            channel.scale, channel.states = scale, states
        if run.moved:
            rule, remedy = "those that it was saved with", "load its optimizer's state, or resume with override"
            raise GlidepathError.worded("checkpoint", "the groups' bases", rule, run.moved, remedy)
        old = {id(seat) for seat in self.seats}
        seated = zip(self.channels, self.seat(groups), strict=True)
        known = [(channel, seat) for channel, seats in seated for seat in seats if id(seat) in old]
        keep = mode == "keep"
        left = frozenset(id(seat) for channel, seat in known if keep and self._foreign_to(channel, seat, at))
        events = [] if keep else self._foreign(known, at)
        self.put(groups, at, states, left if keep else None)
        if keep and self.written_bases(seat for _, seat in known):
            self.again = None  # the bridge's own step is to find them
        self._note(optimizer)
        self.tell(events)

    def tell(self, events: list[ForeignWrite]) -> None:
        """Tells of foreign writes: to listeners always, by a warning once for each group and hyper-parameter."""
        run = self.run
        fresh = [event for event in events if (event.group, event.parameter) not in run.warned]
        run.warned |= {(event.group, event.parameter) for event in fresh}
        for event in events:
            run.tell(event)
        for event in fresh:
            warnings.warn(ForeignWriteWarning(str(event)), stacklevel=6)

    def _foreign_to(self, channel: Channel, seat: Seat, at: float) -> bool:
        """Returns whether a group holds what this bridge did not write: it may be what it would write now, if that was half done."""
        found = read(channel.rule, seat.group, seat.label)
        if isinstance(found, Tensor):
            return float(found) not in (seat.seen, _rounded(channel.value(seat, at), found))
        return found is not seat.seen and found is not seat.tried

    def _foreign(self, known: list[tuple[Channel, Seat]], at: float) -> list[ForeignWrite]:
        """Returns what was written by others since our last write, after the policy about it was followed."""
        run, events = self.run, list[ForeignWrite]()
        bases = self.foreign_bases(seat for _, seat in known)
        for channel, seat in known:
            found, expected = read(channel.rule, seat.group, seat.label), seat.seen
            value = float(found)
            if value not in (expected, _rounded(expected, found), _rounded(channel.value(seat, at), found)):
                events.append(self._event(seat, channel.rule.parameter, value, expected, expected != 0.0))
                seat.base *= value / expected if events[-1].policy == "adopt" else 1.0
        events += bases
        if run.foreign == "refuse" and events:
            for channel, seat in known:
                seat.sit()
                shown = run.position() if run.ahead else run.updates - 1
                if run.plain and shown >= 0:
                    seat.seen = channel.value(seat, shown)
                write(channel.rule, seat.group, seat.seen)
            for channel in self.channels:
                channel.lanes = []
            self.count, self.again = -1, None
            rows = [(f"group {e.group}", e.parameter, repr(e.expected), repr(e.value)) for e in events]
            raise GlidepathError(Problem(g, p, f"written by its schedule only ({was})", got) for g, p, was, got in rows)
        return events

    def written_bases(self, known: Iterable[Seat]) -> list[tuple[Seat, float]]:
        """Returns the bases that groups carry and that are not theirs."""
        rows = [(seat, float(seat.group.get(seat.base_key, seat.base))) for seat in known]
        return [(seat, base) for seat, base in rows if base != seat.base]

    def foreign_bases(self, known: Iterable[Seat]) -> list[ForeignWrite]:
        """Returns what others wrote as bases; with `adopt` they become the bases."""
        events = list[ForeignWrite]()
        for seat, written in self.written_bases(known):
            events.append(self._event(seat, seat.base_key, written, seat.base))
            seat.base = written if events[-1].policy == "adopt" else seat.base
        return events

    def _event(self, seat: Seat, key: str, value: float, expected: float, can: bool = True) -> ForeignWrite:
        """Returns a write by others, which is adopted only where it `can` be."""
        policy = self.run.foreign
        if policy == "adopt" and not (can and math.isfinite(value) and value != 0.0 and not seat.rule.absolute):
            policy = "restore"
        return ForeignWrite(self.run.updates, seat.label, key, value, expected, policy)

    @_invisible
    def reload(self, optimizer: Optimizer) -> None:
        """Finds the groups again after the optimizer loaded a state, and writes the values last used."""
        run = self.run
        run.moved = ""
        self.seat(optimizer.param_groups, loaded=True)
        if not run.updates and has_past(optimizer, run.dummied):
            run.past = f"{type(optimizer).__name__} was loaded with the state of updates made before"
        self.count, self.again = -1, None
        for channel in self.channels:
            channel.lanes = []
            for seat in channel.seats:
                found = read(channel.rule, seat.group, seat.label)
                seat.seen = seat.found = float(found) if isinstance(found, Tensor) else found
                if run.ahead and seat.seen in (coming := channel.value(seat, run.position()), _rounded(coming, found)):
                    seat.found = seat.base  # a bridge's own, saved before its first update
        self.show(optimizer.param_groups)
        self._note(optimizer)

    # Counting ------------------------------------------------------------------------------------------------------------------------

    def settle_late(self) -> None:
        """Waits for a `found_inf` that is on its way, and counts its update unless it was skipped."""
        if self.run.late is not None:
            optimizer, copy, event = self.run.late
            self.run.late = None
            event.synchronize()
            self.finish(optimizer, bool(copy.item()))

    def finish(self, optimizer: Optimizer, skipped: bool) -> None:
        """Counts an update once, or only what it consumed if the optimizer skipped it."""
        run = self.run
        fresh = not (run.slow and run.counted)
        if not (run.slow and run.consumed):
            run.consume()
        if run.slow:
            run.slow, run.consumed = False, True
            run.note()
        if skipped:
            return
        if fresh:
            run.updates += 1
            run.counted = True
        if run.listeners:
            for applied in self.applied(optimizer.param_groups):
                run.tell(applied)
        if fresh:
            for stepper in tuple(run.steppers):
                stepper(run.updates - 1)

    def applied(self, groups: list[Group]) -> list[Applied]:
        """Returns the values that the last update was made with in these groups."""
        run, here = self.run, {id(group): i for i, group in enumerate(groups)}
        if not run.updates:
            return []
        rows: list[Applied] = []
        for channel in self.channels:
            written: dict[int, Any] = {}
            if not (run.armed or run.ahead):
                written = {id(seat): value for lane in channel.lanes for seat, value in lane.pairs()}
            current, channel.states = channel.states, run.states if run.plain else run.now
            for seat in sorted(channel.seats, key=lambda seat: here.get(id(seat.group), -1)):
                if id(seat.group) in here:
                    value = written.get(id(seat))
                    value = channel.value(seat, run.last()) if value is None else value
                    rows.append(Applied(run.updates - 1, seat.label, channel.rule.parameter, value))
            channel.states = current
        return rows

    def after(self, optimizer: Optimizer) -> None:
        """Counts an update of which more is to be known than that it happened."""
        found: Any = optimizer.__dict__.get("found_inf") if self.run.supports_scaling else None
        if isinstance(found, Tensor) and found.is_cuda:
            copy = torch.empty((), dtype=found.dtype, pin_memory=True)
            copy.copy_(found.reshape(()), non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            self.run.late = (optimizer, copy, event)
            return
        self.finish(optimizer, found is not None and bool(found))

    def bind(self, optimizer: Optimizer) -> None:
        """Registers what runs before an update, after it, and around the optimizer's state."""
        run = self.run

        @_invisible
        def before(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
            if self.careful:
                self.settle_late()
                if self.on_cuda and torch.cuda.is_current_stream_capturing():
                    run.armed = False  # a capture makes no update: `replay` does
                    return
            groups, failed, k = optimizer.param_groups, False, run.updates
            if len(groups) == self.count and k <= run.end:
                # With other parameters than in the last call, where all were there, it may be in the middle of an update.
                group = groups[0]
                params = group["params"]
                if params and params[0] is self.head:
                    if (only := self.only) is not None:  # `write`, without its call
                        lane, key, base, factor, root = only
                        if group[key] is lane.last and group.get(_BASE) is root:
                            group[key] = lane.last = base * factor(k)
                            run.armed = True
                            return
                    elif (
                        group.get(_BASE) is self.roots[0]
                        and groups[-1].get(_BASE) is self.roots[1]
                        and self.write(groups, k)
                    ):
                        run.armed = True
                        return
                    failed = True  # somebody wrote a value, or a base
            run.armed = self.turn(optimizer, failed)

        @_invisible
        def after(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
            if run.armed:
                run.armed = False
                if run.special:
                    self.after(optimizer)
                else:
                    run.updates += 1

        before._glidepath_binding = self
        self.handles = [
            optimizer.register_step_pre_hook(before),
            optimizer.register_step_post_hook(after),
            optimizer.register_load_state_dict_post_hook(self.reload),
            optimizer.register_state_dict_pre_hook(self.saving),
        ]


def bindings_of(optimizer: Optimizer) -> list[Binding]:
    """Returns what already drives an optimizer."""
    hooks = vars(optimizer)["_optimizer_step_pre_hooks"].values()
    return [hook._glidepath_binding for hook in hooks if hasattr(hook, "_glidepath_binding")]  # type: ignore[attr-defined]


def _mark(groups: list[Group]) -> tuple[int, int, int]:
    """Returns by what a list of groups is known again."""
    return (len(groups), id(groups[0]), id(groups[-1])) if groups else (0, 0, 0)


def _rounded(value: float, found: Any) -> float:
    return torch.tensor(value, dtype=found.dtype).item() if isinstance(found, Tensor) else value


def _shared(tensors: dict[int, Seat], seat: Seat, found: Any) -> list[Problem]:
    """Returns the problem of two groups that have one tensor for values that differ, if they have."""
    first = tensors.setdefault(id(found), seat) if isinstance(found, Tensor) else seat
    same, mine = ((one.base, one.start, one.rule.schedule, one.rule.floor, one.rule.absolute) for one in (first, seat))
    value = f"the tensor of group {first.label}"
    problem = Problem(f"group {seat.label}", seat.rule.parameter, "a tensor of its own", value, "clone() it")
    return [] if same == mine else [problem]
