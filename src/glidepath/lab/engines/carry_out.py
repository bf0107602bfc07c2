"""Carry out a job of any kind, in this process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from ..records.jobs import Done, Job
from ..records.measured import Measured, MeasuredJob
from ..records.runs import RunSpec
from ..tasks.data import load
from .machine import machine, versions
from .training import run

__all__ = ["carry_out"]


def carry_out(job: Job[Any], on_progress: Callable[[int], None]) -> Done[Any]:
    """Train and measure.

    Args:
        job: A run, or a job of several.
        on_progress: Called with the updates made so far, about ten times a second.

    Returns:
        Its record, and the files that it made.
    """
    if isinstance(job, RunSpec):
        return Done(run(job, on_progress))
    assert isinstance(job, MeasuredJob)  # noqa: S101 - there is no third kind
    data = load(job.task.data)
    files: dict[str, bytes] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    values, updates = job.work(on_progress, files)
    record = Measured(
        spec=job,
        values=dict(values),
        files={name: hashlib.sha256(one).hexdigest() for name, one in files.items()},
        updates=updates,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        data_sha256=data.sha256,
        versions=versions(),
        machine=machine(),
    )
    return Done(record, files)
