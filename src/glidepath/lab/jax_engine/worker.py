"""A worker process that trains with JAX: `python -m glidepath.lab.jax_engine.worker`, talking as `glidepath.lab.worker` does."""

from collections.abc import Callable
from typing import Any

from glidepath.lab import worker
from glidepath.lab.jobs import Done, Job

__all__ = ["carry_out"]


def carry_out(job: Job[Any], on_progress: Callable[[int], None]) -> Done[Any]:
    """Do a job that `Jax` did not refuse.

    Args:
        job: A run.
        on_progress: Called with the updates made so far.
    """
    from glidepath.lab.jax_engine.training import run
    from glidepath.lab.runs import RunSpec

    assert isinstance(job, RunSpec)  # noqa: S101 - `Jax.refuse` lets nothing else through
    return Done(run(job, on_progress))


if __name__ == "__main__":
    worker.main(carry_out)
