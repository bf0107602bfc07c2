"""The horizontal axis: steps, epochs, samples, tokens or percent. Switching it moves no curve: only its labels change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..core.errors import GlidepathError, did_you_mean
from ..core.fields import number

__all__ = ["AXES", "Axis"]

AXES = {
    "step": "step (updates done)",
    "epoch": "epoch",
    "sample": "samples seen",
    "token": "tokens seen",
    "percent": "percent of the run",
}


@dataclass(frozen=True)
class Axis:
    """How steps are labelled: `position = step * up / down`.

    Args:
        name: A key of `AXES`.
        up: What the step is multiplied by.
        down: What it is then divided by.
    """

    name: str = "step"
    up: float = 1
    down: float = 1

    @classmethod
    def of(cls, name: str, per: float | None = None) -> Axis:
        """Returns the axis of that name.

        Args:
            name: `step`, `epoch`, `sample`, `token` or `percent`.
            per: For `epoch` the updates in an epoch, for `sample` and `token` how many an update consumes, for `percent` the updates of the
                whole run; None only for `step`.

        Raises:
            GlidepathError: If there is no such axis or `per` is not above 0.

        Examples:
            >>> Axis.of("epoch", per=400).position(1000)
            2.5
        """
        if name not in AXES:
            raise GlidepathError.of("view", "axis", f"one of {', '.join(AXES)}", name, did_you_mean(str(name), AXES))
        if name == "step":
            return cls()
        plain = number(per)
        if plain is None or not 0 < plain < math.inf:
            rules = {
                "epoch": "the updates in an epoch",
                "percent": "the updates of the run",
            }
            raise GlidepathError.of("view", "per", f"above 0: {rules.get(name, f'the {name}s of an update')}", per)
        if name == "epoch":
            return cls(name, 1, plain)
        return cls(name, 100, plain) if name == "percent" else cls(name, plain, 1)

    def position(self, step: Any) -> Any:
        """Returns where a step, or an array of steps, lies on this axis."""
        return step * self.up / self.down

    @property
    def label(self) -> str:
        """What is written at the axis."""
        return AXES[self.name]

    def text(self, step: float) -> str:
        """Returns a step in the words of this axis, such as `epoch 2.5` or `step 1,000`."""
        at = self.position(step)
        if self.name == "percent":
            return f"{at:.4g} %"
        shown = f"{at:,.0f}" if self.name != "epoch" and at < 1e7 else f"{at:.4g}"
        return f"{shown} {self.name}s" if self.name in ("sample", "token") else f"{self.name} {shown}"
