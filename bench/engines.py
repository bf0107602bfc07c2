"""Worker processes against one process, Ray against worker processes, and what a run costs besides its training.

Start-up is left out: a clock starts when every worker has trained. BENCH_SECONDS is the work of one process in each comparison of
engines: 15 by default, 60 and more for a figure to be quoted.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # read when ray is imported: loopback stays loopback
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import torch

from bench import Row
from glidepath.lab import InProcess, Ray, RunSpec, Session, Store, Workers, default_schedule, plan_runs, run
from glidepath.lab.engines.engine import Engine, Finished
from glidepath.lab.tasks.declared import TASKS

SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))
ROUNDS = 3
RUNS = 60  # the grid: six schedules, ten seeds
TASK = TASKS["mnist1d"]


def rows() -> Iterator[Row]:
    torch.set_num_threads(1)
    yield from overhead()
    budget = _budget(SECONDS / ROUNDS, RUNS)
    grid = _grid(budget)
    yield _row("2 worker processes / one process: runs a second", *_faster(InProcess(), Workers(2), grid), 1.7)
    with two_nodes():
        yield _row(
            "Ray on 2 nodes of one core / 2 worker processes: runs a second", *_faster(Workers(2), Ray(), grid), 0.8
        )


def _row(name: str, found: float, spread: str, bar: float) -> Row:
    return Row(f"{name} ({spread})", found, f"at least {bar:g}", found >= bar)


def _faster(one: Engine, other: Engine, grid: Sequence[RunSpec]) -> tuple[float, str]:
    """How many times as many runs a second the second engine makes, over all rounds, with the range of the rounds."""
    spent = [(_seconds_a_run(one, grid), _seconds_a_run(other, grid)) for _ in range(ROUNDS)]
    each = [first / second for first, second in spent]
    whole = sum(first for first, _ in spent) / sum(second for _, second in spent)
    return whole, f"rounds {min(each):.2f} to {max(each):.2f}"


def _seconds_a_run(engine: Engine, grid: Sequence[RunSpec]) -> float:
    """Clock time of a run, from the moment when every worker has finished one."""
    finished: list[float] = []

    class Timed:
        def execute(self, specs: Sequence[Any], emit: Any) -> None:
            def hear(event: Any) -> None:
                emit(event)
                if isinstance(event, Finished):
                    finished.append(time.perf_counter())

            engine.execute(specs, hear)

    with tempfile.TemporaryDirectory() as folder:
        Session(Store(Path(folder)), Timed()).records(grid)
    warm = 2
    return (finished[-1] - finished[warm - 1]) / (len(finished) - warm)


def _grid(budget: int) -> list[RunSpec]:
    rows = plan_runs([TASK], None, RUNS // 6, budget=budget)[TASK.name].values()
    return [spec for column in zip(*rows, strict=True) for spec in column]


def _budget(seconds: float, runs: int) -> int:
    """Updates with which so many runs keep one process busy for so long."""
    probe = 500
    spec = RunSpec(TASK, default_schedule("cosine", probe), TASK.peak_rate, 0, probe)
    run(spec)
    return max(100, round(probe * seconds / runs / min(run(spec).wall_seconds for _ in range(3))))


@contextmanager
def two_nodes() -> Iterator[None]:
    """A connection to two local nodes of one processor each, whose workers have trained."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        Ray().execute(_grid(500)[:8], lambda event: None)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def overhead() -> Iterator[Row]:
    """What a run takes, kept and watched, over the same training without schedule, attach, record and progress."""
    budget = 2000
    specs = _grid(budget)
    clocks = {"processor time": time.process_time, "wall clock": time.perf_counter}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in clocks}
    bare(specs[0])
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Store(Path(folder)), InProcess())
        session.records([specs[0]])
        for at, spec in enumerate(specs[1 : 1 + max(25, round(SECONDS))]):
            works = [lambda spec=spec: bare(spec), lambda spec=spec: session.records([spec])]
            took: dict[str, dict[int, float]] = {name: {} for name in clocks}
            for side in (0, 1) if at % 2 else (1, 0):
                before = {name: clock() for name, clock in clocks.items()}
                works[side]()
                for name, clock in clocks.items():
                    took[name][side] = clock() - before[name]
            for name, both in took.items():
                spent[name].append((both[0], both[1]))
    for name, pairs in spent.items():
        ratio = median(ours / alone for alone, ours in pairs)
        fastest = min(ours for _, ours in pairs) / min(alone for alone, _ in pairs)
        title = f"a run of {budget} updates / a bare torch loop, {name} (fastest of each {fastest:.3f})"
        yield Row(title, ratio, "at most 1.05", ratio <= 1.05)


def bare(spec: RunSpec) -> float:
    """The training of a run as a script would write it, at a constant rate: same model, data and measurements, nothing kept."""
    from glidepath.lab.engines import training
    from glidepath.lab.tasks.data import load

    data = load(spec.task.data)
    model = training.fresh_model(spec, data)
    optimizer = training.optimizer_of(spec, model)
    validate, test = (training.measurement(spec.task, data, part) for part in ("validation", "test"))
    due = training.evaluation_steps(spec.budget, spec.task.evaluations)
    for update, (inputs, targets) in zip(range(spec.budget), training.minibatches(spec, data), strict=False):
        loss = training.loss_of(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update + 1 in due:
            validate(model, update + 1)
    return test(model, spec.budget).loss or 0.0
