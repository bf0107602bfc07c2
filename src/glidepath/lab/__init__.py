"""Train small networks under several schedules and compare them honestly.

A task and a run are values, a record is a file, a comparison is a folder. `compare` does it all, `run` one run. Names
are imported when they are first used, so that a worker process loads no statistics and a driver no torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glidepath.lab.branching import Branched, branches
    from glidepath.lab.comparing import compare
    from glidepath.lab.comparison import Comparison
    from glidepath.lab.defaults import DEFAULT_SCHEDULES, default_schedule
    from glidepath.lab.engines import InProcess
    from glidepath.lab.jax_engine import Jax
    from glidepath.lab.planning import plan_runs
    from glidepath.lab.progress import Bar, Silent, Status
    from glidepath.lab.quadratic import Quadratic
    from glidepath.lab.ray_engine import Ray
    from glidepath.lab.runs import Record, RunSpec
    from glidepath.lab.session import Session
    from glidepath.lab.store import Store
    from glidepath.lab.tasks import TASKS, Task, find_task
    from glidepath.lab.training import run
    from glidepath.lab.workers import Workers

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
    "DEFAULT_SCHEDULES": "defaults",
    "TASKS": "tasks",
    "Bar": "progress",
    "Branched": "branching",
    "Comparison": "comparison",
    "InProcess": "engines",
    "Jax": "jax_engine",
    "Quadratic": "quadratic",
    "Ray": "ray_engine",
    "Record": "runs",
    "RunSpec": "runs",
    "Session": "session",
    "Silent": "progress",
    "Status": "progress",
    "Store": "store",
    "Task": "tasks",
    "Workers": "workers",
    "branches": "branching",
    "compare": "comparing",
    "default_schedule": "defaults",
    "find_task": "tasks",
    "plan_runs": "planning",
    "run": "training",
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
