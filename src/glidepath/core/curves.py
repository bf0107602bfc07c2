"""Shapes on [0, 1]: how a ramp goes from its start to its end.

A curve receives both $u = t/T$, the share done, and $v = (T-t)/T$, the share left, each formed from whole numbers and rounded once. It gives
`rise` $c(u)$ and `fall` $1 - c(u)$, each with full relative accuracy, with $c(0) = 0$ and $c(1) = 1$ exact bit for bit.
"""

from __future__ import annotations

import decimal
import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from .clock import Clock
from .errors import GlidepathError
from .exact import anchored, exponential_of, logarithm, one_minus_power, share_power
from .fields import Check, Positive, Power, Taken
from .namespace import Namespace
from .node import Node, kind
from .schedule import MAX_DEPTH


class Span:
    r"""Where something stands in a length: what a curve is a function of.

    Args:
        xp: The namespace of the step.
        done: Ticks since the beginning.
        left: Ticks until the end.
        total: Ticks in all.

    Attributes:
        u: $u$, the share done.
        v: $v = 1 - u$, the share left, rounded on its own.
    """

    __slots__ = ("_done", "_left", "_total", "_whole", "xp")

    def __init__(self, xp: Namespace, done: Any, left: Any, total: Any) -> None:
        self.xp, self._done, self._left, self._total = xp, done, left, total
        self._whole = xp.const(total) if isinstance(total, int) else total

    @property
    def u(self) -> Any:
        return self._done / self._whole

    @property
    def v(self) -> Any:  # of a million steps a curve that needs one of the two divides once
        return self._left / self._whole

    @classmethod
    def of(cls, clock: Clock, steps: int) -> Span:
        """Returns where a clock stands in a number of its steps."""
        return cls(clock.xp, *clock.parts(steps))

    def power_left(self, power: float) -> Any:
        """Returns $v^p$ within about 3 eps."""
        return share_power(self._left, self._total, power, self.xp)

    def exponential(self, rate: decimal.Decimal) -> Any:
        r"""Returns $e^{\lambda u}$ within about 3 eps."""
        return exponential_of(rate, 1, Clock(self.xp, self._done, 0, self._total), within=True)

    def split(self, at: float, early: Callable[[Span], Any], late: Callable[[Span], Any]) -> Any:
        """Returns what `early` makes of the span while the share done is below `at`, and `late` from there on."""

        def seen(make: Callable[[Span], Any]) -> Callable[..., Any]:
            return lambda _, *parts: make(Span(self.xp, *parts))

        u = self.u
        return self.xp.phases(u, [at], [seen(early), seen(late)], u, self._done, self._left, self._total)

    def backwards(self) -> Span:
        """Returns the span seen from its end."""
        return Span(self.xp, self._left, self._done, self._total)


class Curve(Node):
    """A shape on [0, 1]; in text and JSON also written as its name, such as `"cosine"` or `"polynomial(2)"`."""

    registry: ClassVar[dict[str, type[Node]]] = {}

    @abstractmethod
    def rise(self, span: Span) -> Any:
        """Returns $c(u)$: 0 at the start, 1 at the end."""

    @abstractmethod
    def fall(self, span: Span) -> Any:
        """Returns $1 - c(u)$, accurate near the end too."""

    def between(self, start: float, end: float, steps: int, clock: Clock) -> Any:
        r"""Returns $a + (b - a)\,c(\tau / n)$ for $\tau$ on the clock: exactly `start` at 0 and exactly `end` at `steps`."""
        if start == end:
            return start
        span = Span.of(clock, steps)
        return anchored(start, end, lambda: self.rise(span), lambda: self.fall(span))

    def refusal(self, start: float, end: float) -> tuple[str, str, float] | None:
        """Returns (field, rule, value) if a ramp between these values cannot have this shape."""
        return None

    @classmethod
    def of(cls, given: Any) -> Self:
        """Returns the curve that is given as itself, as text or as a dictionary."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            from .text import curve_of

            return curve_of(given)  # type: ignore[return-value]
        if isinstance(given, dict):
            from .codec import node_of

            return node_of(given, Curve)  # type: ignore[return-value]
        names = ", ".join(sorted(cls.registry))
        raise GlidepathError.of("curve", "", f"a curve ({names})", given)


@kind("linear")
class Linear(Curve):
    r"""A straight line, $c(u) = u$.

    Source:
        Goyal et al. 2017, section 2.2, https://arxiv.org/abs/1706.02677
    """

    def rise(self, span: Span) -> Any:
        return span.u

    def fall(self, span: Span) -> Any:
        return span.v


_curve = Check(Curve.of, {"$ref": "#/$defs/curve"}, Linear())
AnyCurve = Annotated[Curve | str, _curve]
"""An argument that is a curve or its text."""
Shape = Annotated[Taken[Curve, Curve | str], _curve]
"""A field that holds a curve and takes its text too."""


@kind("cosine")
class Cosine(Curve):
    r"""Half a period of a cosine, $c(u) = \sin^2(\pi u / 2) = \tfrac12 (1 - \cos \pi u)$.

    The squared sine loses nothing near the ends, where $1 - \cos$ cancels.

    Source:
        Loshchilov & Hutter 2017, equation 5, https://arxiv.org/abs/1608.03983
    """

    def rise(self, span: Span) -> Any:
        return span.xp.square(span.xp.sin((math.pi / 2) * span.u))

    def fall(self, span: Span) -> Any:
        return span.xp.square(span.xp.sin((math.pi / 2) * span.v))


@kind("polynomial")
class Polynomial(Curve):
    r"""Falls as a power of what is left, $1 - c(u) = (1 - u)^p$.

    Args:
        power: $p$.

    Source:
        Same as `tf.keras.optimizers.schedules.PolynomialDecay`, `torch.optim.lr_scheduler.PolynomialLR`.
    """

    power: Power = 2.0

    def rise(self, span: Span) -> Any:
        return one_minus_power(span.u, span.v, self.power, span.xp)

    def fall(self, span: Span) -> Any:
        return span.power_left(self.power)


@kind("sqrt")
class Sqrt(Curve):
    r"""Falls as the square root of what is left, $1 - c(u) = \sqrt{1 - u}$: slow first, then steep.

    Source:
        Polynomial decay of power 1/2, the default of `timm.scheduler.PolyLRScheduler`.
    """

    def rise(self, span: Span) -> Any:
        return one_minus_power(span.u, span.v, 0.5, span.xp)

    def fall(self, span: Span) -> Any:
        return span.xp.sqrt(span.v)


@kind("one_minus_sqrt")
class OneMinusSqrt(Curve):
    r"""Falls as one minus the square root of what is done, $c(u) = \sqrt{u}$: steep first, then slow.

    Source:
        Hägele et al. 2024, https://arxiv.org/abs/2405.18392
    """

    def rise(self, span: Span) -> Any:
        return span.xp.sqrt(span.u)

    def fall(self, span: Span) -> Any:
        return one_minus_power(span.v, span.u, 0.5, span.xp)


@kind("exponential")
class Exponential(Curve):
    r"""An exponential brought to [0, 1], $1 - c(u) = (r^u - r) / (1 - r)$.

    Args:
        ratio: $r$, the share of the start at which the exponential itself would end; below 1.

    Source:
        The `exp` decay of `timm.scheduler.WSDLRScheduler`.
    """

    ratio: Positive = 0.01

    def __post_init__(self) -> None:
        if self.ratio >= 1.0:
            mirrored = f"reverse(exponential({1 / self.ratio:g})) is that curve"
            remedy = mirrored if self.ratio > 1 else "that is the linear curve"
            raise GlidepathError.of("exponential", "ratio", "below 1", self.ratio, remedy)

    def rise(self, span: Span) -> Any:
        if span.xp.digits == math.inf:
            return 1.0 - self.fall(span)
        return span.split(self._middle, self._risen, lambda span: 1.0 - self._fallen(span))

    def fall(self, span: Span) -> Any:
        if span.xp.digits == math.inf:
            return (span.xp.power(self.ratio, span.u) - self.ratio) / (1.0 - self.ratio)
        return span.split(self._middle, lambda span: 1.0 - self._risen(span), self._fallen)

    @property
    def _middle(self) -> float:
        """The share done at which half of the way is; on either side the smaller part is computed, so that both ends are exact."""
        return math.log((1.0 + self.ratio) / 2.0) / math.log(self.ratio)

    def _risen(self, span: Span) -> Any:
        rate = math.log(self.ratio)
        return span.xp.expm1(rate * span.u) / math.expm1(rate)

    def _fallen(self, span: Span) -> Any:
        rate = math.log(self.ratio)
        return span.exponential(logarithm(self.ratio)) * (span.xp.expm1(rate * span.v) / math.expm1(rate))


@kind("geometric")
class Geometric(Curve):
    r"""Equal ratios in equal times, $a\,(b/a)^u$: a straight line on a logarithmic axis. Needs both ends above 0.

    Evaluated from the nearer end.

    Source:
        Smith 2015, the range test, https://arxiv.org/abs/1506.01186
    """

    def rise(self, span: Span) -> Any:
        raise NotImplementedError("a geometric curve depends on its ends")  # never reached: `between` is its own

    fall = rise

    def between(self, start: float, end: float, steps: int, clock: Clock) -> Any:
        if clock.xp.digits == math.inf:
            return start * clock.xp.power(end / start, clock.fraction(steps)[0])
        rate = logarithm(end) - logarithm(start)
        halves = [
            lambda clock: start * exponential_of(rate, steps, clock, within=True),
            lambda clock: end * exponential_of(-rate, steps, clock.left(steps), within=True),
        ]
        return clock.split([(steps + 1) // 2], halves)

    def refusal(self, start: float, end: float) -> tuple[str, str, float] | None:
        rule = "above 0 for a geometric curve"
        return ("start", rule, start) if start <= 0 else ("end", rule, end) if end <= 0 else None


@kind("rex")
class Rex(Curve):
    r"""Reflected exponential, $1 - c(u) = \dfrac{1 - u}{1 - u/2}$.

    Source:
        Chen et al. 2022, https://arxiv.org/abs/2107.04197
    """

    def rise(self, span: Span) -> Any:
        return span.u / (1.0 + span.v)

    def fall(self, span: Span) -> Any:
        return 2.0 * span.v / (1.0 + span.v)


@kind("reverse")
class Reverse(Curve):
    r"""Another curve seen from its end, $c(u) = 1 - d(1 - u)$: what began slowly ends slowly.

    Args:
        curve: $d$; every curve but the geometric one, which is its own reverse.
    """

    curve: Shape

    def __post_init__(self) -> None:
        if isinstance(self.curve, Geometric):
            rule, remedy = "a curve that does not depend on its ends", "swap the ends of the ramp"
            raise GlidepathError.of("reverse", "curve", rule, self.curve, remedy)
        depth, inner = 2, self.curve
        while isinstance(inner, Reverse):
            depth, inner = depth + 1, inner.curve
        if depth > MAX_DEPTH:
            raise GlidepathError.worded("reverse", "", f"nested at most {MAX_DEPTH} deep", f"depth {depth}")

    def rise(self, span: Span) -> Any:
        return self.curve.fall(span.backwards())

    def fall(self, span: Span) -> Any:
        return self.curve.rise(span.backwards())
