"""What curves look like everywhere: colours that colour-blind readers can tell apart, dashes, and numbers that never read 0.000."""

from __future__ import annotations

from typing import Any

__all__ = ["COLOURS", "DASHES", "MOST_CURVES", "significant"]

MOST_CURVES = 8

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07c00", "#3a9bd6", "#777777", "#222222")
"""Okabe and Ito's, the yellow and the light blue darkened so that thin lines show on white."""

DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (6, 2, 2, 2)),
    (0, (1, 1)),
    (0, (8, 2, 2, 2, 2, 2)),
    (0, (4, 4)),
    (0, (10, 3)),
)
"""One for each colour, as matplotlib takes them."""


def significant(value: float, digits: int = 4) -> str:
    """Returns a number with some significant digits, never rounded to 0.000.

    Args:
        value: The number.
        digits: How many.

    Examples:
        >>> significant(0.00012345), significant(3e-9), significant(0.0)
        ('0.0001234', '3e-09', '0')
    """
    return f"{value:.{digits}g}"
