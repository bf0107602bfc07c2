"""The divergence guard: cut the rate and warm up again when the loss explodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from typing import Annotated

from ..core import Schedule, kind
from ..core.fields import Index, Length, integer
from ..core.shorthand import warmup as rise
from .controller import Controller, Count, Decision, Number, Numbers, Observation, Share, Size, State

__all__ = ["Guard", "GuardState"]


@dataclass(frozen=True)
class GuardState(State):
    """What a divergence guard remembers.

    Args:
        last: The id of the last observation.
        cuts: Cuts so far.
        begun: Where the last cut was made, on the schedule's clock; None before the first.
        pause: Observations left before the guard looks again.
        recent: The last sound values.
        stopped: 1 once the tries are spent, else 0.
    """

    cuts: Index = 0
    begun: Number | None = None
    pause: Index = 0
    recent: Numbers = ()
    stopped: Index = 0


@kind("divergence_guard")
class Guard(Controller):
    r"""Cuts the rate by `factor` and warms up again when a loss is not finite or explodes; gives up after `tries` cuts.

    A value explodes when it is above $m + \rho |m| + \mu$, where $m$ is the median of the last `memory` sound values, $\rho$ is `rise` and
    $\mu$ is `margin`; it takes three sound values to know a median. After a cut at position $s$ the multiplier is
    $\gamma^k \, w(t - s)$ with $w$ the warmup of `warmup` steps, and `pause` observations are not looked at. The decision `stop` says that
    the tries are spent: from there on nothing changes.

    A cut does not mend a network whose weights are already NaN: restore them, and keep the guard's state.

    Args:
        factor: $\gamma$, what a cut multiplies the rate by.
        warmup: Length of the new warmup, on the schedule's clock.
        rise: $\rho$, how far above the median is an explosion, relative.
        margin: $\mu$, the same, absolute.
        memory: Sound values the median is taken of.
        pause: Observations after a cut that are not looked at.
        tries: Cuts before it gives up.

    Source:
        The practice of large runs: Zhang et al. 2022 (OPT), section 2.5, https://arxiv.org/abs/2205.01068

    Examples:
        >>> guard = Guard(factor=0.5, warmup=4)
        >>> state = guard.run([(0, 2.0), (1, 1.9), (2, 1.8), (3, float("nan"))])
        >>> [round(guard.multiplier(state, at), 3) for at in (3, 4, 5, 6, 7, 100)]
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    """

    factor: Share = 0.5
    warmup: Length = 100
    rise: Size = 2.0
    margin: Size = 0.0
    memory: Annotated[int, integer(3, 10_000, unit="observations")] = 20
    pause: Count = 5
    tries: Annotated[int, integer(0, 1000)] = 3

    @cached_property
    def _again(self) -> Schedule:
        return rise(self.warmup)

    def begin(self) -> GuardState:
        """Returns the state before the first observation."""
        return GuardState()

    def multiplier(self, state: GuardState, at: float = 0, group: str | int | None = None) -> float:
        """Returns the multiplier at a position of the schedule's clock; all groups have the same."""
        del group
        if state.begun is None:
            return 1.0
        return self.factor**state.cuts * self._again(min(at - state.begun, self.warmup))

    def react(self, state: GuardState, seen: Observation) -> tuple[GuardState, Decision]:
        """Returns the next state and the decision."""
        value = seen.value
        if state.stopped:
            return state, self.decided(state, seen, "stop", f"{self.tries} tries are spent")
        if state.pause > 0:
            after = replace(state, pause=state.pause - 1)
            return after, self.decided(after, seen, "cooling", f"{value:.6g}: not looked at, {after.pause} more")
        if not math.isfinite(value):
            return self._cut(state, seen, f"{value} is not finite")
        if len(state.recent) >= 3:
            middle = median(state.recent)
            limit = middle + self.rise * abs(middle) + self.margin
            if value > limit:
                return self._cut(state, seen, f"{value:.6g} is above {limit:.6g}, the median is {middle:.6g}")
            reason = f"{value:.6g} is not above {limit:.6g}"
        else:
            reason = f"{value:.6g} is one of the first three"
        after = replace(state, recent=(*state.recent, value)[-self.memory :])
        return after, self.decided(after, seen, "steady", reason)

    def _cut(self, state: GuardState, seen: Observation, reason: str) -> tuple[GuardState, Decision]:
        if state.cuts >= self.tries:
            after = replace(state, stopped=1)
            return after, self.decided(after, seen, "stop", f"{reason}; {self.tries} tries are spent")
        after = replace(state, cuts=state.cuts + 1, begun=float(seen.position), pause=self.pause)
        tried = f"warm up again over {self.warmup}, try {after.cuts} of {self.tries}"
        return after, self.decided(after, seen, "cut", f"{reason}: cut by {self.factor:g}, {tried}")
