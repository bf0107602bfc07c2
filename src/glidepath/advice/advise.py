"""Advice from a training log: the rules put together."""

from __future__ import annotations

import os
from functools import cache

import numpy as np

from ..core import GlidepathError, Schedule
from ..core.fields import number
from ..logs.log import Log
from .audit import rate_findings
from .finding import Advice, Finding
from .fit import Fit, fit, opened
from .losses import Followed, loss_findings


def advise(
    log: Log | str | os.PathLike[str],
    *,
    plan: Schedule | str | None = None,
    base: float | None = None,
    complete: bool | None = None,
    step: str | None = None,
    rate: str | None = None,
    loss: str | None = None,
    run: str | None = None,
) -> Advice:
    """Says what a training log shows to be wrong, each with evidence and a remedy; "nothing wrong seen" is an answer.

    Losses: not finite, diverging, unstable at the start, falling slowly, a plateau without gradients, stalling or oscillating late, a
    fine-tuning that forgets. Rates: stepped more than once with an update, stepped with the epochs, a jump or a standstill after a resume,
    another base or schedule, a floor or a peak never reached.

    Args:
        log: A log, or where to read one.
        plan: The schedule that the run should have followed, as a factor; None is what the log itself says, if it does.
        base: Its base rate; None is what the log says, or what fits best.
        complete: Whether the run is over; None is what the log says. What a run has not come to yet is no finding.
        step: The column that counts, where a path is given; so are the next ones.
        rate: The column of the rate.
        loss: The column of the training loss.
        run: Whose columns, in a file of several runs.

    Raises:
        GlidepathError: If the log cannot be read, or an argument is refused.

    Examples:
        >>> print(advise(Log.of(loss=[2.0 * 0.99**t + 0.3 for t in range(300)])))
        nothing wrong seen (looked at 300 losses)
        >>> advise(Log.of(loss=[2.0, 1.9, float("nan")])).findings[0].name
        'not finite'
    """
    log = opened("advise", log, step=step, rate=rate, loss=loss, run=run)
    if not isinstance(log, Log):
        raise GlidepathError.of("advise", "log", "a log or a path", log)
    plain = number(base) if base is not None else 1.0
    if plain is None or not plain > 0:
        raise GlidepathError.of("advise", "base", "a rate above 0", base)
    planned = Schedule.of(plan) if plan is not None else log.planned
    base = float(base) if base is not None else log.base if plan is None else None
    if planned is not None and planned.absolute and base is None:
        base = 1.0
    complete = log.complete if complete is None else complete
    findings: list[Finding] = []
    looked: list[str] = []
    unjudged: list[str] = []
    followed = Followed(planned, base)
    rates = log.get("rate")
    if rates is not None:
        looked.append(f"{len(rates)} rates" + (" against the plan" if planned is not None else ""))
        fitted = cache(lambda: fit(log))
        findings += rate_findings(rates, planned, base, fitted, complete)
        found = fitted() if planned is None else None
        if planned is None and isinstance(found, Fit):
            followed = Followed(found.schedule, found.base)
        elif planned is None:
            followed = Followed(None, float(np.nanmax(rates.values)))
    if log.get("loss") is not None:
        looked.append(f"{len(log.series['loss'])} losses")
        said = list(loss_findings(log, followed, complete, not findings))
        unjudged += [each for each in said if isinstance(each, str)]
        findings += [each for each in said if not isinstance(each, str)]
    if log.get("gradient_norm") is not None:
        looked.append("gradient norms")
    if complete is False:
        unjudged.append("what the run has not come to yet: it is not over")
    return Advice(
        tuple(sorted(findings, key=lambda each: -each.confidence)), tuple(looked), log.source, tuple(unjudged)
    )
