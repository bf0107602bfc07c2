"""A range test on a task of the lab, and its verification by whole trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from ...core import Schedule, plain_data
from ...finder import Suggestion, Trace, Verification, verify
from ...torch.find import Found, find
from ..engines.machine import computing_on, device, devices_of
from ..engines.progress import Meter
from ..engines.training import loss_of, minibatches, one_thread, optimizer_of, run
from ..records.runs import RunSpec
from ..tasks import models
from ..tasks.data import load
from ..tasks.declared import Task
from .planning import one_row


@dataclass(frozen=True)
class TaskRates:
    """What a range test on a task found.

    Args:
        task: Its name.
        found: The answer with its traces.
        schedule: The schedule that it was verified under, or None.
        verification: Whole trainings, or None.
    """

    task: str
    found: Found
    schedule: Schedule | None = None
    verification: Verification | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON data."""
        more = {"schedule": self.schedule, "verification": self.verification}
        return {"task": self.task, **self.found.to_dict(), **plain_data(more)}


@dataclass
class _Batches:
    """The minibatches of a seed, from the beginning whenever they are iterated; each time of another seed."""

    spec: RunSpec
    data: Any
    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        return minibatches(replace(self.spec, seed=self.spec.seed + self.epoch), self.data)


def find_rates(
    task: Task | str,
    schedule: Schedule | str | None = None,
    *,
    budget: int | None = None,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 240,
    repeats: int = 3,
    seed: int = 0,
    verified: bool = False,
    seeds: Sequence[int] = (0, 1),
    progress: Callable[[int, int], object] | None = None,
    swept: Callable[[Trace], object] | None = None,
    on: str = "auto",
    tell: Callable[[str], object] | None = None,
    command: str = "",
) -> TaskRates:
    """Sweeps the rate of a task's fresh model, and on demand trains whole runs at the ends and the middle of the band.

    Args:
        task: A task or its name.
        schedule: To verify under, as for `compare`: a plateau too. None is a cosine with the task's warmup.
        budget: Length of the whole trainings, in updates; None is the task's. A shorter one is no test of the task's.
        low: First rate of the sweep.
        high: Last rate.
        steps: Updates of a sweep.
        repeats: Sweeps.
        seed: Of the initial weights and of the first data order.
        verified: Whether to train whole runs; not done where there is no band.
        seeds: Of the whole runs.
        progress: Called with the sweeps' updates made and planned.
        swept: Called with each sweep's trace as soon as there is one.
        on: The device: see `glidepath.lab.engines.machine.devices_of`. The first, where there are several.
        tell: Hears how long it will take, as soon as the first updates are measured.
        command: What makes this again, for the cheaper one that is proposed.

    Returns:
        The answer. Nothing is applied.

    Raises:
        GlidepathError: If an argument is refused.
    """
    (spec,) = one_row(task, schedule or "cosine", [seed], budget=budget, where="find")
    task, chosen = spec.task, devices_of(on, [spec], "find")[0]
    job = replace(spec, budget=repeats * steps + verified * 3 * len(seeds) * spec.budget)
    meter = Meter([job], command=command or f"glidepath find {task.name}")

    def heard(made: int, of: int) -> None:
        meter.advanced(job, made)
        if tell is not None and (text := meter.foretold(job)):
            tell(text)
        if progress is not None:
            progress(made, of)

    data = load(task.data)
    with computing_on(chosen), one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = models.build(task.model, data).to(device())
        optimizer = optimizer_of(spec, model)
        sizes: dict[str, Any] = {"low": low, "high": high, "steps": steps, "repeats": repeats, "seed": seed}
        sizes["autocast"] = torch.bfloat16 if task.precision == "bfloat16" else None
        loss = partial(loss_of, smoothing=task.label_smoothing)
        found = find(model, optimizer, loss, _Batches(spec, data), **sizes, progress=heard, swept=swept)
    verification = None
    if verified and isinstance(found.result, Suggestion):

        def train(rate: float, seed: int) -> float | None:
            (one,) = one_row(task, schedule or "cosine", [seed], peak_rate=rate, budget=budget, where="find")
            with computing_on(chosen):
                record = run(one)
            return None if record.test is None else record.test.loss

        verification = verify(train, found.result, seeds=seeds)
    return TaskRates(task.name, found, spec.schedule if verified else None, verification)
