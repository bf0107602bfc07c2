"""Advice from a training log: the rules put together."""

from __future__ import annotations

import os
from functools import cache

import numpy as np

from ..core import GlidepathError, Schedule, taken
from ..core.fields import Positive
from ..logs import Log
from .audit import rate_finding
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
    base = taken("advise", "base", base, Positive) if base is not None else log.base if plan is None else None
    planned = Schedule.of(plan) if plan is not None else log.planned
    base = 1.0 if base is None and planned is not None and planned.absolute else base
    complete = log.complete if complete is None else complete
    said, looked, followed = list[Finding | str](), list[str](), Followed(planned, base)
    rates, losses = log.get("rate"), log.get("loss")
    if rates is not None:
        looked.append(f"{len(rates)} rates" + (" against the plan" if planned is not None else ""))
        fitted = cache(lambda: fit(log))
        wrong = rate_finding(rates, planned, base, fitted, complete)
        said += [wrong] if wrong is not None else []
        if planned is None:
            found = fitted()
            own = (found.schedule, found.base) if isinstance(found, Fit) else (None, float(np.nanmax(rates.values)))
            followed = Followed(*own)
    if losses is not None:
        looked.append(f"{len(losses)} losses")
        said += loss_findings(log, followed, complete, not said)
    looked += ["gradient norms"] if log.get("gradient_norm") is not None else []
    said += ["what the run has not come to yet: it is not over"] if complete is False else []
    findings = sorted((each for each in said if isinstance(each, Finding)), key=lambda each: -each.confidence)
    unjudged = tuple(each for each in said if isinstance(each, str))
    return Advice(tuple(findings), tuple(looked), log.source, unjudged)
