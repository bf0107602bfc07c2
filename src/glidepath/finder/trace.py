"""What one sweep of the rate saw: the raw points, why it ended, and both as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from ..core.answer import Answer
from ..core.errors import GlidepathError, Problem, shown
from ..core.fields import number

__all__ = ["STOPS", "Trace"]

STOPS = {
    "end": "the sweep reached its last rate",
    "non-finite": "the loss was not finite",
    "diverged": "the loss stayed above the stop factor times its best",
    "data": "the data ran out",
    "no updates": "the optimizer made no more updates",
}
_MOST_POINTS = 1_000_000
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Trace(Answer):
    """One sweep: the rate of every real update, and the loss right before that update.

    Args:
        rates: Strictly increasing, above 0, one for each update, in the unit of the swept quantity (a rate).
        losses: As many; a loss that was not finite is NaN or infinity here, and null in JSON.
        stop: Why the sweep ended: a key of `STOPS`.
        planned: How many updates were planned; at least as many as were made.
        label: Which repeat it is, such as `seed 0`.

    Raises:
        GlidepathError: If an argument breaks its rule above; every problem is listed.

    Examples:
        >>> trace = Trace((0.1, 0.2), (1.0, float("inf")), stop="non-finite", planned=40)
        >>> trace.to_json()
        '{"rates": [0.1, 0.2], "losses": [1.0, null], "stop": "non-finite", "planned": 40, "label": ""}'
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    stop: str = "end"
    planned: int | None = None
    label: str = ""

    def __post_init__(self) -> None:
        problems: list[Problem] = []

        def require(holds: bool, field: str, rule: str, value: Any) -> None:
            if not holds:
                problems.append(Problem("trace", field, rule, shown(value)))

        rates, losses = _numbers(self.rates), _numbers(self.losses, none=True)
        rule = f"a list of up to {_MOST_POINTS} numbers"
        require(rates is not None, "rates", rule, self.rates)
        require(losses is not None, "losses", rule, self.losses)
        if rates is not None:
            rising = all(0.0 < a < math.inf for a in rates) and all(a < b for a, b in pairwise(rates))
            require(rising, "rates", "strictly increasing, above 0 and finite", self.rates)
            if losses is not None:
                require(len(losses) == len(rates), "losses", f"as many as the rates, {len(rates)}", len(losses))
        require(self.stop in STOPS, "stop", f"one of {', '.join(STOPS)}", self.stop)
        require(isinstance(self.label, str) and len(self.label) <= 200, "label", "text", self.label)
        planned = len(rates or ()) if self.planned is None else number(self.planned)
        whole = planned is not None and planned == math.floor(planned) and planned >= len(rates or ())
        require(whole, "planned", f"an integer of at least {len(rates or ())}", self.planned)
        if problems:
            raise GlidepathError(problems)
        for name, value in (("rates", rates), ("losses", losses), ("planned", int(planned or 0))):
            object.__setattr__(self, name, value)

    @property
    def finite(self) -> int:
        """How many points there are before the first loss that is not finite."""
        return next((i for i, loss in enumerate(self.losses) if not math.isfinite(loss)), len(self.losses))

    @classmethod
    def from_dict(cls, data: Any) -> Trace:
        """Returns the trace that JSON data describes.

        Raises:
            GlidepathError: If a field is unknown, missing or breaks its rule.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(data, dict) or not {"rates", "losses"} <= set(data) <= set(known):
            raise GlidepathError.of("trace", "", f"an object with rates, losses and of {', '.join(known)}", data)
        return cls(**data)

    @classmethod
    def from_json(cls, text: str | bytes) -> Trace:
        """Returns the trace that JSON text describes.

        Raises:
            GlidepathError: If the text is not JSON or breaks a rule.
        """
        if len(text) > _MOST_BYTES:
            raise GlidepathError.of("trace", "", f"at most {_MOST_BYTES} bytes", f"{len(text)} bytes")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GlidepathError.of("trace", "", "JSON", text, str(error)[:200]) from None
        return cls.from_dict(data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.to_json())


def _numbers(given: Any, none: bool = False) -> tuple[float, ...] | None:
    if isinstance(given, str | bytes | dict) or not hasattr(given, "__len__") or len(given) > _MOST_POINTS:
        return None
    found = [math.nan if none and item is None else number(item) for item in given]
    return None if any(item is None for item in found) else tuple(float(item) for item in found if item is not None)
