"""What the rooms answer with: frozen values that tell all they hold as JSON data, and results that show themselves in notebooks."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any, ClassVar

__all__ = ["Answer", "Shown", "plain_data"]


class Shown:
    """A result that a notebook shows as more than its text."""

    __slots__ = ()

    def looks(self, view: Any) -> Any:
        """Returns the figure or the markup that a notebook shows of it; None for its text alone.

        Args:
            view: `glidepath.view`, which is reached when something is shown.
        """
        del view

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook leaves out what it does not want
        return import_module("glidepath.view.notebook").bundle(self)


class Answer:
    """A dataclass as JSON data: its fields, or what `told` names; a number that is not finite is null."""

    told: ClassVar[str] = ""
    """Names of fields, properties and methods, apart by spaces, in the order of the data; empty for all fields."""

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON data."""
        names = self.told.split() or [field.name for field in fields(self)]  # type: ignore[arg-type]
        return {name: plain_data(getattr(self, name)) for name in names}

    def to_json(self, indent: int | None = None) -> str:
        """Returns everything as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)


def plain_data(value: Any) -> Any:
    """Returns JSON data in which numbers that JSON cannot hold are null, and values are what their `to_dict` tells."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: plain_data(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(each) for each in value]
    if callable(getattr(value, "to_dict", None)):
        return value.to_dict()
    return plain_data(value()) if inspect.ismethod(value) else value
