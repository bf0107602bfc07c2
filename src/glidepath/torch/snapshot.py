"""Remembering objects as they are and putting them back in place: tensors, random states and plain Python attributes, in memory."""

from __future__ import annotations

import random
import types
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..core.node import Node

__all__ = ["Snapshot"]

_DEPTH = 12  # of Python objects inside one another, counted from the nearest module
_MOST = 2_000_000
_FOREIGN = {
    "torch",
    "builtins",
    "threading",
    "multiprocessing",
    "concurrent",
    "asyncio",
    "logging",
    "weakref",
    "numpy",
    "tqdm",
    "io",
}
_PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    Node,  # schedules and their like never change
)
_MISSING = object()


class Snapshot:
    """What some objects were when this was made; `restore` puts them back, each object in its place.

    Whatever can be reached from the given objects counts: parameters, buffers, gradients and other tensors (their content), lists,
    dictionaries and sets (what was in them), modules and instances of the user's own classes (their attributes), NumPy arrays, random
    generators. Nothing is pickled, written to a file, or copied but the content of tensors and arrays. Objects keep their identity: a
    second reference to a list or a tensor still sees it.

    Not restored: what is outside the process, generators and other iterators, objects of libraries that hide their state in C.

    Args:
        roots: Where to begin.
        structure: Objects whose tensors and arrays are data, not state: their attributes are remembered, the content of their tensors is
            not. Datasets and loaders.
    """

    def __init__(self, roots: Iterable[Any], structure: Iterable[Any] = ()) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: dict[
            int, Any
        ] = {}  # keeps what it has seen alive: an id means one object only while that object lives
        for root in roots:
            self._walk(root, True)
        for root in structure:
            self._walk(root, False)
        self._random = _random_states()

    def restore(self) -> None:
        """Puts everything back; what has not changed is not touched. May be called again."""
        with torch.no_grad():
            for undo in self._undo:
                undo()
        _set_random_states(self._random)

    def _walk(self, root: Any, tensors: bool) -> None:
        stack: list[tuple[Any, int]] = [(root, 0)]
        while stack:
            value, depth = stack.pop()
            if isinstance(value, _PLAIN) or id(value) in self._seen or depth > _DEPTH or len(self._seen) > _MOST:
                continue
            self._seen[id(value)] = value
            inside = self._one(value, depth == 0, tensors)
            below = 0 if isinstance(value, nn.Module) else depth + 1
            stack.extend((item, max(below, 1)) for item in inside if not isinstance(item, _PLAIN))

    def _one(self, value: Any, root: bool, tensors: bool) -> Iterable[Any]:
        """Remembers one object and returns what is inside."""
        if isinstance(value, Tensor):
            if tensors:
                self._tensor(value)
            return ()
        if isinstance(value, np.ndarray):
            if tensors and value.dtype != object:
                self._array(cast("np.ndarray[Any, Any]", value))
            return ()
        generator = _generator(value)
        if generator is not None:
            self._undo.append(generator)
            return ()
        if isinstance(value, dict):
            return self._dict(cast("dict[Any, Any]", value))
        if isinstance(value, list | deque):
            return self._sequence(cast("list[Any]", value))
        if isinstance(value, set):
            return self._set(cast("set[Any]", value))
        if isinstance(value, tuple | frozenset):
            return list(cast("tuple[Any, ...]", value))
        own = isinstance(value, nn.Module | Optimizer) or root
        if not own and type(value).__module__.partition(".")[0] in _FOREIGN:
            return ()
        return self._attributes(value)

    def _tensor(self, value: Tensor) -> None:
        gradient = value.grad if value.is_leaf else None
        if gradient is not None:
            self._seen[id(gradient)] = gradient
            self._content(gradient)
        if value.is_leaf and value.requires_grad:

            def put_gradient() -> None:
                if value.grad is not gradient:
                    value.grad = gradient

            self._undo.append(put_gradient)
        self._content(value)

    def _content(self, value: Tensor) -> None:
        saved, requires = value.detach().clone(), value.requires_grad

        def put() -> None:
            # By content: some kernels (batch norm's, for one) write without raising the tensor's version.
            if value.shape != saved.shape or value.dtype != saved.dtype or value.layout != saved.layout:
                value.data = saved.clone()
            elif saved.layout != torch.strided or not torch.equal(value, saved):
                value.detach().copy_(saved)
            if value.is_leaf and value.requires_grad != requires:
                value.requires_grad_(requires)

        self._undo.append(put)

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        saved = value.copy()

        def put() -> None:
            if value.flags.writeable:
                np.copyto(value, saved)

        self._undo.append(put)

    def _dict(self, value: dict[Any, Any]) -> Iterable[Any]:
        saved = list(value.items())

        def put() -> None:
            if not _same_items(value, saved):
                value.clear()
                value.update(saved)

        self._undo.append(put)
        return [item for _, item in saved] + [key for key, _ in saved if isinstance(key, Tensor)]

    def _sequence(self, value: Any) -> Iterable[Any]:
        saved = list(value)

        def put() -> None:
            if len(value) != len(saved) or any(a is not b for a, b in zip(value, saved, strict=True)):
                value.clear()
                value.extend(saved)

        self._undo.append(put)
        return saved

    def _set(self, value: set[Any]) -> Iterable[Any]:
        saved = set(value)

        def put() -> None:
            if value != saved:
                value.clear()
                value.update(saved)

        self._undo.append(put)
        return list(saved)

    def _attributes(self, value: Any) -> Iterable[Any]:
        attributes = getattr(value, "__dict__", None)
        inside: list[Any] = []
        if isinstance(attributes, dict):
            inside.extend(self._dict(cast("dict[Any, Any]", attributes)))
        names = [name for cls in type(value).__mro__ for name in _slots(cls)]
        if names:
            saved = [(name, getattr(value, name, _MISSING)) for name in names]

            def put() -> None:
                for name, old in saved:
                    if old is not _MISSING and getattr(value, name, _MISSING) is not old:
                        object.__setattr__(value, name, old)

            self._undo.append(put)
            inside.extend(old for _, old in saved if old is not _MISSING)
        return inside


def _slots(cls: type) -> list[str]:
    slots = cls.__dict__.get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__") and not name.startswith("__")]


def _same_items(value: dict[Any, Any], saved: list[tuple[Any, Any]]) -> bool:
    """Whether a dictionary holds the same objects in the same order."""
    if len(value) != len(saved):
        return False
    return all(a is c and b is d for (a, b), (c, d) in zip(value.items(), saved, strict=True))


def _generator(value: Any) -> Callable[[], None] | None:
    """Returns what puts a random generator back, or None if it is none."""
    if isinstance(value, torch.Generator):
        state = value.get_state()
        return lambda: cast("None", value.set_state(state))
    if isinstance(value, random.Random):
        held = value.getstate()
        return lambda: value.setstate(held)
    if isinstance(value, np.random.Generator):
        bits, kept = value.bit_generator, value.bit_generator.state

        def put() -> None:
            bits.state = kept

        return put
    if isinstance(value, np.random.RandomState):
        old: Any = value.get_state()
        return lambda: value.set_state(old)
    return None


def _random_states() -> dict[str, Any]:
    """Returns the state of every global random generator: Python, NumPy, and torch on every device."""
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - the global state is what is to be kept
        "cpu": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        states["xpu"] = torch.xpu.get_rng_state_all()
    return states


def _set_random_states(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    torch.random.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states:
        torch.mps.set_rng_state(states["mps"])
    if "xpu" in states:
        torch.xpu.set_rng_state_all(states["xpu"])
