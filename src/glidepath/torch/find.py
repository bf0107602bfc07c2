"""The range test on a PyTorch model: it sweeps, answers, and leaves everything as it was.

Over 400 lines: one call, most of it the documentation of its options.
"""

from __future__ import annotations

import math
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from operator import length_hint
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..core import Answer, Checks, GlidepathError, Shown, checked, taken
from ..core.fields import Positive, integer
from ..finder import Refusal, Suggestion, Trace, rising, suggest, sweep
from .agreement import Exchange, Replicas, number
from .rows import like
from .snapshot import Snapshot, devices


@dataclass(frozen=True)
class Found(Answer, Shown):
    """What a range test found. Nothing of it has been applied: see `use`.

    Args:
        result: A band of rates, or why there is none.
        traces: The sweeps.
        groups: For each parameter group, its name or number and its rate relative to the group with the highest. Rates here are those of
            that group.
        updates: Optimizer updates made in all.
        seconds: Time on the clock.
    """

    told: ClassVar[str] = "result groups updates seconds traces"
    result: Suggestion | Refusal
    traces: tuple[Trace, ...]
    groups: Mapping[str, float]
    updates: int
    seconds: float

    def __str__(self) -> str:
        return str(self.result)

    def looks(self, view: Any) -> Any:
        """Returns the picture of the range test."""
        return import_module(f"{view.__name__}.range_test").range_test(self.traces, self.result)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the sweeps of `find` are made.

    Args:
    low: First rate of the group with the highest base.
    high: Last rate of the same group.
    steps: Updates of a sweep that does not stop early; at least 10.
    repeats: Sweeps, at least 3 for an answer.
    accumulate: Batches of one update.
    scaler: A `torch.amp.GradScaler`.
    autocast: The type to run the forward pass in, such as `torch.float16`; None for none.
    clip: Largest norm of the gradients; None for none.
    forward: From `(model, batch)` to the loss, where the batch is not a pair or the model takes more than its inputs.
    factor: A sweep stops where its loss has stayed above this many times its best.
    seed: Of the sweeps' random numbers.
    also: Other objects that training changes, to be put back too, such as an average of the weights.
    progress: Called with the updates made and those planned.
    swept: Called with each sweep's trace as soon as there is one.

    Raises:
        GlidepathError: If an option breaks its rule above.
    """

    low: float = 1e-7
    high: float = 10.0
    steps: int = 240
    repeats: int = 3
    accumulate: int = 1
    scaler: Any = None
    autocast: torch.dtype | None = None
    clip: float | None = None
    forward: Callable[[nn.Module, Any], Tensor] | None = None
    factor: float = 4.0
    seed: int = 0
    also: Sequence[Any] = ()
    progress: Callable[[int, int], object] | None = None
    swept: Callable[[Trace], object] | None = None


def find(
    model: nn.Module, optimizer: Optimizer, loss: Callable[..., Tensor] | None, loader: Iterable[Any], **options: Any
) -> Found:
    """Sweeps the rate of a model several times and says which rates are worth trying; the model is then as it was before.

    Each sweep multiplies the groups' own base rates (`initial_lr` where there is one, else `lr`) by one rising number, so that their ratios
    stay. A schedule attached to the optimizer is suspended meanwhile. Only updates that the optimizer really made take a rate: an
    accumulation window is one, a step that the scaler skipped is none. Every sweep starts from the model as it is, with other random
    numbers and another order of the data.

    On several processes all take the same decision at the same update, on the mean of their losses. What fails on one (an exception in its
    loader, forward or backward pass or step, Ctrl-C, an argument that it alone refuses) ends the test on all at that update: with DDP too,
    as its averages are taken after every process has said that it has gradients. Communication of other kinds, such as FSDP's inside the
    forward pass, and a process that dies leave the others to the time limit of their process group; then they raise and are restored.

    Restored, in memory and also after an exception or Ctrl-C: parameters, buffers, gradients, optimizer, scaler, the random states of
    Python, NumPy and torch on every device, loader, samplers, attached schedules, and the Python attributes of the model and of `also`.
    Nothing is written to a file.

    Args:
        model: In training mode during the sweeps.
        optimizer: Over the model's parameters.
        loss: From `(model(inputs), targets)` to the mean loss of a batch `(inputs, targets)`; None with `forward`.
        loader: Batches, from the beginning whenever it is iterated, such as a `DataLoader`; not an iterator.
        options: How the sweeps are made, such as `steps=100`: see `Options`.

    Returns:
        The answer with all traces.

    Raises:
        GlidepathError: If an argument breaks its rule above, or another process failed.

    Examples:
        >>> import torch
        >>> model = torch.nn.Linear(4, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        >>> data = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(20)]
        >>> found = find(model, optimizer, torch.nn.functional.mse_loss, data, steps=30)
        >>> optimizer.param_groups[0]["lr"], len(found.traces)
        (0.01, 3)
    """
    how, exchange = checked(Options)(**options), Exchange(_device(model))

    exchange.together(lambda: _check(model, optimizer, loss, loader, how), 0)
    plan, ratios = rising(how.low, how.high, int(how.steps)), _ratios(optimizer)
    begun, traces, updates = time.perf_counter(), list[Trace](), 0
    roots = [model, optimizer, how.scaler, loss, how.forward, *how.also]
    snapshot = Snapshot([root for root in roots if root is not None], structure=[loader])
    rewind = _position(loader)
    try:
        for k in range(how.repeats):
            if k:
                snapshot.restore()
                rewind()
            _reseed(loader, how.seed, k)
            model.train()
            with _suspended(optimizer) as made:
                batches = _endless(loader, k, how.repeats)
                update = _updates(model, optimizer, loss, how, ratios, exchange, batches, made, updates)
                traces.append(sweep(update, plan, factor=how.factor, label=f"seed {how.seed + k}"))
                updates += made()
            if how.swept is not None:
                how.swept(traces[-1])
    finally:
        snapshot.restore()
        rewind()
    return Found(suggest(traces), tuple(traces), ratios, updates, time.perf_counter() - begun)


def use(optimizer: Optimizer, rate: float) -> dict[str, float]:
    """Gives the groups the base rates that `rate` means for the group with the highest, and returns them as read back.

    Args:
        optimizer: Without a schedule: attach one afterwards.
        rate: Such as the middle of a suggestion; above 0.

    Raises:
        GlidepathError: If a schedule has noted the groups' base rates already, or the rate is out of range.
    """
    plain = taken("use", "rate", rate, Positive)
    if any("initial_lr" in group for group in optimizer.param_groups):
        rule, remedy = "without a schedule", "detach it, call this, and attach it again"
        raise GlidepathError.of("use", "optimizer", rule, "groups with initial_lr", remedy)
    for group, ratio in zip(optimizer.param_groups, _ratios(optimizer).values(), strict=True):
        group["lr"] = like(group["lr"], plain * ratio)
    return {_name(k, group): float(group["lr"]) for k, group in enumerate(optimizer.param_groups)}


def _updates(
    model: Any,
    optimizer: Any,
    loss: Any,
    how: Options,
    ratios: Any,
    exchange: Exchange,
    batches: Any,
    made: Any,
    before: int,
) -> Callable[[float], float | None]:
    """Returns what makes one update with a rate, and gives the mean loss of its batches over all processes, or None for no update.

    The gradients are taken away first; those that were there are put back in the end.
    """
    device, replicas = _device(model), Replicas(model, exchange)
    scaler = how.scaler or torch.amp.GradScaler("cpu", enabled=False)
    for part in (*(group["params"] for group in optimizer.param_groups), model.parameters()):
        for parameter in part:
            parameter.grad = None

    def loss_of(batch: Any) -> Tensor:
        with nullcontext() if how.autocast is None else torch.autocast(device.type, dtype=how.autocast):
            if how.forward is not None:
                return how.forward(model, batch)
            inputs, targets = batch
            return loss(model(inputs), targets)

    def gradients(rate: float) -> float:
        for group, ratio in zip(optimizer.param_groups, ratios.values(), strict=True):
            group["lr"] = like(group["lr"], rate * ratio)
        total = 0.0
        with replicas.alone():
            for _ in range(how.accumulate):
                value = loss_of(_moved(next(batches), device))
                total += float(value.detach())
                scaler.scale(value / how.accumulate).backward()
        return total / how.accumulate

    def skipped() -> bool:
        """Lets the optimizer step; returns whether it made no update."""
        done = made()
        if how.clip is not None:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), how.clip)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        if how.progress is not None:
            how.progress(before + made(), how.steps * how.repeats)
        return made() == done

    def update(rate: float) -> float | None:
        total, *users = exchange.together(lambda: [gradients(rate), *replicas.used()], 1 + replicas.count)
        replicas.average(users)
        (skips,) = exchange.together(lambda: [float(skipped())], 1)
        return None if skips else total / exchange.ranks

    return update


@contextmanager
def _suspended(optimizer: Optimizer) -> Generator[Callable[[], int]]:
    """Takes the optimizer's own hooks away, an attached schedule's among them; yields the number of real updates since."""
    names = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    held = {name: getattr(optimizer, name) for name in names}
    made = 0

    def count(optimizer: Optimizer, *_: Any) -> None:
        nonlocal made
        overflow = getattr(optimizer, "found_inf", None)  # set by the scaler for optimizers that skip by themselves
        if overflow is None or not float(overflow):
            made += 1

    try:
        for name in names:
            setattr(optimizer, name, OrderedDict())
        optimizer.register_step_post_hook(count)
        yield lambda: made
    finally:
        for name, hooks in held.items():
            setattr(optimizer, name, hooks)


def _device(model: Any) -> torch.device:
    """Returns where a model is; the CPU for what is none."""
    parameters = model.parameters() if isinstance(model, nn.Module) else ()
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def _ratios(optimizer: Optimizer) -> dict[str, float]:
    bases = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    most = max(bases)
    if not all(math.isfinite(base) and base >= 0 for base in bases) or most <= 0:
        raise GlidepathError.of("find", "base rates of the groups", "finite, at least 0, and one above 0", bases)
    return {_name(k, group): bases[k] / most for k, group in enumerate(optimizer.param_groups)}


def _name(k: int, group: Mapping[str, Any]) -> str:
    return f"{k}" if not group.get("name") else f"{k} {group['name']}"


def _check(model: Any, optimizer: Any, loss: Any, loader: Any, how: Options) -> tuple[()]:
    checks = Checks("find")
    for field, least in (("accumulate", 1), ("repeats", 1), ("steps", 10)):
        checks.take(field, getattr(how, field), integer(least, 10**6))
    if how.clip is not None:
        checks.take("clip", how.clip, Positive)
    forward, modules = how.forward, isinstance(model, nn.Module) and isinstance(optimizer, Optimizer)
    mine = {id(parameter) for parameter in model.parameters()} if modules else set[int]()
    trains = not modules or any(id(p) in mine for group in optimizer.param_groups for p in group["params"])
    useful = callable(loss) if forward is None else loss is None or callable(loss)
    again, whole = "something that begins again when iterated", "pass the DataLoader, not iter() of it"
    for holds, field, rule, value, remedy in (
        (isinstance(model, nn.Module), "model", "a torch.nn.Module", model, ""),
        (isinstance(optimizer, Optimizer), "optimizer", "a torch.optim.Optimizer", optimizer, ""),
        (useful, "loss", "a function", loss, ""),
        (forward is None or callable(forward), "forward", "a function of (model, batch)", forward, ""),
        (isinstance(loader, Iterable) and not isinstance(loader, Iterator), "loader", again, loader, whole),
        (trains or forward is not None, "optimizer", "over parameters of the model", optimizer, ""),
    ):
        if not holds:
            checks.refuse(field, rule, value, remedy)
    checks.done()
    rising(how.low, how.high, int(how.steps))
    _ratios(optimizer)
    return ()


# The batches: an order of their own for each repeat, without an end, and the loader back where it was ----------------------------------


def _moved(batch: Any, device: torch.device) -> Any:
    """Returns a batch with its tensors on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: _moved(item, device) for key, item in cast("Mapping[Any, Any]", batch).items()}
    if isinstance(batch, tuple | list):
        return [_moved(item, device) for item in cast("list[Any]", batch)]
    return batch


def _reseed(loader: Any, seed: int, repeat: int) -> None:
    """Gives this repeat random numbers and an order of the data of its own."""
    stream = int(np.random.SeedSequence((seed & 0xFFFFFFFF, repeat, number())).generate_state(1)[0])
    torch.default_generator.manual_seed(stream)
    for device, end in devices():
        getattr(device, f"manual_seed{end}")(stream)
    random.seed(stream)
    np.random.seed(stream)  # noqa: NPY002 - data sets may use it
    for holder in (loader, getattr(loader, "sampler", None)):
        generator = getattr(holder, "generator", None)
        if isinstance(generator, torch.Generator):
            generator.manual_seed(stream)
        if hasattr(holder, "set_epoch"):
            cast("Any", holder).set_epoch(repeat)


def _endless(loader: Iterable[Any], repeat: int, repeats: int) -> Iterator[Any]:
    """Yields the loader's batches again and again; where their order does not change, each repeat begins elsewhere."""
    if getattr(loader, "_iterator", None) is not None:  # workers that stay: those of an epoch under way are left alone
        cast("Any", loader)._iterator = None
    sampler = getattr(loader, "sampler", None)
    shuffled = sampler is not None and not isinstance(sampler, torch.utils.data.SequentialSampler)
    if not shuffled and not hasattr(loader, "set_epoch"):
        yield from islice(loader, length_hint(loader) * repeat // repeats, None)
    while True:
        batches = 0
        for batch in loader:
            batches += 1
            yield batch
        if not batches:
            return


def _position(loader: Any) -> Callable[[], None]:
    """Returns what puts a loader with a state of its own back to where it is."""
    if not (hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")):
        return lambda: None
    state = loader.state_dict()
    return lambda: loader.load_state_dict(state)
