"""What is trained: a task, a plan placed on its data, a peak rate and a seed; checked whole before anything begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ... import Schedule
from ...core import Checks, GlidepathError, Problem, digest, refuse, shown
from ...core.fields import Count, Positive, Seed
from ...dialects.converting import is_ours
from ...plan import BatchRamp, Duration, Horizon, Plan, check
from ..records.runs import RunSpec
from ..tasks.data import load
from ..tasks.declared import Task
from ..tasks.find import find_task
from ..tasks.schedules import steered
from .stream import Stream

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_DURATION = re.compile(r"\d\s*(%|epochs?\b|steps?\b|updates?\b|samples?\b|tokens?\b)|\brest\b")
MONITORS = ("loss", "metric")
"""What a plan's controllers may listen to: the validation's mean loss and the task's metric."""
DEFAULT_SCHEDULE = 'warmup("5%") >> cosine("rest")'


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
        told = f"also {', '.join(together)}"
        checks.problems.append(Problem("train", "plan", "given alone", told, "they are part of a plan"))
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
        counts = Duration.parse(length).unit
        text = DEFAULT_SCHEDULE if schedule is None else schedule
        called = isinstance(text, str) and not is_ours(text)  # another library's schedulers are stepped by the update
        steering = steered(text, peak, "train") if isinstance(text, str) else None
        counted: Any = clock or ("updates" if called else "samples" if counts == "epochs" else counts)
        horizon = Horizon(length, stream.samples, tokens_per_sample=stream.tokens)
        fed: Any = (steering,) if steering else ()
        rules: Any = "hold()" if steering else text
        plan = Plan(rules, horizon, counted, batch=_held(size), feedback=fed)
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
    unit = None if length is None else Duration.parse(length).unit
    refuse(
        Problem(where, name, "in samples or updates: its task has no tokens", shown(given), f"task {task.name}")
        for name, given, counts in (("length", length, unit), ("clock", clock, clock))
        if counts == "tokens" and stream.tokens is None
    )


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
        if part.monitor not in MONITORS:
            rule = "loss or metric, which train measures on the validation data"
            remedy = "drive your own loop by glidepath.torch.attach and its observe"
            checks.problems.append(Problem(f"plan.feedback[{i}]", "monitor", rule, shown(part.monitor), remedy))
    if asked is not None and plan.batch is not None:
        checks.problems.append(Problem("train", "batch", "left out where the plan has one", shown(asked)))
    checks.done()
    if plan.batch is None:
        own = given.batch * given.accumulation * given.processes if given.batch else default
        ramp = _held(asked or own)
    else:
        ramp = plan.batch.replace(multiple=plan.batch.multiple or (given.batch or 1) * given.processes)
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
