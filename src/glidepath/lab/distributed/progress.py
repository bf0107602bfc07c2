"""How far a run is, on rank 0: one line that moves in a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Teller"]

_SECONDS = 0.2


class Teller:
    """Says how far a run is.

    Args:
        total: Length of the run on the plan's clock.
        clock: What it counts.
        quiet: Whether it says nothing, as on every rank but the first.
        stream: Where to; None is standard error.
    """

    def __init__(self, total: int, clock: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.total, self.clock, self.quiet = total, clock, quiet
        self.stream = stream or sys.stderr
        self.moving = self.stream.isatty()
        self._told, self._tenth, self._open = time.monotonic(), -1, False
        self._begun: tuple[float, int] | None = None
        self.foretell: Callable[[int], object] | None = None
        """Hears of every update, for the estimate of the whole."""

    def note(self, text: str) -> None:
        """Says something on a line of its own."""
        if not self.quiet:
            self._end()
            print(text, file=self.stream, flush=True)

    def step(self, position: float, update: int, samples: int, rate: float, loss: float) -> None:
        """Says where the run is now, if it is time to.

        Args:
            position: On the plan's clock.
            update: Updates made.
            samples: Samples seen.
            rate: What the last update was made with.
            loss: Its loss.
        """
        if self.foretell is not None and not self.quiet:
            self.foretell(update)
        now = time.monotonic()
        self._begun = self._begun or (now, samples)
        tenth = int(10 * position / self.total)
        if self.quiet or (now - self._told < _SECONDS if self.moving else tenth == self._tenth):
            return
        self._told, self._tenth = now, tenth
        seconds, seen = now - self._begun[0], samples - self._begun[1]
        hours = seconds / seen * (self.total - position) * samples / position / 3600 if seen and position else 0.0
        speed = f" · {seen / seconds:,.0f} samples/s · {hours:.2g} hours left" if seconds > 0 and seen else ""
        share = min(100, int(100 * position / self.total))
        text = f"{share:3d} % · {int(position):,} of {self.total:,} {self.clock} · update {update:,}"
        text += f" · rate {rate:.4g} · loss {loss:.4g}{speed}"
        if self.moving:
            print(f"\r\x1b[K{text}", end="", file=self.stream, flush=True)
            self._open = True
        else:
            print(text, file=self.stream, flush=True)

    def _end(self) -> None:
        if self._open:
            print(file=self.stream)
            self._open = False

    def close(self) -> None:
        """Ends the line that moves."""
        self._end()
