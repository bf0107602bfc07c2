"""This machine: what trainings compute on (the processor, or one GPU for each job that goes on at the same time), and the versions on it."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from ...core import GlidepathError, Problem, refuse, shown, version
from ..records.jobs import Job, Provenance, machine_line
from ..tasks.declared import ResNet

if TYPE_CHECKING:
    import torch

VARIABLE = "GLIDEPATH_DEVICE"
"""The environment variable by which a worker process knows its device."""


def device() -> torch.device:
    """What this process trains on: the processor, unless it was started or told otherwise."""
    import torch

    return torch.device(os.environ.get(VARIABLE, "cpu"))


@contextlib.contextmanager
def computing_on(name: str) -> Generator[None]:
    """Trainings in this process compute on this device as long as it lasts."""
    before, os.environ[VARIABLE] = os.environ.get(VARIABLE, "cpu"), name
    try:
        yield
    finally:
        os.environ[VARIABLE] = before


def devices_of(asked: str, jobs: Sequence[Job[Any]], where: str = "engine") -> list[str]:
    """The devices that jobs are spread over, one job on each at a time; `["cpu"]` for the processor.

    Args:
        asked: `cpu`; `cuda`, every GPU; `cuda:N`, one of them; `auto`, every GPU for residual networks where there is one, else the
            processor, on which small networks are faster.
        jobs: What is to be trained.
        where: Who asks, for the error.

    Raises:
        GlidepathError: If there is no such device, or a job wants bfloat16 of one that has none.
    """
    if asked == "cpu" or (asked == "auto" and not any(isinstance(job.task.model, ResNet) for job in jobs)):
        return ["cpu"]
    there = gpus()
    found = there if asked in ("auto", "cuda") else [asked] if asked in there else []
    if not found and asked != "auto":
        raise no_device(where, asked, there)
    if any(job.task.precision != "float32" for job in jobs):
        refuse(half_missing(where, one) for one in found[:1])
    return found or ["cpu"]


def gpus() -> list[str]:
    """The GPUs that torch sees here, as it names them."""
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []


def no_device(where: str, asked: str, there: Sequence[str], several: bool = False) -> GlidepathError:
    """The error of a device that is not here; one GPU by its number is for one process."""
    named = ["auto", "cpu", *(["cuda", *([] if several else there)] if there else [])]
    rule = f"one of {', '.join(named)}{' for several processes' if several else ''}"
    return GlidepathError.of(where, "device", rule, asked, "" if there else "torch sees no GPU here")


def half_missing(where: str, on: str) -> Problem | None:
    """What is wrong with bfloat16 on a device; None where it has it."""
    import torch

    if not on.startswith("cuda") or torch.cuda.is_bf16_supported():
        return None
    remedy = f"{torch.cuda.get_device_name(on)} has none"
    return Problem(where, "precision", "float32 on a device without bfloat16", shown("bfloat16"), remedy)


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    import numpy as np
    import torch

    packages = {"torch": str(torch.__version__), "numpy": np.__version__, "glidepath": version()}
    return {"python": platform.python_version(), **packages}


def machine() -> dict[str, str | int]:
    """What is known of this machine."""
    import torch

    on = device()
    return {
        **({"device": torch.cuda.get_device_name(on)} if on.type == "cuda" else {}),
        "platform": f"{platform.system()} {platform.machine()}",
        "implementation": sys.implementation.name,
        "cpus": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
    }


def here() -> Provenance:
    """Where something comes from that this process computes, without data and in no time."""
    return Provenance(data_sha256=None, versions=versions(), machines=(machine_line(machine()),), cpu_seconds=None)


def begun() -> Callable[[str], dict[str, Any]]:
    """Starts the clocks; what it returns gives the fields of a record that say what was spent since then, and where, on data of a hash."""
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda sha256: {
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "data_sha256": sha256,
        "versions": versions(),
        "machine": machine(),
    }
