"""A worker process: `python -m glidepath.lab.engines.worker`. One JSON line in is one job; JSON lines come out.

In: `{"kind": kind, "job": job}`. Out: `{"ready": pid}` once, then for every job `{"advanced": updates}` and at its end
`{"finished": record, "files": {name: base64}}` or `{"failed": text}`. When its input closes, which also happens when the
driver dies however it dies, the worker exits at once, in the middle of a job if need be.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from ...core import GlidepathError

TRAINING = "GLIDEPATH_TRAINING"
"""The environment variable that names the module whose `carry_out` does the jobs."""


def outcome(job: dict[str, Any], on_progress: Callable[[int], None]) -> dict[str, Any]:
    """Carries out a job, on one thread.

    Args:
        job: As `glidepath.lab.records.jobs.job_to_dict` wrote it.
        on_progress: Called with the updates made so far, about ten times a second.

    Returns:
        `finished`, its record, and `files`, those of the record by name; or `failed`, what went wrong.
    """
    try:
        import torch

        from ..records.jobs import job_from_dict

        torch.set_num_threads(1)
        training = importlib.import_module(os.environ.get(TRAINING, "glidepath.lab.engines.training"))
        done = training.carry_out(job_from_dict(job), on_progress)
        return {"finished": done.record.to_dict(), "files": dict(done.files)}
    except BaseException as error:  # noqa: BLE001 - whatever a job raises is its outcome, and the driver reports it
        return {"failed": str(error) if isinstance(error, GlidepathError) else traceback.format_exc(limit=-4).strip()}


def main() -> None:
    """Serve jobs until the input closes."""
    # Our messages keep the real standard output; whatever libraries print goes to standard error.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    importlib.import_module(os.environ.get(TRAINING, "glidepath.lab.engines.training"))
    _say(messages, {"ready": os.getpid()})
    while True:
        done = outcome(jobs.get(), lambda updates: _say(messages, {"advanced": updates}))
        files = {name: base64.b64encode(file).decode() for name, file in done.get("files", {}).items()}
        _say(messages, {**done, "files": files})


def _listen(jobs: queue.SimpleQueue[Any]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(json.loads(line))
    os._exit(0)


def _say(messages: BinaryIO, message: dict[str, Any]) -> None:
    try:
        messages.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        messages.flush()
    except BrokenPipeError:  # the driver is gone
        os._exit(0)


if __name__ == "__main__":
    main()
