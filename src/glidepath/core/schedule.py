"""The one abstract class that everybody meets: a schedule is a value, and calling it gives the value at a step.

Over 400 lines: one class, and most of it is the documentation that its users read.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, overload

from .arrays import Inexact, NumpyNamespace, namespace_of
from .checks import each_of
from .clock import Clock
from .errors import GlidepathError, Problem
from .fields import MAX_STEPS, Broken, Check, Taken, number
from .namespace import MATH
from .node import Node
from .source import compiled, source
from .trace import Expr, Tracer

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MAX_DEPTH", "MAX_NODES", "Nothing", "Scaled", "Schedule", "whole"]

MAX_DEPTH = 64
MAX_NODES = 10_000
MAX_BITS = 900  # steps of 53 bits times that are still a floating point number
_PRINTED_NODES = 5_000
_COMPILED_NODES = 500  # larger trees are evaluated directly; the source would take longer to compile than it saves


class Schedule(Node):
    r"""A value for every step: `step` is the number of updates already done, so the first update uses `schedule(0)`.

    Before step 0 a schedule holds its first value; from its duration on it holds `schedule(duration)`.

    Shape:
        step `*s` -> value `*s`. A Python number gives a float; a NumPy array or a torch tensor gives float64, exact for whole steps to
        2^53; a JAX array or tracer gives JAX's default float type, computed in float64, exact for whole steps to 2^31 (int32).

    Raises:
        GlidepathError: If the step is NaN or not a number. In an array NaN gives NaN.
    """

    registry: ClassVar[dict[str, type[Node]]] = {}
    example: ClassVar[str] = ""
    """Text that shows what the kind does, in about 10,000 steps where it has an end; empty if it says nothing by itself."""

    @abstractmethod
    def at(self, clock: Clock) -> Any:
        """Returns the value on a clock that is already within [0, duration]. The one formula."""

    @property
    def duration(self) -> int | float:
        """The number of steps after which the value is held, or infinity: by default that of the longest part."""
        return max((part.duration for part in self.schedules()), default=math.inf)

    @overload
    def __call__(self, step: float) -> float: ...
    @overload
    def __call__(self, step: Sequence[float]) -> np.ndarray: ...
    @overload
    def __call__(self, step: Any) -> Any: ...
    def __call__(self, step: Any = None) -> Any:
        kind = type(step)
        if kind is int or kind is float:
            value = self.scalar(_exact(step) if step > 2**24 else step)
            if value == value:  # NaN is the only value that differs from itself
                return value
        return self._at_other(step)

    @cached_property
    def scalar(self) -> Callable[[float], float]:
        """The schedule as a plain function of one Python number, compiled from the traced formula.

        Bit-equal to the formula; a NaN step gives NaN.
        """
        if self._pieces_inside > _COMPILED_NODES or not self.closed:
            return self.interpreted
        try:
            return compiled(self.expression)
        except (SyntaxError, RecursionError, MemoryError):  # nested deeper than Python's parser allows
            return self.interpreted

    def interpreted(self, step: float) -> float:
        """Returns the value at one Python number by evaluating the formula directly: what `scalar` is compiled from."""
        if step != step:
            return math.nan
        return self.at(Clock(MATH, 0 if step < 0 else self._last if step > self._last else step))

    @cached_property
    def expression(self) -> Expr:
        """The traced formula, its ends included.

        Raises:
            GlidepathError: If a part of the schedule has no closed form.
        """
        return self.traced(Tracer())

    def traced(self, trace: Tracer, far: float = math.inf) -> Expr:
        """Returns the formula on a tracer's symbol of a step that is no further out than `far`."""
        if not self.closed:
            raise self._wrong("", "made of closed forms to be written as a formula", self)
        last = self._last
        first, end = self.interpreted(0), self.interpreted(last)
        step = trace.step(-far, far)
        branches = [lambda t: first, lambda t: self.at(Clock(trace, t)), lambda t: trace.held(t, end)]  # type: ignore[arg-type]
        return trace.phases(step, [0, last], branches, step)

    def source(self, name: str = "schedule") -> str:
        """Returns flat Python source of a function of the step, with no dependency but the standard library."""
        return source(self._printable("source"), name)

    def latex(self, symbol: str = "t") -> str:
        """Returns the formula with its numbers, in LaTeX, as a function of `symbol`."""
        from .latex import latex

        try:
            return latex(self._printable("LaTeX", math.inf), symbol)
        except RecursionError:
            rule = "of fewer parts in a row to be written as LaTeX"
            raise self._worded("", rule, f"{self._size} nodes") from None

    def _at_other(self, step: Any) -> Any:
        root, xp = namespace_of(step)
        if root == "torch":
            return self._at_torch(step, xp)
        if root == "jax":
            return self._at_jax(step, xp)
        if root == "keras" and hasattr(step, "value"):  # a variable, such as an optimizer's iterations
            return self(step.value)
        plain = number(step)
        if plain is not None and plain == plain:
            return self.scalar(_exact(plain))
        if root == "numpy":
            return self._at_numpy(step, xp)  # type: ignore[arg-type]
        if step is None:
            remedy = "Keras calls a plain function without a step: give it glidepath.keras.Rate(schedule, base)"
            raise self._worded("step", "given", "nothing", remedy)
        if isinstance(step, list | tuple | range):
            import numpy as np

            try:
                rows = np.asarray(step) if len(step) else np.empty(0)
            except (TypeError, ValueError) as error:  # ragged
                raise self._wrong("step", "rows of one length", step, str(error)[:80]) from None
            return self(rows)
        raise self._refused(step)

    def _worded(self, field: str, rule: str, got: str, remedy: str = "") -> GlidepathError:
        return GlidepathError.worded(self.kind, field, rule, got, remedy)

    def _wrong(self, field: str, rule: str, value: Any, remedy: str = "") -> GlidepathError:
        return GlidepathError.of(self.kind, field, rule, value, remedy)

    def _refused(self, step: Any) -> GlidepathError:
        remedy = "glidepath.keras.Rate takes TensorFlow's" if type(step).__module__.startswith("tensorflow") else ""
        return self._wrong("step", "a number or an array of numbers, and not NaN", step, remedy)

    def _at_numpy(self, step: Any, xp: NumpyNamespace) -> Any:
        import numpy as np

        if isinstance(step, np.ma.MaskedArray):
            return np.ma.array(self._at_numpy(step.filled(0), xp), mask=np.ma.getmaskarray(step))
        if isinstance(step, np.generic):
            raise self._refused(step)
        if step.dtype.kind not in "iuf":
            raise self._worded("step", "a number or an array of numbers", f"an array of {step.dtype}")
        flat = np.asarray(step).reshape(-1)
        out = np.empty(flat.shape)
        last = float(self._last)
        for begin in range(0, flat.size, xp.chunk):
            t = np.ascontiguousarray(flat[begin : begin + xp.chunk], dtype=np.float64)
            low, high = t.min(), t.max()
            nan = None if low == low else np.isnan(t)
            t = t if nan is None else np.where(nan, 0.0, t)
            if not (low >= 0.0 and high <= last):
                t = np.minimum(np.maximum(t, 0.0), last)
            part = out[begin : begin + xp.chunk]
            try:
                with np.errstate(all="ignore"):
                    part[...] = self.at(Clock(xp, t))  # type: ignore[arg-type]
            except Inexact:
                part[...] = [self(one) for one in t.tolist()]
            if nan is not None:
                part[nan] = math.nan
        return out.reshape(step.shape)

    def _at_torch(self, step: Any, xp: Any) -> Any:
        torch = xp.library
        if step.dtype == torch.bool or step.is_complex():
            raise self._worded("step", "a number or a tensor of numbers", f"a tensor of {step.dtype}")
        if step.layout != torch.strided or step.is_nested or step.is_quantized:
            kind = "nested" if step.is_nested else "quantized" if step.is_quantized else "sparse"
            raise self._worded("step", "a dense tensor", f"a {kind} one", "step.to_dense()")
        given = step.to(torch.float64)
        t = torch.nan_to_num(given, nan=0.0, posinf=math.inf, neginf=-math.inf).clamp(0.0, float(self._last))
        try:
            value = self.at(Clock(xp, t))
        except Inexact:
            value = t.new_tensor([self(one) for one in t.reshape(-1).tolist()]).reshape(t.shape)
        value = value if isinstance(value, torch.Tensor) else torch.full_like(t, value)
        return torch.where(torch.isnan(given), given, value)

    def _at_jax(self, step: Any, xp: Any) -> Any:
        jnp, converted = xp.library.numpy, xp.library.lax.convert_element_type
        if not isinstance(step, xp.library.Array):
            raise self._worded("step", "a dense array", f"a {type(step).__name__}", "step.todense()")
        if not (jnp.issubdtype(step.dtype, jnp.integer) or jnp.issubdtype(step.dtype, jnp.floating)):
            raise self._worded("step", "a number or an array of numbers", f"an array of {step.dtype}")
        dtype = jnp.result_type(float)
        with xp.double():
            given = converted(step, jnp.float64)
            value = jnp.broadcast_to(self.at(Clock(xp, jnp.clip(given, 0.0, float(self._last)))), given.shape)
            return converted(jnp.where(jnp.isnan(given), given, value), dtype)

    def _printable(self, what: str, digits: float = 53) -> Expr:
        if self._pieces_inside > _PRINTED_NODES:
            rule = f"made of at most {_PRINTED_NODES} nodes and pieces to be written as {what}"
            raise self._worded("", rule, f"{self._pieces_inside}")
        return self.traced(Tracer(digits)) if digits != 53 else self.expression

    @property
    def _last(self) -> int:
        """The step at which every later one is held: the duration, or the largest exact step."""
        duration = self.duration
        return MAX_STEPS if duration == math.inf else int(duration)

    @cached_property
    def closed(self) -> bool:
        """Whether the value at a step is a formula of the step alone; a `recurrence` inside is replayed instead."""
        return all(child.closed for child in self.schedules())

    @cached_property
    def absolute(self) -> bool:
        """Whether the values are rates of their own, not factors of a base value: there is a `rate` inside."""
        return any(child.absolute for child in self.schedules())

    # What is inside -------------------------------------------------------------------------------------------------------------------

    @cached_property
    def _size(self) -> int:
        return 1 + sum(child._size for child in self.schedules())

    @cached_property
    def _pieces_inside(self) -> int:
        """How much source it makes, in nodes of ordinary size."""
        return 1 + sum(child._pieces_inside for child in self.schedules())

    @cached_property
    def _bits(self) -> int:
        """How many bits the ticks of the clocks inside are longer than steps."""
        return max((child._bits for child in self.schedules()), default=0)

    @cached_property
    def _depth(self) -> int:
        return 1 + max((child._depth for child in self.schedules()), default=0)

    def schedules(self) -> list[Schedule]:
        """Returns the schedules directly inside this one."""
        return [child for child in self.children() if isinstance(child, Schedule)]

    def _check_size(self) -> None:
        """Refuses a tree that is too deep or too large; called by every node that has schedules inside."""
        if self._depth > MAX_DEPTH:
            raise self._worded("", f"nested at most {MAX_DEPTH} deep", f"depth {self._depth}")
        if self._size > MAX_NODES:
            raise self._worded("", f"made of at most {MAX_NODES} nodes", f"{self._size} nodes")
        if self._bits > MAX_BITS:
            rule = f"made of clocks whose ticks, all in one another, are at most 2^{MAX_BITS} times finer than a step"
            raise self._worded("", rule, f"2^{self._bits}", "use rounder factors, or fewer of them")

    # What it shows --------------------------------------------------------------------------------------------------------------------

    def timescale(self) -> float:
        """Returns how many steps show what it does where it has no end: a few of its periods, or what its parts need."""
        parts, length = self.schedules(), getattr(self, "steps", None)
        if not parts and isinstance(length, int):
            return length * 4.0
        shown = [part.timescale() if part.duration == math.inf else float(part.duration) * 1.25 for part in parts]
        return max(shown, default=1000.0)

    def knots(self, first: int, last: int) -> Iterator[int]:
        """Yields the steps from about `first` to about `last` at which a phase, a cycle or a level begins."""
        for part in self.schedules():
            yield from part.knots(first, last)
        if self.duration <= last:
            yield int(self.duration)

    def word(self) -> str:
        """Returns what a phase of this kind is called, such as `warmup`."""
        return self.kind.replace("_", " ")

    def stretches(self, begin: int, end: float, last: int) -> Iterator[tuple[str, int, float]]:
        """Yields the name, the first step and the end of each phase that begins by `last`.

        Args:
            begin: Where this schedule begins.
            end: Where it is cut off.
            last: The last step that matters.
        """
        parts = self.schedules()
        if begin <= last and len(parts) == 1:
            yield from parts[0].stretches(begin, end, last)
        elif begin <= last:
            yield self.word(), begin, end

    @classmethod
    def of(cls, given: Any) -> Schedule:
        """Returns the schedule that is given as itself, as text or as JSON data."""
        return whole(cls.phase(given))

    @classmethod
    def phase(cls, given: Any) -> Schedule:
        """Returns what is given, which may be a phase of length 0."""
        if isinstance(given, Schedule):
            return given
        if isinstance(given, dict):
            return super().from_dict(given)
        if isinstance(given, str):
            from .text import read

            return read(given)
        raise GlidepathError.of("schedule", "", "a schedule, its text or its JSON data", given)

    @classmethod
    def from_dict(cls, data: Any) -> Any:
        """Returns the schedule that JSON data describes: see `Node.from_dict`."""
        return whole(super().from_dict(data))

    # Algebra --------------------------------------------------------------------------------------------------------------------------

    def __rshift__(self, other: Schedule) -> Schedule:
        """Returns this schedule, then the other on its own clock."""
        return _made("chain", (self, other)) if isinstance(other, Schedule) else NotImplemented

    def __mul__(self, other: Schedule | float) -> Schedule:
        """Returns the product with a schedule or a number."""
        if isinstance(other, Schedule):
            return _made("product", (self, other))
        if _is_number(other):
            return _made("product", (self,), other)
        return Scaled(self, other) if namespace_of(other)[0] == "jax" else NotImplemented  # type: ignore[return-value]

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Schedule:
        """Returns the schedule divided by a number."""
        if not _is_number(other):
            return NotImplemented
        if other == 0:
            raise GlidepathError.of("/", "divisor", "other than 0", other)
        return self * (1 / other)

    def __neg__(self) -> Schedule:
        return self * -1.0

    def __add__(self, other: Schedule | float) -> Schedule:
        """Returns the sum with a schedule or a number."""
        if isinstance(other, Schedule):
            return _made("sum", (self, other))
        return _made("sum", (self,), other) if _is_number(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Schedule | float) -> Schedule:
        return self + -other if isinstance(other, Schedule) or _is_number(other) else NotImplemented

    def __rsub__(self, other: float) -> Schedule:
        return -self + other if _is_number(other) else NotImplemented

    def clip(self, low: float | None = None, high: float | None = None) -> Schedule:
        """Returns the schedule with its values held between `low` and `high`."""
        return _made("clip", self, low, high)

    def stretch(self, factor: float) -> Schedule:
        """Returns the schedule `factor` times as long."""
        return _made("stretch", self, factor)

    def shift(self, steps: int) -> Schedule:
        """Returns the schedule begun `steps` later, or earlier if negative."""
        return _made("shift", self, steps)

    def until(self, steps: int) -> Schedule:
        """Returns the first `steps` steps of the schedule."""
        return _made("until", self, steps)

    def repeat(
        self, cycles: int | None = None, growth: float = 1.0, decay: float = 1.0, floor: float = 0.0
    ) -> Schedule:
        """Returns the schedule again and again: see `Repeat`."""
        return _made("repeat", self, cycles, growth, decay, floor)

    # To look at -----------------------------------------------------------------------------------------------------------------------

    def plot(self, **options: Any) -> Any:
        """Returns a matplotlib figure of the schedule: see `glidepath.view.figure`."""
        return import_module("glidepath.view").figure(self, **options)

    def _repr_html_(self) -> str:
        return import_module("glidepath.view").html(self)


@dataclass(frozen=True, eq=False)
class Scaled:
    """A schedule times a JAX number that is known only when the program runs: what `schedule * tracer` gives.

    Args:
        schedule: The schedule.
        factor: A scalar of JAX; a leaf of JAX's trees, as the schedule is a static part of them (`glidepath.jax`).
    """

    schedule: Schedule
    factor: Any

    def __call__(self, step: Any) -> Any:
        """Returns the factor times the schedule's value at a step."""
        return self.factor * self.schedule(step)

    def __mul__(self, other: Any) -> Scaled:
        """Returns the product with another number."""
        return Scaled(self.schedule, self.factor * other)

    __rmul__ = __mul__


def _made(kind: str, *fields: Any) -> Any:
    """Returns a schedule of a kind that is defined later."""
    return Schedule.registry[kind](*fields)


def _is_number(given: Any) -> bool:
    """Whether an operator takes it; an integer beyond floats is taken, and refused by name."""
    return number(given) is not None or type(given) is int


def _exact(step: float) -> float:
    """Returns a whole step as an integer, whose ticks are exact however fine a clock is."""
    return int(step) if abs(step) <= MAX_STEPS and step == int(step) else step


class Endless(Schedule):
    """A schedule without an end."""

    @property
    def duration(self) -> float:
        return math.inf


class Nothing(Schedule):
    """A phase of length 0: nothing inside a chain, and no schedule by itself."""

    kind: ClassVar[str] = "hold"

    @property
    def duration(self) -> int:
        return 0

    def at(self, clock: Clock) -> Any:
        raise GlidepathError(_NO_STEP)

    def call(self, arguments: Callable[[Node], list[str]]) -> tuple[str, list[str]]:
        return self.kind, ["0"]


_NO_STEP = [
    Problem("schedule", "", "at least one step long", "a phase of length 0", "it is nothing, and only in a chain")
]


def whole(made: Schedule) -> Schedule:
    """Returns a schedule that stands by itself.

    Raises:
        GlidepathError: If its length is 0.
    """
    if isinstance(made, Nothing):
        raise GlidepathError(_NO_STEP)
    return made


def _schedules(given: Any) -> tuple[Schedule, ...]:
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MAX_NODES:
        raise Broken(f"a list of 1 to {MAX_NODES} schedules")
    return each_of(given, Schedule.phase, "$[{}]".format)


_schema = {"$ref": "#/$defs/schedule"}
_schedule = Check(Schedule.of, _schema)
AnySchedule = Annotated[Schedule | str | dict[str, Any], _schedule]
"""An argument that is a schedule, its text or its JSON data."""
Inner = Annotated[Taken[Schedule, Schedule | str | dict[str, Any]], _schedule]
"""A field that holds a schedule and takes its text or its JSON data too."""
Parts = Annotated[
    Taken[tuple[Schedule, ...], Sequence[Schedule | str | dict[str, Any]]],
    Check(_schedules, {"type": "array", "items": _schema, "minItems": 1, "maxItems": MAX_NODES}),
]
"""A field that holds one or more schedules."""
