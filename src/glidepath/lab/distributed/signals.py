"""Ctrl-C, SIGTERM and the death of `torchrun` as a wish that the training loop hears between two updates."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Wish", "hearing"]


class Wish:
    """Whether somebody wished that the run stops."""

    def __init__(self) -> None:
        self.stop = False

    def heard(self, number: int, frame: FrameType | None) -> None:
        """Notes it. `torchrun` hands a signal on to processes that may have got it already, so that a second one says nothing new."""
        del number, frame
        self.stop = True


_LOOK_SECONDS = 0.5


def _watch_launcher(wish: Wish, over: threading.Event) -> None:
    """Wishes the end once whoever started this process is dead: ranks that nobody can stop would keep their folder for ever."""
    launcher = os.getppid()
    while not over.wait(_LOOK_SECONDS):
        if os.getppid() != launcher:
            wish.stop = True
            return


@contextmanager
def hearing() -> Generator[Wish]:
    """Takes SIGINT and SIGTERM as a wish, until the end of the block; outside the main thread, where Python allows none, never.

    Under `torchrun` its death is one too.
    """
    wish, over = Wish(), threading.Event()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        threading.Thread(target=_watch_launcher, args=(wish, over), daemon=True).start()
    try:
        yield from _hearing(wish)
    finally:
        over.set()


def _hearing(wish: Wish) -> Generator[Wish]:
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish.heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
