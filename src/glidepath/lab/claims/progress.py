"""How far several trials are together, and how long the rest will take."""

import time
from collections.abc import Sequence

from glidepath.lab.claims.trials import Trial
from glidepath.lab.engines.progress import Status, Watcher

__all__ = ["Whole"]


class Whole:
    """Turns the progress of one trial into that of all.

    The time left is the declared rough time of what is missing, stretched by how long what was made here really took,
    from the first progress on: what was found, and the start of the workers, say nothing about it.

    Args:
        watcher: Who hears it.
        trials: All trials, in the order in which they are begun.
    """

    def __init__(self, watcher: Watcher, trials: Sequence[Trial]) -> None:
        self._watcher = watcher
        self._coming = list(trials)
        self._jobs, self._updates = sum(one.jobs for one in trials), sum(one.updates for one in trials)
        self._trial: Trial | None = None
        self._before = [0, 0, 0]  # runs done, runs found, updates done
        self._made = self._begun = 0.0
        self._found: float | None = None
        self._last: Status | None = None
        self._started = time.monotonic()
        self._first: tuple[float, float] | None = None  # when there was progress first, and how much

    def begin(self) -> Trial:
        """The next trial begins, and is returned."""
        if self._trial is not None:
            found = self._last.runs_found if self._last is not None else 0
            self._before = [
                a + b for a, b in zip(self._before, (self._trial.jobs, found, self._trial.updates), strict=True)
            ]
            self._begun = self._made
        self._trial, self._found, self._last = self._coming.pop(0), None, None
        return self._trial

    def status(self, status: Status) -> None:
        """Pass on."""
        assert self._trial is not None  # noqa: S101 - a trial has begun
        share = status.updates_done / max(1, status.updates_total)
        self._found = share if self._found is None else self._found
        self._made = self._begun + (share - self._found) * self._trial.seconds
        now = time.monotonic()
        self._last = status
        self._watcher.status(
            Status(
                runs_done=self._before[0] + status.runs_done,
                runs_found=self._before[1] + status.runs_found,
                runs_total=self._jobs,
                updates_done=self._before[2] + status.updates_done,
                updates_total=self._updates,
                seconds=now - self._started,
                seconds_left=self._left((1.0 - share) * self._trial.seconds, now),
            )
        )

    def _left(self, of_this: float, now: float) -> float | None:
        missing = of_this + sum(one.seconds for one in self._coming)
        if self._first is None and self._made > 0.0:
            self._first = now, self._made
        if missing == 0.0:
            return 0.0
        if self._first is None or self._made <= self._first[1]:
            return None
        return missing * (now - self._first[0]) / (self._made - self._first[1])

    def note(self, text: str) -> None:
        """Pass on."""
        self._watcher.note(text)
