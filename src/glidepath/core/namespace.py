"""The small table of functions that formulas are written with, once for each kind of step.

A formula receives `xp`, one of the namespaces below, and never looks at what kind of step it works on. Frameworks are found by the type of
the step and imported only then, by their users.
"""

from __future__ import annotations

import decimal
import functools
import importlib
import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Protocol

__all__ = ["JaxNamespace", "MathNamespace", "Namespace", "NumpyNamespace", "TorchNamespace", "high_low", "namespace_of"]

Branches = Sequence[Callable[..., Any]]


class Namespace(Protocol):
    """What a formula may use besides `+ - * /`.

    Attributes:
        digits: Bits of precision of a value: 53, or infinity for a formula that is only read.
    """

    digits: Any

    def sin(self, x: Any, /) -> Any: ...
    def cos(self, x: Any, /) -> Any: ...
    def tanh(self, x: Any, /) -> Any: ...
    def exp(self, x: Any, /) -> Any: ...
    def expm1(self, x: Any, /) -> Any: ...
    def log(self, x: Any, /) -> Any: ...
    def log1p(self, x: Any, /) -> Any: ...
    def sqrt(self, x: Any, /) -> Any: ...

    def square(self, x: Any, /) -> Any:
        """Returns `x * x`."""
        ...

    def power(self, base: Any, exponent: Any, /) -> Any:
        """Returns `base ** exponent` for a base that is not negative."""
        ...

    def minimum(self, x: Any, y: Any, /) -> Any: ...
    def maximum(self, x: Any, y: Any, /) -> Any: ...

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """Returns `x` held between `low` and `high`."""
        ...

    def quotient(self, x: Any, y: Any) -> Any:
        """Returns the whole part of `x / y` for `x` of either sign and `y` above 0: exact for integers."""
        ...

    def remainder(self, x: Any, y: Any) -> Any:
        """Returns `x - y * quotient(x, y)`: exact."""
        ...

    def const(self, number: int) -> Any:
        """Returns a whole number as a constant that this kind of step can be added to and compared with."""
        ...

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        """Returns `branches[i](*args)` where `bounds[i-1] <= x < bounds[i]`; there is one branch more than bounds.

        The only way to choose by the step. Where `x` is an array, a branch may see only a part of `args`.
        """
        ...

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        """Returns the index of the last knot at or before `x`; the first knot must be at or before every `x`."""
        ...

    def take(self, table: Sequence[Any], index: Any) -> Any:
        """Returns `table[index]`."""
        ...


class MathNamespace:
    """Formulas on one Python number, in float64."""

    digits = 53
    sin, cos, tanh = staticmethod(math.sin), staticmethod(math.cos), staticmethod(math.tanh)
    exp, expm1 = staticmethod(math.exp), staticmethod(math.expm1)
    log, log1p, sqrt = staticmethod(math.log), staticmethod(math.log1p), staticmethod(math.sqrt)

    @staticmethod
    def square(x: Any) -> Any:
        return x * x

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        return base**exponent

    @staticmethod
    def minimum(x: Any, y: Any) -> Any:
        return x if x < y else y

    @staticmethod
    def maximum(x: Any, y: Any) -> Any:
        return x if x > y else y

    @staticmethod
    def clip(x: Any, low: Any, high: Any) -> Any:
        return low if x < low else high if x > high else x

    @staticmethod
    def quotient(x: Any, y: Any) -> Any:
        return x // y

    @staticmethod
    def remainder(x: Any, y: Any) -> Any:
        return x % y

    @staticmethod
    def const(number: int) -> int:
        return number

    @staticmethod
    def phases(x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        return branches[bisect_right(bounds, x)](*args)

    @staticmethod
    def locate(x: Any, knots: Sequence[int]) -> int:
        return bisect_right(knots, x) - 1

    @staticmethod
    def take(table: Sequence[Any], index: Any) -> Any:
        return table[int(index)]


class NumpyNamespace:
    """Formulas on a float64 array that is already cut into chunks; only the phases that a chunk touches are evaluated."""

    digits = 53
    chunk = 16_000  # one chunk of float64 stays below the size from which malloc asks the system for fresh pages

    def __init__(self) -> None:
        import numpy

        self._np = numpy
        self.sin, self.cos, self.tanh = numpy.sin, numpy.cos, numpy.tanh
        self.exp, self.expm1 = numpy.exp, numpy.expm1
        self.log, self.log1p, self.sqrt = numpy.log, numpy.log1p, numpy.sqrt
        self.square, self.power = numpy.square, numpy.power
        self.minimum, self.maximum = numpy.minimum, numpy.maximum

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self._np.minimum(self._np.maximum(x, low), high)

    def quotient(self, x: Any, y: Any) -> Any:
        return self._np.floor(x / y)

    def remainder(self, x: Any, y: Any) -> Any:
        return x - self._np.floor(x / y) * y

    @staticmethod
    def const(number: int) -> int:
        return number

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        np = self._np
        if not isinstance(x, np.ndarray):
            return branches[bisect_right(bounds, x)](*args)
        first, last = bisect_right(bounds, x.min()), bisect_right(bounds, x.max())
        if first == last:
            return branches[first](*args)
        index = np.searchsorted(np.asarray(bounds, dtype=float), x, side="right")
        out = np.empty(x.shape)
        for i in range(first, last + 1):
            here = index == i
            if here.any():
                value = branches[i](*(arg[here] if isinstance(arg, np.ndarray) else arg for arg in args))
                whole = isinstance(value, np.ndarray) and value.shape == x.shape  # it looked at more than its arguments
                out[here] = value[here] if whole else value
        return out

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        return self._np.searchsorted(self._np.asarray(knots, dtype=float), x, side="right") - 1

    def take(self, table: Sequence[Any], index: Any) -> Any:
        return self._np.asarray(table, dtype=float)[self._np.asarray(index).astype(self._np.intp)]


class TorchNamespace:
    """Formulas on a float64 tensor, on its own device; every phase is evaluated and the right one kept."""

    digits = 53

    def __init__(self) -> None:
        self.library = _loaded("torch")
        self.sin, self.cos, self.tanh = self._lifted("sin"), self._lifted("cos"), self._lifted("tanh")
        self.exp, self.expm1 = self._lifted("exp"), self._lifted("expm1")
        self.log, self.log1p, self.sqrt = self._lifted("log"), self._lifted("log1p"), self._lifted("sqrt")
        self._floor = self._lifted("floor")

    def _lifted(self, name: str) -> Callable[[Any], Any]:
        """Returns the function of that name for tensors and, unlike torch's own, for plain numbers."""
        on_tensor, on_number, tensor = getattr(self.library, name), getattr(math, name), self.library.Tensor
        return lambda x: on_tensor(x) if isinstance(x, tensor) else on_number(x)

    @staticmethod
    def square(x: Any) -> Any:
        return x * x

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        return base**exponent

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
        return self._floor(x / y)

    def remainder(self, x: Any, y: Any) -> Any:
        return x - self._floor(x / y) * y

    @staticmethod
    def const(number: int) -> float:
        return float(number)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        if not self._any(x):
            return MathNamespace.phases(x, bounds, branches, *args)
        return _select(self._where, self.clip, x, bounds, branches, args)

    def _where(self, condition: Any, x: Any, y: Any) -> Any:
        tensor = self.library.Tensor
        if not isinstance(x, tensor) and not isinstance(y, tensor):  # torch would make two plain numbers float32
            x = self.library.full_like(condition, x, dtype=self.library.float64)
        return self.library.where(condition, x, y)

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        table = self.library.tensor(knots, dtype=x.dtype, device=x.device)
        return self.library.searchsorted(table, x.contiguous(), right=True).to(self.library.float64) - 1.0

    def take(self, table: Sequence[Any], index: Any) -> Any:
        return self.library.tensor(table, dtype=self.library.float64, device=index.device)[index.long()]


class JaxNamespace:
    """Formulas on a JAX array or tracer. They are evaluated in float64 whatever JAX's default float type, which the value is rounded to."""

    digits = 53

    def __init__(self) -> None:
        self.library, self._jnp = _loaded("jax"), _loaded("jax.numpy")
        jnp = self._jnp
        self.sin, self.cos, self.tanh = jnp.sin, jnp.cos, jnp.tanh
        self.exp, self.expm1 = jnp.exp, jnp.expm1
        self.log, self.log1p, self.sqrt = jnp.log, jnp.log1p, jnp.sqrt
        self.square, self.power = jnp.square, jnp.power
        self.minimum, self.maximum = jnp.minimum, jnp.maximum

    def double(self) -> Any:
        """Returns the context in which JAX computes in float64, also within `jit`."""
        return self.library.enable_x64(True)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return self._jnp.minimum(self._jnp.maximum(x, low), high)

    def quotient(self, x: Any, y: Any) -> Any:
        return self._jnp.floor(x / y)

    def remainder(self, x: Any, y: Any) -> Any:
        return x - self._jnp.floor(x / y) * y

    @staticmethod
    def const(number: int) -> float:
        return float(number)

    def phases(self, x: Any, bounds: Sequence[Any], branches: Branches, *args: Any) -> Any:
        return _select(self._jnp.where, self.clip, x, bounds, branches, args)

    def locate(self, x: Any, knots: Sequence[int]) -> Any:
        return self._jnp.searchsorted(self._table(knots), x, side="right") - 1.0

    def take(self, table: Sequence[Any], index: Any) -> Any:
        return self._table(table)[self._jnp.asarray(index).astype(int)]

    def _table(self, numbers: Sequence[Any]) -> Any:
        return self._jnp.asarray(numbers, float)


def _select(where: Any, clip: Any, x: Any, bounds: Sequence[Any], branches: Branches, args: tuple[Any, ...]) -> Any:
    """Evaluates every branch, with a step that is clipped to the branch's own phase, and keeps the right one."""

    def branch(i: int) -> Any:
        low = bounds[i - 1] if i else None
        high = bounds[i] if i < len(bounds) else None
        if low is not None or high is not None:
            inner = clip(x, x if low is None else low, x if high is None else high)
            return branches[i](*(inner if arg is x else arg for arg in args))
        return branches[i](*args)

    out = branch(0)
    for i, bound in enumerate(bounds):
        out = where(x < bound, out, branch(i + 1))
    return out


def logarithm(x: float) -> decimal.Decimal:
    """Returns the natural logarithm of a positive number to 50 digits."""
    with decimal.localcontext(decimal.Context(prec=50)):
        return decimal.Decimal(x).ln()


def high_low(x: decimal.Decimal | float, bits: int) -> tuple[float, float]:
    """Returns `x` as the sum of two floats, the first with only `bits` bits, so that its product with a small integer is exact."""
    if not x:
        return 0.0, 0.0
    fraction, exponent = math.frexp(float(x))
    high = math.ldexp(float(round(fraction * 2**bits)), exponent - bits)
    with decimal.localcontext(decimal.Context(prec=60)):
        return high, float(decimal.Decimal(x) - decimal.Decimal(high))


MATH = MathNamespace()


def _loaded(name: str) -> Any:
    """Returns a framework's module. A step of its kind exists, so it is loaded already: the core imports no framework."""
    return sys.modules.get(name) or importlib.import_module(name)


@functools.cache
def _numpy() -> NumpyNamespace:
    return NumpyNamespace()


@functools.cache
def _torch() -> TorchNamespace:
    return TorchNamespace()


def namespace_of(step: Any) -> tuple[str, Namespace | None]:
    """Returns the name of the library that `step` belongs to, and its namespace (None if it is of no known kind)."""
    root = type(step).__module__.partition(".")[0]
    if root == "numpy":
        return "numpy", _numpy()  # type: ignore[return-value]
    if root == "torch" or ("torch" in sys.modules and isinstance(step, sys.modules["torch"].Tensor)):
        return "torch", _torch()  # type: ignore[return-value]
    if root in ("jax", "jaxlib") or ("jax" in sys.modules and isinstance(step, sys.modules["jax"].Array)):
        return "jax", JaxNamespace()  # type: ignore[return-value]
    return root, None
