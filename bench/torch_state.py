"""Compiled graphs, saved states, seeking and rounding of the torch integration."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch

import glidepath as gp
from bench import Row, ratios
from glidepath.torch import attach

SCHEDULE = gp.parse("warmup(500) >> cosine(9500, floor=0.1)")


def rows() -> Iterator[Row]:
    yield from graphs()
    yield from size()
    yield seek()
    yield rounding()


def graphs() -> Iterator[Row]:
    """Counts the graphs that 20 updates of a compiled step build, with our hooks and without."""
    kinds: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
        "SGD": lambda groups: torch.optim.SGD(groups, lr=torch.tensor(0.1)),
        "SGD with momentum": lambda groups: torch.optim.SGD(groups, lr=torch.tensor(0.1), momentum=0.9),
        "RMSprop": lambda groups: torch.optim.RMSprop(groups, lr=torch.tensor(0.1)),
        "AdamW": lambda groups: torch.optim.AdamW(groups, lr=torch.tensor(0.1)),
    }
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)
    for name, make in kinds.items():
        more = built(make, driven=True) - built(make, driven=False)
        yield Row(f"{name}, tensor lr: graphs beyond those of the step without hooks", more, "0", more == 0)


def built(make: Callable[[Any], torch.optim.Optimizer], driven: bool) -> int:
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter = CompileCounter()
    weights = [torch.ones(4, requires_grad=True) for _ in range(2)]
    optimizer = make([{"params": [weight]} for weight in weights])
    step = torch.compile(optimizer.step, backend=counter)
    if driven:
        attach(optimizer, SCHEDULE)
    for _ in range(20):
        for weight in weights:
            weight.grad = torch.full_like(weight, 0.1)
        step()
    torch._dynamo.reset()
    return counter.frame_count


def size() -> Iterator[Row]:
    for count in (1, 1000):
        groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": 0.1 + i / 1e4} for i in range(count)]
        scheduler = attach(torch.optim.SGD(groups), SCHEDULE)
        scheduler.seek(123_456_789)
        found = len(json.dumps(scheduler.state_dict()))
        yield Row(f"saved state as JSON, {count} groups: bytes", found, "at most 1500", found <= 1500)


def seek() -> Row:
    """Times an update (its two hook calls) where the run is far, against one at the beginning: nothing is replayed."""

    def at(step: int) -> Callable[[], None]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        scheduler = attach(optimizer, SCHEDULE)
        scheduler.seek(step)
        (before,), (after,) = (
            optimizer._optimizer_step_pre_hooks.values(),
            optimizer._optimizer_step_post_hooks.values(),
        )
        run = scheduler._run

        def work() -> None:
            for _ in range(3000):
                run.updates = step
                before(optimizer, (), {})
                after(optimizer, (), {})

        return work

    places = {"0": at(0), "warmup": at(250), "decay": at(5000), "far": at(10**12)}
    found = max(ratios(places, "0", 61).values())
    return Row("an update at 250, 5,000 or 10^12 / at 0, whichever is slowest", found, "at most 1.5", found <= 1.5)


def rounding() -> Row:
    """Compares float32 rates with the float64 value at scattered updates."""
    rate = torch.tensor(0.1)
    base = float(rate)
    scheduler = attach(optimizer := torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate), SCHEDULE)
    worst = 0.0
    for update in range(0, 10_500, 7):
        scheduler.seek(update)
        optimizer.step()
        exact = base * SCHEDULE(update)
        once = torch.tensor(exact, dtype=torch.float64).float().item()
        worst = max(worst, abs(rate.item() - once))
    return Row("float32 tensor lr: distance from the float64 value rounded once", worst, "0", worst == 0.0)
