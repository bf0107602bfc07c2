"""Train small networks under several schedules and compare them honestly.

A task and a run are values, a record is a file, a comparison is a folder. `compare` does it all, `run` one run. Names
are imported when they are first used, so that a worker process loads no statistics and a driver no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engines.engine import InProcess as InProcess
    from .engines.progress import Bar as Bar
    from .engines.progress import Silent as Silent
    from .engines.progress import Status as Status
    from .engines.ray import Ray as Ray
    from .engines.session import Session as Session
    from .engines.training import run as run
    from .engines.workers import Jax as Jax
    from .engines.workers import Workers as Workers
    from .records.runs import Record as Record
    from .records.runs import RunSpec as RunSpec
    from .records.store import Store as Store
    from .report.comparison import Comparison as Comparison
    from .search.branches import Branched as Branched
    from .search.branches import branches as branches
    from .search.compare import compare as compare
    from .search.planning import plan_runs as plan_runs
    from .tasks.declared import TASKS as TASKS
    from .tasks.declared import Task as Task
    from .tasks.find import find_task as find_task
    from .tasks.quadratic import Quadratic as Quadratic
    from .tasks.schedules import DEFAULT_SCHEDULES as DEFAULT_SCHEDULES
    from .tasks.schedules import default_schedule as default_schedule

_HOMES = {
    name: home
    for home, names in {
        "engines.engine": "InProcess",
        "engines.progress": "Bar Silent Status",
        "engines.ray": "Ray",
        "engines.session": "Session",
        "engines.training": "run",
        "engines.workers": "Jax Workers",
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
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
