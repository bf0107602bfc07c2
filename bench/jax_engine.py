"""The JAX engine against the torch loop, whole runs.

Each task's runs take turns in one process on one thread, a run by torch and the same by JAX, the first pair (which compiles) left
out; a ratio is that of the sums. BENCH_SECONDS is the time that they take in all: 15 by default, 60 and more for a figure to be quoted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, islice

from bench import Row
from glidepath.lab import DEFAULT_SCHEDULES, TASKS, RunSpec, default_schedule
from glidepath.lab.engines.workers import jax_environment

BAR = 5.0
SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))


def rows() -> Iterator[Row]:
    """How many times as long a run takes in torch as in JAX, for the perceptron of 64 units a layer and the convolutional network."""
    for name in ("mnist1d", "mnist1d-cnn"):
        found = ratios(name)
        wall, processor = found["wall clock"], found["processor time"]
        title = f"{name}: torch / JAX, wall clock (processor time {processor:.2f})"
        yield Row(title, wall, f"at least {BAR:g}", wall >= BAR)


def ratios(name: str) -> dict[str, float]:
    """Returns the ratios by clock, measured in a process that is started as the engine's workers are."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.jax_engine", name],
        env={**os.environ, "OMP_NUM_THREADS": "1", **jax_environment()},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def main(name: str) -> None:
    """Prints the ratios of one task as JSON."""
    from glidepath.lab.engines import training
    from glidepath.lab.engines.jax import training as fast

    task, spent = TASKS[name], {"wall clock": [0.0, 0.0], "processor time": [0.0, 0.0]}
    specs = (
        RunSpec(task, default_schedule(schedule, task.budget), task.peak_rate, seed, task.budget)
        for seed in count()
        for schedule in DEFAULT_SCHEDULES
    )
    first = next(specs)
    training.run(first)
    fast.run(first)
    while sum(spent["wall clock"]) < SECONDS:
        for spec in islice(specs, len(DEFAULT_SCHEDULES)):
            for side, train in enumerate((training.run, fast.run)):
                record = train(spec)
                spent["wall clock"][side] += record.wall_seconds
                spent["processor time"][side] += record.cpu_seconds
    print(json.dumps({clock: torch / jax for clock, (torch, jax) in spent.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
