"""Train one run: the only place of the lab where weights change.

A plain PyTorch loop on one thread, or on a GPU. Data are on the device once as whole tensors, minibatches are rows picked by
index, and the schedule drives the optimizer through `glidepath.torch.attach`, as it does in anybody's training script.
"""

from __future__ import annotations

import copy
import functools
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ... import Schedule, Shift
from ...plan import Plan
from ...torch import attach
from ..records.runs import Evaluation, Record, RunSpec
from ..tasks import models
from ..tasks.augment import augmented
from ..tasks.data import load
from ..tasks.declared import AdamW, Sgd, Task
from ..tasks.examples import Examples, Text
from .devices import device
from .machine import machine, versions

__all__ = ["Point", "examples_of", "minibatches", "run"]

_TRACE_LENGTH = 2048
_PROGRESS_SECONDS = 0.1
_WINDOWS = {"validation": 256, "test": 2048}
_CHUNK = 512
_TOP = 5
_MANY_CLASSES = 20


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
    on = device()
    with one_thread(), torch.random.fork_rng(devices=[on] if on.type == "cuda" else []):
        model = fresh_model(spec, data).to(on)
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
    optimizer = optimizer_of(spec, model)
    first = 0 if start is None else start.updates
    if start is not None:
        model.load_state_dict(start.weights)
        optimizer.load_state_dict(copy.deepcopy(start.optimizer))
        for one in optimizer.param_groups:
            one["lr"] = spec.peak_rate
    driven: Schedule | Plan = Shift(spec.schedule, -first) if first else spec.schedule
    if spec.controller:
        driven = Plan.of(
            {"rules": [{"schedule": driven}], "feedback": [{"controller": spec.controller, "monitor": "loss"}]}
        )
    attachment = attach(optimizer, driven, rebase=True)
    validate, test = measurement(spec.task, data, "validation"), measurement(spec.task, data, "test")
    due = evaluation_steps(spec.budget, spec.task.evaluations)
    rates: list[float] = [] if start is None else list(start.rates)
    losses: list[float] = [] if start is None else list(start.losses)
    evaluations: list[Evaluation] = []
    told = time.perf_counter()
    group = optimizer.param_groups[0]
    batches, forward = minibatches(spec, data, first), precision(spec.task)
    for update, (inputs, targets) in zip(range(first, spec.budget), batches, strict=False):
        with forward():
            loss = loss_of(model(inputs), targets, spec.task.label_smoothing)
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
            if spec.controller:
                seen = evaluations[-1].loss
                attachment.observe("loss", math.nan if seen is None else seen)
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
    torch.manual_seed(stream_of(spec.seed, 0))
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


def precision(task: Task) -> Callable[[], AbstractContextManager[object]]:
    """Makes the context of a forward pass."""
    if task.precision == "float32":
        return nullcontext
    return lambda: torch.autocast(device().type, dtype=torch.bfloat16)


def minibatches(spec: RunSpec, data: Examples | Text, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """The endless minibatches of a run, on its device: a function of task and seed alone, whatever the schedule, rate and budget.

    Args:
        spec: The run.
        data: Its data.
        first: The update that the first of them is for.

    Yields:
        Inputs and targets. Examples: `b features` and `b`, every epoch in a new order, a last partial batch left out.
        Text: tokens `b t` and the same shifted by one, from windows at random places.
    """
    on, drawn = device(), stream_of(spec.seed, 2)
    blocks = (block.to(on) for block in places(spec, data))
    found = enumerate(row for block in blocks for row in block)
    window = torch.arange(context_of(spec.task) + 1, device=on)
    for update, rows in found:
        if update < first:
            continue
        match data:
            case Examples():
                inputs, labels = held(data, "train", on)
                batch = inputs[rows]
                if spec.task.augment:
                    batch = augmented(batch, update * len(rows) + np.arange(len(rows)), drawn)
                yield batch, labels[rows]
            case Text():
                windows = _tokens(data, on)[rows.unsqueeze(1) + window]
                yield windows[:, :-1], windows[:, 1:]


@functools.lru_cache(maxsize=6)
def held(data: Examples, part: Literal["train", "validation", "test"], on: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs and labels of a part of the data, on a device once for all runs of this process."""
    inputs, labels = getattr(data, part)
    return torch.from_numpy(inputs).to(on), torch.from_numpy(labels).to(on)


@functools.lru_cache(maxsize=2)
def _tokens(data: Text, on: torch.device) -> Tensor:
    return torch.from_numpy(data.train).to(on)


def places(spec: RunSpec, data: Examples | Text) -> Iterator[Tensor]:
    """Where the minibatches of a run lie in its training data: see `minibatches`.

    Args:
        spec: The run.
        data: Its data.

    Yields:
        Blocks `updates b`, one row an update. Examples: their numbers. Text: the number of each window's first token.
    """
    generator = torch.Generator().manual_seed(stream_of(spec.seed, 1))
    batch = spec.task.batch
    match data:
        case Examples():
            count = len(data.train[1])
            batch = min(batch, count)
            while True:
                order = torch.randperm(count, generator=generator)
                yield order[: count // batch * batch].view(-1, batch)
        case Text():
            last = len(data.train) - context_of(spec.task) - 1
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
            return held(data, part, device())
        case Text():
            tokens, context = torch.from_numpy(getattr(data, part)), context_of(task)
            count = min(_WINDOWS[part], (len(tokens) - 1) // context)
            # Evenly spread windows, not the first few: the text changes its subject along the way.
            starts = torch.linspace(0, len(tokens) - context - 1, count).long().unsqueeze(1)
            windows = tokens[starts + torch.arange(context + 1)].to(device())
            return windows[:, :-1], windows[:, 1:]


def measurement(
    task: Task, data: Examples | Text, part: Literal["validation", "test"]
) -> Callable[[nn.Module, int], Evaluation]:
    inputs, targets = examples_of(task, data, part)
    forward = precision(task)

    @torch.no_grad()
    def measure(model: nn.Module, updates: int) -> Evaluation:
        losses: list[float] = []
        right, among = 0, None
        training = model.training
        model.eval()
        for some_inputs, some_targets in zip(inputs.split(_CHUNK), targets.split(_CHUNK), strict=True):
            with forward():
                logits = model(some_inputs)
                losses.append(loss_of(logits, some_targets).item() * len(some_targets))
            first, five = hits(logits, some_targets)
            right, among = right + first, None if five is None else (among or 0) + five
        model.train(training)
        count = targets.numel()
        return evaluation(
            task, updates, sum(losses) / len(targets), right / count, None if among is None else among / count
        )

    return measure


def hits(logits: Tensor, targets: Tensor) -> tuple[int, int | None]:
    """How many targets are the class held most likely, and how many are among the five; the latter None for fewer than 20 classes."""
    right = int((logits.argmax(-1) == targets).sum())
    many = logits.shape[-1] >= _MANY_CLASSES
    return right, int((logits.topk(_TOP).indices == targets.unsqueeze(-1)).sum()) if many else None


def evaluation(task: Task, updates: int, loss: float, right: float, among: float | None = None) -> Evaluation:
    """A measurement as records hold it.

    Args:
        task: Decides which number is the metric.
        updates: Updates made before it.
        loss: Mean loss, in nats.
        right: Share of the predictions that were right.
        among: Share of the targets among the five classes held most likely; None where that was not counted.
    """
    found = finite_number(loss)
    metric = loss if task.metric.name == "loss" else 100.0 * (1.0 - right)
    top5 = (
        finite_number(100.0 * (1.0 - among))
        if found is not None and among is not None and task.metric.name == "error"
        else None
    )
    return Evaluation(updates=updates, loss=found, metric=None if found is None else finite_number(metric), top5=top5)


def loss_of(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    if logits.dim() > 2:  # a text: every position is an example
        logits, targets = logits.flatten(0, -2), targets.flatten()
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


def optimizer_of(spec: RunSpec, model: nn.Module) -> torch.optim.Optimizer:
    match spec.task.optimizer:
        case Sgd(momentum=momentum, weight_decay=decay):
            return torch.optim.SGD(
                model.parameters(), lr=spec.peak_rate, momentum=momentum, weight_decay=decay, fused=True
            )
        case AdamW(beta1=beta1, beta2=beta2, weight_decay=decay):
            return torch.optim.AdamW(
                model.parameters(), lr=spec.peak_rate, betas=(beta1, beta2), weight_decay=decay, fused=True
            )


def context_of(task: Task) -> int:
    return int(getattr(task.model, "context", 32))


def stream_of(seed: int, purpose: int) -> int:
    return int(np.random.SeedSequence((seed, purpose)).generate_state(1, np.uint64)[0])


def _mean(losses: list[float]) -> float | None:
    return finite_number(sum(losses) / len(losses))


def finite_number(value: float) -> float | None:
    """A float32 result as JSON holds it: nine significant digits lose nothing; None if it is not finite."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


@contextmanager
def one_thread() -> Generator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _nobody(updates: int) -> None:
    del updates
