"""What is trained: a task, a plan placed on its data, a peak rate and a seed, all checked before anything begins; and in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ... import Schedule
from ...core import Checks, GlidepathError, Problem, digest, shown
from ...core.fields import Count, Positive, Seed
from ...dialects.converting import is_ours
from ...plan import BatchRamp, Duration, Horizon, Plan, check
from ..engines.machine import device
from ..engines.training import context_of, picked
from ..records.runs import RunSpec
from ..tasks.data import Examples, Text, load
from ..tasks.declared import Task
from ..tasks.find import find_task
from ..tasks.schedules import steered

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_DURATION = re.compile(r"\d\s*(%|epochs?\b|steps?\b|updates?\b|samples?\b|tokens?\b)|\brest\b")
_MONITORS = (
    "loss",
    "metric",
)  # what a plan's controllers may listen to: the validation's mean loss and the task's metric
_DEFAULT_SCHEDULE = 'warmup("5%") >> cosine("rest")'
_ORDER, _OFFSET = 3, 4


@dataclass(frozen=True)
class Training:
    """What is trained.

    Args:
        task: The task.
        plan: Its plan, placed on the task's data: the batch of an update is the plan's, however many processes there are.
        rate: Peak learning rate.
        seed: Of the first weights and of the order of the samples.
        amp: Whether the forward pass runs in bfloat16.
    """

    task: Task
    plan: Plan
    rate: float
    seed: int = 0
    amp: bool = False

    @property
    def spec(self) -> RunSpec:
        """The same as a run of the lab, whose schedule and budget count updates."""
        return RunSpec(self.task, self.plan.schedule(), self.rate, self.seed, max(1, self.plan.derived.updates or 1))

    @property
    def total(self) -> int:
        """The length of the run on the plan's clock."""
        return self.plan.total or 0

    def identity(self) -> dict[str, Any]:
        """What decides the outcome, the plan left out, as plain JSON data."""
        return {"task": self.task.identity(), "peak_rate": self.rate, "seed": self.seed, "amp": self.amp}

    @property
    def fingerprint(self) -> str:
        """A SHA-256 in hexadecimal of all of it."""
        return digest([self.identity(), self.plan.fingerprint])


def training_of(
    task: Task | str,
    *,
    plan: Plan | None = None,
    schedule: Schedule | str | None = None,
    length: str | None = None,
    clock: str | None = None,
    batch: int | None = None,
    per_process: bool = False,
    processes: int = 1,
    rate: float | None = None,
    seed: int = 0,
    amp: bool = False,
) -> Training:
    """What is trained, from the arguments of a command.

    Args:
        task: A task or its name.
        plan: A whole plan, instead of schedule, length and clock. What its horizon does not say about the data is filled in.
        schedule: Factors on the peak rate, with durations such as `"5%"`; another library's scheduler call, a plateau too, which hears
            the validation's loss. None is a warmup of 5 % and a cosine.
        length: Of the run, such as `"2e6 tokens"`, `"30000 samples"` or `"3 epochs"`; None is what the task's own budget sees.
        clock: What the schedule counts; None is the length's unit, and samples for one in epochs; for a scheduler call, updates.
        batch: Samples of an update; None is the plan's, or the task's.
        per_process: Whether `batch` is meant for each process, so that an update grows with their number.
        processes: How many there are.
        rate: Peak learning rate; None is the task's.
        seed: In [0, 2^32).
        amp: Whether the forward pass runs in bfloat16.

    Raises:
        GlidepathError: If an argument breaks its rule, the plan has an error that `glidepath check` finds, or the data are not there.
    """
    task = find_task(task) if isinstance(task, str) else task
    together = [name for name, given in (("schedule", schedule), ("length", length), ("clock", clock)) if given]
    checks = Checks("train")
    if plan is not None and together:
        checks.worded("plan", "given alone", f"also {', '.join(together)}", "they are part of a plan")
    batch = checks.take("batch", batch, Count | None)
    peak: float = checks.take("peak_rate", rate, Positive | None) or task.peak_rate
    seed, processes = checks.take("seed", seed, Seed), checks.take("processes", processes, Count)
    with checks.kept():  # the horizon that is asked for
        Plan.of({"rules": "hold()", "horizon": {"length": length} if length else {}, "clock": clock or "samples"})
    if isinstance(schedule, str) and _DURATION.search(_QUOTED.sub("", schedule)):
        # Written without its quotes, or a shell took them.
        rule = 'written with its durations in quotes, such as warmup("5%")'
        checks.refuse("schedule", rule, schedule, "put the whole in single quotes for a shell")
    checks.done()
    stream = Stream(task, load(task.data), seed)
    size = (batch or task.batch) * (processes if per_process else 1)
    if plan is None:
        _countable(task, stream, "train", length, clock)
        length = length or f"{task.budget * task.batch} samples"
        counts: Any = Duration.parse(length).unit
        text: Any = _DEFAULT_SCHEDULE if schedule is None else schedule
        called = isinstance(text, str) and not is_ours(text)  # another library's schedulers are stepped by the update
        counts = clock or ("updates" if called else "samples" if counts == "epochs" else counts)
        horizon = Horizon(length, stream.samples, tokens_per_sample=stream.tokens)
        fed = [found] if isinstance(text, str) and (found := steered(text, peak, "train")) else []
        plan = Plan("hold()" if fed else text, horizon, counts, batch=_held(size), feedback=fed)  # type: ignore[arg-type]
    else:
        _countable(task, stream, "plan", plan.horizon.length, plan.clock)
        plan = _completed(plan, stream, None if batch is None and not per_process else size, size)
    if errors := [finding for finding in check(plan) if finding.level == "error"]:
        raise GlidepathError(errors)
    if plan.total is None:
        raise GlidepathError.of("plan", "horizon.length", "given", None, "such as '2e6 tokens' or '3 epochs'")
    if plan.clock == "epochs":
        raise GlidepathError.of("plan", "clock", "updates, samples or tokens for train", plan.clock)
    plan.driven  # noqa: B018 - refuses what cannot be resolved
    enough(plan, processes)
    return Training(task, plan, peak, seed, amp or task.precision != "float32")


def _countable(task: Task, stream: Stream, where: str, length: str | None, clock: str | None) -> None:
    """Refuses to count the tokens of a task that has none.

    Raises:
        GlidepathError: With every place where they are asked for.
    """
    checks, unit = Checks(where), None if length is None else Duration.parse(length).unit
    for name, given, counts in (("length", length, unit), ("clock", clock, clock)):
        if counts == "tokens" and stream.tokens is None:
            checks.refuse(name, "in samples or updates: its task has no tokens", given, f"task {task.name}")
    checks.done()


def _held(size: int) -> BatchRamp:
    return BatchRamp(f"hold(value={size})")  # type: ignore[arg-type]


def _completed(plan: Plan, stream: Stream, asked: int | None, default: int) -> Plan:
    """A plan of the user's, with what its horizon says about the data checked, and a batch that does not depend on the processes."""
    given, checks = plan.horizon, Checks("plan")
    for name, value in (("samples", stream.samples), ("tokens_per_sample", stream.tokens)):
        said = getattr(given, name)
        if said is not None and said != value:
            checks.refuse(f"horizon.{name}", f"that of the task's data, {value}", said, "leave it out")
    for i, part in enumerate(plan.feedback):
        if part.monitor not in _MONITORS:
            rule = "loss or metric, which train measures on the validation data"
            remedy = "drive your own loop by glidepath.torch.attach and its observe"
            checks.problems.append(Problem(f"plan.feedback[{i}]", "monitor", rule, shown(part.monitor), remedy))
    if asked is not None and plan.batch is not None:
        checks.problems.append(Problem("train", "batch", "left out where the plan has one", shown(asked)))
    checks.done()
    if plan.batch is not None:
        ramp = plan.batch.replace(multiple=plan.batch.multiple or (given.batch or 1) * given.processes)
    else:
        ramp = _held(asked or (given.batch * given.accumulation * given.processes if given.batch else default))
    return plan.replace(horizon=Horizon(given.length, stream.samples, tokens_per_sample=stream.tokens), batch=ramp)


def enough(plan: Plan, processes: int) -> None:
    """Refuses a plan whose smallest batch does not have a sample for each process.

    Raises:
        GlidepathError: With what it has.
    """
    smallest = plan.batch_size(0) or 0
    if smallest < processes:
        rule, remedy = f"at least {processes} samples, one for each process", "start fewer processes"
        raise GlidepathError.of("train", "batch", rule, smallest, remedy)


def part(first: int, count: int, rank: int, ranks: int) -> tuple[int, int]:
    """The piece of an update's samples that one process takes: neighbours, as equal as can be.

    Args:
        first: How many samples were seen before the update.
        count: Samples of the update, over all processes.
        rank: The process.
        ranks: How many processes there are.

    Returns:
        Where its piece begins, and how many samples it has. The pieces of all ranks in turn are the whole.

    Examples:
        >>> [part(100, 10, rank, 4) for rank in range(4)]
        [(100, 2), (102, 3), (105, 2), (107, 3)]
    """
    begin, end = count * rank // ranks, count * (rank + 1) // ranks
    return first + begin, end - begin


class Stream:
    """An endless row of epochs, each with every sample once and in an order of its own.

    Sample p of the row is number `order(p // n)[p % n]`, n samples being an epoch. An update takes the next samples of the row, across the
    end of an epoch if need be, so that none is repeated, padded or left out, whatever the batch.

    A sample of a text is a window of the model's context. The windows of an epoch do not overlap; each epoch cuts the text at another
    place.

    Args:
        task: The task.
        data: Its data.
        seed: Of the orders.
    """

    def __init__(self, task: Task, data: Examples | Text, seed: int) -> None:
        self.task, self.data, self.seed = task, data, seed
        self.tokens = context_of(task) if isinstance(data, Text) else None  # of a sample; None where samples have none
        self.samples = len(data.train) // self.tokens - 1 if self.tokens else len(data.train[1])  # of an epoch
        self._orders: dict[int, npt.NDArray[np.int64]] = {}

    def numbers(self, first: int, count: int) -> list[tuple[int, npt.NDArray[np.int64]]]:
        """Which samples stand at some places of the row: for each epoch that is touched, its index and the samples' numbers in [0, samples).

        Args:
            first: The first place.
            count: How many.
        """
        found: list[tuple[int, npt.NDArray[np.int64]]] = []
        while count > 0:
            epoch, begin = divmod(first, self.samples)
            if epoch not in self._orders:
                self._orders = {epoch: np.random.default_rng((self.seed, _ORDER, epoch)).permutation(self.samples)}
            taken = self._orders[epoch][begin : begin + count]
            found.append((epoch, taken))
            first, count = first + len(taken), count - len(taken)
        return found

    def batch(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some places of the row, as `glidepath.lab.engines.training.minibatches` yields them.

        Args:
            first: The first place.
            count: How many, at least 1.
        """
        rows = [self._offset(epoch) + (self.tokens or 1) * each for epoch, each in self.numbers(first, count)]
        return picked(self.task, self.data, self.seed, torch.from_numpy(np.concatenate(rows)).to(device()), first)

    def _offset(self, epoch: int) -> int:
        """Where an epoch cuts the text."""
        return int(np.random.default_rng((self.seed, _OFFSET, epoch)).integers(self.tokens or 1))
