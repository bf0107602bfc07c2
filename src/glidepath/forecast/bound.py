r"""The convex bound on the loss after the last update, as a value of a schedule: it ranks shapes and carries a tuned peak.

$$ \Omega = \frac{D^2}{2\sum_t \eta_t} + \frac{G^2 \sum_t \eta_t^2}{2\sum_t \eta_t}
   + \frac{G^2}{2} \sum_{k<T} \frac{\eta_k}{\sum_{t>k} \eta_t} \cdot \frac{\sum_{t \ge k} \eta_t^2}{\sum_{t \ge k} \eta_t} $$

For $\eta = \gamma f$ it is $T_1/\gamma + \gamma (T_2 + T_3)$, least at $\gamma^* = \sqrt{T_1/(T_2 + T_3)}$.

Source:
    Defazio et al. 2023, theorem 10, https://arxiv.org/abs/2310.07831; Schaipp et al. 2025, https://arxiv.org/abs/2501.18965
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import GlidepathError, Schedule, taken
from ..core.fields import Positive
from .path import MOST_UPDATES, Array, rates_of

SCATTER = 0.2  # how far tuned peaks of language models lie from the bound's, either way
MEASURED = (
    f"Tuned peaks of language models: right in direction, within about {100 * SCATTER:.0f} % in size. On the lab's small tasks the own "
    "best was as high to 1.6 times lower, for a perceptron 1.5 to 5 times (claim F5): try lower ones first"
)


@dataclass(frozen=True)
class Bound:
    """What the bound says of a shape, for $D = G = 1$.

    Args:
        least: The bound at the best peak: what ranks shapes of one length.
        peak: That peak, relative: only ratios of it mean anything.
        steps: The length.
    """

    least: float
    peak: float
    steps: int


@dataclass(frozen=True)
class Carried:
    """A tuned peak carried to another shape.

    Args:
        peak: The peak.
        low: It less the scatter that was measured.
        high: It and that scatter.
        ratio: Over the peak it was carried from.
        warning: What the number is not good for; empty where nothing speaks against it.
    """

    peak: float
    low: float
    high: float
    ratio: float
    warning: str = ""


def rest_of(mass: Array) -> Array:
    r"""Returns the sum of what comes after each, $\sum_{s>t} w_s$: linear decay is this for equal $w$."""
    return np.append(np.cumsum(mass[::-1])[::-1][1:], 0.0)


def bound(schedule: Schedule, steps: int | None = None) -> Bound:
    """Returns the bound of a shape at its best peak.

    Args:
        schedule: The shape; only ratios of its values count.
        steps: Length of the run; None for the schedule's.

    Raises:
        GlidepathError: If it is endless and no length is given, or is zero everywhere, or negative somewhere.

    Examples:
        >>> import glidepath as g
        >>> linear, constant = bound(g.linear(1000)), bound(g.Hold(), 1000)
        >>> linear.least < constant.least, round(linear.peak / constant.peak, 1)
        (True, 2.9)
    """
    length = steps if steps is not None else schedule.duration
    if isinstance(length, bool) or not 1 <= length <= MOST_UPDATES or length != int(length):
        remedy = "an endless schedule needs a length: --steps" if length == math.inf else ""
        raise GlidepathError.of("bound", "steps", f"an integer from 1 to {MOST_UPDATES:,}", length, remedy)
    values = rates_of(schedule, 1.0, int(length))
    values = values[: int(np.flatnonzero(values)[-1]) + 1] if values.any() else values  # later ones change nothing
    if not values.any() or (values < 0).any() or not np.isfinite(values).all():
        raise GlidepathError.of("bound", "schedule", "at least 0 everywhere and above 0 somewhere", str(schedule))
    after = rest_of(values)
    squares = np.cumsum((values**2)[::-1])[::-1]
    inner = values[:-1] / after[:-1] * squares[:-1] / (after + values)[:-1]
    first, second = 0.5 / values.sum(), 0.5 * float((values**2).sum() / values.sum())
    third = 0.5 * float(inner.sum())
    return Bound(2.0 * math.sqrt(first * (second + third)), math.sqrt(first / (second + third)), int(length))


def transfer_peak(
    peak: float, source: Schedule, target: Schedule, steps: int | None = None, target_steps: int | None = None
) -> Carried:
    r"""Carries a tuned peak rate from one shape to another by the bound: $\gamma' = \gamma \cdot \gamma^*_{to} / \gamma^*_{from}$.

    Measured against tuned peaks of language models it is right in direction and within about 20 % in size, but for a constant rate, whose
    peak it takes for too high, and across lengths, where the measured exponent was -0.24 and not the bound's -0.5. On the lab's small
    tasks the carried peaks were too high oftener: see claim F5.

    Args:
        peak: Tuned for `source`.
        source: The shape it was tuned with.
        target: The shape it is wanted for.
        steps: Length of the run of `source`, and of `target` where that has none of its own.
        target_steps: Length of the run of `target`.

    Raises:
        GlidepathError: If the peak is not above 0, or as `bound`.
    """
    peak = taken("transfer_peak", "peak", peak, Positive)
    length = steps if steps is not None else source.duration if source.duration != math.inf else target.duration
    a = bound(source, length)  # type: ignore[arg-type]
    own = int(length) if target.duration == math.inf else None
    b = bound(target, own if target_steps is None else target_steps)
    rates = [rates_of(one, 1.0, of.steps) for one, of in ((source, a), (target, b))]
    ratio = (b.peak * float(rates[1].max())) / (a.peak * float(rates[0].max()))
    said: list[str] = []
    if any(each[len(each) // 2 :].min() >= 0.99 * each.max() for each in rates):
        said.append("poor for a constant rate: measured 0.30 of a cooldown's peak where the bound says 0.55")
    if a.steps != b.steps:
        said.append(f"poor across lengths ({a.steps:,} and {b.steps:,}): measured exponent -0.24, the bound's -0.5")
    made = peak * ratio
    return Carried(made, made * (1 - SCATTER), made * (1 + SCATTER), ratio, "; ".join(said))
