"""Pydantic's errors in the words of this package."""

from pydantic import ValidationError

from glidepath.core.errors import GlidepathError, Problem, shown

__all__ = ["from_pydantic"]


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
