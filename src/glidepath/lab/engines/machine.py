"""This machine and the versions on it, as records name them."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ...core import version
from ..records.jobs import Provenance, machine_line
from .devices import device


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "glidepath": version(),
    }


def machine() -> dict[str, str | int]:
    """What is known of this machine."""
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
