"""What one sweep of the rate saw: the raw points, why it ended, and both as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Annotated, Any

from ..core import Answer, GlidepathError, settle
from ..core.fields import Broken, Check, choice, integer, number, text

STOPS = {
    "end": "the sweep reached its last rate",
    "non-finite": "the loss was not finite",
    "diverged": "the loss stayed above the stop factor times its best",
    "data": "the data ran out",
    "no updates": "the optimizer made no more updates",
}
_MOST_POINTS = 1_000_000
_MOST_BYTES = 64 * 2**20


def _numbers(given: Any, none: float | None = None) -> tuple[float, ...]:
    rule = f"a list of up to {_MOST_POINTS} numbers"
    if isinstance(given, str | bytes | dict) or not hasattr(given, "__len__") or len(given) > _MOST_POINTS:
        raise Broken(rule)
    found = [none if item is None else number(item) for item in given]
    if None in found:
        raise Broken(rule)
    return tuple(float(item) for item in found if item is not None)


def _seen(given: Any) -> tuple[float, ...]:
    return _numbers(given, math.nan)


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

    rates: Annotated[tuple[float, ...], Check(_numbers, stand_in=())]
    losses: Annotated[tuple[float, ...], Check(_seen, stand_in=())]
    stop: Annotated[str, choice(*STOPS)] = "end"
    planned: int | None = None
    label: Annotated[str, text("a text of at most 200 characters", lambda label: len(label) <= 200)] = ""

    def __post_init__(self) -> None:
        checks = settle(self, "trace")
        rates, losses, broken = self.rates, self.losses, {problem.field for problem in checks.problems}
        if not all(0.0 < a < math.inf for a in rates) or any(a >= b for a, b in pairwise(rates)):
            checks.refuse("rates", "strictly increasing, above 0 and finite", rates)
        if len(losses) != len(rates) and not broken & {"rates", "losses"}:
            checks.refuse("losses", f"as many as the rates, {len(rates)}", len(losses))
        planned = len(rates) if self.planned is None else self.planned
        object.__setattr__(self, "planned", checks.take("planned", planned, integer(len(rates))))
        checks.done()

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
