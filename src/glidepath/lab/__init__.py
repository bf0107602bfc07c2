"""Train small networks under several schedules and compare them honestly.

A task and a run are values, a record is a file, a comparison is a folder. `compare` does it all, `run` one run. Names
are imported when they are first used, so that a worker process loads no statistics and a driver no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glidepath.lab.engines.engine import InProcess
    from glidepath.lab.engines.jax import Jax
    from glidepath.lab.engines.progress import Bar, Silent, Status
    from glidepath.lab.engines.ray import Ray
    from glidepath.lab.engines.session import Session
    from glidepath.lab.engines.training import run
    from glidepath.lab.engines.workers import Workers
    from glidepath.lab.records.runs import Record, RunSpec
    from glidepath.lab.records.store import Store
    from glidepath.lab.report.comparison import Comparison
    from glidepath.lab.search.branches import Branched, branches
    from glidepath.lab.search.compare import compare
    from glidepath.lab.search.planning import plan_runs
    from glidepath.lab.tasks.declared import TASKS, Task
    from glidepath.lab.tasks.find import find_task
    from glidepath.lab.tasks.quadratic import Quadratic
    from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES, default_schedule

__all__ = [
    "DEFAULT_SCHEDULES",
    "TASKS",
    "Bar",
    "Branched",
    "Comparison",
    "InProcess",
    "Jax",
    "Quadratic",
    "Ray",
    "Record",
    "RunSpec",
    "Session",
    "Silent",
    "Status",
    "Store",
    "Task",
    "Workers",
    "branches",
    "compare",
    "default_schedule",
    "find_task",
    "plan_runs",
    "run",
]

_HOMES = {
    name: home
    for home, names in {
        "engines.engine": "InProcess",
        "engines.jax": "Jax",
        "engines.progress": "Bar Silent Status",
        "engines.ray": "Ray",
        "engines.session": "Session",
        "engines.training": "run",
        "engines.workers": "Workers",
        "records.runs": "Record RunSpec",
        "records.store": "Store",
        "report.comparison": "Comparison",
        "search.branches": "Branched branches",
        "search.compare": "compare",
        "search.planning": "plan_runs",
        "tasks.declared": "TASKS Task",
        "tasks.find": "find_task",
        "tasks.quadratic": "Quadratic",
        "tasks.schedules": "DEFAULT_SCHEDULES default_schedule",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
