"""What schedules and curves have in common: immutable values with named, checked fields and a permanent `kind`."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
from abc import ABCMeta
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform, get_type_hints

from .checks import Checks
from .errors import did_you_mean
from .fields import Check, check_of

__all__ = ["Node", "checks_of", "kind"]

N = TypeVar("N", bound="type[Node]")
_UNKNOWN = 20  # unknown fields that are named one by one


@dataclass_transform(frozen_default=True)
class _Checked(ABCMeta):
    """Makes each class of nodes a frozen dataclass whose constructor checks its arguments, all of them before it refuses any.

    Fields and cached properties live in slots, and there is no dictionary that holds them: what other libraries read from or write into an
    object's `__dict__` (PyTorch's `LambdaLR` saves and loads that of its functions) cannot change a value.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> Any:
        fields = [field for field, hint in body.get("__annotations__", {}).items() if "ClassVar" not in str(hint)]
        caches = {key: value.func for key, value in body.items() if isinstance(value, cached_property)}
        defaults = {field: body.pop(field) for field in [*fields, *caches] if field in body}
        body["__slots__"] = dict.fromkeys(fields) | {key: make.__doc__ for key, make in caches.items()}
        above = {key: make for base in reversed(bases) for key, make in getattr(base, "_caches", {}).items()}
        body["_caches"] = {key: make for key, make in above.items() if key not in body} | caches
        cls = super().__new__(mcs, name, bases, body, **options)
        slots = {field: cls.__dict__[field] for field in fields}
        for field in fields:  # a dataclass looks for defaults where the slots are
            if field in defaults:
                setattr(cls, field, defaults[field])
            else:
                delattr(cls, field)
        dataclasses.dataclass(frozen=True, repr=False)(cls)
        for field, slot in slots.items():
            setattr(cls, field, slot)
        return cls

    if not TYPE_CHECKING:  # a checker of types takes the signature from the fields

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            """Returns the checked value."""
            wanted, checks = _wanted(cls), Checks(getattr(cls, "kind", cls.__name__), "$")
            given, names = dict(zip(wanted, args, strict=False)), ", ".join(wanted)
            if len(args) > len(wanted):
                checks.refuse("", f"given at most {len(wanted)} arguments ({names})", len(args))
            unknown = [name for name in kwargs if name not in wanted]
            if len(unknown) > _UNKNOWN:
                checks.worded("", f"given only its fields ({names})", f"{len(unknown)} others")
            for name, value in kwargs.items():
                if name in given:
                    checks.worded(name, "given once", "it twice")
                elif name in wanted:
                    given[name] = value
                elif len(unknown) <= _UNKNOWN:
                    checks.refuse(name[:50], f"one of its fields ({names})", value, did_you_mean(name, wanted))
            fields: dict[str, Any] = {}
            for name, (check, required) in wanted.items():
                if name in given:
                    fields[name] = checks.take(name, given[name], check)
                elif required:
                    checks.worded(name, "given", "nothing")
            checks.done()
            other = cls.instead(fields)
            return super().__call__(**fields) if other is None else other

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's signature, for help texts and for reading text."""
        parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
        return inspect.Signature(list(parameters.values())[1:])


class _Bare:
    """Has the dictionary that PyTorch's compiler looks for behind `__dict__`, and weak references."""

    __slots__ = ("__dict__", "__weakref__")


class Node(_Bare, metaclass=_Checked):
    """An immutable value: equal by its fields, hashable, picklable, printable as text that reads back."""

    kind: ClassVar[str]
    registry: ClassVar[dict[str, type[Node]]]
    _caches: ClassVar[dict[str, Callable[[Any], Any]]]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Fills the slot of a cached property when it is first looked at."""
            make = self._caches.get(name)
            if make is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            value = make(self)
            object.__setattr__(self, name, value)
            return value

        @property
        def __dict__(self) -> dict[str, Any]:
            """Empty, and a new one each time."""
            return {}

    @classmethod
    def instead(cls, fields: dict[str, Any]) -> Any:
        """Returns what checked fields come to where that is no node of this class; None where it is."""
        del fields

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

    def children(self) -> Iterator[Node]:
        """Yields the nodes directly inside this one."""
        for name in self.field_names():
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))

    def to_dict(self) -> dict[str, Any]:
        """Returns the value as JSON data: `{"kind": …, field: value, …}` with every field."""
        from .codec import data_of

        return data_of(self)

    def to_json(self, indent: int | None = None) -> str:
        """Returns the value as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Returns the value that JSON data describes, of any kind of the family.

        Raises:
            GlidepathError: With every problem found and the path of each.
        """
        from .codec import node_of

        return node_of(data, next(base for base in reversed(cls.__mro__) if "registry" in vars(base)))  # type: ignore[return-value]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Returns the value that JSON text describes.

        Raises:
            GlidepathError: If the text is not JSON (NaN, infinities and duplicate keys included), or breaks a rule; with every problem
                found and the path of each.
        """
        from .codec import parsed

        return cls.from_dict(parsed(text))

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 in hexadecimal: equal for equal values, in every process and version."""
        from .codec import canonical

        return hashlib.sha256(canonical(self).encode()).hexdigest()

    def call(self, arguments: Callable[[Node], list[str]]) -> tuple[str, list[str]]:
        """Returns the word and the arguments of the text form; `arguments` writes those of the fields."""
        return self.kind, arguments(self)

    def field_data(self, name: str) -> Any:
        """Returns a field as it is written to JSON, before nodes and tuples inside it are."""
        return getattr(self, name)

    def __repr__(self) -> str:
        from .text import to_text

        return to_text(self)

    __str__ = __repr__


def kind(name: str) -> Callable[[N], N]:
    """Registers a class of nodes in its family as `name`, which is permanent."""

    def decorate(cls: N) -> N:
        if name in cls.registry:
            raise ValueError(f"kind {name!r} is taken by {cls.registry[name].__name__}")
        cls.kind = name
        cls.registry[name] = cls
        return cls

    return decorate


@functools.cache
def _wanted(cls: Any) -> dict[str, tuple[Check, bool]]:
    """Returns, for each field of a kind, what checks it and whether it must be given."""
    return {field.name: (check, field.default is dataclasses.MISSING) for field, check in checks_of(cls)}


def checks_of(cls: Any) -> Iterator[tuple[dataclasses.Field[Any], Check]]:
    """Yields the fields of a kind with their checks.

    Raises:
        TypeError: If a field's type has none.
    """
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        check = check_of(hints[field.name])
        if check is None:
            raise TypeError(f"the type of {cls.__name__}.{field.name} must have a check, got {hints[field.name]}")
        yield field, check
