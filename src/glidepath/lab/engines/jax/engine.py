"""What users hold: an engine of worker processes that train with JAX. Nothing here imports JAX."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ....core import Problem, installing, refuse, settle
from ....core.fields import Count
from ...records.jobs import Job
from ...records.runs import RunSpec
from ...tasks.declared import CharTransformer, Cnn1d, Digits, Mlp, Mnist1d, Prose, Task
from ..engine import Event
from ..worker import TRAINING
from ..workers import Crew

_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_CAN = ((Mlp | Cnn1d, Mnist1d | Digits), (CharTransformer, Prose))
_REMEDY = "`--engine workers` runs it"


@dataclass(frozen=True)
class Jax:
    """Worker processes that train with JAX on the processor: the perceptrons, the small convolutional network, the text.

    A worker compiles a task once, whatever the schedules, rates, seeds and budgets of its runs; that takes as long as two
    to five runs in torch. A record stands for the run whichever engine made it, and names JAX among its versions.

    Args:
        count: How many; None for one per processor that this process may use, never more than there are runs.
        tries: How often a run is started whose worker dies, before it is given up. At least 1.

    Raises:
        GlidepathError: If an argument breaks its rule above.
    """

    count: Count | None = None
    tries: Count = 3

    def __post_init__(self) -> None:
        settle(self, "jax").done()

    def refuse(self, specs: Sequence[Job[Any]]) -> None:
        """Refuse what this engine cannot carry out.

        Args:
            specs: What is to be run.

        Raises:
            GlidepathError: If JAX is missing, or a job is no run of a task that it can train; all problems at once.
        """
        missing = importlib.util.find_spec("jax") is None
        package = Problem("jax", "package", "installed", "no jax", installing("jax")) if missing else None
        refuse([package, *dict.fromkeys(map(_problem, specs))])

    def execute(self, specs: Sequence[Job[Any]], emit: Callable[[Event], None]) -> None:
        """Carry out runs. See `glidepath.lab.engines.engine.Engine.execute`.

        Raises:
            GlidepathError: As `refuse`, before anything runs; or if several workers in a row die before they are ready.
        """
        self.refuse(specs)
        Crew(self.count, self.tries, specs, emit, environment=environment()).work()


def environment() -> dict[str, str]:
    """What a process has to be started with to train as this engine's workers do: on one thread of the processor, in float32."""
    flags = " ".join(filter(None, (os.environ.get("XLA_FLAGS"), _ONE_THREAD)))
    return {
        TRAINING: "glidepath.lab.engines.jax.training",
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_X64": "false",
        "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",  # a chunk runs in the thread that asks for it: nothing to hand over
    }


def _problem(spec: Job[Any]) -> Problem | None:
    if not isinstance(spec, RunSpec):
        return Problem("jax", "job", "a run", f"{spec.kind} of {spec.task.name}", _REMEDY)
    if not any(isinstance(spec.task.model, models) and isinstance(spec.task.data, data) for models, data in _CAN):
        return Problem("jax", "task", "one that it can train", _shown(spec.task), _REMEDY)
    return None


def _shown(task: Task) -> str:
    return f"{task.name} ({task.model.kind} on {task.data.kind})"
