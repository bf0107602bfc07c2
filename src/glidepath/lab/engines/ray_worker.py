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
import traceback
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ...core import write_whole
from .devices import VARIABLE

_TOLD_SECONDS = 0.5  # at least, between two reports of one run: what waits to be read stays small

Message = (
    tuple[Literal["advanced"], int, int]
    | tuple[Literal["finished"], int, dict[str, Any], dict[str, bytes]]
    | tuple[Literal["failed"], int, str]
)
"""What happened, the position of the job in its chunk, and: updates made, or record and files, or what went wrong."""


def carry_out_chunk(
    jobs: Sequence[dict[str, Any]], modules: Mapping[str, bytes], every: float = 0.0, device: str = "cpu"
) -> Generator[Message]:
    """Carry out jobs, in order.

    Args:
        jobs: As `glidepath.lab.records.jobs.job_to_dict` wrote them.
        modules: Name and source of the users' modules that the jobs need; used where a module is not found.
        every: Seconds between two reports of one run, where that is more than half a second.
        device: What they compute on: `cuda` is the GPU that Ray gave.

    Yields:
        Reports of the job in hand, and one outcome for every job.
    """
    _provide(modules)
    os.environ[VARIABLE] = device
    for position, job in enumerate(jobs):
        yield from _one(position, job, max(_TOLD_SECONDS, every))


def _one(position: int, data: dict[str, Any], every: float) -> Generator[Message]:
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    told = time.monotonic()

    def tell(updates: int) -> None:
        nonlocal told
        if time.monotonic() - told > every:
            told = time.monotonic()
            messages.put(("advanced", position, updates))

    def work() -> None:
        try:
            import torch

            from ..records.jobs import job_from_dict
            from .training import carry_out

            torch.set_num_threads(1)
            done = carry_out(job_from_dict(data), tell)
            messages.put(("finished", position, done.record.to_dict(), dict(done.files)))
        except BaseException:  # noqa: BLE001 - whatever a job raises is its outcome, and the driver reports it
            messages.put(("failed", position, traceback.format_exc(limit=-4).strip()))

    # Training has a thread of its own, so that this one can hand over reports in the middle of it.
    threading.Thread(target=work, daemon=True).start()
    while True:
        message = messages.get()
        yield message
        if message[0] != "advanced":
            return


def _provide(modules: Mapping[str, bytes]) -> None:
    """Makes modules importable that this node does not have; one that it has is left to be checked by its hash."""
    for name, source in modules.items():
        if importlib.util.find_spec(name) is None:
            folder = Path(tempfile.gettempdir()) / f"glidepath-{hashlib.sha256(source).hexdigest()[:16]}"
            folder.mkdir(exist_ok=True)
            write_whole(folder / f"{name}.py", source)
            sys.path.append(str(folder))
            importlib.invalidate_caches()
