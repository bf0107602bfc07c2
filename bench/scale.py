"""A driver with hundreds of runs beside one another: how much longer than the runs themselves, and how fast it takes up again.

The cluster is simulated (a stream answers by the clock as a node would): what is measured is the driver's own loop, its records on
this disk included, not Ray's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench import Row
from glidepath.lab import Ray, RunSpec, Session, Store, plan_runs, run
from glidepath.lab.engines.ray import _RayDispatch
from glidepath.lab.records.runs import Record
from glidepath.lab.tasks.declared import TASKS

SLOTS, SECONDS = 800, 10.0
RECORDS = 10_000


def rows() -> Iterator[Row]:
    spec = plan_runs([TASKS["mnist1d"]], ["cosine"], 1, budget=200)["mnist1d"]["cosine"][0]
    record = run(spec)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        specs = [replace(spec, seed=seed) for seed in range(2 * SLOTS)]
        spent = _seconds(store, specs, record, SECONDS)
        bar = 1.4
        ideal = 2 * SECONDS
        yield Row(f"{SLOTS} slots, two runs each: time / ideal", spent / ideal, f"at most {bar}", spent <= bar * ideal)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        specs = [replace(spec, seed=seed) for seed in range(RECORDS)]
        rate = RECORDS / _seconds(store, specs, record, 0.0)
        yield Row("finished runs taken in and kept a second", rate, "at least 200", rate >= 200)
        began = time.perf_counter()
        found = Session(store, SimpleNamespace(execute=None)).records(specs)  # type: ignore[arg-type]
        spent = time.perf_counter() - began
        assert len(found) == RECORDS
        yield Row(f"{RECORDS:,} records taken up again: seconds", spent, "at most 15", spent <= 15)


def _seconds(store: Store, specs: list[RunSpec], record: Record, each: float) -> float:
    body = {name: value for name, value in record.to_dict().items() if name != "spec"}
    cluster = _Simulated(body, each)
    engine = Ray()

    class Timed:
        def execute(self, jobs: Any, emit: Any) -> None:
            _RayDispatch(cluster, engine, jobs, emit).work()  # type: ignore[arg-type]

    began = time.perf_counter()
    assert len(Session(store, Timed()).records(specs)) == len(specs)
    return time.perf_counter() - began


class _Simulated:
    """As much of Ray as the driver uses: tasks that wait for a slot, report, and end by the clock."""

    exceptions = SimpleNamespace(RayError=RuntimeError, RayTaskError=RuntimeError, RuntimeEnvSetupError=RuntimeError)

    def __init__(self, body: dict[str, Any], each: float) -> None:
        self.body, self.each = body, each
        self.free = [0.0] * SLOTS

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(SLOTS)}

    def remote(self, **options: Any) -> Any:
        del options
        return lambda work: SimpleNamespace(remote=self.start)

    def start(self, jobs: list[dict[str, Any]], modules: Any, every: float, device: str) -> _Stream:
        del modules, device
        slot = min(range(SLOTS), key=self.free.__getitem__)
        begin = max(self.free[slot], time.perf_counter())
        self.free[slot] = begin + self.each * len(jobs)
        return _Stream(jobs, begin, self.each, max(0.5, every), self.body)

    def wait(self, streams: list[_Stream], num_returns: int, timeout: float) -> tuple[list[_Stream], list[_Stream]]:
        end = time.perf_counter() + timeout
        while True:
            now = time.perf_counter()
            ready = [stream for stream in streams if stream.due <= now][:num_returns]
            if ready or now >= end:
                return ready, []
            time.sleep(min(max(min(stream.due for stream in streams) - now, 0.0), end - now))

    def get(self, what: Any) -> Any:
        return what


class _Stream:
    def __init__(
        self, jobs: list[dict[str, Any]], begin: float, each: float, every: float, body: dict[str, Any]
    ) -> None:
        reports = [every * k for k in range(1, int(each / every) + 1)]
        self.said: list[tuple[float, Any]] = []
        for position, job in enumerate(jobs):
            start = begin + position * each
            self.said += [(start + after, (position, {"advanced": 1})) for after in reports]
            record = {**body, "spec": job["job"]}
            self.said.append((start + each, (position, {"finished": record, "files": {}})))
        self.said.append((begin + each * len(jobs), StopIteration))
        self.said.reverse()

    @property
    def due(self) -> float:
        return self.said[-1][0] if self.said else 0.0

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> Any:
        if not self.said:
            raise StopIteration
        _, message = self.said.pop()
        if message is StopIteration:
            raise StopIteration
        return message
