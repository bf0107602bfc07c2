"""Work that takes a while: one job at a time, with events that can be streamed and a cancel that is heard."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..core import GlidepathError

_KEPT = 10


class Cancelled(Exception):
    """The job was told to stop."""


@dataclass
class Work:
    """One piece of work, and what it has said so far.

    Args:
        key: Its name.
        events: Everything said, in order; the last is of type `end`, `cancelled` or `error`.
        over: Whether it has ended.
    """

    key: str
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    over: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)
    thread: threading.Thread | None = None

    def say(self, **event: Any) -> None:
        """Adds an event."""
        self.events.append(event)

    def advance(self, made: int, total: int) -> None:
        """Says how far the work is, and how long the rest may take.

        Args:
            made: Updates made.
            total: Updates in all.

        Raises:
            Cancelled: If the job was told to stop.
        """
        if self.cancelled.is_set():
            raise Cancelled
        spent = time.monotonic() - self.began
        self.say(type="progress", done=made, total=total, left=spent * (total - made) / made if made else None)


class Jobs:
    """The jobs of this server: one runs at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Work] = {}

    def start(self, work: Callable[[Work], None]) -> Work:
        """Starts a job.

        Args:
            work: What it does; called in a thread of its own.

        Raises:
            GlidepathError: If one is running.
        """
        with self._lock:
            if any(not job.over for job in self._jobs.values()):
                raise GlidepathError.of("train", "job", "the only one", "another that is running", "cancel it or wait")
            job = Work(uuid.uuid4().hex)
            self._jobs = {**dict(list(self._jobs.items())[1 - _KEPT :]), job.key: job}
            job.thread = threading.Thread(target=_carry_out, args=(job, work), daemon=True)
            job.thread.start()
        return job

    def get(self, key: str) -> Work:
        """Returns a job.

        Raises:
            GlidepathError: If there is none of that name.
        """
        if key not in self._jobs:
            raise GlidepathError.of("train", "job", "a job of this server", key[:40])
        return self._jobs[key]

    def cancel_all(self) -> None:
        """Tells every job to stop and waits a moment for its processes to end."""
        for job in self._jobs.values():
            job.cancelled.set()
            if job.thread is not None:
                job.thread.join(8.0)


def _carry_out(job: Work, work: Callable[[Work], None]) -> None:
    try:
        work(job)
    except Cancelled:
        job.say(type="cancelled")
    except GlidepathError as error:
        job.say(type="error", message=str(error))
    except Exception as error:  # noqa: BLE001 - a thread of its own: what went wrong is told on the page
        job.say(type="error", message=f"{type(error).__name__}: {error}"[:500])
    finally:
        job.over = True
