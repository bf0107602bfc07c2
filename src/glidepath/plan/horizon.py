"""How long a run is, and what an update consumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from ..core.fields import Flag, Length, choice
from ..core.node import kind
from .base import Part
from .derivation import Derivation
from .derived import Derived, Stage
from .duration import Span

__all__ = ["Horizon"]

Split = Annotated[Literal["pad", "drop"], choice("pad", "drop")]
Window = Annotated[
    Literal["step", "drop", "carry"],
    choice("step", "drop", "carry"),
]


@kind("horizon")
class Horizon(Part):
    """How long a run is, and what an update consumes.

    A run of some epochs has as many updates as its loaders yield; a budget in samples or tokens is rounded up, so that the last update
    reaches it; a fraction of an epoch is rounded to the nearest update, halves up.

    Args:
        length: `"3 epochs"`, `"10000 steps"`, `"1e6 samples"` or `"2e9 tokens"`; None if the run has no known end.
        samples: Samples of the data; None for a stream of unknown length.
        batch: Samples that one process takes at once.
        accumulation: Batches that one update accumulates.
        processes: Processes that train together.
        drop_last: Whether an incomplete last batch is left out, as in `DataLoader(drop_last=True)`.
        split: What processes do where samples do not divide evenly: `pad` repeats some, as `DistributedSampler` does; `drop` leaves the
            surplus out, which is also what counts where shares differ and the shortest ends the epoch.
        last_window: What becomes of an incomplete accumulation at the end of an epoch: `step` updates with what is there, `drop` forgets it,
            `carry` goes on in the next epoch.
        tokens_per_sample: Tokens of a sample.

    Examples:
        >>> print(Horizon("3 epochs", samples=1000, batch=32, accumulation=2, processes=2).derived())
        samples of a process: 500 = ceil(1000 samples / 2 processes)
        batches of an epoch: 16 = ceil(500 / batch 32), the last of 20
        updates of an epoch: 8 = ceil(16 / accumulation 2)
        samples of an update: 128 = batch 32 x accumulation 2 x 2 processes
        samples of an epoch: 1000 = 500 x 2 processes
        updates: 24 = 3 epochs x 8
        samples: 3000
        epochs: 3
    """

    length: Span | None = None
    samples: Length | None = None
    batch: Length | None = None
    accumulation: Length = 1
    processes: Length = 1
    drop_last: Flag = False
    split: Split = "pad"
    last_window: Window = "step"
    tokens_per_sample: Length | None = None

    def derived(self, stages: Sequence[Stage] = (), clock: str = "updates") -> Derived:
        """Returns what follows from it.

        Args:
            stages: Batch sizes over the run, where they change; `batch` and `accumulation` then say nothing about an update.
            clock: What the stages' beginnings count.

        Raises:
            GlidepathError: If an epoch has no update, or a number passes the largest exact step.
        """
        return Derivation(self, tuple(stages), clock).done()
