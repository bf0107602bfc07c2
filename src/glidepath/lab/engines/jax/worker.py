"""A worker process that trains with JAX: `python -m glidepath.lab.engines.jax.worker`, talking as `glidepath.lab.engines.worker` does."""

from collections.abc import Callable
from typing import Any

from glidepath.lab.engines import worker
from glidepath.lab.records.jobs import Done, Job

__all__ = ["carry_out"]


def carry_out(job: Job[Any], on_progress: Callable[[int], None]) -> Done[Any]:
    """Do a job that `Jax` did not refuse.

    Args:
        job: A run.
        on_progress: Called with the updates made so far.
    """
    from glidepath.lab.engines.jax.training import run
    from glidepath.lab.records.runs import RunSpec

    assert isinstance(job, RunSpec)  # noqa: S101 - `Jax.refuse` lets nothing else through
    return Done(run(job, on_progress))


if __name__ == "__main__":
    worker.main(carry_out)
