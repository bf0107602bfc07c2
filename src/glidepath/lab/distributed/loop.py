"""The training loop: one update after another on all processes, until the plan ends, the loss does, or somebody wishes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ...core.checks import problem_of, refuse
from ...core.errors import Problem
from ...core.fields import Count
from ...plan import Progress, diff
from ...plan.replan import length_of
from ...torch import Scheduler, attach
from ...torch.agreement import Agreement
from ..engines.devices import half_missing
from ..engines.estimate import Foretold
from ..engines.training import fresh_model, loss_of, one_thread, optimizer_of
from ..records.runs import Evaluation
from ..tasks.data import load
from ..tasks.examples import Examples, Text
from .checkpoint import load_into
from .history import History, Rates
from .measuring import Measurement
from .progress import Teller
from .ranks import Ranks, Shared
from .resuming import Changed, Resumed, resumed
from .signals import Wish, hearing
from .stream import Stream, part
from .training import Training, enough
from .writer import Keeper, Standing

__all__ = ["Trained", "Update", "train"]

Ended = Literal["finished", "stopped", "diverged"]
_RANDOM = 2


@dataclass(frozen=True)
class Update:
    """One update, as `train` tells it to its caller on every process.

    Args:
        index: How many were made before it.
        samples: Samples that were seen before it.
        rate: The learning rate it was made with.
        loss: The mean loss of all its samples.
        mine: Where the samples of this process begin, and how many they are.
    """

    index: int
    samples: int
    rate: float
    loss: float
    mine: tuple[int, int]


@dataclass(frozen=True)
class Trained:
    """How a run ended.

    Args:
        ended: `finished`; `stopped` by a signal, with a checkpoint to go on from; or `diverged`.
        progress: What has happened.
        validation: The last validation.
        test: The measurement at the end.
        diverged_at: The update whose loss was not finite, if there was one.
    """

    ended: Ended
    progress: Progress
    validation: Evaluation | None = None
    test: Evaluation | None = None
    diverged_at: int | None = None


def train(
    training: Training,
    folder: str | Path,
    ranks: Ranks | None = None,
    *,
    changed: Changed = "strict",
    checkpoint: str = "5%",
    check: int = 50,
    micro: int | None = None,
    watch: Callable[[Update], object] | None = None,
    teller: Teller | None = None,
    command: str = "",
) -> Trained:
    """Trains, from the newest checkpoint in a folder if there is one. Called on every process; only rank 0 reads and writes the folder.

    An update takes the next samples of the stream, whatever the number of processes; each process takes its part, and gradients count
    every sample once. The rate is written by `glidepath.torch.attach`. Losses, and whether anybody lost or wishes to stop, are exchanged in
    every update before its gradients are used, so that all processes end at the same one.

    Args:
        training: What is trained.
        folder: For `record.json`, `plan.json` and `checkpoints/`.
        ranks: The processes; None is this one alone.
        changed: What happens where the checkpoint is of another plan, rate or precision: `strict` refuses, `keep` goes on with that of the
            checkpoint, `override` takes this one at the saved progress, `extend` stretches what is left of the checkpoint's to this length.
        checkpoint: How often one is written: a share of the run, or a length such as `"500 steps"`.
        check: Every so many updates it is checked that all processes are at the same progress of the same plan, with the same values.
        micro: Samples that a process takes at once, where its part of an update is larger; None is no limit.
        watch: Called on every process after each update.
        teller: Who hears how far it is; None is rank 0's standard error.
        command: What makes this run again, for the cheaper one that is proposed where it takes long.

    Raises:
        Shared: On every process, if an argument breaks its rule, the processes were given different things, the checkpoint is refused, or
            the folder cannot be written.
        GlidepathError: On every process, within `check` updates, if one of them leaves the common plan.
    """
    ranks = ranks or Ranks()
    counts = {"check": check, "micro": 1 if micro is None else micro}
    ranks.together(lambda: refuse(problem_of("train", name, count, Count) for name, count in counts.items()))
    ranks.together(lambda: refuse([half_missing("train", str(ranks.device)) if training.amp else None]))
    _same(training, ranks)
    data = ranks.together(lambda: load(training.task.data))
    folder = Path(folder)
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        gpus = [ranks.device] if ranks.device.type == "cuda" else []
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        wish = stack.enter_context(hearing())
        keeper = Keeper(folder, ranks)
        keeper.hold(stack)
        head, tensors = keeper.found()
        going_on = Resumed(training, Progress())
        if head is not None:
            going_on = ranks.together(lambda: resumed(training, head, data.sha256, changed))
        plan = going_on.training.plan
        ranks.together(lambda: enough(plan, ranks.count))
        period = ranks.together(lambda: length_of(plan, "train", "checkpoint", checkpoint))
        teller = teller or Teller(going_on.training.total, plan.clock, quiet=ranks.rank > 0)
        updates = going_on.training.spec.budget
        teller.foretell = Foretold(training.task, updates, command or "glidepath train", teller.note)
        session = _Session(going_on, keeper, data, period, check, micro, watch, teller, wish)
        if head is not None:
            session.restore(head, tensors)
        return session.run()


def _same(training: Training, ranks: Ranks) -> None:
    """Checks that every process was given the same.

    Raises:
        Shared: On every process, with what each that differs from rank 0 has.
    """
    plans, rest = ranks.texts(training.plan.to_dict()), ranks.texts(training.identity())
    problems: list[Problem] = []
    for rank in range(1, ranks.count):
        found = diff(plans[0], plans[rank])
        for what, said in (("the plan", found.lines() if found else []), ("the run", _unlike(rest[0], rest[rank]))):
            if said:
                told = f"on rank {rank} {'; '.join(said)}"
                problems.append(Problem("train", what, "the same on every rank", told))
    if problems:
        raise Shared(problems)


def _unlike(mine: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [f"{key}: {mine[key]} -> {other[key]}" for key in mine if mine[key] != other[key]]


class _Session(Standing):
    """One process's side of a run between two starts."""

    def __init__(
        self,
        going_on: Resumed,
        keeper: Keeper,
        data: Examples | Text,
        period: int,
        check: int,
        micro: int | None,
        watch: Callable[[Update], object] | None,
        teller: Teller,
        wish: Wish,
    ) -> None:
        self.training, self.progress, self.data = going_on.training, going_on.progress, data
        self.told, self.plan, self.task = going_on.told, self.training.plan, self.training.task
        self.keeper, self.ranks = keeper, keeper.ranks
        self.period, self.check, self.micro, self.watch = period, check, micro, watch
        self.teller, self.wish = teller, wish
        self.stream = Stream(self.task, data, self.training.seed, self.ranks.device)
        self.model = fresh_model(self.training.spec, data).to(self.ranks.device)
        self.optimizer = optimizer_of(self.training.spec, self.model)
        self.history = History(Rates([rule.parameter for rule in self.plan.rules]))
        self.validate = Measurement(self.task, data, "validation", self.ranks, self._context)
        self.test = Measurement(self.task, data, "test", self.ranks, self._context)

    def restore(self, head: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        """Goes to where a checkpoint is."""
        load_into(self.model, self.optimizer, tensors, head["optimizer"])
        self.history = History.from_dict(head["history"])
        for note in self.keeper.files.notes:
            self.teller.note(f"note: {note}")
        if self.ended:
            return
        last = self.history.segments[-1]["processes"] if self.history.segments else 0
        self.teller.note(
            f"goes on after {self.progress.updates:,} updates and {self.progress.samples:,} samples, saved by {_processes(last)}"
        )
        for line in self.told:
            self.teller.note(f"  {line}")

    @property
    def ended(self) -> bool:
        """Whether everything was done already."""
        return self.position >= self.training.total and self.history.test is not None

    @property
    def position(self) -> int:
        """Where the run is on the plan's clock."""
        return int(self.plan.position(self.progress))

    # The run ------------------------------------------------------------------------------------------------------------------

    def run(self) -> Trained:
        """Trains until the end."""
        if self.ended:
            self.teller.note(f"nothing is left to do: this run has ended, see {self.keeper.folder / 'record.json'}")
            return self._outcome("finished")
        self._introduce()
        ended = self._updates()
        self.teller.close()
        if ended == "finished":
            self.history.test = self.test.measure(self.model, self.progress.updates)
        if ended == "diverged":
            self.keeper.record(ended, self)
        else:
            self.keeper.save(ended, self)
        return self._outcome(ended)

    def _introduce(self) -> None:
        ranks, size = self.ranks, self.plan.batch_size(self.position)
        self.history.test = None
        self.keeper.begin(self.training)
        self.history.segments.append(
            {
                "updates": self.progress.updates,
                "samples": self.progress.samples,
                "processes": ranks.count,
                "batch": size,
                "device": ranks.device.type,
                "changed": list(self.told),
            }
        )
        self.teller.note(
            f"{self.task.name}: {self.training.total:,} {self.plan.clock}, {size} samples an update, "
            f"{_processes(ranks.count)} on {ranks.device.type}"
        )
        if self.task.changed:
            self.teller.note(self.task.changed)

    def _updates(self) -> Ended:
        scheduler = attach(self.optimizer, self.plan, rebase=True)
        scheduler.seek(self.progress)
        parameters = [rule.parameter for rule in self.plan.rules]
        agreement = Agreement(
            self.optimizer,
            self.training.fingerprint,
            lambda: self.progress.samples,
            parameters=parameters,
            every=self.check,
        )
        wrapped = self._wrapped()
        while self.position < self.training.total:
            before, size = self.position, int(self.plan.batch_size(self.position) or 0)
            first, count = part(self.progress.samples, size, self.ranks.rank, self.ranks.count)
            self._reseed()
            loss, lost, stop = self._exchanged(self._gradients(wrapped, first, count, size), size)
            if lost:
                self.history.diverged_at = self.progress.updates
                return "diverged"
            scheduler.count(samples=size, tokens=size * (self.stream.tokens or 0))
            self.optimizer.step()
            self.optimizer.zero_grad()
            values = [applied.value for applied in scheduler.last]
            progress = self.progress
            self.history.trace.add(progress.updates, progress.samples, progress.tokens, loss, values)
            self.progress = scheduler.progress
            self.teller.step(self.position, self.progress.updates, self.progress.samples, values[0], loss)
            if self.watch is not None:
                made = Update(self.progress.updates - 1, self.progress.samples - size, values[0], loss, (first, count))
                self.watch(made)
            stop = self._between(before, stop, scheduler)
            if stop and self.position < self.training.total:
                return "stopped"
        agreement.detach()
        scheduler.detach()
        return "finished"

    def _reseed(self) -> None:
        """Gives an update random numbers of its own: where the run is decides, not how often it was interrupted."""
        place = (self.training.seed, _RANDOM, self.progress.samples, self.ranks.rank)
        seed = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would queue a call for every device never used
        if self.ranks.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def _wrapped(self) -> nn.Module:
        if self.ranks.count == 1:
            return self.model
        device = self.ranks.device
        return DistributedDataParallel(self.model, device_ids=[device] if device.type == "cuda" else None)

    def _context(self) -> AbstractContextManager[object]:
        if not self.training.amp:
            return nullcontext()
        return torch.autocast(self.ranks.device.type, dtype=torch.bfloat16)

    def _gradients(self, model: nn.Module, first: int, count: int, size: int) -> float:
        """Adds up the gradients of this process's samples; returns the sum of their losses.

        DDP averages over the processes, so that each loss is weighted with what makes it a mean over all samples of the update.
        """
        total, step = 0.0, min(self.micro or count, count)
        for begin in range(0, count, step):
            many = min(step, count - begin)
            inputs, targets = self.stream.batch(first + begin, many)
            alone = begin + many < count and isinstance(model, DistributedDataParallel)
            with model.no_sync() if alone else nullcontext():  # type: ignore[operator,union-attr]
                with self._context():
                    logits = model(inputs)
                loss = loss_of(logits.float(), targets, self.task.label_smoothing)
                (loss * (many * self.ranks.count / size)).backward()
            total += loss.item() * many
        return total

    def _exchanged(self, mine: float, size: int) -> tuple[float, bool, bool]:
        """The mean loss of all samples, whether a process lost its own, and whether one was asked to stop; equal on every process."""
        lost = not math.isfinite(mine)
        numbers = [0.0 if lost else mine, float(lost), float(self.wish.stop)]
        total, losers, stops = self.ranks.sums(torch.tensor(numbers, dtype=torch.float64)).tolist()
        return total / size, losers > 0, stops > 0

    def _between(self, before: int, stop: bool, scheduler: Scheduler) -> bool:
        """Measures and saves where that is due after an update; returns whether the run is to stop."""
        total, after = self.training.total, min(self.position, self.training.total)
        often = self.task.evaluations
        if before * often // total < after * often // total:
            found = self.validate.measure(self.model, self.progress.updates)
            self.history.evaluations.append(found)
            stop |= self._heard(found, scheduler)
        if after < total and not stop and before // self.period < after // self.period:
            self.keeper.save("running", self)
        return stop

    def _heard(self, found: Evaluation, scheduler: Scheduler) -> bool:
        """Tells the plan's controllers of a validation, the same on every process; returns whether one of them ends the run."""
        ended = False
        for monitor in dict.fromkeys(each.monitor for each in self.plan.feedback):
            value = getattr(found, monitor)
            for decision in scheduler.observe(monitor, math.nan if value is None else value):
                self.history.decisions.append({"monitor": monitor} | decision.to_dict())
                ended |= decision.action == "stop"
                if decision.action in ("cut", "stop"):
                    self.teller.note(f"{monitor} at {decision}")
        self.progress = scheduler.progress
        return ended

    def _outcome(self, ended: Ended) -> Trained:
        history = self.history
        last = history.evaluations[-1] if history.evaluations else None
        return Trained(ended, self.progress, last, history.test, history.diverged_at)


def _processes(count: int) -> str:
    return f"{count} process{'' if count == 1 else 'es'}"
