"""A worker process that trains with JAX: `python -m glidepath.lab.engines.jax.worker`, talking as `glidepath.lab.engines.worker` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...records.jobs import Job
from .. import worker
from ..engine import Finished

__all__ = ["carry_out"]


def carry_out(job: Job[Any], on_progress: Callable[[int], None]) -> Finished:
    """Do a job that `Jax` did not refuse.

    Args:
        job: A run.
        on_progress: Called with the updates made so far.
    """
    from ...records.runs import RunSpec
    from .training import run

    assert isinstance(job, RunSpec)  # noqa: S101 - `Jax.refuse` lets nothing else through
    return Finished(run(job, on_progress))


if __name__ == "__main__":
    worker.main(carry_out)
