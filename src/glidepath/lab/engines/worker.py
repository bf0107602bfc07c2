"""A worker process: `python -m glidepath.lab.engines.worker`. One JSON line in is one job; JSON lines come out.

In: `{"kind": kind, "job": job}`. Out: `{"ready": pid}` once, then for every job `{"advanced": updates}` and at its end
`{"finished": record, "files": {name: size}}`, followed by the bytes of each file, or `{"failed": text}`. When its input
closes, which also happens when the driver dies however it dies, the worker exits at once, in the middle of a job if need
be.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any, BinaryIO

TRAINING = "GLIDEPATH_TRAINING"
"""The environment variable that names the module whose `carry_out` does the jobs."""


def main() -> None:
    """Serve jobs until the input closes."""
    # Our messages keep the real standard output; whatever libraries print goes to standard error.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()

    import torch

    from ...core.errors import GlidepathError
    from ..records.jobs import job_from_dict

    carry_out = importlib.import_module(os.environ.get(TRAINING, "glidepath.lab.engines.training")).carry_out
    torch.set_num_threads(1)
    _say(messages, {"ready": os.getpid()})
    while True:
        data = jobs.get()
        try:
            done = carry_out(job_from_dict(data), lambda updates: _say(messages, {"advanced": updates}))
            sizes = {name: len(file) for name, file in done.files.items()}
            answer, files = {"finished": done.record.to_dict(), "files": sizes}, list(done.files.values())
        except GlidepathError as error:
            answer, files = {"failed": str(error)}, []
        except Exception:  # noqa: BLE001 - whatever a job raises is its outcome, and the driver reports it
            answer, files = {"failed": traceback.format_exc(limit=-4)}, []
        _say(messages, answer, files)


def _listen(jobs: queue.SimpleQueue[Any]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(json.loads(line))
    os._exit(0)


def _say(messages: BinaryIO, message: dict[str, Any], files: Iterable[bytes] = ()) -> None:
    try:
        messages.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        messages.writelines(files)
        messages.flush()
    except BrokenPipeError:  # the driver is gone
        os._exit(0)


if __name__ == "__main__":
    main()
