"""Real trainings at rates far too low, right and far too high: every small task of the lab, twelve rates, four schedules, five seeds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from glidepath.lab import TASKS, Jax, RunSpec, Session, Store, default_schedule

SCHEDULES = ("constant", "step", "cosine", "one_cycle")
RATES = {
    name: np.geomspace(*span, 12)
    for name, span in {
        "mnist1d": (1e-3, 20),
        "mnist1d-cnn": (1e-3, 20),
        "digits": (1e-3, 20),
        "text": (1e-4, 1),
    }.items()
}
SEEDS = range(5)


def folder() -> Path:
    """Where the records are kept from one time to the next."""
    return Path(os.environ.get("BENCH_TRAININGS", ".bench/trainings"))


def specs() -> list[RunSpec]:
    """Returns the runs of the grid."""
    return [
        RunSpec(TASKS[name], default_schedule(kind, TASKS[name].budget), float(f"{rate:.3g}"), seed, TASKS[name].budget)
        for name, rates in RATES.items()
        for kind in SCHEDULES
        for rate in rates
        for seed in SEEDS
    ]


def records() -> dict[RunSpec, object]:
    """Returns the records of the grid; those that are missing are trained, a few minutes of processor time for all."""
    folder().mkdir(parents=True, exist_ok=True)
    wanted = specs()
    found = Session(Store(folder()), Jax()).records(wanted)
    return {spec: found[spec.hash] for spec in wanted}


if __name__ == "__main__":
    made = records()
    sys.stdout.write(f"{len(made)} runs in {folder()}\n")
