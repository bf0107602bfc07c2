"""What schedules and curves have in common: immutable values with named, checked fields and a permanent `kind`."""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABCMeta
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from .errors import GlidepathError, Problem, did_you_mean, shown

__all__ = ["Node", "kind"]

N = TypeVar("N", bound="type[Node]")


class _Checked(ABCMeta):
    """Turns what the fields' checks find into our error, in our words."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except ValidationError as error:
            raise GlidepathError(_problems(cls, error)) from None  # type: ignore[arg-type]

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's signature, for help texts and for reading text."""
        parameter, empty = inspect.Parameter, inspect.Parameter.empty
        return inspect.Signature(
            [
                parameter(
                    f.name,
                    parameter.POSITIONAL_OR_KEYWORD,
                    default=empty if f.default is dataclasses.MISSING else f.default,
                    annotation=f.type,
                )
                for f in (dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ())
            ]
        )

    @__signature__.setter
    def __signature__(cls, value: Any) -> None:
        """Leaves it as it is: pydantic's own signature is that of its general constructor."""


class Node(metaclass=_Checked):
    """An immutable value: equal by its fields, hashable, picklable, printable as text that reads back."""

    kind: ClassVar[str]
    registry: ClassVar[dict[str, type[Node]]]

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Returns the names of the fields, in the order of the positional arguments."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    def replace(self, **changes: Any) -> Self:
        """Returns a copy with some fields changed; the changes are checked as in the constructor."""
        return type(self)(**{name: getattr(self, name) for name in self.field_names()} | changes)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, name) for name in self.field_names())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def children(self) -> Iterator[Node]:
        """Yields the nodes directly inside this one."""
        for name in self.field_names():
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))

    def field_data(self, name: str) -> Any:
        """Returns a field as it is written to JSON, before nodes and tuples inside it are."""
        return getattr(self, name)

    def __repr__(self) -> str:
        from .text import to_text

        return to_text(self)

    __str__ = __repr__


@dataclass_transform(frozen_default=True)
def kind(name: str) -> Callable[[N], N]:
    """Makes a class of `Node` a frozen dataclass with checked fields and registers it as `name`, which is permanent."""

    def decorate(cls: N) -> N:
        made: Any = checked_dataclass(frozen=True, repr=False, config=ConfigDict(defer_build=True, extra="forbid"))(cls)
        made.kind = name
        made.__setattr__ = Node.__setattr__
        if name in made.registry:
            raise ValueError(f"kind {name!r} is taken by {made.registry[name].__name__}")
        made.registry[name] = made
        return made

    return decorate


def _problems(cls: type[Node], error: ValidationError) -> Iterator[Problem]:
    """Yields the problems behind a validation error, in our words and with names for positions."""
    names = cls.field_names()
    for found in error.errors(include_url=False):
        head, *rest = found["loc"] or ("",)
        field = names[head] if isinstance(head, int) and head < len(names) else str(head)
        path = field + "".join(f"[{part}]" for part in rest)
        context = found.get("ctx", {})
        inner = context.get("error")
        if isinstance(inner, GlidepathError):
            yield from (inner.inside(f"$.{path}").problems if path else inner.problems)
        elif found["type"] == "rule":
            yield Problem(cls.kind, path, context["rule"], shown(found["input"]), context["remedy"])
        elif found["type"] == "missing_argument" or found["type"] == "missing":
            yield Problem(cls.kind, path, "given", "nothing")
        elif found["type"] == "multiple_argument_values":
            yield Problem(cls.kind, path, "given once", "it twice")
        elif found["type"] == "unexpected_positional_argument":
            yield Problem(
                cls.kind, "", f"given at most {len(names)} arguments ({', '.join(names)})", shown(found["input"])
            )
        elif found["type"] in ("unexpected_keyword_argument", "no_such_attribute", "extra_forbidden"):
            yield Problem(
                cls.kind,
                path,
                f"one of its fields ({', '.join(names)})",
                shown(found["input"]),
                did_you_mean(path, names),
            )
        else:
            yield Problem(cls.kind, path, found["msg"], shown(found["input"]))
