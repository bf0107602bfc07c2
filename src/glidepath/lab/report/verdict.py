"""Plain sentences about a comparison: what the data show, what they do not, and under which conditions."""

from __future__ import annotations

import math
from statistics import median

from ... import parse
from ...dialects.plateaus import plateau_of
from ..tasks.schedules import misfit
from .comparison import Comparison, ScheduleResult, TaskResult
from .statistics import Estimate, PairedDifference
from .verdict_strings import SAID


def shown(difference: PairedDifference) -> bool:
    """Whether a difference holds: its interval leaves zero out and its corrected p-value is below 0.05."""
    return _leaves_zero_out(difference.estimate) and difference.p_holm is not None and difference.p_holm < 0.05


def number(value: float, unit: str) -> str:
    """A metric's value or difference for the eye: one decimal for percentages, three for anything else.

    Examples:
        >>> number(34.52, "%"), number(1.66031, "nats per character")
        ('34.5', '1.660')
    """
    return f"{value:.1f}" if unit == "%" else f"{value:.3f}"


def signed(value: float, unit: str) -> str:
    """A difference with its sign; what rounds to nothing has none.

    Examples:
        >>> signed(-0.4, "%"), signed(0.0001, "nats")
        ('−0.4', '0.000')
    """
    text = number(abs(value), unit)
    return text if float(text) == 0.0 else f"{'−' if value < 0 else '+'}{text}"


def interval(one: Estimate, unit: str) -> str:
    """The 95 % interval of a difference; a dash for one seed."""
    return "–" if one.low is None or one.high is None else f"{signed(one.low, unit)} to {signed(one.high, unit)}"


def spread(one: Estimate, unit: str) -> str:
    """The 95 % interval of a mean; a dash for one seed."""
    return "–" if one.low is None or one.high is None else f"{number(one.low, unit)} to {number(one.high, unit)}"


def sized(one: Estimate, unit: str, told: str = "") -> str:
    """A difference, with its unit if it is to be told, and its interval in brackets; of one seed the difference alone."""
    mean = f"{signed(one.mean, unit)} {told}".rstrip()
    return mean if one.low is None else f"{mean} ({interval(one, unit)})"


def spoken(unit: str) -> str:
    """The unit of a difference."""
    return "percentage points" if unit == "%" else unit


def _said(key: str, **facts: object) -> str:
    return SAID[key].format(**facts)


def headline(result: TaskResult, baseline: str) -> str:
    """What one sentence can say of a task: the largest gain that holds, or that none does.

    Args:
        result: The task's part of a comparison.
        baseline: Name of the schedule that the others are compared to.

    Returns:
        Plain text, not escaped.
    """
    metric, sign = result.task.metric, 1.0 if result.task.metric.direction == "lower" else -1.0
    base = next(row for row in result.schedules if row.name == baseline)
    others = [row for row in result.schedules if row is not base]
    if base.test is None:
        return _said("nothing", lost=_everywhere(base)[:-1])

    def valued(value: float) -> str:
        return f"{number(value, metric.unit)} {metric.unit}".rstrip()

    facts: dict[str, object] = {"baseline": baseline, "metric": metric.name, "base": valued(base.test.mean)}
    facts |= {"reached": f"{metric.name} {valued(base.test.mean)} with {baseline}", "others": len(others)}
    whole = [(sign * row.test.mean, at) for at, row in enumerate(others) if row.test is not None and not row.diverged]
    if len(base.values) == 1:
        best = [(number(sign * value, metric.unit), others[at].name) for value, at in sorted(whole)[:1]]
        own = "".join(_said("own", value=value, name=name) for value, name in best)
        return _said("one seed", own=own, **facts)
    held = [row for row in others if row.to_baseline is not None and shown(row.to_baseline)]
    better = [(value, at) for value, at in whole if others[at] in held and value < sign * base.test.mean]
    worse = len(held) - len(better)
    if not better:
        return _said("none better", worse=_said("ended worse", worse=worse) if worse else "", **facts)
    value, at = min(better)
    facts |= {"name": others[at].name, "value": valued(sign * value), "better": len(better)}
    return _said("better" if len(others) == 1 else "largest", worse=f" and {worse} worse" if worse else "", **facts)


def verdict(result: TaskResult, baseline: str) -> list[str]:
    """What the data of one task show and do not show, a sentence a finding.

    Args:
        result: The task's part of a comparison.
        baseline: Name of the schedule that the others are compared to.

    Returns:
        Plain text, not escaped.
    """
    base = next(row for row in result.schedules if row.name == baseline)
    others, unit = [row for row in result.schedules if row is not base], result.task.metric.unit
    sentences: list[str] = []
    if base.diverged:
        lost = {"name": baseline, "lost": len(base.diverged), "seeds": len(base.values)}
        sentences.append(_everywhere(base) if base.test is None else _said("baseline lost", **lost))
    sentences += [_against(row, result, baseline) for row in others]
    for row in others:
        if row.to_baseline and row.at_shared:
            own, shared = (
                f"{signed(one.estimate.mean, unit)} {spoken(unit)}" for one in (row.to_baseline, row.at_shared)
            )
            rates = {"rate": row.peak_rate, "other": base.peak_rate}
            wide = interval(row.at_shared.estimate, unit)
            sentences.append(_said("shape", name=row.name, own=own, shared=shared, interval=wide, **rates))
    if result.runner_up:
        first, second, difference = result.runner_up
        one = difference.estimate
        key = "unordered" if one.low is None or one.high is None else "picked" if _leaves_zero_out(one) else "open"
        gap = f"{signed(one.mean, unit)} {spoken(unit)}"
        sentences.append(_said(key, first=first, second=second, gap=gap, interval=interval(one, unit)))
    gaps = [row.to_baseline.estimate for row in result.schedules if row.to_baseline is not None]
    if halves := [(one.high - one.low) / 2 for one in gaps if one.high is not None and one.low is not None]:
        half = number(median(halves), unit)
        sentences.append(_said("resolution", seeds=len(base.values), half=half, unit=spoken(unit)))
    return sentences + flags(result)


def flags(result: TaskResult) -> list[str]:
    """What speaks against the figures of one task, a sentence a flag.

    Schedules longer or shorter than the run, rates at the edge of their grid, too few seeds.

    Args:
        result: The task's part of a comparison.
    """
    rows = result.schedules
    written = [row for row in rows if plateau_of(row.text) is None]
    sentences = [f"{told}." for row in written if (told := misfit(row.name, parse(row.text), result.budget))]
    edges = [f"{row.name} ({row.peak_rate:g}, the {row.rates.edge})" for row in rows if row.rates and row.rates.edge]
    unshown = [(row.name, one) for row in rows if (one := row.to_baseline) and one.p is not None and not shown(one)]
    needed = [(name, one.seeds_needed or math.inf, one.estimate.count) for name, one in unshown]
    few = [f"{name} ({'more than 1000' if n == math.inf else f'about {n}'})" for name, n, count in needed if n > count]
    sentences += [_said("edge", edges=", ".join(edges))] if edges else []
    return sentences + ([_said("few seeds", few=", ".join(few))] if few else [])


def caveats(comparison: Comparison) -> list[str]:
    """Under which conditions the sentences of `verdict` hold, and what would be needed to say more.

    Args:
        comparison: The whole comparison.

    Returns:
        Plain text, not escaped.
    """
    count, tasks = len(comparison.seeds), comparison.tasks
    rates = ", ".join(f"{one.peak_rate:g} on {one.task.name}" for one in tasks if one.peak_rate is not None)
    tried = tasks[0].schedules[0].rates
    told = ", ".join(f"{one.peak_rate:g}" for one in tried.trials) if tried else ""
    sentences = [_said("own rates", tried=told) if tried else _said("shared rate", rates=rates), _said("once")]
    sentences.append(_said("of one") if count == 1 else _said("intervals", count=count))
    if any(row.rank is not None for result in tasks for row in result.schedules):
        sentences.append(_said("ranks"))
    if 1 < count < 5:
        sentences.append(_said("few", count=count))
    for result in tasks:
        mixed = [name for name, text in result.versions.items() if " and " in text]
        sentences += [_said("mixed", task=result.task.name, mixed=", ".join(mixed))] if mixed else []
    return sentences


def _everywhere(row: ScheduleResult) -> str:
    return _said("everywhere", name=row.name, which="every" if row.rates else "this")


def _leaves_zero_out(one: Estimate) -> bool:
    return one.low is not None and one.high is not None and (one.low > 0.0 or one.high < 0.0)


def _against(row: ScheduleResult, result: TaskResult, baseline: str) -> str:
    metric, difference = result.task.metric, row.to_baseline
    if row.test is None:
        return _everywhere(row)
    facts: dict[str, object] = {"name": row.name, "baseline": baseline, "metric": metric.name}
    facts |= {"lost": len(row.diverged), "seeds": len(row.values)}
    if difference is None:
        return _said("lost" if row.diverged else "alone", **facts)
    one, p = difference.estimate, difference.p_holm
    amount = f"{signed(one.mean, metric.unit)} {spoken(metric.unit)}"
    if p is None:
        return _said("no interval", amount=amount, **facts)
    side, count = ("lower", difference.lower_on) if one.mean < 0 else ("higher", difference.higher_on)
    facts |= {"measured": f"{metric.name} {amount}, 95 % interval {interval(one, metric.unit)}", "side": side}
    facts |= {"p": "p < 0.001" if p < 0.001 else f"p = {p:.3f}", "count": count}
    facts |= {"good": "better" if side == metric.direction else "worse"}
    return _said("shown" if shown(difference) else "hint" if _leaves_zero_out(one) else "not shown", **facts)
