"""The namespaces of arrays: NumPy, PyTorch and JAX, and which of them a step needs.

Frameworks are found by the type of the step, which their users have imported.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import nan
from typing import Any

from .namespace import Branches, MathNamespace, Namespace, divided, powered, quotient, remainder


class _Arrays:
    """What formulas on arrays of NumPy and of JAX have in common: functions of the same names."""

    digits = 53

    def __init__(self, library: Any) -> None:
        self._np = library
        for name in ("sin", "cos", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "square"):
            setattr(self, name, getattr(library, name))
        self.minimum, self.maximum, self.remainder = library.minimum, library.maximum, library.remainder

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self.minimum(self.maximum(x, low), high)

    def divide(self, x: Any, y: Any) -> Any:
        return self._np.divide(x, y + 0.0)  # the one zero below the line is that above 0

    def power(self, base: Any, exponent: Any) -> Any:
        return self._np.power(_real_base(self, base, exponent), exponent)

    def quotient(self, x: Any, y: Any) -> Any:
        return self._np.where(y == 0, nan, self._np.floor_divide(x, y))

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        return self._np.searchsorted(self.table(knots), x, side="right") - 1.0

    def take(self, table: Sequence[Any], index: Any) -> Any:
        return self.table(table)[self._np.asarray(index).astype(int)]

    def table(self, numbers: Sequence[Any]) -> Any:
        """Returns numbers as an array."""
        return self._np.asarray(numbers, float)


class NumpyNamespace(_Arrays):
    """Formulas on a float64 array that is already cut into chunks; only the phases that a chunk touches are evaluated."""

    chunk = 16_000  # one chunk of float64 stays below the size from which malloc asks the system for fresh pages

    def __init__(self) -> None:
        import numpy

        super().__init__(numpy)

    def whole(self, x: Any, y: Any) -> Any:
        if not _is_whole(y):
            return self.quotient(x, y)
        index = self._np.floor(_exact(x) / y)
        rest = x - index * y
        return index if rest.min() >= 0 else self._np.where(rest < 0, index - 1.0, index)

    def finer(self, x: Any, factor: int) -> Any:
        return _finer(x, factor, self._np.ndarray)

    const = staticmethod(int)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        np = self._np
        if not isinstance(x, np.ndarray):
            return branches[bisect_right(bounds, x)](*args)
        low, high = x.min(), x.max()
        # NaN is in the last phase
        first, last = bisect_right(bounds, low) if low == low else 0, bisect_right(bounds, high)
        if first == last:
            return branches[first](*args)
        index = np.searchsorted(np.asarray(bounds, dtype=float), x, side="right")
        out = np.empty(x.shape)
        for i in range(first, last + 1):
            here = index == i
            if here.any():
                value = branches[i](*(arg[here] if isinstance(arg, np.ndarray) and arg.shape else arg for arg in args))
                whole = isinstance(value, np.ndarray) and value.shape == x.shape  # it looked at more than its arguments
                out[here] = value[here] if whole else value
        return out


class TorchNamespace:
    """Formulas on a float64 tensor, on its own device; every phase is evaluated and the right one kept."""

    digits = 53

    def __init__(self) -> None:
        self.library = sys.modules["torch"]
        self.sin, self.cos, self.tanh = self._lifted("sin"), self._lifted("cos"), self._lifted("tanh")
        self.exp, self.expm1 = self._lifted("exp"), self._lifted("expm1")
        self.log, self.log1p, self.sqrt = self._lifted("log"), self._lifted("log1p"), self._lifted("sqrt")
        self._floor = self.library.floor

    def _lifted(self, name: str) -> Callable[[Any], Any]:
        """Returns the function of that name for tensors and, unlike torch's own, for plain numbers."""
        on_tensor, on_number, tensor = getattr(self.library, name), getattr(MathNamespace, name), self.library.Tensor
        return lambda x: on_tensor(x) if isinstance(x, tensor) else on_number(x)

    @staticmethod
    def square(x: Any) -> Any:
        return x * x

    def divide(self, x: Any, y: Any) -> Any:
        if not self._any(x, y):
            return divided(x, y)
        # torch makes a number over a tensor a product with its reciprocal
        return self.library.true_divide(*self._both(x, y + 0.0))

    def power(self, base: Any, exponent: Any) -> Any:
        return _real_base(self, base, exponent) ** exponent if self._any(base, exponent) else powered(base, exponent)

    def minimum(self, x: Any, y: Any) -> Any:
        return self.library.minimum(*self._both(x, y)) if self._any(x, y) else MathNamespace.minimum(x, y)

    def maximum(self, x: Any, y: Any) -> Any:
        return self.library.maximum(*self._both(x, y)) if self._any(x, y) else MathNamespace.maximum(x, y)

    def _any(self, *values: Any) -> bool:
        return any(isinstance(value, self.library.Tensor) for value in values)

    def _both(self, x: Any, y: Any) -> tuple[Any, Any]:
        like = x if isinstance(x, self.library.Tensor) else y
        return tuple(v if isinstance(v, self.library.Tensor) else self.library.full_like(like, v) for v in (x, y))  # type: ignore[return-value]

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self.minimum(self.maximum(x, low), high)

    def quotient(self, x: Any, y: Any) -> Any:
        if not self._any(x, y):
            return quotient(x, y)
        x, y = self._both(x, y)
        return self._where(y == 0, nan, self.library.div(x, y, rounding_mode="floor"))

    def remainder(self, x: Any, y: Any) -> Any:
        return self.library.remainder(x, y) if self._any(x, y) else remainder(x, y)

    def whole(self, x: Any, y: Any) -> Any:
        if not self._any(x) or not _is_whole(y):
            return self.quotient(x, y)
        return _whole(_exact(x) if self._tells(x) else x, y, self._where, self._floor)

    def _tells(self, x: Any) -> bool:
        """Tells whether a tensor's numbers can be looked at, and at no cost: on the CPU, outside `compile` and `vmap`."""
        known = self._any(x) and not self.library.compiler.is_compiling() and x.device.type == "cpu"
        return known and not self.library._C._functorch.is_functorch_wrapped_tensor(x)

    def finer(self, x: Any, factor: int) -> Any:
        return _finer(x, factor, self.library.Tensor) if self._tells(x) else x * float(factor)

    const = staticmethod(float)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        if not self._any(x):
            return MathNamespace.phases(x, bounds, branches, *args)
        return _select(self._where, self.clip, x, bounds, branches, args)

    def _where(self, condition: Any, x: Any, y: Any) -> Any:
        tensor = self.library.Tensor
        if not isinstance(x, tensor) and not isinstance(y, tensor):  # torch would make two plain numbers float32
            x = self.library.full_like(condition, x, dtype=self.library.float64)
        if not isinstance(condition, tensor):
            return x if condition else y
        return self.library.where(condition, x, y)

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        table = self.library.tensor(knots, dtype=x.dtype, device=x.device)
        return self.library.searchsorted(table, x.contiguous(), right=True).to(self.library.float64) - 1.0

    def take(self, table: Sequence[Any], index: Any) -> Any:
        return self.library.tensor(table, dtype=self.library.float64, device=index.device)[index.long()]


class JaxNamespace(_Arrays):
    """Formulas on a JAX array or tracer. They are evaluated in float64 whatever JAX's default float type, which the value is rounded to."""

    def __init__(self) -> None:
        self.library = sys.modules["jax"]
        super().__init__(self.library.numpy)

    def double(self) -> Any:
        """Returns the context in which JAX computes in float64, also within `jit`."""
        return self.library.enable_x64(True)

    def whole(self, x: Any, y: Any) -> Any:
        return _whole(x, y, self._np.where, self._np.floor) if _is_whole(y) else self.quotient(x, y)

    @staticmethod
    def finer(x: Any, factor: int) -> Any:
        return x * float(factor)

    const = staticmethod(float)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        return _select(self._np.where, self.clip, x, bounds, branches, args)


def _select(where: Any, clip: Any, x: Any, bounds: Sequence[Any], branches: Branches, args: tuple[Any, ...]) -> Any:
    """Evaluates every branch, with a step that is clipped to the branch's own phase, and keeps the right one."""

    def branch(i: int) -> Any:
        inner = clip(x, bounds[i - 1] if i else x, bounds[i] if i < len(bounds) else x)
        return branches[i](*(inner if arg is x else arg for arg in args))

    out = branch(0)
    for i, bound in enumerate(bounds):
        out = where(x < bound, out, branch(i + 1))
    return out


class Inexact(Exception):
    """Whole numbers that floats, of an array or elsewhere, cannot hold."""


def _finer(x: Any, factor: int, array: Any) -> Any:
    odd = factor // (factor & -factor)  # a power of two costs no digit
    if odd > 1 and isinstance(x, array):
        _exact(x, 2**53 / factor)
    return x * float(factor)


def _exact(x: Any, most: float = 2.0**53) -> Any:
    """Returns ticks of known numbers that are exact as floats."""
    if float(abs(x).max()) > most:
        raise Inexact
    return x


def _is_whole(y: Any) -> bool:
    return isinstance(y, int | float) and y % 1 == 0


def _whole(x: Any, y: Any, where: Any, floor: Any) -> Any:
    """Returns the floor of `x / y`, put right where the division is a rounding (or a product with a reciprocal) off."""
    index = floor(x / y)
    rest = x - index * y
    return where(rest < 0, index - 1.0, where(rest < y, index, index + 1.0))


def _real_base(xp: Any, base: Any, exponent: Any) -> Any:
    """Returns a base whose power is real: one that is negative becomes 0 where the exponent is not whole; -0 becomes 0."""
    if isinstance(base, int | float) and base >= 0:
        return base + 0.0
    if isinstance(exponent, int | float):
        return base + 0.0 if exponent % 1 == 0 else xp.maximum(base, 0.0)
    share = xp.remainder(exponent, 1.0)
    return xp.phases(share, [sys.float_info.min], [lambda b: b + 0.0, lambda b: xp.maximum(b, 0.0)], base)


_MADE: dict[type[Any], Any] = {}


def _only(kind: type[Any]) -> Any:
    """Returns the one of its kind, made at its first step; PyTorch's compiler warns of `functools.cache`."""
    return _MADE.get(kind) or _MADE.setdefault(kind, kind())


def namespace_of(step: Any) -> tuple[str, Namespace | None]:
    """Returns the name of the library that `step` belongs to, and its namespace (None if it is of no known kind)."""
    root = type(step).__module__.partition(".")[0]
    if root == "numpy":
        return "numpy", _only(NumpyNamespace)
    if root == "torch" or ("torch" in sys.modules and isinstance(step, sys.modules["torch"].Tensor)):
        return "torch", _only(TorchNamespace)
    if root in ("jax", "jaxlib") or ("jax" in sys.modules and isinstance(step, sys.modules["jax"].Array)):
        return "jax", JaxNamespace()  # type: ignore[return-value]
    return root, None
