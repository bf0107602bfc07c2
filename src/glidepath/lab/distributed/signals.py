"""Ctrl-C and SIGTERM as a wish that the training loop hears between two updates."""

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


@contextmanager
def hearing() -> Generator[Wish]:
    """Takes SIGINT and SIGTERM as a wish, until the end of the block; outside the main thread, where Python allows none, never."""
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, wish.heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
