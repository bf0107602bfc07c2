"""How far a search is whose runs are asked for a few at a time, and some of them never."""

from glidepath.lab.engines.progress import Status, Watcher

__all__ = ["Overall"]


class Overall:
    """Tells a watcher of a whole search, whose runs are asked for a few at a time.

    Args:
        watcher: Who hears.
        runs: Runs that are planned in all.
        updates: Updates of each.
    """

    def __init__(self, watcher: Watcher, runs: int, updates: int) -> None:
        self.watcher, self.runs, self.updates = watcher, runs, updates
        self.before, self.found, self.seconds = 0, 0, 0.0
        self.last: Status | None = None

    def status(self, status: Status) -> None:
        """Tell how far the whole is."""
        self.last = status
        done, total = self.before + status.runs_done, max(self.runs, self.before + status.runs_total)
        seconds = self.seconds + status.seconds
        updates = self.before * self.updates + status.updates_done
        made = updates - (self.found + status.runs_found) * self.updates
        left = seconds * (total * self.updates - updates) / made if made > self.updates else None
        whole = Status(done, self.found + status.runs_found, total, updates, total * self.updates, seconds, left)
        self.watcher.status(whole)

    def note(self, text: str) -> None:
        """Pass a sentence on."""
        self.watcher.note(text)

    @property
    def left(self) -> int:
        """Runs that are planned and not yet asked for and over."""
        return self.runs - self.before

    def ended(self, skipped: int) -> None:
        """The runs asked for last are over, and so many planned ones are not needed.

        Args:
            skipped: How many.
        """
        if self.last is not None:
            self.before += self.last.runs_total
            self.found += self.last.runs_found
            self.seconds += self.last.seconds
            self.last = None
        self.runs -= skipped
