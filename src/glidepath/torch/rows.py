"""N places of an optimizer written at once, and a sign whether anybody else has written there.

Values are arrays of float64. There are four kinds of row: numbers, tensors in the processor's memory, tensors elsewhere, and any mixture of
them. `row` chooses one. A row says nothing of what is to be done where somebody else has written: that is for who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np
import torch

Values = np.ndarray[Any, np.dtype[np.float64]]

_VERSION = attrgetter("_version")
_DTYPES = {torch.float32: np.dtype("f4"), torch.float64: np.dtype("f8")}


def plain(value: Any) -> Any:
    """Returns a number as it is, and a tensor's as a Python number; of a list or a tuple, a list of those."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value


def like(old: Any, value: float) -> Any:
    """Returns a number in the form that a place held it in; a tensor is a new one, so that nobody else's is written to."""
    return torch.full_like(old, value) if isinstance(old, torch.Tensor) else value


class Numbers:
    """Python numbers; whether the places hold the very objects that were written tells whether anybody else has written."""

    __slots__ = ("_left", "_values")

    def __init__(self) -> None:
        self._left: list[Any] = []
        self._values = np.empty(0)

    def holds(self, found: Sequence[Any]) -> bool:
        """Returns whether what stands in the places is of this kind."""
        return not found or (type(found[0]) is float and type(sum(found)) is float)

    def kept(self, found: Sequence[Any]) -> Values | None:
        """Returns what was written last, None where anybody else has written since."""
        return self._values if len(found) == len(self._left) and all(map(is_, found, self._left)) else None

    def read(self, found: Sequence[Any]) -> Values:
        """Returns what stands in the places."""
        return np.array(found, "f8")

    def write(self, groups: Sequence[dict[str, Any]], key: str, values: Values) -> Any:
        """Writes a value into each place and returns copies of them, of the kind that the places hold."""
        line = values.tolist()
        self._left, self._values = line, values
        for group, value in zip(groups, line):  # noqa: B905  (the keyword takes longer than a write)
            group[key] = value
        return line


class Mixed:
    """Numbers and tensors of any kind, one by one: a tensor is filled in place, never replaced."""

    __slots__ = ()

    def holds(self, _found: Sequence[Any]) -> bool:
        """Returns False: what stands there is looked at each time."""
        return False

    def kept(self, _found: Sequence[Any]) -> Values | None:
        """Returns None: what was written is not remembered."""

    def read(self, found: Sequence[Any]) -> Values:
        """Returns what stands in the places."""
        return np.array([float(value) for value in found])

    def write(self, groups: Sequence[dict[str, Any]], key: str, values: Values) -> Any:
        """Writes a value into each place and returns copies of them, of the kind that the places hold."""
        for group, value in zip(groups, values.tolist(), strict=True):
            if isinstance(group[key], torch.Tensor):
                group[key].detach().fill_(value)
            else:
                group[key] = value
        held = [group[key] for group in groups]
        return [each.detach().clone() if isinstance(each, torch.Tensor) else each for each in held]


class Memory:
    """Tensors in the memory of the processor, written and read where they lie: ten times faster than `fill_`.

    What was written last is remembered as Python numbers: a tensor of low precision holds it rounded.

    Args:
        found: The tensors, of one kind, of one number each.
    """

    __slots__ = ("_addresses", "_dtype", "_left", "_tensors", "_values", "_views", "left")

    def __init__(self, found: Sequence[Any]) -> None:
        self._tensors, self._dtype = list(found), _DTYPES[found[0].dtype]
        self._addresses = [tensor.data_ptr() for tensor in found]
        self._views: list[Any] = [memoryview(tensor.detach().numpy().reshape(1)) for tensor in found]
        self._left, self._values = b"", np.empty(0)
        self.left: list[float] = []  # what stands there since the last write

    def holds(self, found: Sequence[Any]) -> bool:
        """Returns whether these are the tensors still, each where it was."""
        mine = self._tensors
        same = len(found) == len(mine) and all(map(is_, found, mine))
        return same and [tensor.data_ptr() for tensor in mine] == self._addresses

    def kept(self, found: Sequence[Any]) -> Values | None:
        """Returns what was written last, unrounded, None where anybody else has written since."""
        return self._values if b"".join(self._views) == self._left and self.holds(found) else None

    def read(self, _found: Sequence[Any]) -> Values:
        """Returns what the tensors hold."""
        return np.frombuffer(b"".join(self._views), self._dtype).astype("f8")

    def write(self, _groups: Sequence[dict[str, Any]], _key: str, values: Values) -> Any:
        """Writes the tensors and returns an array of what they hold: to make copies of them takes longer than to write them."""
        line = values.astype(self._dtype)
        self._left, self._values, self.left = line.tobytes(), values, line.tolist()
        for view, value in zip(self._views, self.left):  # noqa: B905
            view[0] = value
        return line


class Elsewhere:
    """Tensors of any one kind and place, such as on a GPU, written together; their versions tell whether anybody else wrote.

    Args:
        found: The tensors, of one number each.
    """

    __slots__ = ("_tensors", "_values", "_versions", "left")

    def __init__(self, found: Sequence[Any]) -> None:
        self._tensors, self._versions, self._values = list(found), list[int](), np.empty(0)
        # what was written last, not rounded as the tensors are: to read them may wait for a GPU
        self.left: list[float] = []

    def holds(self, found: Sequence[Any]) -> bool:
        """Returns whether these are the tensors still."""
        return len(found) == len(self._tensors) and all(map(is_, found, self._tensors))

    def kept(self, found: Sequence[Any]) -> Values | None:
        """Returns what was written last, unrounded, None where anybody else has written since."""
        return self._values if list(map(_VERSION, self._tensors)) == self._versions and self.holds(found) else None

    def read(self, found: Sequence[Any]) -> Values:
        """Returns what the tensors hold."""
        return np.array([tensor.item() for tensor in found])

    def write(self, _groups: Sequence[dict[str, Any]], _key: str, values: Values) -> list[torch.Tensor]:
        """Writes the tensors and returns copies of them."""
        first = self._tensors[0]
        with torch.no_grad():
            copies = list(torch.tensor(values, dtype=first.dtype, device=first.device).unbind())
            torch._foreach_copy_(self._tensors, copies)  # pyright: ignore[reportPrivateImportUsage]
        self._versions, self._values, self.left = list(map(_VERSION, self._tensors)), values, values.tolist()
        return copies


Row = Numbers | Memory | Elsewhere | Mixed


def row(found: Sequence[Any]) -> Row:
    """Returns the row for what stands in some places."""
    if (numbers := Numbers()).holds(found):
        return numbers
    scalars = found if all(isinstance(value, torch.Tensor) and value.ndim == 0 for value in found) else ()
    kinds = {(value.dtype, value.device) for value in scalars}
    places = {value.data_ptr() for value in scalars if in_memory(value)}
    alike = len(kinds) == 1 and len({*map(id, found)}) == len(found) and len(places) in (0, len(found))
    return tensors(found) if alike else Mixed()


def in_memory(tensor: torch.Tensor) -> bool:
    """Returns whether a tensor's number can be written where it lies."""
    return type(tensor.detach()) is torch.Tensor and tensor.device.type == "cpu" and tensor.dtype in _DTYPES


def tensors(found: Sequence[torch.Tensor]) -> Memory | Elsewhere:
    """Returns the row for tensors of one kind and place; a tensor that stands there twice has one value."""
    return Memory(found) if all(map(in_memory, found)) else Elsewhere(found)
