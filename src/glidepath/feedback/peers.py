"""The plateau rules of PyTorch, OneFlow, Keras and Paddle, by name: decision for decision and bit for bit as theirs.

They change the groups' rates themselves, so they are given the rates to begin with, and their floors are rates too. What they return as a
multiplier is the present rate divided by the first one, so that they compose with a schedule; `rates` has the exact rates.
"""

from __future__ import annotations

import math
import struct
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from ..core import GlidepathError, kind
from ..core.fields import Index
from .controller import Controller, Count, Decision, Mode, Number, Numbers, Observation, Rates, Share, Size, State
from .plateau import Threshold, counted

__all__ = ["KerasPlateau", "OneFlowPlateau", "PaddlePlateau", "PeerState", "PyTorchPlateau"]


@dataclass(frozen=True)
class PeerState(State):
    """What the peers' plateau rules remember.

    Args:
        last: The id of the last observation.
        best: The value to beat, not finite values included; None before the first where the peer has none.
        bad: Observations in a row that did not improve.
        cooling: What is left of the pause after a cut.
        rates: The present rate of each group.
    """

    best: Number | None = None
    bad: Index = 0
    cooling: Index = 0
    rates: Numbers = ()


class _Peer(Controller):
    """What the peers have in common: rates that are cut, never raised."""

    rates: Rates = cast("Any", (1.0,))
    factor: Share = 0.1
    patience: Count = 10
    threshold: Size = 1e-4
    cooldown: Count = 0
    floors: Rates = cast("Any", (0.0,))
    mode: Mode = "min"
    blind: ClassVar[bool] = False  # whether nothing is looked at during a cooldown
    tolerant: ClassVar[int] = 1  # 0 where patience and cooldown count one lower

    def __post_init__(self) -> None:
        if len(self.floors) not in (1, len(self.rates)):
            rule = f"one floor, or one for each of the {len(self.rates)} rates"
            raise GlidepathError.of(self.kind, "floors", rule, f"{len(self.floors)} of them")

    def begin(self) -> PeerState:
        """Returns the state before the first observation."""
        return PeerState(rates=self.rates)

    def multiplier(self, state: PeerState, at: float = 0, group: str | int | None = None) -> float:
        """Returns the present rate of a group as a multiple of its first one."""
        del at
        index = group if isinstance(group, int) and 0 <= group < len(self.rates) else 0
        return state.rates[index] / self.rates[index] if self.rates[index] else 1.0

    @abstractmethod
    def better(self, value: float, best: float) -> bool:
        """Returns whether a value is an improvement of the best."""

    @abstractmethod
    def lower(self, rate: float, floor: float) -> float:
        """Returns the rate after a cut."""

    def react(self, state: PeerState, seen: Observation) -> tuple[PeerState, Decision]:
        """Returns the next state and the decision."""
        value, best = seen.value, state.best
        reason = f"{value:.6g} is the first value" if best is None else f"{value:.6g} against {best:.6g}"
        if (self.blind and state.cooling) or not (best is None or self.better(value, best)):
            return counted(self, state, seen, reason, self.tolerant)
        after = replace(state, best=value, bad=0, cooling=max(0, state.cooling - 1))
        return after, self.decided(after, seen, "first" if best is None else "improved", reason)

    def cut(self, state: PeerState, seen: Observation, reason: str) -> tuple[PeerState, Decision]:
        """Returns the state after a cut that is due, and the decision."""
        floors = self.floors * len(self.rates) if len(self.floors) == 1 else self.floors
        lowered = tuple(self.lower(rate, floor) for rate, floor in zip(state.rates, floors, strict=True))
        after = replace(state, rates=lowered, cooling=self.cooldown, bad=0)
        if after.rates == state.rates:
            return after, self.decided(after, seen, "floor", f"{reason}: a cut is due, but every rate stays")
        return after, self.decided(after, seen, "cut", f"{reason}: cut by {self.factor:g}")


class _Patient(_Peer):
    """PyTorch's algorithm."""

    relative: Threshold = "relative"
    smallest: Size = 1e-8

    def begin(self) -> PeerState:
        """Returns the state before the first observation: the best is the worst there is."""
        return PeerState(best=math.inf if self.mode == "min" else -math.inf, rates=self.rates)

    def lower(self, rate: float, floor: float) -> float:
        """Returns the rate after a cut; a cut of at most `smallest` is not made."""
        lowered = max(rate * self.factor, floor)
        return lowered if rate - lowered > self.smallest else rate

    def better(self, value: float, best: float) -> bool:
        """Returns whether a value is an improvement; for negative values the relative threshold has the wrong sign."""
        if self.relative == "relative":
            factor = 1.0 - self.threshold if self.mode == "min" else self.threshold + 1.0
            return value < best * factor if self.mode == "min" else value > best * factor
        return value < best - self.threshold if self.mode == "min" else value > best + self.threshold


@kind("pytorch_plateau")
class PyTorchPlateau(_Patient):
    """The rules of PyTorch's `ReduceLROnPlateau`.

    NaN is simply no improvement. A relative threshold has the wrong sign for negative metrics: worse values pass as improvements.

    Args:
        rates: The groups' rates at the beginning.
        factor: What a cut multiplies a rate by.
        patience: Observations without improvement that are tolerated.
        threshold: How much better a value must be.
        cooldown: Observations after a cut that are not counted as bad; the best is still noted.
        floors: The lowest rate, one for all groups or one for each, in the unit of the rates.
        mode: `min` where lower is better, or `max`.
        relative: Whether the threshold is `relative` to the best, or `absolute`.
        smallest: A cut of at most so much is not made, in the unit of the rates.

    Source:
        `torch.optim.lr_scheduler.ReduceLROnPlateau`, version 2.13.0.

    Examples:
        >>> plateau = PyTorchPlateau(rates=0.1, factor=0.5, patience=1)
        >>> plateau.run(enumerate([1.0, 0.9, 0.9, 0.9])).rates
        (0.05,)
    """


@kind("oneflow_plateau")
class OneFlowPlateau(_Patient):
    """The rules of OneFlow's `ReduceLROnPlateau`: PyTorch's.

    Args:
        rates: The groups' rates at the beginning.
        factor: What a cut multiplies a rate by.
        patience: Observations without improvement that are tolerated.
        threshold: How much better a value must be.
        cooldown: Observations after a cut that are not counted as bad; the best is still noted.
        floors: The lowest rate, one for all groups or one for each, in the unit of the rates.
        mode: `min` where lower is better, or `max`.
        relative: Whether the threshold is `relative` to the best, or `absolute`.
        smallest: A cut of at most so much is not made, in the unit of the rates.

    Source:
        `oneflow.optim.lr_scheduler.ReduceLROnPlateau`, versions 0.7.0 and 0.9.0.
    """


@kind("paddle_plateau")
class PaddlePlateau(_Patient):
    """The rules of Paddle's `ReduceOnPlateau`.

    The first value becomes the best even if it is NaN, which nothing ever improves. During the cooldown a value is not looked at, so that a
    best one is lost.

    Args:
        rates: The rates at the beginning.
        factor: What a cut multiplies a rate by.
        patience: Observations without improvement that are tolerated.
        threshold: How much better a value must be.
        cooldown: Observations after a cut that are not looked at.
        floors: The lowest rate, in the unit of the rates.
        mode: `min` where lower is better, or `max`.
        relative: Whether the threshold is `relative` to the best, or `absolute`.
        smallest: A cut of at most so much is not made, in the unit of the rates.

    Source:
        `paddle.optimizer.lr.ReduceOnPlateau`, version 3.3.1.
    """

    blind: ClassVar[bool] = True

    begin = _Peer.begin

    def better(self, value: float, best: float) -> bool:
        """Returns whether a value is an improvement."""
        margin = best * self.threshold if self.relative == "relative" else self.threshold
        return value < best - margin if self.mode == "min" else value > best + margin


@kind("keras_plateau")
class KerasPlateau(_Peer):
    """The rules of Keras's `ReduceLROnPlateau` callback.

    The threshold is absolute. With patience n the cut comes at the n-th bad observation in a row (0 acts as 1), and a cooldown of n spares
    n - 1 observations. A first NaN becomes the best, which nothing ever improves. Rates and comparisons are in single precision, as Keras
    holds them.

    Args:
        rates: The rates at the beginning.
        factor: What a cut multiplies a rate by.
        patience: The bad observation in a row that cuts.
        threshold: How much better a value must be, absolute.
        cooldown: Observations after a cut, the cut's own included, that are not counted as bad.
        floors: The lowest rate, in the unit of the rates.
        mode: `min` where lower is better, or `max`.

    Source:
        `keras.callbacks.ReduceLROnPlateau`, version 3.15.1.
    """

    tolerant: ClassVar[int] = 0

    def begin(self) -> PeerState:
        """Returns the state before the first observation."""
        return PeerState(rates=tuple(_single(rate) for rate in self.rates))

    def better(self, value: float, best: float) -> bool:
        """Returns whether a value is an improvement, compared in single precision."""
        margin = -self.threshold if self.mode == "min" else self.threshold
        left, right = _single(value - margin), _single(best)
        return left < right if self.mode == "min" else left > right

    def lower(self, rate: float, floor: float) -> float:
        """Returns the rate after a cut, in single precision."""
        return _single(max(rate * self.factor, floor)) if rate > _single(floor) else rate

    def cut(self, state: PeerState, seen: Observation, reason: str) -> tuple[PeerState, Decision]:
        """Returns the state after a cut that is due, and the decision; it is as it was where no rate falls."""
        after, decision = super().cut(state, seen, reason)
        return state if decision.action == "floor" else after, decision


def _single(value: float) -> float:
    """Returns a number rounded to single precision."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
