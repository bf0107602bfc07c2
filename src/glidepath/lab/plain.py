"""Values that are plain JSON both ways, every field checked: what the lab keeps. Pydantic reads them; its errors are told in our words."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Self, TypeVar, dataclass_transform

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ..core import GlidepathError, Problem, shown

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def plain(*, kw_only: bool = False, strict: bool = False) -> Callable[[type[T]], type[T]]:
    """Makes a class a frozen dataclass whose fields are checked by their types: no other fields, no NaN, no infinity.

    Args:
        kw_only: Whether its fields are given by name only.
        strict: Whether nothing is converted to a field's type.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=strict)
    return dataclass(frozen=True, kw_only=kw_only, config=config)  # type: ignore[return-value]


@functools.cache
def _adapter(cls: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(cls)


class Plain:
    """JSON both ways for a dataclass."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, without NaN or infinity."""
        return _adapter(type(self)).dump_python(self, mode="json")

    def to_json(self) -> str:
        """The same as an indented JSON text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """The value that `to_dict` wrote.

        Args:
            data: Plain JSON data.

        Raises:
            GlidepathError: If a field is missing, unknown or breaks its rule; all problems in one message.
        """
        return cls.from_json(json.dumps(data))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The value that `to_json` wrote.

        Args:
            text: JSON.

        Raises:
            GlidepathError: If it is no JSON, or a field is missing, unknown or breaks its rule; all problems in one message.
        """
        try:
            return _adapter(cls).validate_json(text)
        except ValidationError as error:
            raise from_pydantic(getattr(cls, "called", cls.__name__.lower()), error) from None


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
