"""What runs on the nodes of a Ray cluster: a few jobs one after another, which tell how they go as they go.

Nothing is written here: a record, with its files, goes back to the driver as soon as its job is over.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core import write_whole
from .machine import VARIABLE
from .worker import outcome

_TOLD_SECONDS = 0.5  # at least, between two reports of one run: what waits to be read stays small


def carry_out_chunk(
    jobs: Sequence[dict[str, Any]], modules: Mapping[str, bytes], every: float = 0.0, device: str = "cpu"
) -> Generator[tuple[int, dict[str, Any]]]:
    """Carry out jobs, in order.

    Args:
        jobs: As `glidepath.lab.records.jobs.job_to_dict` wrote them.
        modules: Name and source of the users' modules that the jobs need; used where a module is not found.
        every: Seconds between two reports of one run, where that is more than half a second.
        device: What they compute on: `cuda` is the GPU that Ray gave.

    Yields:
        The position of a job, and `advanced`, the updates that it has made, or its one `outcome`.
    """
    _provide(modules)
    os.environ[VARIABLE] = device
    for position, job in enumerate(jobs):
        for message in _told(job, max(_TOLD_SECONDS, every)):
            yield position, message


def _told(job: dict[str, Any], every: float) -> Generator[dict[str, Any]]:
    messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    told = time.monotonic()

    def tell(updates: int) -> None:
        nonlocal told
        if time.monotonic() - told > every:
            told = time.monotonic()
            messages.put({"advanced": updates})

    # Training has a thread of its own, so that this one can hand over reports in the middle of it.
    threading.Thread(target=lambda: messages.put(outcome(job, tell)), daemon=True).start()
    while "advanced" in (message := messages.get()):
        yield message
    yield message


def _provide(modules: Mapping[str, bytes]) -> None:
    """Makes modules importable that this node does not have; one that it has is left to be checked by its hash."""
    for name, source in modules.items():
        if importlib.util.find_spec(name) is None:
            folder = Path(tempfile.gettempdir()) / f"glidepath-{hashlib.sha256(source).hexdigest()[:16]}"
            folder.mkdir(exist_ok=True)
            write_whole(folder / f"{name}.py", source)
            sys.path.append(str(folder))
            importlib.invalidate_caches()
