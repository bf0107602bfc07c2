"""Remembering objects as they are and putting them back in place: tensors, random states and plain Python attributes, in memory."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from operator import is_
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..core import Node

_DEPTH = 12  # of Python objects inside one another, counted from the nearest module
_MOST = 2_000_000
_SYSTEM = ("builtins", "threading", "multiprocessing", "concurrent", "asyncio", "logging", "weakref", "io")
_FOREIGN = {*_SYSTEM, "torch", "numpy", "tqdm"}
_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType)
_PLAIN = (*_CODE, bool, int, float, complex, str, bytes, type(None), Node)  # schedules and their like never change


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
        self._undo: list[Callable[[], object]] = []
        # keeps what it has seen alive: an id means one object only while that object lives
        self._seen: dict[int, Any] = {}
        for given, tensors in ((roots, True), (structure, False)):
            for root in given:
                self._walk(root, tensors)
        # every global random generator: Python's, NumPy's, and torch's on every device
        holders: list[Any] = [(random, "state"), (np.random, "_state"), (torch.random, "_rng_state")]
        holders += [(at, f"_rng_state{end}") for at, end in devices()]
        self._undo += [partial(getattr(at, f"set{end}"), getattr(at, f"get{end}")()) for at, end in holders]

    def restore(self) -> None:
        """Puts everything back; what has not changed is not touched. May be called again."""
        with torch.no_grad():
            for undo in self._undo:
                undo()

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
        if isinstance(value, Tensor | np.ndarray):
            if tensors and isinstance(value, Tensor):
                self._tensor(value)
            elif tensors and isinstance(value, np.ndarray) and value.dtype != object:
                self._undo.append(partial(_put_array, value, value.copy()))
            return ()
        if isinstance(value, np.random.Generator):
            self._undo.append(partial(setattr, value.bit_generator, "state", value.bit_generator.state))
            return ()
        if isinstance(value, random.Random):
            self._undo.append(partial(value.setstate, value.getstate()))
            return ()
        if isinstance(value, torch.Generator | np.random.RandomState):
            self._undo.append(partial(value.set_state, value.get_state()))
            return ()
        if isinstance(value, dict | list | deque | set):
            return self._container(value)
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
            self._undo.append(lambda: None if value.grad is gradient else setattr(value, "grad", gradient))
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

    def _container(self, value: Any) -> Iterable[Any]:
        """Remembers the items of a dictionary, a list or a set, each by its identity, and returns them."""
        pairs = isinstance(value, dict)
        saved, parts = list(value.items() if pairs else value), _parts(value)

        def put() -> None:
            now = _parts(value)
            if len(now) == len(parts) and all(map(is_, now, parts)):
                return
            value.clear()
            if not pairs:
                (value.extend if hasattr(value, "extend") else value.update)(saved)
            for key, item in saved if pairs else ():
                value[key] = item

        self._undo.append(put)
        return [*value.values(), *(key for key in value if isinstance(key, Tensor))] if pairs else saved

    def _attributes(self, value: Any) -> Iterable[Any]:
        rows: Any = (cls.__dict__.get("__slots__", ()) for cls in type(value).__mro__)
        names = [name for row in rows for name in ([row] if isinstance(row, str) else row) if not name.startswith("__")]
        saved = {name: getattr(value, name) for name in names if hasattr(value, name)}

        def put() -> None:
            for name, old in saved.items():
                if getattr(value, name, saved) is not old:
                    object.__setattr__(value, name, old)

        self._undo.append(put)
        attributes = getattr(value, "__dict__", None)
        return [*(self._container(attributes) if isinstance(attributes, dict) else ()), *saved.values()]


def _parts(value: Any) -> list[Any]:
    """Returns what is in a container, of a dictionary keys and values in turn."""
    return [part for item in value.items() for part in item] if isinstance(value, dict) else list(value)


def _put_array(value: np.ndarray[Any, Any], saved: np.ndarray[Any, Any]) -> None:
    if value.flags.writeable:
        np.copyto(value, saved)


def devices() -> list[tuple[Any, str]]:
    """Returns torch's modules of the kinds of devices that make random numbers, and how the names of functions for all of a kind end."""
    torchs: Any = torch
    # before the first use of a GPU its seed would wait for it
    there = {
        "cuda": torch.cuda.is_available() and torch.cuda.is_initialized(),
        "mps": torch.backends.mps.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
    }
    return [(getattr(torchs, name), "" if name == "mps" else "_all") for name, found in there.items() if found]
