"""A worker process: `python -m glidepath.lab.worker`. One JSON line in is one run; JSON lines come out.

In: `{"run": spec}`. Out: `{"ready": pid}` once, then for every run `{"advanced": updates}` and at its end
`{"finished": record}` or `{"failed": text}`. When its input closes, which also happens when the driver dies however it
dies, the worker exits at once, in the middle of a run if need be.
"""

import json
import os
import queue
import sys
import threading
import traceback
from typing import Any, TextIO

__all__ = ["main"]


def main() -> None:
    """Serve runs until the input closes."""
    # Our messages keep the real standard output; whatever libraries print goes to standard error.
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    runs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(runs,), daemon=True).start()

    import torch

    from glidepath.lab.runs import RunSpec
    from glidepath.lab.training import run

    torch.set_num_threads(1)
    _say(messages, {"ready": os.getpid()})
    while True:
        data = runs.get()
        try:
            record = run(RunSpec.from_dict(data), lambda updates: _say(messages, {"advanced": updates}))
            answer: dict[str, Any] = {"finished": record.to_dict()}
        except Exception:  # noqa: BLE001 - whatever a run raises is its outcome, and the driver reports it
            answer = {"failed": traceback.format_exc(limit=-4)}
        _say(messages, answer)


def _listen(runs: "queue.SimpleQueue[dict[str, Any]]") -> None:
    for line in sys.stdin.buffer:
        runs.put(json.loads(line)["run"])
    os._exit(0)


def _say(messages: TextIO, message: dict[str, Any]) -> None:
    try:
        messages.write(json.dumps(message, allow_nan=False) + "\n")
        messages.flush()
    except BrokenPipeError:  # the driver is gone
        os._exit(0)


if __name__ == "__main__":
    main()
