"""Real trainings at rates far too low, right and far too high: every small task of the lab, and a grid kept apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from glidepath.lab import TASKS, Jax, RunSpec, Session, Store, Task, default_schedule
from glidepath.lab.tasks.declared import AdamW

_FAST = {"mnist1d": (1e-3, 20), "mnist1d-cnn": (1e-3, 20), "digits": (1e-3, 20), "text": (1e-4, 1)}
_OTHER = replace(TASKS["mnist1d"], name="mnist1d-adamw", optimizer=AdamW())


@dataclass(frozen=True)
class Grid:
    """Trainings: every task at each of so many rates between two, with every schedule and seed."""

    tasks: Mapping[Task, tuple[float, float]]
    rates: int
    schedules: tuple[str, ...]
    seeds: range
    warmup: float = 0.0

    def specs(self) -> list[RunSpec]:
        """Returns its runs."""
        return [
            RunSpec(task, default_schedule(kind, task.budget, int(self.warmup * task.budget)), float(f"{rate:.3g}"), seed, task.budget)
            for task, span in self.tasks.items()
            for kind in self.schedules
            for rate in np.geomspace(*span, self.rates)
            for seed in self.seeds
        ]  # fmt: skip


GRIDS = {
    "tuned on": Grid(
        {TASKS[name]: span for name, span in _FAST.items()}, 12, ("constant", "step", "cosine", "one_cycle"), range(5)
    ),
    # No rule was chosen by these: other schedules, rates and seeds, and a task with another optimizer.
    "held out": Grid(
        {TASKS[name]: (0.6 * low, 0.9 * high) for name, (low, high) in _FAST.items()} | {_OTHER: (1e-5, 1)},
        7,
        ("linear", "wsd"),
        range(21, 23),
        0.02,
    ),
}


def folder() -> Path:
    """Where the records are kept from one time to the next."""
    return Path(os.environ.get("BENCH_TRAININGS", ".bench/trainings"))


def records(grid: str) -> dict[RunSpec, object]:
    """Returns the records of a grid; those that are missing are trained, minutes of processor time for all."""
    folder().mkdir(parents=True, exist_ok=True)
    wanted = GRIDS[grid].specs()
    found = Session(Store(folder()), Jax()).records(wanted)
    return {spec: found[spec.hash] for spec in wanted}


if __name__ == "__main__":
    for name in GRIDS:
        sys.stdout.write(f"{len(records(name))} runs of the grid {name} in {folder()}\n")
