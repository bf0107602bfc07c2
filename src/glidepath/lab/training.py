"""Train one run: the only place of the lab where weights change.

A plain PyTorch loop on one thread. Data stay in memory as whole tensors, minibatches are rows picked by index, and the
schedule drives the optimizer through `glidepath.torch.attach`, as it does in anybody's training script.
"""

import copy
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from glidepath import Shift
from glidepath.core.errors import version
from glidepath.lab import models
from glidepath.lab.data import Examples, Text, load
from glidepath.lab.runs import Evaluation, Record, RunSpec
from glidepath.lab.tasks import AdamW, Sgd, Task
from glidepath.torch import attach

__all__ = ["Point", "examples_of", "minibatches", "run"]

_TRACE_LENGTH = 2048
_PROGRESS_SECONDS = 0.1
_WINDOWS = {"validation": 256, "test": 2048}
_CHUNK = 512


@dataclass(frozen=True)
class Point:
    """Where a run stood between two updates: all that is needed to go on from there, under this schedule or another.

    Args:
        updates: Updates made.
        weights: The model's state, copied.
        optimizer: The optimizer's state, copied.
        rates: Learning rate of every update so far.
        losses: Training loss of every update so far, in nats.
    """

    updates: int
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]
    rates: tuple[float, ...]
    losses: tuple[float, ...]


def run(
    spec: RunSpec,
    on_progress: Callable[[int], None] | None = None,
    *,
    keep: Mapping[int, Callable[[Point], None]] | None = None,
    start: Point | None = None,
) -> Record:
    """Train one specification from fresh weights and measure it.

    Two specifications with one seed start from the same weights and see the same minibatches in the same order,
    whatever their schedules. Torch's thread count and random state are as before when this returns.

    Args:
        spec: What to run.
        on_progress: Called with the updates made so far, about ten times a second.
        keep: For some numbers of updates, who gets the point that the run has then reached.
        start: Where to go on from, instead of fresh weights: a point of a run of the same task and seed. Rates and losses
            before it are taken over; validations before it are not in the record.

    Returns:
        The record. A loss that is not finite ends the run and is recorded, not raised.

    Raises:
        TypeError: If the model cannot read the data of its task.
    """
    data = load(spec.task.data)
    wall, cpu = time.perf_counter(), time.process_time()
    with _one_thread(), torch.random.fork_rng(devices=[]):
        model = fresh_model(spec, data)
        training = _train(spec, model, data, on_progress or _nobody, keep or {}, start)
        where = machine()
    return Record(
        spec=spec,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        data_sha256=data.sha256,
        versions=versions(),
        machine=where,
        **training,
    )


def _train(
    spec: RunSpec,
    model: nn.Module,
    data: Examples | Text,
    on_progress: Callable[[int], None],
    keep: Mapping[int, Callable[[Point], None]],
    start: Point | None,
) -> dict[str, Any]:
    optimizer = _optimizer(spec, model)
    first = 0 if start is None else start.updates
    if start is not None:
        model.load_state_dict(start.weights)
        optimizer.load_state_dict(copy.deepcopy(start.optimizer))
        for one in optimizer.param_groups:
            one["lr"] = spec.peak_rate
    attachment = attach(optimizer, Shift(spec.schedule, -first) if first else spec.schedule, rebase=True)
    validate, test = _measure(spec.task, data, "validation"), _measure(spec.task, data, "test")
    due = evaluation_steps(spec.budget, spec.task.evaluations)
    rates: list[float] = [] if start is None else list(start.rates)
    losses: list[float] = [] if start is None else list(start.losses)
    evaluations: list[Evaluation] = []
    told = time.perf_counter()
    group = optimizer.param_groups[0]
    batches = islice(minibatches(spec, data), first, None)
    for update, (inputs, targets) in zip(range(first, spec.budget), batches, strict=False):
        loss = _loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = loss.item()
        losses.append(value)
        rates.append(float(group["lr"]))
        if not math.isfinite(value):
            break
        if update + 1 in due:
            evaluations.append(validate(model, update + 1))
        if update + 1 in keep:
            weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
            keep[update + 1](Point(update + 1, weights, state, tuple(rates), tuple(losses)))
        if time.perf_counter() - told > _PROGRESS_SECONDS:
            told = time.perf_counter()
            on_progress(update + 1)
    attachment.detach()
    final = test(model, len(losses)) if math.isfinite(losses[-1]) else None
    return summary(spec, rates, losses, evaluations, final)


def fresh_model(spec: RunSpec, data: Examples | Text) -> nn.Module:
    """The network of a run with its first weights; seeds torch's global generator and draws them from it.

    Args:
        spec: The run.
        data: Its data.

    Raises:
        TypeError: If the model cannot read the data of its task.
    """
    torch.manual_seed(_stream(spec.seed, 0))
    return models.build(spec.task.model, data)


def summary(
    spec: RunSpec, rates: list[float], losses: list[float], evaluations: list[Evaluation], final: Evaluation | None
) -> dict[str, Any]:
    """The fields of a record that say what training did, long traces thinned.

    Args:
        spec: The run.
        rates: Learning rate of every update made.
        losses: Training loss of every update made, in nats. The last one may be infinite or no number: the run diverged.
        evaluations: Validations.
        final: The measurement on test data; None if the run diverged.
    """
    diverged_at = None if math.isfinite(losses[-1]) else len(losses) - 1
    if final is not None and final.loss is None:
        diverged_at, final = len(losses), None
    stride = -(-spec.budget // _TRACE_LENGTH)
    return {
        "stride": stride,
        "rates": tuple(rates[::stride]),
        "losses": tuple(_mean(losses[i : i + stride]) for i in range(0, len(losses), stride)),
        "evaluations": tuple(evaluations),
        "test": final,
        "updates": len(losses),
        "diverged_at": diverged_at,
    }


def evaluation_steps(budget: int, evaluations: int) -> frozenset[int]:
    """After how many updates a run is validated: evenly spaced, the last at the end.

    Args:
        budget: Updates of the run.
        evaluations: How many are wanted; fewer if the budget is smaller.

    Examples:
        >>> sorted(evaluation_steps(10, 4))
        [2, 5, 8, 10]
    """
    return frozenset(max(1, round(budget * (i + 1) / evaluations)) for i in range(evaluations))


def minibatches(spec: RunSpec, data: Examples | Text) -> Iterator[tuple[Tensor, Tensor]]:
    """The endless minibatches of a run: a function of task and seed alone, whatever the schedule, rate and budget.

    Args:
        spec: The run.
        data: Its data.

    Yields:
        Inputs and targets. Examples: `b features` and `b`, every epoch in a new order, a last partial batch left out.
        Text: tokens `b t` and the same shifted by one, from windows at random places.
    """
    match data:
        case Examples():
            inputs, labels = (torch.from_numpy(part) for part in data.train)
            for block in places(spec, data):
                for rows in block:
                    yield inputs[rows], labels[rows]
        case Text():
            tokens = torch.from_numpy(data.train)
            window = torch.arange(_context(spec.task) + 1)
            for block in places(spec, data):
                for starts in block:
                    windows = tokens[starts.unsqueeze(1) + window]
                    yield windows[:, :-1], windows[:, 1:]


def places(spec: RunSpec, data: Examples | Text) -> Iterator[Tensor]:
    """Where the minibatches of a run lie in its training data: see `minibatches`.

    Args:
        spec: The run.
        data: Its data.

    Yields:
        Blocks `updates b`, one row an update. Examples: their numbers. Text: the number of each window's first token.
    """
    generator = torch.Generator().manual_seed(_stream(spec.seed, 1))
    batch = spec.task.batch
    match data:
        case Examples():
            count = len(data.train[1])
            batch = min(batch, count)
            while True:
                order = torch.randperm(count, generator=generator)
                yield order[: count // batch * batch].view(-1, batch)
        case Text():
            last = len(data.train) - _context(spec.task) - 1
            while True:
                yield torch.randint(last, (_CHUNK, batch), generator=generator)


def examples_of(task: Task, data: Examples | Text, part: Literal["validation", "test"]) -> tuple[Tensor, Tensor]:
    """What a run is measured on.

    Args:
        task: The task.
        data: Its data.
        part: Which part.

    Returns:
        Inputs and targets, as `minibatches` yields them, all in one.
    """
    match data:
        case Examples():
            inputs, labels = getattr(data, part)
            return torch.from_numpy(inputs), torch.from_numpy(labels)
        case Text():
            tokens, context = torch.from_numpy(getattr(data, part)), _context(task)
            count = min(_WINDOWS[part], (len(tokens) - 1) // context)
            # Evenly spread windows, not the first few: the text changes its subject along the way.
            starts = torch.linspace(0, len(tokens) - context - 1, count).long().unsqueeze(1)
            windows = tokens[starts + torch.arange(context + 1)]
            return windows[:, :-1], windows[:, 1:]


def _measure(
    task: Task, data: Examples | Text, part: Literal["validation", "test"]
) -> Callable[[nn.Module, int], Evaluation]:
    inputs, targets = examples_of(task, data, part)

    @torch.no_grad()
    def measure(model: nn.Module, updates: int) -> Evaluation:
        losses, right = [], 0
        training = model.training
        model.eval()
        for some_inputs, some_targets in zip(inputs.split(_CHUNK), targets.split(_CHUNK), strict=True):
            logits = model(some_inputs)
            losses.append(_loss(logits, some_targets).item() * len(some_targets))
            right += int((logits.argmax(-1) == some_targets).sum())
        model.train(training)
        return evaluation(task, updates, sum(losses) / len(targets), right / targets.numel())

    return measure


def evaluation(task: Task, updates: int, loss: float, right: float) -> Evaluation:
    """A measurement as records hold it.

    Args:
        task: Decides which number is the metric.
        updates: Updates made before it.
        loss: Mean loss, in nats.
        right: Share of the predictions that were right.
    """
    found = _number(loss)
    metric = loss if task.metric.name == "loss" else 100.0 * (1.0 - right)
    return Evaluation(updates=updates, loss=found, metric=None if found is None else _number(metric))


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    if logits.dim() > 2:  # a text: every position is an example
        logits, targets = logits.flatten(0, -2), targets.flatten()
    return functional.cross_entropy(logits, targets)


def _optimizer(spec: RunSpec, model: nn.Module) -> torch.optim.Optimizer:
    match spec.task.optimizer:
        case Sgd(momentum=momentum, weight_decay=decay):
            return torch.optim.SGD(
                model.parameters(), lr=spec.peak_rate, momentum=momentum, weight_decay=decay, fused=True
            )
        case AdamW(beta1=beta1, beta2=beta2, weight_decay=decay):
            return torch.optim.AdamW(
                model.parameters(), lr=spec.peak_rate, betas=(beta1, beta2), weight_decay=decay, fused=True
            )


def _context(task: Task) -> int:
    return int(getattr(task.model, "context", 32))


def _stream(seed: int, purpose: int) -> int:
    return int(np.random.SeedSequence((seed, purpose)).generate_state(1, np.uint64)[0])


def _mean(losses: list[float]) -> float | None:
    return _number(sum(losses) / len(losses))


def _number(value: float) -> float | None:
    """A float32 result as JSON holds it: nine significant digits lose nothing; None if it is not finite."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


@contextmanager
def _one_thread() -> Generator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "glidepath": version(),
    }


def machine() -> dict[str, str | int]:
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "implementation": sys.implementation.name,
        "cpus": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
    }


def _nobody(updates: int) -> None:
    del updates
