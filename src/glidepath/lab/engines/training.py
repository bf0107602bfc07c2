"""Train one run: the only place of the lab where weights change.

A plain PyTorch loop on one thread, or on a GPU. Data are on the device once as whole tensors, minibatches are rows picked by
index, and the schedule drives the optimizer through `glidepath.torch.attach`, as it does in anybody's training script.

Over 400 lines: one training from its job to its record.
"""

from __future__ import annotations

import copy
import functools
import hashlib
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
from ..records.jobs import Job, Measured, MeasuredJob
from ..records.runs import Evaluation, Record, RunSpec
from ..tasks import models
from ..tasks.data import Examples, Text, load
from ..tasks.declared import Sgd, Task
from .engine import Finished
from .machine import begun, device

_Progress = Callable[[int], None]
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


Keep = Mapping[int, Callable[[Point], None]]


def run(
    spec: RunSpec, on_progress: _Progress | None = None, *, keep: Keep | None = None, start: Point | None = None
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
    data, on, first = load(spec.task.data), device(), 0 if start is None else start.updates
    rates, losses = ([], []) if start is None else ([*start.rates], [*start.losses])
    due, keep = evaluation_steps(spec.budget, spec.task.evaluations), keep or {}
    spent = begun()
    with one_thread(), torch.random.fork_rng(devices=[on] if on.type == "cuda" else []):
        model = fresh_model(spec, data).to(on)
        optimizer = optimizer_of(spec, model)
        if start is not None:
            model.load_state_dict(start.weights)
            optimizer.load_state_dict(copy.deepcopy(start.optimizer))
            for one in optimizer.param_groups:
                one["lr"] = spec.peak_rate
        driven: Schedule | Plan = Shift(spec.schedule, -first) if first else spec.schedule
        if spec.controller:
            fed = [{"controller": spec.controller, "monitor": "loss"}]
            driven = Plan.of({"rules": [{"schedule": driven}], "feedback": fed})
        attachment = attach(optimizer, driven, rebase=True)
        validate, test = measurement(spec.task, data, "validation"), measurement(spec.task, data, "test")
        evaluations, told, group = list[Evaluation](), time.perf_counter(), optimizer.param_groups[0]
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
                    attachment.observe("loss", math.nan if (seen := evaluations[-1].loss) is None else seen)
            if update + 1 in keep:
                weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
                keep[update + 1](Point(update + 1, weights, state, tuple(rates), tuple(losses)))
            if on_progress and time.perf_counter() - told > _PROGRESS_SECONDS:
                told = time.perf_counter()
                on_progress(update + 1)
        attachment.detach()
        final = test(model, len(losses)) if math.isfinite(losses[-1]) else None
        return Record(spec=spec, **spent(data.sha256), **summary(spec, rates, losses, evaluations, final))


def carry_out(job: Job[Any], on_progress: _Progress) -> Finished:
    """Carry out a job of any kind, in this process.

    Args:
        job: A run, or a job of several.
        on_progress: Called with the updates made so far, about ten times a second.

    Returns:
        Its record, and the files that it made.
    """
    if isinstance(job, RunSpec):
        return Finished(run(job, on_progress))
    assert isinstance(job, MeasuredJob)  # noqa: S101 - there is no third kind
    data, files = load(job.task.data), dict[str, bytes]()
    spent = begun()
    values, updates = job.work(on_progress, files)
    sums = {name: hashlib.sha256(one).hexdigest() for name, one in files.items()}
    return Finished(Measured(spec=job, values=dict(values), files=sums, updates=updates, **spent(data.sha256)), files)


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
    parts = [losses[i : i + stride] for i in range(0, len(losses), stride)]
    return {
        "stride": stride,
        "rates": tuple(rates[::stride]),
        "losses": tuple(finite_number(sum(part) / len(part)) for part in parts),
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


def precision(task: Task, half: bool = False) -> Callable[[], AbstractContextManager[object]]:
    """Makes the context of a forward pass; `half` is bfloat16 whatever the task says."""
    if task.precision == "float32" and not half:
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
    blocks = (block.to(device()) for block in places(spec, data))
    for update, rows in enumerate(row for block in blocks for row in block):
        if update >= first:
            yield picked(spec.task, data, spec.seed, rows, update * len(rows))


def picked(task: Task, data: Examples | Text, seed: int, rows: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets of some training examples, or of windows of the text.

    Args:
        task: The task.
        data: Its data.
        seed: Of the augmentation.
        rows: Numbers of the examples, or of the first tokens of the windows.
        place: Where the first of them stands in the endless row of samples.
    """
    if isinstance(data, Text):
        windows = _tokens(data, rows.device)[rows.unsqueeze(1) + torch.arange(context_of(task) + 1, device=rows.device)]
        return windows[:, :-1], windows[:, 1:]
    inputs, labels = held(data, "train", rows.device)
    batch = inputs[rows]
    if task.augment:
        batch = models.augmented(batch, place + np.arange(len(rows)), stream_of(seed, 2))
    return batch, labels[rows]


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
    if isinstance(data, Text):
        last = len(data.train) - context_of(spec.task) - 1
        while True:
            yield torch.randint(last, (_CHUNK, batch), generator=generator)
    count = len(data.train[1])
    batch = min(batch, count)
    while True:
        order = torch.randperm(count, generator=generator)
        yield order[: count // batch * batch].view(-1, batch)


def examples_of(task: Task, data: Examples | Text, part: Literal["validation", "test"]) -> tuple[Tensor, Tensor]:
    """What a run is measured on.

    Args:
        task: The task.
        data: Its data.
        part: Which part.

    Returns:
        Inputs and targets, as `minibatches` yields them, all in one.
    """
    if isinstance(data, Examples):
        return held(data, part, device())
    tokens, context = torch.from_numpy(getattr(data, part)), context_of(task)
    count = min(_WINDOWS[part], (len(tokens) - 1) // context)
    # Evenly spread windows, not the first few: the text changes its subject along the way.
    starts = torch.linspace(0, len(tokens) - context - 1, count).long().unsqueeze(1)
    windows = tokens[starts + torch.arange(context + 1)].to(device())
    return windows[:, :-1], windows[:, 1:]


def measurement(
    task: Task,
    data: Examples | Text,
    part: Literal["validation", "test"],
    forward: Callable[[], AbstractContextManager[object]] | None = None,
    *,
    chunk: int = _CHUNK,
    share: tuple[int, int] = (0, 1),
    summed: Callable[[Tensor], Tensor] = lambda found: found,
) -> Callable[[nn.Module, int], Evaluation]:
    """Makes what measures a model on a part of a task's data, after so many updates.

    Args:
        task: The task.
        data: Its data.
        part: Which part.
        forward: Makes the context of a forward pass; None for that of the task.
        chunk: Examples that are measured at once.
        share: Which of how many processes this is; each takes some chunks, and the result does not depend on how many there are.
        summed: Adds up numbers over the processes.
    """
    inputs, targets = examples_of(task, data, part)
    chunks = list(zip(inputs.split(chunk), targets.split(chunk), strict=True))
    forward, count = forward or precision(task), targets.numel()

    @torch.no_grad()
    def measure(model: nn.Module, updates: int) -> Evaluation:
        found = torch.zeros(len(chunks), 3, dtype=torch.float64)
        training = model.training
        model.eval()
        for i in range(share[0], len(chunks), share[1]):
            some, wanted = chunks[i]
            with forward():
                logits = model(some)
                loss = loss_of(logits, wanted).item() * len(wanted)
            right, among = hits(logits, wanted)
            found[i] = torch.tensor([loss, right, -1 if among is None else among], dtype=torch.float64)
        model.train(training)
        loss, right, among = map(math.fsum, summed(found).T.tolist())  # across processes of one number and zeros: exact
        return evaluation(task, updates, loss / len(targets), right / count, None if among < 0 else among / count)

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
    if not math.isfinite(loss):
        return Evaluation(updates, None, None)
    if task.metric.name == "loss":
        return Evaluation(updates, finite_number(loss), finite_number(loss))
    wrong = [None if share is None else finite_number(100.0 * (1.0 - share)) for share in (right, among)]
    return Evaluation(updates, finite_number(loss), *wrong)


def loss_of(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy in nats, of a text over its positions."""
    if logits.dim() > 2:  # a text: every position is an example
        logits, targets = logits.flatten(0, -2), targets.flatten()
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


def optimizer_of(spec: RunSpec, model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer that the task of a run declares, at its peak rate."""
    declared = spec.task.optimizer
    options: dict[str, Any] = {"lr": spec.peak_rate, "weight_decay": declared.weight_decay, "fused": True}
    if isinstance(declared, Sgd):
        return torch.optim.SGD(model.parameters(), momentum=declared.momentum, **options)
    return torch.optim.AdamW(model.parameters(), betas=(declared.beta1, declared.beta2), **options)


def context_of(task: Task) -> int:
    """How many characters a network of texts sees; the others do not ask."""
    return int(getattr(task.model, "context", 32))


def stream_of(seed: int, purpose: int) -> int:
    """The seed of one of the random streams of a run, in [0, 2^64)."""
    return int(np.random.SeedSequence((seed, purpose)).generate_state(1, np.uint64)[0])


def finite_number(value: float) -> float | None:
    """A float32 result as JSON holds it: nine significant digits lose nothing; None if it is not finite."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


@contextmanager
def one_thread() -> Generator[None]:
    """Torch on one thread while it lasts."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
