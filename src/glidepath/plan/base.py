"""What the parts of a plan have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.errors import GlidepathError
from ..core.node import Node

__all__ = ["Part"]


class Part(Node):
    """A part of a plan: an immutable value with named, checked fields."""

    registry: ClassVar[dict[str, type[Node]]] = {}

    @classmethod
    def of(cls, given: Any) -> Any:
        """Returns the part that is given as itself or as a mapping of its fields.

        Raises:
            GlidepathError: With every problem found.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, dict):
            odd = [key for key in given if not isinstance(key, str)]
            if odd:
                raise GlidepathError.of("", "every key", "a word", odd[0])
            return cls(**given)
        raise GlidepathError.of("", "", f"an object with {', '.join(cls.field_names())}", given)

    def to_dict(self) -> dict[str, Any]:
        """Returns the part as JSON data, without fields that have their default."""
        fields: Any = self.__dataclass_fields__  # type: ignore[attr-defined]
        kept = [name for name in self.field_names() if getattr(self, name) != fields[name].default]
        return {name: _plain(self.field_data(name)) for name in kept}


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, Node):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
