"""Training logs, whoever wrote them: what a file is made of, which form it has, which column is which; the one place that reads them."""

from __future__ import annotations

from .log import Array, Log, Series
from .reading import read
from .rows import Progress, rows

__all__ = ["Array", "Log", "Progress", "Series", "read", "rows"]
