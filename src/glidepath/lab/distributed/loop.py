"""The training loop: one update after another on all processes, until the plan ends, the loss does, or somebody wishes it.

What happens to an optimizer here is `attach`, `DistributedDataParallel` and the loop that anybody would write around them; besides there is
what the promises take: samples that do not depend on the number of processes, one exchange of losses an update, and one writer.

Over 400 lines: one loop, most of it what its promises are.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ...core import Problem, problem_of, refuse, write_whole
from ...core.fields import Count
from ...plan import Progress, diff
from ...plan.replan import length_of
from ...torch import Scheduler, attach
from ...torch.agreement import Agreement
from ..engines.machine import computing_on, half_missing, machine, versions
from ..engines.progress import Bar, Meter, Silent, Watcher
from ..engines.training import fresh_model, loss_of, measurement, one_thread, optimizer_of, precision
from ..records.runs import Evaluation
from ..records.store import only_writer
from ..tasks.data import Examples, Text, load
from .checkpoint import MOST, Checkpoint, Checkpoints, History, load_into, tensors_of
from .ranks import Ranks, SharedError, hearing
from .resuming import Policy, Resumed, resumed
from .training import Stream, Training, enough, part

Ended = Literal["finished", "stopped", "diverged"]
_RANDOM = 2
_CHUNK = 64  # examples that a process measures at once


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
    changed: Policy = "strict",
    checkpoint: str = "5%",
    check: int = 50,
    micro: int | None = None,
    watch: Callable[[Update], object] | None = None,
    progress: Watcher | None = None,
    command: str = "glidepath train",
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
        progress: Who hears how far it is, on rank 0; None is a bar on standard error.
        command: What makes this run again, for the cheaper one that is proposed where it takes long.

    Raises:
        Shared: On every process, if an argument breaks its rule, the processes were given different things, the checkpoint is refused, or
            the folder cannot be written.
        GlidepathError: On every process, within `check` updates, if one of them leaves the common plan.
    """
    ranks, folder = ranks or Ranks(), Path(folder)
    wrong = [problem_of("train", "check", check, Count), problem_of("train", "micro", micro, Count | None)]
    wrong += [half_missing("train", str(ranks.device))] if training.amp else []
    ranks.together(lambda: refuse(wrong))
    _same(training, ranks)
    data = ranks.together(lambda: load(training.task.data))
    random = torch.random.fork_rng(devices=[ranks.device] if ranks.device.type == "cuda" else [])
    with one_thread(), computing_on(str(ranks.device)), random, ExitStack() as stack:
        wish = stack.enter_context(hearing())
        watcher: Watcher = Silent() if ranks.rank else progress or stack.enter_context(Bar())
        ranks.first(lambda: stack.enter_context(only_writer(folder, "train")))
        files = Checkpoints(folder / "checkpoints")
        newest, notes = ranks.told(ranks.first(files.newest)) or (None, [])
        going_on: Resumed = training, Progress(), ()
        if newest is not None:
            going_on = ranks.together(lambda: resumed(training, newest.head, data.sha256, changed))
        plan = going_on[0].plan
        ranks.together(lambda: enough(plan, ranks.count))
        period = ranks.together(lambda: length_of(plan, "train", "checkpoint", checkpoint))
        run = _TrainingRun(*going_on, folder, files, ranks, data, period, check, micro, watch, watcher, wish, command)
        if newest is not None:
            run.restore(newest, notes)
        return run.carried_out()


def _same(training: Training, ranks: Ranks) -> None:
    """Checks that every process was given the same.

    Raises:
        Shared: On every process, with what each that differs from rank 0 has.
    """
    plans, rest = ranks.texts(training.plan.to_dict()), ranks.texts(training.identity())
    problems: list[Problem] = []
    for rank in range(1, ranks.count):
        found = diff(plans[0], plans[rank])
        unlike = [f"{key}: {rest[0][key]} -> {rest[rank][key]}" for key in rest[0] if rest[0][key] != rest[rank][key]]
        for what, said in (("the plan", found.lines() if found else []), ("the run", unlike)):
            if said:
                told = f"on rank {rank} {'; '.join(said)}"
                problems.append(Problem("train", what, "the same on every rank", told))
    if problems:
        raise SharedError(problems)


@dataclass(eq=False)
class _TrainingRun:
    """One process's side of a run between two starts."""

    training: Training
    progress: Progress
    told: tuple[str, ...]
    folder: Path
    files: Checkpoints
    ranks: Ranks
    data: Examples | Text
    period: int
    check: int
    micro: int | None
    watch: Callable[[Update], object] | None
    watcher: Watcher
    wish: SimpleNamespace
    command: str

    def __post_init__(self) -> None:
        self.plan, self.task, self.spec = self.training.plan, self.training.task, self.training.spec
        ranks, data, self.meter = self.ranks, self.data, Meter([self.spec], command=self.command)
        self.stream = Stream(self.task, data, self.training.seed)
        self.model = fresh_model(self.spec, data).to(ranks.device)
        self.optimizer = optimizer_of(self.spec, self.model)
        self.history = History([rule.parameter for rule in self.plan.rules], -(-self.spec.budget // MOST))
        self.forward = precision(self.task, self.training.amp)
        how: dict[str, Any] = {"chunk": _CHUNK, "share": (ranks.rank, ranks.count), "summed": ranks.sums}
        self.validate = measurement(self.task, data, "validation", self.forward, **how)
        self.test = measurement(self.task, data, "test", self.forward, **how)
        self.begun, self.before = time.perf_counter(), 0.0

    def restore(self, found: Checkpoint, notes: list[str]) -> None:
        """Goes to where a checkpoint is."""
        load_into(self.model, self.optimizer, found.tensors, found.head["optimizer"])
        self.history = History.from_dict(found.head["history"])
        self.before = self.history.seconds
        if not self.over:
            last = self.history.segments[-1]["processes"] if self.history.segments else 0
            made = f"{self.progress.updates:,} updates and {self.progress.samples:,} samples"
            notes = [*notes, f"goes on after {made}, saved by {_processes(last)}", *(f"  {line}" for line in self.told)]
        for note in notes:
            self.watcher.note(note)

    @property
    def over(self) -> bool:
        """Whether everything was done already."""
        return self.position >= self.training.total and self.history.test is not None

    @property
    def position(self) -> int:
        """Where the run is on the plan's clock."""
        return int(self.plan.position(self.progress))

    # The run ------------------------------------------------------------------------------------------------------------------

    def carried_out(self) -> Trained:
        """Trains until the end."""
        history, ended = self.history, "finished"
        if self.over:
            self.watcher.note(f"nothing is left to do: this run has ended, see {self.folder / 'record.json'}")
        else:
            self._introduce()
            ended = self._updates()
            if ended == "finished":
                history.test = self._measured(self.test)
            self.ranks.first(lambda: self._write(ended, ended != "diverged"))
        last = history.evaluations[-1] if history.evaluations else None
        return Trained(ended, self.progress, last, history.test, history.diverged_at)

    def _introduce(self) -> None:
        ranks, size = self.ranks, self.plan.batch_size(self.position)
        self.history.test = None
        text = self.plan.to_json(indent=2) + "\n"  # for `glidepath check` and `diff`
        ranks.first(lambda: write_whole(self.folder / "plan.json", text))
        segment = {"updates": self.progress.updates, "samples": self.progress.samples, "processes": ranks.count}
        segment |= {"batch": size, "device": ranks.device.type, "changed": list(self.told)}
        self.history.segments.append(segment)
        where = f"{size} samples an update, {_processes(ranks.count)} on {ranks.device.type}"
        self.watcher.note(f"{self.task.name}: {self.training.total:,} {self.plan.clock}, {where}")
        if self.task.changed:
            self.watcher.note(self.task.changed)

    def _updates(self) -> Ended:
        scheduler = attach(self.optimizer, self.plan, rebase=True)
        scheduler.seek(self.progress)
        names, seen = self.history.parameters, lambda: self.progress.samples
        agreement = Agreement(self.optimizer, self.training.fingerprint, seen, parameters=names, every=self.check)
        model, device = self.model, self.ranks.device
        if self.ranks.count > 1:
            model = DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
        while self.position < self.training.total:
            before, size, progress = self.position, int(self.plan.batch_size(self.position) or 0), self.progress
            mine = part(progress.samples, size, self.ranks.rank, self.ranks.count)
            self._reseed()
            loss, lost, stop = self._exchanged(self._gradients(model, *mine, size), size)
            if lost:
                self.history.diverged_at = progress.updates
                return "diverged"
            scheduler.count(samples=size, tokens=size * (self.stream.tokens or 0))
            self.optimizer.step()
            self.optimizer.zero_grad()
            values = [applied.value for applied in scheduler.last]
            self.history.add(progress.updates, progress.samples, progress.tokens, loss, values)
            self.progress = scheduler.progress
            self._tell(values[0], loss)
            if self.watch is not None:
                self.watch(Update(progress.updates, progress.samples, values[0], loss, mine))
            stop = self._between(before, stop, scheduler)
            if stop and self.position < self.training.total:
                return "stopped"
        agreement.detach()
        scheduler.detach()
        return "finished"

    def _tell(self, rate: float, loss: float) -> None:
        """Says where the run is now."""
        made = self.progress.updates
        self.meter.advanced(self.spec, made)
        if text := self.meter.foretold(self.spec):
            self.watcher.note(text)
        at = f"{self.position:,} of {self.training.total:,} {self.plan.clock} · update {made:,}"
        self.watcher.status(self.meter.status(told=f"{at} · rate {rate:.4g} · loss {loss:.4g}"))

    def _reseed(self) -> None:
        """Gives an update random numbers of its own: where the run is decides, not how often it was interrupted."""
        place = (self.training.seed, _RANDOM, self.progress.samples, self.ranks.rank)
        seed = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would queue a call for every device never used
        if self.ranks.device.type == "cuda":
            torch.cuda.manual_seed(seed)

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
                with self.forward():
                    logits = model(inputs)
                loss = loss_of(logits.float(), targets, self.task.label_smoothing)
                (loss * (many * self.ranks.count / size)).backward()
            total += loss.item() * many
        return total

    def _exchanged(self, mine: float, size: int) -> tuple[float, bool, bool]:
        """The mean loss of all samples, whether a process lost its own, and whether one was asked to stop; equal on every process."""
        lost = not math.isfinite(mine)
        numbers: Tensor = torch.tensor([0.0 if lost else mine, lost, self.wish.stop], dtype=torch.float64)
        total, losers, stops = self.ranks.sums(numbers).tolist()
        return total / size, losers > 0, stops > 0

    def _between(self, before: int, stop: bool, scheduler: Scheduler) -> bool:
        """Measures and saves where that is due after an update; returns whether the run is to stop."""
        total, after = self.training.total, min(self.position, self.training.total)
        often = self.task.evaluations
        if before * often // total < after * often // total:
            self.history.evaluations.append(self._measured(self.validate))
            stop |= self._heard(self.history.evaluations[-1], scheduler)
        if after < total and not stop and before // self.period < after // self.period:
            self.ranks.first(lambda: self._write("running"))
        return stop

    def _measured(self, measure: Callable[[nn.Module, int], Evaluation]) -> Evaluation:
        """A measurement of the model, the same bits on every process; its buffers are those of rank 0."""
        for buffer in self.model.buffers() if self.ranks.count > 1 else ():
            distributed.broadcast(buffer, 0)
        return measure(self.model, self.progress.updates)

    def _heard(self, found: Evaluation, scheduler: Scheduler) -> bool:
        """Tells the plan's controllers of a validation, the same on every process; returns whether one of them ends the run."""
        ended = False
        for monitor in dict.fromkeys(each.monitor for each in self.plan.feedback):
            value = getattr(found, monitor)
            for decision in scheduler.observe(monitor, math.nan if value is None else value):
                self.history.decisions.append({"monitor": monitor} | decision.to_dict())
                ended |= decision.action == "stop"
                if decision.action in ("cut", "stop"):
                    self.watcher.note(f"{monitor} at {decision}")
        self.progress = scheduler.progress
        return ended

    # What is kept ---------------------------------------------------------------------------------------------------------------

    def _write(self, ended: str, whole: bool = True) -> None:
        """Writes the record, and the whole state before it."""
        self.history.seconds = self.before + time.perf_counter() - self.begun
        head: dict[str, Any] = {"plan": self.plan.to_dict(), "fingerprint": self.plan.fingerprint}
        head |= {"progress": self.progress.to_dict(), "data_sha256": self.data.sha256}
        identity = self.training.identity()
        if whole:
            tensors, plain = tensors_of(self.model, self.optimizer)
            more = {"identity": identity, "optimizer": plain, "history": asdict(self.history)}
            self.files.write(self.progress.updates, Checkpoint(head | more, tensors))
        record = {"format": 1, "ended": ended, **identity, **head, **self.history.columns()}
        record |= {"versions": versions(), "machine": machine()}
        write_whole(self.folder / "record.json", json.dumps(record, allow_nan=False) + "\n")


def _processes(count: int) -> str:
    return f"{count} process{'' if count == 1 else 'es'}"
