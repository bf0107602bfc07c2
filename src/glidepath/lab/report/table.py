"""A comparison as a plain text table."""

from __future__ import annotations

from ...view.fonts import aligned, columns
from .comparison import Comparison, ScheduleResult, TaskResult
from .verdict import caveats, interval, number, shown, signed, spread, verdict


def table(comparison: Comparison) -> str:
    """Means, intervals, differences and plain sentences, as text of at most about 120 columns.

    Args:
        comparison: What to show.
    """
    parts = [_task(result, comparison.baseline) for result in comparison.tasks]
    remarks = caveats(comparison)
    if any(row.to_baseline and shown(row.to_baseline) for result in comparison.tasks for row in result.schedules):
        remarks = ["An asterisk marks the differences that hold after Holm's correction.", *remarks]
    return "\n\n".join([*parts, "\n".join(f"- {sentence}" for sentence in remarks)]) + "\n"


def headings(result: TaskResult, baseline: str) -> list[str]:
    """The column titles of a task's table."""
    metric = result.task.metric
    rate, five = ["peak rate"] * (result.peak_rate is None), ["top-5 error (%)"] * _five(result)
    test = [f"test {metric.name} ({metric.unit})", "95 % interval"]
    return ["schedule", *rate, *test, *five, "rank", f"to {baseline}", "95 % interval", "p (Holm)"]


def cells(row: ScheduleResult, result: TaskResult) -> list[str]:
    """The texts of one schedule's line: a dash where there is nothing to say.

    Args:
        row: One of the schedules of `result`.
        result: The task's part of a comparison.
    """
    unit = result.task.metric.unit
    name = f"{row.name} ({len(row.diverged)} of {len(row.values)} diverged)" if row.diverged else row.name
    texts = [name, "–", "–", "–", "–", "–", "–"]
    if row.test is not None:
        texts[1:3] = number(row.test.mean, unit), spread(row.test, unit)
    if row.rank is not None:
        texts[3] = f"{row.rank.low:g} to {row.rank.high:g}"
    if row.to_baseline is not None:
        one, p = row.to_baseline.estimate, row.to_baseline.p_holm
        told = "–" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
        texts[4:] = [signed(one.mean, unit), interval(one, unit), told + (" *" if shown(row.to_baseline) else "")]
    if _five(result):
        texts.insert(3, "–" if row.top5 is None else number(row.top5.mean, "%"))
    if result.peak_rate is None:
        edge = f" ({row.rates.edge})" if row.rates and row.rates.edge else ""
        texts.insert(1, f"{row.peak_rate:g}{edge}")
    return texts


def _five(result: TaskResult) -> bool:
    return any(row.top5 is not None for row in result.schedules)


def _task(result: TaskResult, baseline: str) -> str:
    lines = aligned([headings(result, baseline), *(cells(row, result) for row in result.schedules)])
    seeds = len(result.schedules[0].values)
    rate = "each its own peak rate" if result.peak_rate is None else f"peak rate {result.peak_rate:g}"
    title = f"{result.task.name}: {result.budget} updates, {rate}, {seeds} seeds"
    sentences = [f"- {sentence}" for sentence in verdict(result, baseline)]
    title = "\n".join(filter(None, (title, result.task.changed)))
    return "\n".join([title, "", lines[0], "-" * columns(lines[0]), *lines[1:], "", *sentences])
