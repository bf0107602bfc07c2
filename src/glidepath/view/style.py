"""What curves look like everywhere: colours that colour-blind readers can tell apart, dashes, and numbers that never read 0.000."""

from __future__ import annotations

from typing import Any

__all__ = ["COLOURS", "DASHES", "MOST_CURVES", "significant"]

MOST_CURVES = 8

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07c00", "#3a9bd6", "#777777", "#222222")
"""Okabe and Ito's, the yellow and the light blue darkened so that thin lines show on white."""

DASHES: tuple[Any, ...] = (
    "-",
    (0, (4, 2)),
    (0, (1, 1.5)),
    (0, (4, 1.5, 1, 1.5)),
    (0, (2.5, 1)),
    (0, (6, 2)),
    (0, (0.5, 2)),
    (0, (2, 3)),
)
"""One for each colour, as matplotlib takes them: the page's (`static/style.js`), in units of a line 2 pixels wide."""


def significant(value: float, digits: int = 4) -> str:
    """Returns a number with some significant digits, never rounded to 0.000.

    Args:
        value: The number.
        digits: How many.

    Examples:
        >>> significant(0.00012345), significant(3e-9), significant(0.0), significant(123456.0)
        ('0.0001234', '3e-09', '0', '123,500')
    """
    short = f"{value:.{digits}g}"
    return f"{float(short):,.0f}" if 1e4 <= abs(float(short)) < 1e15 else short
