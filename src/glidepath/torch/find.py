"""The range test on a PyTorch model: it sweeps, answers, and leaves everything as it was."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib import import_module
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..core.answer import Answer, Shown
from ..core.checks import Checks
from ..core.errors import GlidepathError, did_you_mean
from ..core.fields import Positive, integer
from ..finder import Refusal, Suggestion, Trace, rising, suggest, sweep
from .batches import endless, moved, position, reseed
from .exchange import Exchange, Replicas
from .snapshot import Snapshot

__all__ = ["Found", "Options", "find", "use"]


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

    @classmethod
    def of(cls, options: Options | None, named: Mapping[str, Any]) -> Options:
        """Returns options with single ones in their place.

        Raises:
            GlidepathError: If there is no such option.
        """
        known = [field.name for field in fields(cls)]
        checks = Checks("find")
        for name in [name for name in named if name not in known]:
            rule = f"one of its options ({', '.join(known)})"
            checks.refuse(name[:50], rule, named[name], did_you_mean(name, known))
        checks.done()
        return replace(options or cls(), **named)


def find(
    model: nn.Module,
    optimizer: Optimizer,
    loss: Callable[..., Tensor] | None,
    loader: Iterable[Any],
    options: Options | None = None,
    **named: Any,
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
        options: How the sweeps are made; None is `Options()`.
        named: Single options by name, such as `steps=100`; they come before those of `options`.

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
    how = Options.of(options, named)
    device = next((p.device for p in model.parameters()), torch.device("cpu")) if isinstance(model, nn.Module) else None
    exchange = Exchange(device or torch.device("cpu"))

    def prepared() -> tuple[()]:
        _check(model, optimizer, loss, loader, how)
        rising(how.low, how.high, int(how.steps))
        _ratios(optimizer)
        return ()

    exchange.together(prepared, 0)
    plan, ratios = rising(how.low, how.high, int(how.steps)), _ratios(optimizer)
    begun, traces, updates = time.perf_counter(), list[Trace](), 0
    roots = [model, optimizer, how.scaler, loss, how.forward, *how.also]
    snapshot = Snapshot([root for root in roots if root is not None], structure=[loader])
    rewind = position(loader)
    try:
        for k in range(how.repeats):
            if k:
                snapshot.restore()
                rewind()
            reseed(loader, how.seed, k)
            model.train()
            with _suspended(optimizer) as real:
                run = _Run(model, optimizer, loss, how, real, ratios, exchange)
                run.clear()
                batches = endless(loader, k, how.repeats)

                def told(made: int, done: int = updates) -> None:
                    if how.progress is not None:
                        how.progress(done + made, how.steps * how.repeats)

                train_step = partial(run.update, batches=batches, told=told)
                traces.append(sweep(train_step, plan, factor=how.factor, label=f"seed {how.seed + k}"))
            updates += run.made
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
    checks = Checks("use")
    plain = checks.take("rate", rate, Positive)
    checks.done()
    if any("initial_lr" in group for group in optimizer.param_groups):
        rule, remedy = "without a schedule", "detach it, call this, and attach it again"
        raise GlidepathError.of("use", "optimizer", rule, "groups with initial_lr", remedy)
    for group, ratio in zip(optimizer.param_groups, _ratios(optimizer).values(), strict=True):
        group["lr"] = _like(group["lr"], plain * ratio)
    return {_name(k, group): float(group["lr"]) for k, group in enumerate(optimizer.param_groups)}


class _Run:
    """One sweep's updates."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        loss: Callable[..., Tensor] | None,
        how: Options,
        real: Callable[[], int],
        ratios: Mapping[str, float],
        exchange: Exchange,
    ) -> None:
        self.model, self.optimizer, self.loss, self.how = model, optimizer, loss, how
        self.real, self.ratios, self.made = real, ratios, 0
        self.device = next((p.device for p in model.parameters()), torch.device("cpu"))
        self.exchange, self.replicas = exchange, Replicas(model, exchange)

    def clear(self) -> None:
        """Takes the gradients away; those that were there are put back in the end."""
        for group in self.optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
        for parameter in self.model.parameters():
            parameter.grad = None

    def update(self, rate: float, *, batches: Iterator[Any], told: Callable[[int], None]) -> float | None:
        """Makes one update with this rate; returns the mean loss of its batches over all processes, or None if there was no update."""
        exchange, replicas = self.exchange, self.replicas
        total, *users = exchange.together(
            lambda: [self._gradients(rate, batches), *replicas.used()], 1 + replicas.count
        )
        replicas.average(users)
        (skips,) = exchange.together(lambda: [self._step(told)], 1)
        return None if skips else total / exchange.ranks

    def _gradients(self, rate: float, batches: Iterator[Any]) -> float:
        for group, ratio in zip(self.optimizer.param_groups, self.ratios.values(), strict=True):
            group["lr"] = _like(group["lr"], rate * ratio)
        total = 0.0
        with self.replicas.alone():
            for _ in range(self.how.accumulate):
                value = self._loss(next(batches))
                total += float(value.detach())
                scaled = value / self.how.accumulate
                (scaled if self.how.scaler is None else self.how.scaler.scale(scaled)).backward()
        return total / self.how.accumulate

    def _step(self, told: Callable[[int], None]) -> float:
        """Lets the optimizer step; returns 1 if it made no update."""
        before = self.real()
        if self.how.clip is not None:
            if self.how.scaler is not None:
                self.how.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.how.clip)
        if self.how.scaler is None:
            self.optimizer.step()
        else:
            self.how.scaler.step(self.optimizer)
            self.how.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        made = self.real() > before
        self.made += made
        told(self.made)
        return float(not made)

    def _loss(self, batch: Any) -> Tensor:
        batch = moved(batch, self.device)
        context: Any = (
            nullcontext() if self.how.autocast is None else torch.autocast(self.device.type, dtype=self.how.autocast)
        )
        with context:
            if self.how.forward is not None:
                return self.how.forward(self.model, batch)
            inputs, targets = batch
            return cast("Callable[..., Tensor]", self.loss)(self.model(inputs), targets)


@contextmanager
def _suspended(optimizer: Optimizer) -> Generator[Callable[[], int]]:
    """Takes the optimizer's own hooks away, an attached schedule's among them; yields the number of real updates since."""
    names = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    held = {name: getattr(optimizer, name) for name in names}
    made = 0

    def count(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        nonlocal made
        del args, kwargs
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


def _ratios(optimizer: Optimizer) -> dict[str, float]:
    bases = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    most = max(bases)
    if not all(math.isfinite(base) and base >= 0 for base in bases) or most <= 0:
        raise GlidepathError.of("find", "base rates of the groups", "finite, at least 0, and one above 0", bases)
    return {
        _name(k, group): base / most for k, (group, base) in enumerate(zip(optimizer.param_groups, bases, strict=True))
    }


def _name(k: int, group: Mapping[str, Any]) -> str:
    return f"{k}" if not group.get("name") else f"{k} {group['name']}"


def _like(old: Any, value: float) -> Any:
    """Returns a rate in the form that the group held it in; a tensor is a new one, so that nobody else's is written to."""
    return torch.full_like(old, value) if isinstance(old, Tensor) else value


def _check(model: Any, optimizer: Any, loss: Any, loader: Any, how: Options) -> None:
    checks = Checks("find")

    def require(holds: bool, field: str, rule: str, value: Any, remedy: str = "") -> None:
        if not holds:
            checks.refuse(field, rule, value, remedy)

    for field, least in (("accumulate", 1), ("repeats", 1), ("steps", 10)):
        checks.take(field, getattr(how, field), integer(least, 10**6))
    if how.clip is not None:
        checks.take("clip", how.clip, Positive)
    require(isinstance(model, nn.Module), "model", "a torch.nn.Module", model)
    require(isinstance(optimizer, Optimizer), "optimizer", "a torch.optim.Optimizer", optimizer)
    require(callable(loss) if how.forward is None else loss is None or callable(loss), "loss", "a function", loss)
    require(how.forward is None or callable(how.forward), "forward", "a function of (model, batch)", how.forward)
    again = isinstance(loader, Iterable) and not isinstance(loader, Iterator)
    require(
        again, "loader", "something that begins again when iterated", loader, "pass the DataLoader, not iter() of it"
    )
    if isinstance(model, nn.Module) and isinstance(optimizer, Optimizer):
        mine = {id(parameter) for parameter in model.parameters()}
        trained = any(id(p) in mine for group in optimizer.param_groups for p in group["params"])
        require(trained or how.forward is not None, "optimizer", "over parameters of the model", optimizer)
    checks.done()
