"""A refined schedule from the gradient norms of a run that has been made."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..core import GlidepathError, Rate, Schedule, Table, checked
from ..core.fields import Count, Positive, integer, real
from ..forecast.bound import rest_of
from ..logs.log import Array, Log, Series


@checked
def refine(
    log: Log | Series,
    *,
    steps: Count | None = None,
    smoothing: Annotated[float, real(0, 1)] = 0.1,
    power: Annotated[int, integer(1, 2)] = 2,
    points: Annotated[int, integer(2)] = 200,
    base: Positive | None = None,
) -> Schedule:
    r"""Returns the schedule that a run's gradient norms speak for, as a factor with peak 1, or as rates.

    $$ w_t = G_t^{-p}, \qquad f(t) \propto w_t \sum_{s > t} w_s $$

    Constant norms give linear decay to 0. The norms are those of a run with any schedule; they are smoothed by a running median.

    Args:
        log: With a series of gradient norms (L2 for plain SGD, L1 for Adam and its kin), or that series.
        steps: Length of the new schedule, in updates; None is that of the run.
        smoothing: Width of the median, as a share of the run, in [0, 1].
        power: $p$: 2 for SGD and L2 norms, 1 for Adam and L1 norms.
        points: At most so many points in the table, straight lines in between.
        base: The peak of the new schedule: its text is then `rate(base * …)`, which trains at these rates whatever the optimizer's own is.
            None gives factors, of whatever base they are pasted beside.

    Raises:
        GlidepathError: If there are no such norms, too few, or an argument breaks its rule.

    Source:
        Defazio et al. 2023, theorem 3 and algorithm 1, https://arxiv.org/abs/2310.07831

    Examples:
        >>> schedule = refine(Log.of(gradient_norm=[2.0] * 101))
        >>> [round(schedule(t), 6) for t in (0, 50, 100)]
        [1.0, 0.5, 0.0]
    """
    series = log.get("gradient_norm") if isinstance(log, Log) else log
    if series is None:
        raise GlidepathError.worded("refine", "log", "one with gradient norms", "none", "log the norm before clipping")
    clean = series.last_pass().finite()
    if len(clean) < 10 or (clean.values <= 0).any():
        raise GlidepathError.of("refine", "gradient norms", "at least 10, all above 0", f"{len(clean)} finite ones")
    # Each norm stands for the stretch of updates up to the next.
    weights = _median(clean.values, smoothing) ** -float(power)
    stretch = np.diff(np.append(clean.steps, 2 * clean.steps[-1] - clean.steps[-2]))
    values = weights * rest_of(weights * stretch)
    values = values / values.max()
    last = steps if steps is not None else int(clean.steps[-1] - clean.steps[0])
    where = (clean.steps - clean.steps[0]) / (clean.steps[-1] - clean.steps[0])
    at = np.unique(np.round(np.linspace(0, last, min(points, last + 1)))).astype(int)
    table = np.interp(at / max(last, 1), where, values)
    made = Table(tuple(int(t) for t in at), tuple(float(v) for v in table))
    return made if base is None else Rate(base * made)


def _median(values: Array, share: float) -> Array:
    """Returns the running median over a share of all points; at the ends the series is mirrored."""
    half = int(share * len(values)) // 2
    if half == 0:
        return values
    padded = np.pad(values, half, mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
