"""How much has happened, and what was declared about it: what a scheduler and the hooks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from .drives import Drive
from .events import Applied, ForeignWrite

__all__ = ["Event", "Foreign", "Run"]

Event = Applied | ForeignWrite
Foreign = Literal["restore", "adopt", "refuse"]


class Run:
    """The plan and the progress of one attachment.

    Args:
        drives: The plan.
        foreign: What becomes of a value that somebody else wrote.
        samples: What an update consumes unless `count` states it.
        tokens: What an update consumes unless `count` states it.
        rebase: Whether the groups' present values are their bases, whatever bases they carry.
        tensors: Whether learning rates become tensors.
    """

    __slots__ = (
        "ahead",
        "armed",
        "bases",
        "batch",
        "drives",
        "foreign",
        "late",
        "listeners",
        "moved",
        "promise",
        "rebase",
        "samples",
        "scales",
        "special",
        "stated",
        "supports_scaling",
        "tensors",
        "tokens",
        "updates",
        "warned",
    )

    def __init__(
        self, drives: tuple[Drive, ...], foreign: Foreign, samples: int, tokens: int, rebase: bool, tensors: bool
    ) -> None:
        self.drives = drives
        self.foreign: Foreign = foreign
        self.rebase, self.tensors = rebase, tensors
        self.updates = self.samples = self.tokens = 0
        self.batch = (samples, tokens)
        self.scales = [1.0] * len(drives)
        self.ahead = False  # between updates the groups hold the values of the coming one, not those last used
        self.armed = False  # a value was written for an update that is not counted yet
        self.stated = False  # `count` has said what the coming update consumes
        self.supports_scaling = False  # the optimizer skips inside its kernel, and tells by `found_inf`
        self.late: tuple[Any, Any] | None = (
            None  # a `found_inf` on its way from the GPU: its copy, and the event that it is there
        )
        self.listeners: list[Callable[[Any], object]] = []
        self.warned: set[tuple[str, str]] = set()
        self.bases: tuple[int, str] = (0, "")  # how many seats there are, the hash of their bases and the first
        # After a strict resume: the updates done, and the bases and starts that were accepted, by drive and parameters.
        self.promise: tuple[int, dict[tuple[int, int], tuple[float, int]]] | None = None
        self.moved = False  # since then the optimizer loaded others: the coming update would not be the checkpoint's
        self.note()

    def note(self) -> None:
        """Finds out whether an update needs more than to be counted."""
        self.special = bool(self.listeners or any(self.batch) or self.supports_scaling)

    def tell(self, event: Event) -> None:
        """Hands an event to everybody who asked for it."""
        for listener in tuple(self.listeners):
            listener(event)

    def consume(self) -> None:
        """Counts what an update consumed, unless that was stated."""
        if not self.stated:
            self.samples += self.batch[0]
            self.tokens += self.batch[1]
        self.stated = False
