"""Reduce on plateau: cut the rate when a metric has stopped improving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, cast

from ..core import kind
from ..core.fields import Index, Taken, choice, integer, numbers_by_name, real
from .controller import Controller, Count, Decision, Mode, Number, Numbers, Observation, Share, Size, State

__all__ = ["Plateau", "PlateauState"]

Threshold = Annotated[Literal["relative", "absolute"], choice("relative", "absolute")]
NotFinite = Annotated[Literal["hold", "bad", "cut"], choice("hold", "bad", "cut")]
_factor = real(0, 1, unit="factor")
_Floors = Annotated[
    Taken[tuple[tuple[str, float], ...], Mapping[str, float] | Sequence[tuple[str, float]]],
    numbers_by_name(_factor, "the lowest multiplier of each of some groups, by name"),
]


@dataclass(frozen=True)
class PlateauState(State):
    """What a plateau controller remembers.

    Args:
        last: The id of the last observation.
        best: The value to beat; None before the first finite one.
        bad: Observations in a row that did not improve.
        cooling: Observations left of the pause after a cut.
        cuts: Cuts so far.
        recent: The last values, where a window is compared with.
    """

    best: Number | None = None
    bad: Index = 0
    cooling: Index = 0
    cuts: Index = 0
    recent: Numbers = ()


@kind("plateau")
class Plateau(Controller):
    r"""Multiplies the rate by `factor` when a metric has stopped improving.

    With patience $p$ the cut comes at the $(p+1)$-th observation in a row that is no improvement; the first observation always is one.

    An improvement of `best` $b$ by a relative threshold $\theta$ is a value below $b - \theta |b|$ (mode `max`: above $b + \theta |b|$), so
    that it means the same for negative metrics; where $b$ is 0 any lower value is one. An absolute threshold compares with
    $b \mp \theta$. During the `cooldown` observations after a cut nothing is counted as bad, but an improvement is noted. A value that is
    not finite never becomes the best.

    Args:
        factor: What a cut multiplies the rate by.
        patience: Observations without improvement that are tolerated.
        threshold: $\theta$, at least 0.
        relative: Whether the threshold is `relative` to the best, or `absolute`.
        mode: `min` where lower is better, or `max`.
        cooldown: Observations after a cut that are not counted as bad.
        floor: The lowest multiplier.
        floors: The lowest multiplier of some groups, by name, in place of `floor`.
        window: Compare with the best of so many observations before this one; None compares with the best ever. A window forgets a lucky
            or a spoilt value.
        not_finite: What NaN and infinities do: `hold` changes nothing and says so, `bad` counts as no improvement, `cut` cuts at once.
        after: Where the controller's phase begins, on the schedule's clock: observations before it change nothing.

    Source:
        The idea of `torch.optim.lr_scheduler.ReduceLROnPlateau`, whose own rules are `pytorch_plateau`.

    Examples:
        >>> plateau = Plateau(factor=0.5, patience=1)
        >>> state = plateau.run(enumerate([1.0, 0.9, 0.9, 0.9]))
        >>> plateau.multiplier(state)
        0.5
    """

    factor: Share = 0.1
    patience: Count = 10
    threshold: Size = 1e-4
    relative: Threshold = "relative"
    mode: Mode = "min"
    cooldown: Count = 0
    floor: Annotated[float, _factor] = 0.0
    floors: _Floors = cast("Any", ())
    window: Annotated[int, integer(1, 100_000, unit="observations")] | None = None
    not_finite: NotFinite = "hold"
    after: Count = 0

    def field_data(self, name: str) -> Any:
        """Returns a field as it is written to JSON."""
        return dict(self.floors) if name == "floors" else getattr(self, name)

    def begin(self) -> PlateauState:
        """Returns the state before the first observation."""
        return PlateauState()

    def multiplier(self, state: PlateauState, at: float = 0, group: str | int | None = None) -> float:
        """Returns the multiplier of a group: `factor` to the number of cuts, and not below the group's floor."""
        del at
        lowest = next((floor for name, floor in self.floors if name == group), self.floor)
        return max(self.factor**state.cuts, lowest)

    def react(self, state: PlateauState, seen: Observation) -> tuple[PlateauState, Decision]:
        """Returns the next state and the decision."""
        value = seen.value
        if seen.position < self.after:
            reason = f"at {seen.position:g}, before this controller's phase begins at {self.after}: nothing changes"
            return state, self.decided(state, seen, "held", reason)
        if not math.isfinite(value):
            if self.not_finite == "hold":
                return state, self.decided(state, seen, "held", f"{value} is not finite: nothing changes")
            reason = f"{value} is not finite"
            return self.cut(state, seen, reason) if self.not_finite == "cut" else counted(self, state, seen, reason)
        remembered = replace(state, recent=(*state.recent, value)[-self.window :]) if self.window else state
        if state.best is None:
            after = replace(remembered, best=value, bad=0)
            return after, self.decided(state, seen, "first", f"{value:.6g} is the first value")
        margin = self.threshold * abs(state.best) if self.relative == "relative" else self.threshold
        lower = self.mode == "min"
        target, word = (state.best - margin, "below") if lower else (state.best + margin, "above")
        improved = value < target if lower else value > target
        best = value if improved else state.best
        after = replace(remembered, best=(min if lower else max)(remembered.recent) if self.window else best)
        if not improved:
            return counted(self, after, seen, f"{value:.6g} is not {word} {target:.6g}")
        after = replace(after, bad=0, cooling=max(0, state.cooling - 1))
        return after, self.decided(after, seen, "improved", f"{value:.6g} is {word} {target:.6g}")

    def cut(self, state: PlateauState, seen: Observation, reason: str) -> tuple[PlateauState, Decision]:
        """Returns the state after a cut that is due, and the decision; at the floor nothing is cut."""
        before = self.factor**state.cuts
        lowest = min((floor for _, floor in self.floors), default=self.floor)
        after = replace(state, bad=0, cooling=self.cooldown)
        if before <= min(lowest, self.floor) * (1 + 1e-12) or before * self.factor == 0.0:  # 0.1 * 0.1 is above 0.01
            reason = f"{reason}: a cut is due, but the multiplier is at its floor {self.multiplier(state):.6g}"
            return after, self.decided(after, seen, "floor", reason)
        after = replace(after, cuts=state.cuts + 1)
        return after, self.decided(after, seen, "cut", f"{reason}: cut by {self.factor:g}")


def counted(rule: Any, state: Any, seen: Observation, reason: str, tolerant: int = 1) -> tuple[Any, Decision]:
    """Counts an observation as no improvement; cuts if there were too many.

    Args:
        rule: The controller: it has a `patience`, and cuts.
        state: Its state: `bad` in a row, and what is left of the pause after a cut, `cooling`.
        seen: The observation.
        reason: Why it is none.
        tolerant: 0 where patience and the pause count one lower.
    """
    left = max(0, state.cooling - 1)
    if state.cooling + tolerant > 1:
        after, pause = replace(state, bad=0, cooling=left), f"{left} more observations of the pause after a cut"
        return after, rule.decided(after, seen, "cooling", f"{reason}; not counted, {pause}")
    after = replace(state, bad=1 if state.cooling else state.bad + 1, cooling=left)
    if after.bad >= rule.patience + tolerant:
        return rule.cut(after, seen, f"{reason}, {after.bad} in a row, patience {rule.patience}")
    told = f"{reason}, {after.bad} of {rule.patience + tolerant - 1} tolerated"
    return after, rule.decided(after, seen, "waiting", told)
