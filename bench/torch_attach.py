"""What driving an optimizer costs an update, against PyTorch's and Hugging Face's schedulers and a bare loop (warmup and cosine)."""

from __future__ import annotations

import gc
import random
import statistics
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import torch

import glidepath as gp
from bench import Row, cpu_seconds
from glidepath.torch import ScheduleLR, attach

Work = Callable[[], object]

STEPS, WARMUP = 1_000_000, 10
SCHEDULE = gp.warmup_cosine(STEPS, warmup=WARMUP)


class Idle(torch.optim.Optimizer):
    """An optimizer whose step does nothing: what is left is the dispatch of the hooks."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0})

    def step(self, closure: Any = None) -> None:
        """Does nothing."""


class Quiet:
    """Stands in for the profiler's record of a step: its microseconds are in every step, hooks or not, and drown the difference."""

    def __init__(self, name: str) -> None:
        del name

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


def optimizer(count: int, bases: int, tensor: bool = False) -> Idle:
    rates = [0.1 * (1 + i % bases) for i in range(count)]
    params = [torch.zeros(1, requires_grad=True) for _ in rates]
    return Idle([{"params": [p], "lr": torch.tensor(r) if tensor else r} for p, r in zip(params, rates, strict=True)])


def attached(count: int, bases: int, tensor: bool = False) -> tuple[Work, Work]:
    """Returns a step with our hooks, and the two hook calls alone."""
    made = optimizer(count, bases, tensor)
    attach(made, SCHEDULE)
    (before,), (after,) = made._optimizer_step_pre_hooks.values(), made._optimizer_step_post_hooks.values()

    def hooks() -> None:
        before(made, (), {})
        after(made, (), {})

    return made.step, hooks


def bridged(count: int, bases: int) -> Work:
    """Returns a step of the bridge, as it comes after each update."""
    scheduler = ScheduleLR(optimizer(count, bases), SCHEDULE)
    run = scheduler.scheduler._run

    def step() -> None:
        run.updates += 1
        scheduler.step()

    return step


def sequential(count: int, bases: int, tensor: bool = False) -> Work:
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

    made = optimizer(count, bases, tensor)
    parts = [LinearLR(made, 1 / WARMUP, 1.0, WARMUP), CosineAnnealingLR(made, STEPS - WARMUP)]
    return SequentialLR(made, parts, [WARMUP]).step


def hugging_face(count: int, bases: int, tensor: bool = False) -> Work:
    from transformers import get_cosine_schedule_with_warmup

    return get_cosine_schedule_with_warmup(optimizer(count, bases, tensor), WARMUP, STEPS).step


def bare(count: int, bases: int, tensor: bool = False) -> Work:
    """Returns the loop that a person writes: one call of the schedule, one write a group."""
    made, factor, k = optimizer(count, bases, tensor), SCHEDULE.scalar, 0
    rates = [float(group["lr"]) for group in made.param_groups]

    def floats() -> None:
        nonlocal k
        value = factor(k)
        k += 1
        for group, rate in zip(made.param_groups, rates, strict=True):
            group["lr"] = rate * value

    def tensors() -> None:
        nonlocal k
        value = factor(k)
        k += 1
        for group, rate in zip(made.param_groups, rates, strict=True):
            group["lr"].fill_(rate * value)

    return tensors if tensor else floats


def seconds(cases: Mapping[str, Work], rounds: int, block: float = 3e-3) -> dict[str, list[float]]:
    """Returns the CPU seconds of one call of each case in each round: a block of calls, as many as take `block` seconds.

    Within a round the cases run in random order. A block is long enough that a case works in its own warm cache.
    """

    def many(work: Work, repeats: int) -> Work:
        def run() -> None:
            for _ in range(repeats):
                work()

        return run

    names, seen = list(cases), {name: list[float]() for name in cases}
    with warnings.catch_warnings(), mock.patch("torch.autograd.profiler.record_function", Quiet):
        warnings.simplefilter("ignore")
        for work in cases.values():
            many(work, 30)()
        repeats = {name: max(3, round(block / (cpu_seconds(many(work, 20)) / 20))) for name, work in cases.items()}
        loops = {name: many(work, repeats[name]) for name, work in cases.items()}
        for _ in range(rounds):
            random.shuffle(names)
            gc.collect()
            gc.disable()
            try:
                for name in names:
                    seen[name].append(cpu_seconds(loops[name]) / repeats[name])
            finally:
                gc.enable()
    return seen


def ratio(top: list[float], bottom: list[float], less: list[float] | None = None) -> float:
    """Returns the median over rounds of `top / (bottom - less)`."""
    less = [0.0] * len(bottom) if less is None else less
    return statistics.median(a / (b - c) for a, b, c in zip(top, bottom, less, strict=True))


# groups, bases, bar against SequentialLR, against Hugging Face, against the bare loop
BARS = [
    (1, 1, 2.8, 4.0, None),
    (100, 1, 9.0, 16.0, None),
    (100, 3, 9.0, 16.0, None),
    (1000, 1, 11.0, 20.0, 3.0),
    (1000, 3, 11.0, 20.0, 3.0),
    (100, 100, 6.0, 9.0, None),
    (1000, 1000, 6.0, 12.0, 4.5),
]


def rows(rounds: int = 31) -> Iterator[Row]:
    for count, bases, torch_bar, hf_bar, loop_bar in BARS:
        step, hooks = attached(count, bases)
        cases = {
            "ours": step,
            "hooks": hooks,
            "bridge": bridged(count, bases),
            "none": optimizer(count, bases).step,
            "torch": sequential(count, bases),
            "hf": hugging_face(count, bases),
            "loop": bare(count, bases),
        }
        seen = seconds(cases, rounds)
        what = f"{count} groups, {bases} bases" if count > 1 else "1 group"
        if count == 1:
            found = ratio(seen["torch"], seen["hooks"])
            yield Row(f"{what}: SequentialLR / the two hook calls alone", found, "at least 4", found >= 4.0)
        found = ratio(seen["torch"], seen["ours"], seen["none"])
        yield Row(f"{what}: SequentialLR / what attach adds", found, f"at least {torch_bar:g}", found >= torch_bar)
        found = ratio(seen["torch"], seen["bridge"])
        yield Row(f"{what}: SequentialLR / a step of the bridge", found, f"at least {torch_bar:g}", found >= torch_bar)
        found = ratio(seen["hf"], seen["ours"], seen["none"])
        yield Row(f"{what}: HF LambdaLR / what attach adds", found, f"at least {hf_bar:g}", found >= hf_bar)
        if loop_bar is not None:
            found = 1 / ratio(seen["loop"], seen["ours"], seen["none"])
            yield Row(f"{what}: what attach adds / bare loop", found, f"at most {loop_bar:g}", found <= loop_bar)
    for count, bar in ((10, 1.2), (100, 1.15), (1000, 1.15)):
        for bases in (1, count):
            step, _ = attached(count, bases, tensor=True)
            cases = {
                "ours": step,
                "none": optimizer(count, bases, tensor=True).step,
                "loop": bare(count, bases, tensor=True),
            }
            seen = seconds(cases, rounds)
            found = 1 / ratio(seen["loop"], seen["ours"], seen["none"])
            name = f"tensor lr, {count} groups, {bases} bases: what attach adds / bare fill_ loop"
            yield Row(name, found, f"at most {bar:g}", found <= bar)
