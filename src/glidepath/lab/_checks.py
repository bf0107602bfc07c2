"""Checks that several modules of the lab share, and pydantic's errors in the words of this package."""

import math
from collections.abc import Iterable

from pydantic import ValidationError

from glidepath.core.errors import GlidepathError, Problem, shown

__all__ = ["check_count", "check_rate", "check_seed", "from_pydantic", "refuse"]


def check_rate(value: object, where: str) -> Problem | None:
    """What is wrong with a peak rate, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return Problem(where, "peak_rate", "a finite number above 0", shown(value))
    return None


def check_count(value: object, where: str, field: str) -> Problem | None:
    """What is wrong with a number of updates, tries or workers, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**53:
        return Problem(where, field, "an int of at least 1", shown(value))
    return None


def check_seed(value: object, where: str) -> Problem | None:
    """What is wrong with a seed, or None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        return Problem(where, "seed", "an int in [0, 2^32)", shown(value))
    return None


def refuse(problems: Iterable[Problem | None]) -> None:
    """Raise every problem found, in one error; return if there is none.

    Raises:
        GlidepathError: If there is a problem.
    """
    found = [problem for problem in problems if problem is not None]
    if found:
        raise GlidepathError(found)


def from_pydantic(where: str, error: ValidationError) -> GlidepathError:
    """Every problem that pydantic found, as ours.

    Args:
        where: What was read.
        error: What pydantic found.
    """
    problems: list[Problem] = []
    for item in error.errors(include_url=False):
        path = ".".join(str(part) for part in item["loc"])
        rule = item["msg"][:1].lower() + item["msg"][1:]
        problems.append(Problem(where, path or "value", f"valid ({rule})", shown(item["input"])))
    return GlidepathError(problems)
