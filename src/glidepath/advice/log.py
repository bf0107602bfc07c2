"""What a training log holds, whoever wrote it: a few named series over the updates made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import GlidepathError
from ..core.fields import number
from ..core.schedule import Schedule

__all__ = ["NAMES", "Array", "Log", "Series"]

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
        keep = np.ones(len(self), dtype=bool)
        lowest = math.inf
        for i in range(len(self) - 1, -1, -1):
            keep[i] = self.steps[i] < lowest
            lowest = min(lowest, float(self.steps[i]))
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
        columns: What its columns with numbers are called there, those of no use here included.

    Raises:
        GlidepathError: If a series has another name.
    """

    series: Mapping[str, Series]
    source: str = ""
    planned: Schedule | None = None
    base: float | None = None
    columns: tuple[str, ...] = ()

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
