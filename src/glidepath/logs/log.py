"""What a training log holds, whoever wrote it: a few named series over the updates made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import GlidepathError, Schedule, plain_data
from ..core.fields import number

Array = NDArray[np.float64]
NAMES = ("loss", "rate", "gradient_norm", "validation_loss", "epoch")
"""What a series may be: training loss, learning rate, norm of the gradients, loss on held-out data, epochs done."""
_MOST = 5_000_000


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers over updates, in the order in which they were written.

    Args:
        steps: Updates done when the value was written; they may go back where a run was resumed.
        values: As many; may hold NaN and infinities.
    """

    steps: Array
    values: Array

    @classmethod
    def of(cls, steps: Iterable[Any], values: Iterable[Any]) -> Series:
        """Returns the series of these numbers; a value that is None is NaN.

        Raises:
            GlidepathError: If they are not numbers, or not as many.
        """
        found = [[math.nan if item is None else number(item) for item in given] for given in (steps, values)]
        for name, items in zip(("steps", "values"), found, strict=True):
            if any(item is None for item in items) or len(items) > _MOST:
                raise GlidepathError.of("log", name, f"up to {_MOST} numbers", items)
        x, y = (np.array(items, dtype=np.float64) for items in found)
        if len(x) != len(y):
            raise GlidepathError.of("log", "values", f"as many as the steps, {len(x)}", len(y))
        if not np.isfinite(x).all() or (x < 0).any():
            raise GlidepathError.of("log", "steps", "finite and at least 0", x[~np.isfinite(x) | (x < 0)][:3].tolist())
        return cls(x, y)

    def __len__(self) -> int:
        return len(self.steps)

    def last_pass(self) -> Series:
        """Returns the series in which a value written later for the same or an earlier step replaces those it went back over."""
        keep = self.steps < np.append(np.fmin.accumulate(self.steps[::-1])[::-1][1:], math.inf)
        return Series(self.steps[keep], self.values[keep])

    def finite(self) -> Series:
        """Returns the series without what is not finite."""
        kept = np.isfinite(self.values)
        return Series(self.steps[kept], self.values[kept])


@dataclass(frozen=True, eq=False)
class Log:
    """A training log.

    Args:
        series: By name, of `NAMES`; only those that were logged.
        source: Where it was read, for messages.
        planned: The schedule of the run, where the log says so.
        base: The base rate of the run, where the log says so.
        columns: What its columns are called there, those of no use here included.
        form: What the file was taken for, such as `HF Trainer's state`.
        taken: By series, and for `step`, which column or counter it is.
        rates: All rates by column, one for each group of parameters.
        groups: What the other rates are to the one that was taken, in words.
        notes: What had to be decided in reading it, in words: starts left out, counters unrolled.
        max_steps: The length of the run, where the file says it.
        complete: Whether the run is over, where the file says it; None where it does not.
        unit: What a step is: `update`, or `epoch` where only epochs are counted.
        position: How much a step is ahead of the schedule's, where the tool is known for it; None where not.
        mean: Whether a value is the mean over an epoch.
        epoch: Updates in an epoch, where a counter that begins again each epoch was unrolled.
        guessed: Whether that is only the least that it may be.

    Raises:
        GlidepathError: If a series has another name.
    """

    series: Mapping[str, Series]
    source: str = ""
    planned: Schedule | None = None
    base: float | None = None
    columns: tuple[str, ...] = ()
    form: str = ""
    taken: Mapping[str, str] = field(default_factory=dict[str, str])
    rates: Mapping[str, Series] = field(default_factory=dict[str, Series])
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    max_steps: int | None = None
    complete: bool | None = None
    unit: str = "update"
    position: int | None = None
    mean: bool = False
    epoch: int | None = None
    guessed: bool = False

    def __post_init__(self) -> None:
        odd = [name for name in self.series if name not in NAMES]
        if odd:
            raise GlidepathError.of("log", "series", f"some of {', '.join(NAMES)}", odd[0])

    @classmethod
    def of(cls, steps: Iterable[Any] | None = None, *, source: str = "", **series: Iterable[Any]) -> Log:
        """Returns the log of columns that share their steps.

        Args:
            steps: Of every column; None counts from 0.
            source: For messages.
            series: Columns by name, of `NAMES`.

        Examples:
            >>> len(Log.of(loss=[2.0, 1.0, 0.5]).series["loss"])
            3
        """
        kept = {name: list(values) for name, values in series.items()}
        most = max((len(values) for values in kept.values()), default=0)
        own = list(range(most)) if steps is None else list(steps)
        return cls({name: Series.of(own[: len(v)] if steps is None else own, v) for name, v in kept.items()}, source)

    def get(self, name: str) -> Series | None:
        """Returns a series, or None where it was not logged."""
        found = self.series.get(name)
        return found if found is not None and len(found) else None

    @property
    def last(self) -> int:
        """The last step of any series."""
        return int(max((float(series.steps.max()) for series in self.series.values() if len(series)), default=0.0))

    def to_dict(self) -> dict[str, Any]:
        """Returns how it was read as JSON data: its form, which column was taken for what, how many numbers from where to where."""
        series = {
            name: {"column": self.taken.get(name, name), "points": len(each)}
            | {place: [each.steps[at], each.values[at]] for place, at in (("first", 0), ("last", -1))}
            for name, each in self.series.items()
            if len(each)
        }
        others = [name for name in self.columns if name not in self.taken.values()]
        made = {"form": self.form, "step": self.taken.get("step", ""), "unit": self.unit, "series": series}
        made |= {"groups": self.groups, "others": others, "notes": self.notes}
        return plain_data(made | {"max_steps": self.max_steps, "complete": self.complete})

    def lines(self) -> list[str]:
        """Returns how it was read, in lines of text."""
        if not self.form:
            return []
        names = {"validation_loss": "validation", "gradient_norm": "gradient norm"}
        taken = "; ".join(f"{names.get(name, name)}: {column}" for name, column in self.taken.items())
        others = [name for name in self.columns if name not in " + ".join(self.taken.values())]
        more = f", {len(others) - 12} more" if len(others) > 12 else ""
        over = {True: ", complete", False: ", not complete", None: ""}[self.complete]
        length = [f"the file says {self.max_steps} steps{over}"] if self.max_steps else []
        also = [f"other columns: {', '.join(others[:12])}{more}"] if others else []
        return [f"read as {self.form}: {taken}", *self.groups, *self.notes, *length, *also]
