"""A budget of time for every answer: what takes longer is ended where it runs."""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..core.errors import GlidepathError

__all__ = ["SECONDS", "bounded"]

SECONDS = 10.0
"""Processor time of one answer."""
_EVERY = 0.05
F = TypeVar("F", bound=Callable[..., Any])


class _OutOfTime(BaseException):
    """Raised inside the thread whose time is up; not an Exception, so that nothing on the way takes it for its own."""


class _Watch(threading.Thread):
    """Looks at the threads at work and ends those whose time is up."""

    def __init__(self) -> None:
        super().__init__(name="glidepath-deadline", daemon=True)
        self._lock, self._work = threading.Condition(), dict[int, tuple[Callable[[], float], float]]()
        self._told: set[int] = set()

    def begin(self, seconds: float) -> None:
        me, clock = threading.get_ident(), _clock()
        with self._lock:
            self._work[me] = clock, clock() + seconds
            self._lock.notify()

    def end(self) -> None:
        """Ends the watch of this thread; if its time is up this very moment, waits for that to be raised."""
        me = threading.get_ident()
        with self._lock:
            self._work.pop(me, None)
            told = me in self._told
        while told:
            time.sleep(0.001)

    def forget(self) -> None:
        """Ends the watch of this thread, whose time was up."""
        with self._lock:
            self._work.pop(threading.get_ident(), None)
            self._told.discard(threading.get_ident())

    def run(self) -> None:
        while True:
            with self._lock:
                while not self._work:
                    self._lock.wait()
                for thread, (clock, limit) in list(self._work.items()):
                    if thread not in self._told and clock() > limit:
                        self._told.add(thread)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_OutOfTime))
            time.sleep(_EVERY)


def _clock() -> Callable[[], float]:
    """Returns a clock of this thread's processor time, which another thread may read; the wall's clock where there is none."""
    if sys.platform == "linux":
        return functools.partial(time.clock_gettime, time.pthread_getcpuclockid(threading.get_ident()))
    return time.monotonic


@functools.cache
def _watch() -> _Watch:
    watch = _Watch()
    watch.start()
    return watch


def bounded(answer: F, seconds: float | None = None) -> F:
    """Returns the function with a budget of time.

    Args:
        answer: What makes an answer in a thread of its own.
        seconds: How long it may work; None is `SECONDS`.

    Raises:
        GlidepathError: From the function, when its time is up; the budget is named.
    """

    @functools.wraps(answer)
    def within(*args: Any, **kwargs: Any) -> Any:
        limit, watch = seconds or SECONDS, _watch()
        try:
            watch.begin(limit)
            try:
                made = answer(*args, **kwargs)
            except Exception:
                watch.end()
                raise
            watch.end()
            return made
        except _OutOfTime:
            watch.forget()
            rule, got = f"answered within {limit:g} seconds of processor time", "one that takes longer"
            raise GlidepathError.worded("page", "schedule", rule, got, "fewer parts or fewer steps") from None

    return within  # type: ignore[return-value]
