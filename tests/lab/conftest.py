"""A task small enough to train in a blink, and records made up without any training."""

import subprocess
from dataclasses import replace

import pytest

from glidepath import recipes
from glidepath.lab import TASKS, Record, RunSpec
from glidepath.lab.records.runs import Evaluation
from glidepath.lab.tasks.declared import Mlp, Mnist1d, Prose


@pytest.fixture(scope="session")
def tiny():
    data = Mnist1d(train=200, validation=50, test=50)
    return replace(TASKS["mnist1d"], name="tiny", data=data, model=Mlp(hidden=(8,)), batch=16, evaluations=4, budget=40)


@pytest.fixture(scope="session")
def tiny_text():
    return replace(TASKS["text"], name="tiny-text", data=Prose(), batch=4, evaluations=2, budget=12)


@pytest.fixture
def spec(tiny):
    return RunSpec(tiny, recipes.warmup_cosine(40), 0.1, 0, 40)


@pytest.fixture
def started(monkeypatch):
    """The processes that an engine starts, as they come."""
    processes = []

    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            processes.append(self)

    monkeypatch.setattr("glidepath.lab.engines.workers.subprocess.Popen", Watched)
    return processes


@pytest.fixture(scope="session")
def made_up():
    def make(spec: RunSpec, metric: float | None, data_sha256: str = "d" * 64) -> Record:
        lost = metric is None
        return Record(
            spec=spec,
            stride=1,
            rates=tuple(spec.peak_rate * spec.schedule(k) for k in range(spec.budget)),
            losses=(*(2.0 - k / spec.budget for k in range(spec.budget - 1)), None if lost else 1.0),
            evaluations=tuple(
                Evaluation(updates=k, loss=1.0, metric=50.0 - k) for k in (spec.budget // 2, spec.budget)
            ),
            test=None if lost else Evaluation(updates=spec.budget, loss=1.0, metric=metric),
            updates=spec.budget,
            diverged_at=spec.budget - 1 if lost else None,
            wall_seconds=0.5,
            cpu_seconds=0.4,
            data_sha256=data_sha256,
            versions={"python": "3.11.0", "torch": "2.13.0"},
            machine={"platform": "Linux x86_64", "cpus": 2},
        )

    return make
