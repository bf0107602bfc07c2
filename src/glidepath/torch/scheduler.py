"""What `attach` returns: the progress of driven optimizers, its events, its checkpoints.

Over 400 lines: one class, most of it the documentation that its users read.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from ..core import Checks, GlidepathError, Problem, read_json, refuse, shown, taken, write_whole
from ..core.fields import Positive, integer, number
from ..feedback import Decision
from ..plan import Plan, Progress, Rule
from ..plan.given import Policy, policy_problems
from . import resume as checkpoint
from .binding import Binding, bindings_of
from .group_rules import Seat, extent, powerless
from .progress import KNOWN, PROGRESS, Applied, Attachment, Event
from .resume import Resumed, Saved

__all__ = ["Scheduler"]

_UNSAID: Any = object()
_BASES = ("base", "own", "start", "saved", "carried", "found")
_LIKE_TORCH = "; for what expects an LRScheduler use glidepath.torch.ScheduleLR"
_HINTS = {
    "step": "there is nothing to call, optimizer.step() drives it",
    "get_last_lr": "`last` has the values of the last update",
    "get_lr": "`last` has the values of the last update",
    "last_epoch": "`updates` counts the updates made",
    "base_lrs": "group['initial_lr'] has each group's base",
}


class Scheduler:
    """Drives optimizers; made by `attach`.

    Args:
        optimizers: By their names. Held weakly.
        run: The plan and the progress.
        resume: What `load_state_dict` does with a plan that differs.
        restart: Whether an optimizer that the same plan drives already begins anew.
    """

    def __init__(self, optimizers: Mapping[str, Optimizer], run: Attachment, resume: Policy, restart: bool) -> None:
        run.several = len(optimizers) > 1
        run.note()
        bindings = _bound(run, optimizers)
        pairs = list(zip(bindings, optimizers.values(), strict=True))
        _check(run, pairs)
        rivals = [old for new, one in pairs for old in bindings_of(one) if not new.places.isdisjoint(old.places)]
        if rivals:
            _take_over(run, bindings, rivals, restart)
        _tell_of_groups(run, [seat for binding in bindings for seat in binding.seats])
        self._run = run
        self._resume: Policy = resume
        self._optimizers = [weakref.ref(optimizer) for optimizer in optimizers.values()]
        self._bindings = [weakref.ref(binding) for binding in bindings]
        for binding, optimizer in pairs:
            binding.settle()
            binding.bind(optimizer)
        self._bases = checkpoint.bases_of(self._seated())
        self.resumed: Resumed | None = None
        """How the run went on from a checkpoint, or None."""

    def __repr__(self) -> str:
        rules = ", ".join(f"{rule.title}: {rule.schedule}" for rule in self._run.rules)
        return f"<Scheduler of {rules}, {self._run.updates} updates>"

    if not TYPE_CHECKING:  # a type checker is to miss the attribute too

        def __getattr__(self, name: str) -> Any:
            hint = f": {_HINTS[name]}{_LIKE_TORCH}" if name in _HINTS else ""
            raise AttributeError(f"a glidepath Scheduler has no {name!r}{hint}", name=name, obj=self)

    def __reduce__(self) -> Any:
        raise TypeError("a Scheduler belongs to its optimizer and is not copied: keep its state_dict() instead")

    # Progress ------------------------------------------------------------------------------------------------------------------------

    @property
    def updates(self) -> int:
        """The updates that really happened: the next one is made with `schedule(updates)`."""
        return self._settled.updates

    @property
    def samples(self) -> int:
        """The samples consumed, skipped updates included."""
        return self._settled.samples

    @property
    def tokens(self) -> int:
        """The tokens consumed, skipped updates included."""
        return self._settled.tokens

    @property
    def plan(self) -> Plan:
        """What drives what."""
        return self._run.plan

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The plan's rules with the schedules that they come to."""
        return self._run.rules

    @property
    def progress(self) -> Progress:
        """What has happened before the coming update: `plan.value(scheduler.progress, …)` is what that will be made with."""
        return self._settled.progress

    @property
    def batch_size(self) -> int | None:
        """The samples of the coming update, by the plan's batch ramp or its horizon; None if they are unknown."""
        run = self._settled
        return run.plan.batch_size(int(run.position()))

    @property
    def duration(self) -> int | float:
        """The length of the longest schedule, on the plan's clock; infinity for an endless one."""
        return max(rule.complete.duration for rule in self._run.rules)

    @property
    def overrun(self) -> int:
        """How far the run is beyond the end of the longest schedule, on the plan's clock; the last value is held there."""
        return 0 if self.duration == math.inf else max(0, int(self._settled.position()) - int(self.duration))

    @property
    def last(self) -> list[Applied]:
        """What the last update was made with: update, group, hyper-parameter, value. Empty before the first one."""
        return [applied for optimizer, binding in self._live() for applied in binding.applied(optimizer.param_groups)]

    def effective(self, of: str | Callable[[dict[str, Any]], float]) -> list[Applied]:
        """Returns what a rate really comes to in each group, under the name `effective_lr`: for optimizers that scale it themselves.

        Args:
            of: A key of the groups that their rate is multiplied by, such as Prodigy's `"d"`, or a function of a group. Both are taken as
                the group stands now, right after an update.

        Raises:
            GlidepathError: If a group has no such key.
        """
        groups = {s.label: s.group for row in self._seated() for s in row if s.rule.parameter == "lr"}
        for label, group in groups.items() if isinstance(of, str) else ():
            if of not in group:
                known = ", ".join(key for key in group if key != "params")
                raise GlidepathError.of(f"group {label}", "effective", f"one of {known}", of)

        def value(row: Applied) -> float:
            group = groups[row.group]
            return float(row.value * float(group[of]) if isinstance(of, str) else of(group))

        made = [row for row in self.last if row.parameter == "lr" and row.group in groups]
        return [row._replace(parameter="effective_lr", value=value(row)) for row in made]

    def count(self, *, samples: int = _UNSAID, tokens: int = _UNSAID) -> None:
        """States what the coming update consumes, instead of what `attach` and the plan say of one; calls add up.

        A clock of samples or tokens stands, for the coming update, where the updates before it came to. What a skipped update consumed
        counts too, as it is counted here and not when the update happens.

        Args:
            samples: In samples, at least 0. Where only the tokens are given they follow from these, if the plan knows how.
            tokens: In tokens, at least 0. Where only the samples are given they follow from these, if the plan knows how.

        Raises:
            GlidepathError: If a number is negative or not whole.
        """
        checks, said = Checks("count"), (("samples", samples), ("tokens", tokens))
        given = {name: checks.length(name, n, 0) for name, n in said if n is not _UNSAID}
        checks.done()
        run = self._settled
        for name, n in given.items():
            setattr(run, name, getattr(run, name) + n)
            run.stated[name] = run.stated.get(name, 0) + n

    def observe(self, monitor: str, value: Any) -> tuple[Decision, ...]:
        """Tells the plan's controllers of a measurement; what they decide multiplies the values from the next update on.

        Every process must tell the same: reduce the value first.

        Args:
            monitor: The metric's name.
            value: A number; its id is the count of updates. Or what `Controller.observe` takes.

        Returns:
            The decisions, also told to those who asked by `on_decision`.

        Raises:
            GlidepathError: If nobody listens to the metric, or a controller refuses it, as where it was told at this update already.
        """
        run = self._settled
        progress, decisions = run.plan.observe(run.progress, monitor, value)
        run.states = progress.states
        if run.ahead:
            for optimizer, binding in self._live():
                binding.repair(optimizer, run.position(), run.states, "keep")
        for decision in decisions:
            for decider in tuple(run.deciders):
                decider(decision)
        return decisions

    def show(self) -> None:
        """Writes the values of the coming update, as PyTorch's schedulers do in `step()`: for frameworks that look between updates.

        From the first call on the groups are meant to hold them there; what others write between two calls is theirs until the next.
        """
        run = self._settled
        first = not run.ahead
        run.ahead = True
        at = run.position()
        for optimizer, binding in self._live():
            for channel in binding.channels:
                channel.states = run.states
            if first:
                binding.show(optimizer.param_groups)
            elif not binding.writes(optimizer.param_groups, at):
                binding.repair(optimizer, at, run.states, "step")

    def seek(self, updates: int | Progress) -> None:
        """Goes to where `updates` updates were done; values are functions of the progress alone, so nothing is replayed.

        Args:
            updates: In updates, at least those done, each as large as the plan says; or a `Progress` of this plan.

        Raises:
            GlidepathError: If it is not a whole number, or less than the updates done; or if the plan's clock is in samples or tokens, and
                their number does not follow.
        """
        run, done = self._run, self.updates
        if isinstance(updates, Progress):
            given, there = updates, updates.states or run.states
            if given.updates < done or len(there) != len(run.states):
                raise GlidepathError.of("seek", "updates", f"a Progress of this plan, from {done} updates on", updates)
            run.updates, run.samples, run.tokens, run.states = given.updates, given.samples, given.tokens, there
            run.stated = {}
        else:
            plain = taken("seek", "updates", updates, integer(done), f"{done} updates are done")
            if run.plan.clock in ("samples", "tokens") and plain != done:
                try:
                    moved = run.plan.position(updates=plain) - run.plan.position(updates=done)
                except GlidepathError as error:
                    raise error.inside("seek: give a Progress") from None
                setattr(run, run.plan.clock, getattr(run, run.plan.clock) + int(moved))
            run.updates = plain
        run.place()
        self._rewrite()

    def scale(self, factor: float, parameter: str = "lr") -> None:
        """Multiplies every value of a hyper-parameter from the next update on; kept in the state, and told apart from the schedule.

        This is the place for a correction while a run goes on: by hand, by population-based training, after a divergence. It survives
        loading the optimizer's state.

        Args:
            factor: Above 0 and finite; multiplies what was there.
            parameter: The hyper-parameter.

        Raises:
            GlidepathError: If the factor breaks its rule or the hyper-parameter is not driven.
        """
        checks, rules = Checks("scale"), self._run.rules
        plain = checks.take("factor", factor, Positive)
        checks.choice("parameter", parameter, [rule.parameter for rule in rules])
        checks.done()
        pairs = zip(rules, self._run.scales, strict=True)
        self._run.scales = [old * plain if rule.parameter == parameter else old for rule, old in pairs]
        self._rewrite(scaled=True)

    @contextmanager
    def replay(self) -> Generator[None]:
        """Makes an update that calls no hook, such as the replay of a CUDA graph: writes before it, counts after it.

        Examples:
            >>> import torch
            >>> from glidepath.torch import attach
            >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
            >>> scheduler = attach(optimizer, "linear(10)")
            >>> with scheduler.replay():
            ...     pass  # graph.replay()
            >>> scheduler.updates
            1
        """
        driven = self._alive("replay")
        for optimizer, binding in driven:
            binding.turn(optimizer)
        yield
        for optimizer, binding in driven:
            binding.finish(optimizer, skipped=False)
            self._run.slow = True
        self._run.slow = False

    def on_update(self, callback: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `callback` with every value applied, right after its update, and with every foreign write, right before one.

        Args:
            callback: Given an `Applied` or a `ForeignWrite`. Held strongly.

        Returns:
            A function that ends the calls.
        """
        return self._on(self._run.listeners, callback)

    def on_step(self, callback: Callable[[int], object]) -> Callable[[], None]:
        """Calls `callback` once for each update, right after it was counted, whatever the number of groups and optimizers.

        Args:
            callback: Given the update, counted from 0. Held strongly.

        Returns:
            A function that ends the calls.
        """
        return self._on(self._run.steppers, callback)

    def on_decision(self, callback: Callable[[Decision], object]) -> Callable[[], None]:
        """Calls `callback` with every decision of the plan's controllers, as `observe` makes it.

        Args:
            callback: Given a `Decision`. Held strongly.

        Returns:
            A function that ends the calls.
        """
        return self._on(self._run.deciders, callback)

    def _on(self, listeners: list[Callable[[Any], object]], callback: Callable[[Any], object]) -> Callable[[], None]:
        listeners.append(callback)
        self._run.note()

        def stop() -> None:
            if callback in listeners:
                listeners.remove(callback)
                self._run.note()

        return stop

    def detach(self, *, keep: bool = False) -> None:
        """Lets go of the optimizers: removes the hooks and the keys that `attach` added, and writes each group's base back.

        Args:
            keep: Whether the groups keep the values last used instead.
        """
        for _, binding in self._live():
            binding.release(keep)
        self._bindings = []

    # Checkpoints ---------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns plan, fingerprint, progress, the bases and their hash: text and integers, small for any number of groups.

        It may be taken at any moment between two updates; it says how many were done.
        """
        live = self._live()
        for optimizer, binding in live:
            binding.saving(optimizer)
        self._bases = checkpoint.bases_of(self._seated()) if live else self._bases
        return checkpoint.state_of(self._run, self._bases)

    def load_state_dict(self, state_dict: Any, resume: Policy | None = None) -> Resumed:
        """Goes on from a state. The optimizer's own state may be loaded before or after.

        Args:
            state_dict: What `state_dict` returned, in this process or another, also through JSON.
            resume: What happens where the saved plan or the groups' bases differ from the present ones. `"strict"` refuses; `"keep"` goes
                on with the saved plan and the saved bases; `"override"` takes the present ones at the saved progress, also where the
                state is that of one of PyTorch's schedulers; `"extend"` keeps the
                saved plan and bases until here and stretches what is left of it to the length of the present plan, so that nothing jumps.
                None is what `attach` was given.

        Returns:
            The differences in words, and the size of the jump at the seam.

        Raises:
            GlidepathError: If the state is refused; nothing is changed then.
        """
        run, policy = self._run, self._resume if resume is None else resume
        refuse(policy_problems("load_state_dict", policy))
        foreign = checkpoint.of_torch(state_dict)
        if policy == "override" and foreign is not None:
            self.seek(foreign)
            told = "the state of a PyTorch scheduler: its count of updates is taken"
            self.resumed = Resumed(policy, foreign, (told,))
            return self.resumed
        saved, live = checkpoint.read_state(state_dict), self._alive("load_state_dict")
        changed, seated = checkpoint.differences(saved, run), self._seated()
        bases = checkpoint.settled(saved, run.rules, list(chain.from_iterable(seated)), policy)
        changed += checkpoint.base_differences(saved, seated, bases)
        if policy == "strict" and changed:
            remedy = 'resume="keep" goes on with the saved plan and bases, "override" takes these, "extend" the length of this one'
            raise GlidepathError(Problem("checkpoint", "the plan", "that of this run", row, remedy) for row in changed)
        plan, batch = (saved.plan, saved.batch) if policy == "keep" else (run.plan, run.batch)
        if policy == "extend":
            plan = saved.plan.extend(run.plan, Progress(saved.updates, saved.samples, saved.tokens))
        fresh = Attachment(plan, run.foreign, batch, run.rebase, run.tensors, run.scale_key)
        fresh.several = run.several
        fresh.updates, fresh.samples, fresh.tokens = saved.updates, saved.samples, saved.tokens
        fresh.states = _states(saved, plan)
        fresh.scales = list(saved.scales) if len(saved.scales) == len(fresh.rules) else [1.0] * len(fresh.rules)
        if fresh.rules != run.rules:  # refuses what the groups cannot take, before anything is changed
            made = _bound(fresh, {bound.name[:-1] or f" {i}": one for i, (one, bound) in enumerate(live)})
            for new, (_, binding) in zip(made, live, strict=True):
                new.inherit(binding)
            _check(fresh, [(new, optimizer) for new, (optimizer, _) in zip(made, live, strict=True)])
            rows = [seat for n, _ in enumerate(fresh.rules) for new in made for seat in new.channels[n].seats]
            bases = checkpoint.settled(saved, fresh.rules, rows, policy)
            for (_, binding), other in zip(live, made, strict=True):
                for seat in binding.seats:
                    seat.rise()
                binding.channels, binding.extents = other.channels, other.extents
        for name in (*PROGRESS, "plan", "rules", "batch", "end"):
            setattr(run, name, getattr(fresh, name))
        run.place()
        run.moved, run.promise = "", (run.updates, "keep" if policy == "extend" else policy)
        run.note()
        for seat, base in zip(chain.from_iterable(self._seated()), bases or (), strict=False):
            seat.base, seat.own, seat.start, seat.saved = base.used, base.own, base.start, base.saved
        self._rewrite()
        told = tuple((base.name, base.saved, base.found, base.used) for base in bases or () if base.found != base.saved)
        jumps = checkpoint.seams(run.position(), saved.plan, plan)
        self.resumed = Resumed(policy, saved.updates, tuple(changed), jumps, told)
        return self.resumed

    def save(self, path: str | Path) -> None:
        """Writes the state to a JSON file; whoever reads it finds the old file or the new one, never a mixture.

        Args:
            path: The file.
        """
        write_whole(path, json.dumps(self.state_dict(), indent=1, allow_nan=False))

    def load(self, path: str | Path, resume: Policy | None = None) -> Resumed:
        """Goes on from a file that `save` wrote: see `load_state_dict`.

        Args:
            path: The file.
            resume: As in `load_state_dict`.

        Raises:
            GlidepathError: If the file is no such state; nothing is changed then.
        """
        return self.load_state_dict(read_json(Path(path)), resume)

    def packed(self) -> tuple[Any, ...]:
        """Returns all of it but the optimizers and those who listen, to be pickled or copied."""
        run = self._settled
        kept = {name: getattr(run, name) for name in KNOWN}
        seats = [[getattr(seat, name) for name in _BASES] for row in self._seated() for seat in row]
        return (run.plan, run.foreign, run.batch, False, run.tensors, run.scale_key), kept, seats, self._resume

    @classmethod
    def unpacked(cls, optimizers: Mapping[str, Optimizer], packed: tuple[Any, ...]) -> Scheduler:
        """Returns what `packed` was returned by, over copies of its optimizers."""
        options, kept, seats, resume = packed
        run = Attachment(*options)
        vars(run).update(copy.deepcopy(kept))
        made = cls(optimizers, run, resume, False)
        for seat, row in zip(chain.from_iterable(made._seated()), seats, strict=True):
            for name, value in zip(_BASES, row, strict=True):
                setattr(seat, name, value)
        return made

    # Inside --------------------------------------------------------------------------------------------------------------------------

    def _live(self) -> list[tuple[Optimizer, Binding]]:
        pairs = [(optimizer(), binding()) for optimizer, binding in zip(self._optimizers, self._bindings, strict=False)]
        live = [(one, bound) for one, bound in pairs if one is not None and bound is not None and bound.handles]
        for _, binding in live:
            binding.settle_late()
        return live

    @property
    def _settled(self) -> Attachment:
        """The run, nothing of which is on its way any more."""
        if self._run.late is not None:
            self._live()
        return self._run

    def _alive(self, where: str) -> list[tuple[Optimizer, Binding]]:
        live = self._live()
        if not live:
            raise GlidepathError.of(where, "the optimizer", "attached", "none", "it was detached or deleted")
        return live

    def _seated(self) -> list[list[Seat]]:
        """Returns the seats of each rule, in the order of the groups that are there."""
        rows = [binding.seat(optimizer.param_groups, look=True) for optimizer, binding in self._live()]
        return [list(chain.from_iterable(seats)) for seats in zip(*rows, strict=True)]

    def _rewrite(self, scaled: bool = False) -> None:
        for optimizer, binding in self._live():
            binding.again, binding.count = None, -1  # the coming update takes the long way
            if self._run.ahead or not scaled:
                binding.show(optimizer.param_groups)


def _bound(run: Attachment, optimizers: Mapping[str, Optimizer]) -> list[Binding]:
    """Returns a binding for each optimizer."""
    made, checks, first = list[Binding](), Checks("attach"), 0
    for name, optimizer in optimizers.items():
        with checks.kept():
            made.append(Binding(run, optimizer, "" if name.startswith(" ") else f"{name}/", first))
        first += len(optimizer.param_groups)
    checks.done()
    return made


def _check(run: Attachment, pairs: list[tuple[Binding, Optimizer]]) -> None:
    """Checks the rules against all groups together.

    Raises:
        GlidepathError: If a rule matches no group, or multiplies nothing but zeros.
    """
    # a rate of 0 may be what is left of one, and come back with a state
    problems, past = list[Problem | None](), any(optimizer.state for _, optimizer in pairs)
    for n, rule in enumerate(run.rules):
        seats = [seat for binding, _ in pairs for seat in binding.channels[n].seats]
        if not seats and not rule.later:
            labels = [repr(b.label(g, i)) for b, optimizer in pairs for i, g in enumerate(optimizer.param_groups)]
            said = f"patterns that match a group ({', '.join(labels[:20])})"
            problems += GlidepathError.of(f"rule for {rule.parameter}", "groups", said, list(rule.groups)).problems
        if run.scale_key and rule.parameter == "lr" and not any(run.scale_key in seat.group for seat in seats):
            problems.append(Problem("attach", "scale_key", "a key that some group carries", shown(run.scale_key)))
        problems.append(None if past else powerless(rule, seats))
    refuse(problems)


def _tell_of_groups(run: Attachment, seats: list[Seat]) -> None:
    """Warns of groups that say something of their rates which the schedule does not know."""
    rates = [seat for seat in seats if seat.rule.parameter == "lr"]
    scaled = [seat.label for seat in rates if seat.group.get("lr_scale", 1) != 1]
    if scaled and run.scale_key is None:
        names, remedy = ", ".join(scaled[:8]), 'scale_key="lr_scale" does; "" says that their rates have it inside'
        warnings.warn(f"group {names}: lr_scale is carried, and nobody multiplies by it: {remedy}", stacklevel=4)
    for seat in rates:
        steps = number(seat.group.get("warmup_steps"))
        if steps and steps > 0 and seat.schedule.scalar(0) < extent(seat.schedule)[1]:
            said = f"group {seat.label}: the optimizer warms up by itself (warmup_steps={steps}), and the schedule too"
            warnings.warn(f"{said}: their product is used; give warmup_steps=0, or a schedule without", stacklevel=4)
            return


def _states(saved: Saved, plan: Plan) -> tuple[Any, ...]:
    """Returns the saved states of the controllers that a plan still has; new ones begin."""
    left, states = list(zip(saved.plan.feedback, saved.states, strict=True)), list[Any]()
    for part in plan.feedback:
        found = next((i for i, (other, _) in enumerate(left) if other == part), None)
        if found is None:  # an extension may only have put its beginning in other words
            same = (part.controller, part.monitor, part.parameter)
            found = next((i for i, (o, _) in enumerate(left) if (o.controller, o.monitor, o.parameter) == same), None)
        states.append(part.controller.begin() if found is None else left.pop(found)[1])
    return tuple(states)


def _take_over(run: Attachment, bindings: list[Binding], rivals: list[Binding], restart: bool) -> None:
    """Lets a run go on where another of the same plan is, and ends that one.

    Raises:
        GlidepathError: If it is another plan.
    """
    old = rivals[0].run
    if any(rival.run is not old for rival in rivals) or old.plan.fingerprint != run.plan.fingerprint:
        parameter = min((seat.rule.parameter, seat.label) for rival in rivals for seat in rival.seats)[0]
        remedy = "its plan is another: let go of it first, by its detach() or by glidepath.torch.detach(optimizer)"
        raise GlidepathError.of("attach", parameter, "driven by one scheduler", "two", remedy)
    for binding in bindings:
        for rival in rivals:
            binding.inherit(rival)
    if not restart:
        for name in PROGRESS:
            setattr(run, name, getattr(old, name))
        run.at, run.now = old.last(), old.now
    run.placed = True
    for rival in rivals:
        rival.unbind()
