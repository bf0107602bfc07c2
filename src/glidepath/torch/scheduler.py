"""What `attach` returns: the progress of a driven optimizer, its events, its checkpoints."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from ..core.errors import GlidepathError, Problem, shown
from ..core.fields import number
from .binding import Binding, bindings_of
from .drives import Drive
from .events import Applied
from .files import read_json, write_json
from .progress import Event, Run
from .resume import POLICIES, Policy, Resumed, base_differences, differences, extended, read_state, seams, state_of

__all__ = ["Scheduler", "count_problems"]

_LIKE_TORCH = "; for what expects an LRScheduler use glidepath.torch.ScheduleLR"
_HINTS = {
    "step": f": there is nothing to call, optimizer.step() drives it{_LIKE_TORCH}",
    "get_last_lr": f": `last` has the values of the last update{_LIKE_TORCH}",
    "get_lr": f": `last` has the values of the last update{_LIKE_TORCH}",
    "last_epoch": f": `updates` counts the updates made{_LIKE_TORCH}",
    "base_lrs": f": group['initial_lr'] has each group's base{_LIKE_TORCH}",
}


class Scheduler:
    """Drives an optimizer; made by `attach`.

    Args:
        optimizer: Held weakly.
        run: The plan and the progress.
        resume: What `load_state_dict` does with a plan that differs.
    """

    def __init__(self, optimizer: Optimizer, run: Run, resume: Policy = "strict") -> None:
        binding = Binding(run, optimizer)
        driven = {(channel.drive.key, channel.drive.place) for channel in binding.channels}
        for other in bindings_of(optimizer):
            for channel in other.channels:
                if (channel.drive.key, channel.drive.place) in driven:
                    remedy = "detach the other scheduler first"
                    raise GlidepathError.of("attach", channel.drive.parameter, "driven by one scheduler", "two", remedy)
        binding.sit()
        before, after, loaded = binding.hooks()
        self._run, self._resume = run, resume
        self._optimizer = weakref.ref(optimizer)
        self._binding: Callable[[], Binding | None] = weakref.ref(binding)
        self._handles = [
            optimizer.register_step_pre_hook(before),
            optimizer.register_step_post_hook(after),
            optimizer.register_load_state_dict_post_hook(loaded),
        ]
        self.resumed: Resumed | None = None
        """How the run went on from a checkpoint, or None."""

    def __repr__(self) -> str:
        drives = ", ".join(f"{drive.parameter}: {drive.schedule}" for drive in self._run.drives)
        return f"<Scheduler of {drives}, {self._run.updates} updates>"

    if not TYPE_CHECKING:  # a type checker is to miss the attribute too

        def __getattr__(self, name: str) -> Any:
            hint = _HINTS.get(name, "")
            raise AttributeError(f"a glidepath Scheduler has no {name!r}{hint}", name=name, obj=self)

    def __reduce__(self) -> Any:
        raise TypeError("a Scheduler belongs to its optimizer and is not copied: keep its state_dict() instead")

    # Progress ------------------------------------------------------------------------------------------------------------------------

    @property
    def updates(self) -> int:
        """The updates that really happened: the next one is made with `schedule(updates)`."""
        self._settle()
        return self._run.updates

    @property
    def samples(self) -> int:
        """The samples consumed, skipped updates included."""
        self._settle()
        return self._run.samples

    @property
    def tokens(self) -> int:
        """The tokens consumed, skipped updates included."""
        self._settle()
        return self._run.tokens

    @property
    def drives(self) -> tuple[Drive, ...]:
        """The plan: what drives what."""
        return self._run.drives

    @property
    def duration(self) -> int | float:
        """The length of the longest schedule, in updates; infinity for an endless one."""
        return max(drive.schedule.duration for drive in self._run.drives)

    @property
    def overrun(self) -> int:
        """The updates made beyond the end of the longest schedule; each holds the last value."""
        return 0 if self.duration == math.inf else max(0, self.updates - int(self.duration))

    @property
    def last(self) -> list[Applied]:
        """What the last update was made with: update, group, hyper-parameter, value. Empty before the first one."""
        self._settle()
        binding = self._binding()
        return [] if binding is None else binding.applied()

    def count(self, *, samples: int = 0, tokens: int = 0) -> None:
        """States what the coming update consumes, instead of the `samples` and `tokens` that `attach` was given; calls add up.

        What a skipped update consumed counts too, as it is counted here and not when the update happens.

        Args:
            samples: In samples, at least 0.
            tokens: In tokens, at least 0.

        Raises:
            GlidepathError: If a number is negative or not whole.
        """
        problems = [*count_problems("count", "samples", samples), *count_problems("count", "tokens", tokens)]
        if problems:
            raise GlidepathError(problems)
        run = self._run
        run.samples += int(samples)
        run.tokens += int(tokens)
        if any(run.batch):
            run.stated = True

    def seek(self, updates: int) -> None:
        """Goes to where `updates` updates were done; values are functions of that number alone, so nothing is replayed.

        Args:
            updates: In updates, at least those done.

        Raises:
            GlidepathError: If it is not a whole number, or less than the updates done.
        """
        done, plain = self.updates, number(updates)
        if plain is None or plain != plain // 1 or not done <= plain <= 2**53:
            raise GlidepathError.of(
                "seek", "updates", f"a whole number from {done}, the updates done, to 2^53", updates
            )
        self._run.updates = int(plain)
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
        plain = number(factor)
        if plain is None or not 0.0 < plain < math.inf:
            raise GlidepathError.of("scale", "factor", "a finite number above 0", factor)
        driven = [drive.parameter for drive in self._run.drives]
        if parameter not in driven:
            raise GlidepathError.of("scale", "parameter", f"one of {', '.join(driven)}", parameter)
        self._run.scales = [
            old * float(plain) if drive.parameter == parameter else old
            for drive, old in zip(self._run.drives, self._run.scales, strict=True)
        ]
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
        optimizer, binding = self._alive("replay")
        binding.settle_late()
        if len(optimizer.param_groups) != binding.count or not binding.write(optimizer.param_groups, self._run.updates):
            binding.repair(optimizer)
        yield
        binding.finish(skipped=False)

    def on_update(self, callback: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `callback` with every value applied, right after its update, and with every foreign write, right before one.

        Args:
            callback: Given an `Applied` or a `ForeignWrite`. Held strongly.

        Returns:
            A function that ends the calls.
        """
        run = self._run
        run.listeners.append(callback)
        run.note()

        def stop() -> None:
            if callback in run.listeners:
                run.listeners.remove(callback)
                run.note()

        return stop

    def detach(self, *, keep: bool = False) -> None:
        """Lets go of the optimizer: removes the hooks and the keys that `attach` added, and writes each group's base back.

        Args:
            keep: Whether the groups keep the values last used instead.
        """
        self._settle()
        binding = self._binding()
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if binding is not None:
            for channel in binding.channels:
                for seat in channel.seats:
                    seat.leave(keep)
        self._binding = _gone

    # Checkpoints ---------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns plan, fingerprint, progress, a hash of the bases and the first: text and integers, as large for any number of groups.

        It may be taken at any moment between two updates; it says how many were done.
        """
        self._settle()
        optimizer, binding = self._optimizer(), self._binding()
        if optimizer is not None and binding is not None:
            self._run.bases = binding.bases(optimizer.param_groups)
        return state_of(self._run)

    def load_state_dict(self, state_dict: Any, resume: Policy | None = None) -> Resumed:
        """Goes on from a state. The optimizer's own state may be loaded before or after.

        Args:
            state_dict: What `state_dict` returned, in this process or another, also through JSON.
            resume: What happens where the saved plan or the groups' bases differ from the present ones. `"strict"` refuses; `"keep"` goes
                on with the saved plan; `"override"` takes the present plan at the saved progress; `"extend"` keeps the saved plan until
                here and stretches what is left of it to the length of the present plan, so that nothing jumps. None is what `attach` was
                given.

        Returns:
            The differences in words, and the size of the jump at the seam.

        Raises:
            GlidepathError: If the state is refused; nothing is changed then.
        """
        saved, run = read_state(state_dict), self._run
        policy = self._resume if resume is None else resume
        if policy not in POLICIES:
            raise GlidepathError.of("load_state_dict", "resume", f"one of {', '.join(POLICIES)}", policy)
        optimizer, binding = self._alive("load_state_dict")
        run.bases = binding.bases(optimizer.param_groups)
        changed, moved = differences(saved, run), base_differences(saved, run)
        if policy == "strict" and (changed or moved):
            remedy = (
                'resume="keep" goes on with the saved plan, "override" takes this one, "extend" the length of this one'
            )
            raise GlidepathError(
                Problem("checkpoint", "the plan", "that of this run", text, remedy) for text in (*changed, *moved)
            )
        drives, scales = run.drives, list(saved.scales)
        if policy == "keep":
            drives = saved.drives
        elif policy == "extend":
            drives = extended(saved, run.drives)
        elif len(scales) != len(drives):
            scales = [1.0] * len(drives)
        fresh = Run(drives, run.foreign, *(saved.batch if policy == "keep" else run.batch), run.rebase, run.tensors)
        fresh.updates, fresh.samples, fresh.tokens, fresh.scales = saved.updates, saved.samples, saved.tokens, scales
        if drives != run.drives:
            plan = Binding(fresh, optimizer)  # refuses what the groups cannot take, before anything is changed
            for channel in binding.channels:
                for seat in channel.seats:
                    seat.rise()
            _inherit(plan, binding)
            binding.channels, binding.ranges = plan.channels, plan.ranges
        for name in ("drives", "batch", "updates", "samples", "tokens", "scales"):
            setattr(run, name, getattr(fresh, name))
        run.armed, run.stated, run.late = False, False, None
        run.promise, run.moved = None, False
        run.note()
        binding.sit()
        if policy == "strict":
            binding.promise()
        binding.count = -1
        binding.show(optimizer.param_groups)
        self.resumed = Resumed(
            policy, saved.updates, tuple(changed + moved), seams(saved.updates, saved.drives, drives)
        )
        return self.resumed

    def save(self, path: str | Path) -> None:
        """Writes the state to a JSON file; whoever reads it finds the old file or the new one, never a mixture.

        Args:
            path: The file.
        """
        write_json(Path(path), self.state_dict())

    def load(self, path: str | Path, resume: Policy | None = None) -> Resumed:
        """Goes on from a file that `save` wrote: see `load_state_dict`.

        Args:
            path: The file.
            resume: As in `load_state_dict`.

        Raises:
            GlidepathError: If the file is no such state; nothing is changed then.
        """
        return self.load_state_dict(read_json(Path(path)), resume)

    # Inside --------------------------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        binding = self._binding()
        if binding is not None and self._run.late is not None:
            binding.settle_late()

    def _alive(self, where: str) -> tuple[Optimizer, Binding]:
        optimizer, binding = self._optimizer(), self._binding()
        if optimizer is None or binding is None:
            raise GlidepathError.of(where, "the optimizer", "attached", "none", "it was detached or deleted")
        return optimizer, binding

    def _rewrite(self, scaled: bool = False) -> None:
        optimizer, binding = self._optimizer(), self._binding()
        if binding is not None:
            binding.count = -1  # the coming update takes the long way
            if optimizer is not None and (self._run.ahead or not scaled):
                binding.show(optimizer.param_groups)


def _gone() -> None:
    return None


def _inherit(new: Binding, old: Binding) -> None:
    """Lets the new seats know what was in the groups before the old ones were taken."""
    before = {
        (seat.drive.parameter, id(seat.params)): seat.before for channel in old.channels for seat in channel.seats
    }
    for channel in new.channels:
        for seat in channel.seats:
            seat.before = before.get((seat.drive.parameter, id(seat.params)), seat.before)


def count_problems(where: str, name: str, value: Any) -> list[Problem]:
    """Returns the problem of a number that counts something, if it has one."""
    plain = number(value)
    if plain is None or plain != plain // 1 or not 0 <= plain <= 2**53:
        return [Problem(where, name, "a whole number, at least 0", shown(value))]
    return []
