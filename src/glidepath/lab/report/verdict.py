"""Plain sentences about a comparison: what the data show, what they do not, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ... import parse
from ...dialects.plateaus import plateau_of
from .comparison import Comparison, ScheduleResult, TaskResult
from .misfit import misfit
from .statistics import Difference, Estimate

__all__ = ["caveats", "flags", "headline", "interval", "number", "shown", "signed", "sized", "spoken", "verdict"]

_LEVEL = 0.05


def shown(difference: Difference) -> bool:
    """Whether a difference holds: its interval leaves zero out and its corrected p-value is below 0.05."""
    low, high, p = difference.estimate.low, difference.estimate.high, difference.p_holm
    return low is not None and high is not None and p is not None and (low > 0.0 or high < 0.0) and p < _LEVEL


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


def sized(one: Estimate, unit: str, told: str = "") -> str:
    """A difference, with its unit if it is to be told, and its interval in brackets; of one seed the difference alone."""
    mean = f"{signed(one.mean, unit)} {told}".rstrip()
    return mean if one.low is None else f"{mean} ({interval(one, unit)})"


def headline(result: TaskResult, baseline: str) -> str:
    """What one sentence can say of a task: the largest gain that holds, or that none does.

    Args:
        result: The task's part of a comparison.
        baseline: Name of the schedule that the others are compared to.

    Returns:
        Plain text, not escaped.
    """
    metric = result.task.metric
    sign = 1.0 if metric.direction == "lower" else -1.0
    base = next(row for row in result.schedules if row.name == baseline)
    others = [row for row in result.schedules if row is not base]
    if base.test is None:
        return f"{_diverged_everywhere(base)[:-1]}: nothing can be compared to it."
    reached = f"{metric.name} {number(base.test.mean, metric.unit)}{_unit(metric.unit)} with {baseline}"
    whole = [(sign * row.test.mean, row) for row in others if row.test is not None and not row.diverged]
    if len(base.values) == 1:
        best = min(whole, key=lambda pair: pair[0], default=None)
        own = "" if best is None else f", {number(sign * best[0], metric.unit)} with {best[1].name} at best"
        return f"One seed, {reached}{own}: no interval, no claim."
    held = [row for row in others if row.to_baseline is not None and shown(row.to_baseline)]
    better = [(value, row) for value, row in whole if row in held and value < sign * base.test.mean]
    worse = len(held) - len(better)
    if not better:
        rest = f"; {worse} ended worse" if worse else ""
        return f"The data do not show that any of {len(others)} ended better than {baseline}: {reached}{rest}."
    value, best = min(better, key=lambda pair: pair[0])
    gain = f"{best.name} reached {metric.name} {number(sign * value, metric.unit)}{_unit(metric.unit)}"
    against = f"against {number(base.test.mean, metric.unit)}{_unit(metric.unit)} with {baseline}"
    if len(others) == 1:
        return f"{gain} {against}, a difference that holds."
    rest = f" and {worse} worse" if worse else ""
    return f"{gain} {against}, the largest gain that holds; {len(better)} of {len(others)} ended better{rest}."


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def verdict(result: TaskResult, baseline: str) -> list[str]:
    """What the data of one task show and do not show, a sentence a finding.

    Args:
        result: The task's part of a comparison.
        baseline: Name of the schedule that the others are compared to.

    Returns:
        Plain text, not escaped.
    """
    sentences = [_lost(row) for row in result.schedules if row.name == baseline and row.diverged]
    sentences += [_against(row, result, baseline) for row in result.schedules if row.name != baseline]
    sentences += [_shape(row, result, baseline) for row in result.schedules if row.to_baseline and row.at_shared]
    sentences += [_order(result)] if result.runner_up else []
    sentences += [_resolution(result)] if _half_widths(result) else []
    return sentences + flags(result)


def flags(result: TaskResult) -> list[str]:
    """What speaks against the figures of one task, a sentence a flag.

    Schedules longer or shorter than the run, rates at the edge of their grid, too few seeds.

    Args:
        result: The task's part of a comparison.
    """
    written = [row for row in result.schedules if plateau_of(row.text) is None]
    lengths = [misfit(row.name, parse(row.text), result.budget) for row in written]
    sentences = [f"{sentence}." for sentence in lengths if sentence]
    edges = [
        f"{row.name} ({row.peak_rate:g}, the {row.rates.edge})"
        for row in result.schedules
        if row.rates and row.rates.edge
    ]
    if edges:
        sentences.append(
            f"Best peak rate at the edge of the grid: {', '.join(edges)}. A better one may lie outside, which would favour "
            "these schedules: run again with a wider grid."
        )
    few: list[str] = []
    for row in result.schedules:
        one = row.to_baseline
        if (
            one is not None
            and one.p is not None
            and not shown(one)
            and (one.seeds_needed is None or one.seeds_needed > one.estimate.count)
        ):
            few.append(f"{row.name} (about {one.seeds_needed})" if one.seeds_needed else f"{row.name} (more than 1000)")
    if few:
        sentences.append(
            "Too few seeds to show differences of the size seen; seeds that would show one nine times in ten: "
            + ", ".join(few)
            + "."
        )
    return sentences


def caveats(comparison: Comparison) -> list[str]:
    """Under which conditions the sentences of `verdict` hold, and what would be needed to say more.

    Args:
        comparison: The whole comparison.

    Returns:
        Plain text, not escaped.
    """
    count = len(comparison.seeds)
    shared = [result for result in comparison.tasks if result.peak_rate is not None]
    rates = ", ".join(f"{result.peak_rate:g} on {result.task.name}" for result in shared)
    tried = comparison.tasks[0].schedules[0].rates
    sentences = [
        (
            "Each schedule got its own peak rate: of "
            + ", ".join(f"{one.peak_rate:g}" for one in tried.trials)
            + " the one with the best mean metric on validation data. The figures are on test data, which that choice did not see."
        )
        if tried is not None
        else (
            f"All schedules of a task used one shared peak rate ({rates}). Schedules differ in the rate that suits "
            "them best, so any of them could look better or worse at its own best rate: this compares schedules at these "
            "rates, not at their best, and a shape's effect is not told apart from its rate's. Several rates (-r 0.03 -r 0.1 -r 0.3) "
            "give each its own."
        ),
        (
            "Every figure is measured once, on test data, with the weights after the last update; no run and no step "
            "was picked."
        ),
    ]
    if count == 1:
        sentences.append("With one seed there is no interval, and nothing can be said about differences.")
    else:
        sentences.append(
            f"Intervals are 95 % t-intervals over {count} seeds. Each seed fixes initial weights and minibatch order "
            "for all schedules, and differences are taken seed by seed. P-values are corrected by Holm's method within "
            "a task."
        )
    if any(row.rank is not None for result in comparison.tasks for row in result.schedules):
        sentences.append("A rank of 2 to 4 says that the data leave any place from second best to fourth open.")
    if 1 < count < 5:
        sentences.append(f"{count} seeds are few: an interval from them is wide and leans on normality.")
    for result in comparison.tasks:
        mixed = [name for name, text in result.versions.items() if " and " in text]
        if mixed:
            sentences.append(f"Records of {result.task.name} were made with different versions of {', '.join(mixed)}.")
    return sentences


def _lost(row: ScheduleResult) -> str:
    """What divergence left of the baseline."""
    if row.test is None:
        return _diverged_everywhere(row)
    return f"{row.name}, the baseline, diverged on {len(row.diverged)} of {len(row.values)} seeds; its mean covers only the others."


def _diverged_everywhere(row: ScheduleResult) -> str:
    return f"{row.name} diverged on every seed at {'every' if row.rates else 'this'} peak rate."


def _against(row: ScheduleResult, result: TaskResult, baseline: str) -> str:
    metric, seeds = result.task.metric, len(row.values)
    if row.test is None:
        return _diverged_everywhere(row)
    if row.diverged:
        return (
            f"{row.name} diverged on {len(row.diverged)} of {seeds} seeds; its mean covers only the others, "
            "which are the lucky ones, so no difference is claimed."
        )
    difference = row.to_baseline
    if difference is None:
        return f"{baseline} lost seeds to divergence, so {row.name} cannot be compared to it seed by seed."
    of_mean = difference.estimate
    amount = f"{signed(of_mean.mean, metric.unit)} {spoken(metric.unit)}"
    if of_mean.low is None or of_mean.high is None or difference.p_holm is None:
        return f"{row.name}: {metric.name} {amount} to {baseline} on the one seed run: no interval, no claim."
    measured = f"{metric.name} {amount}, 95 % interval {interval(of_mean, metric.unit)}"
    p = "p < 0.001" if difference.p_holm < 0.001 else f"p = {difference.p_holm:.3f}"
    if shown(difference):
        side, count = ("lower", difference.lower_on) if of_mean.mean < 0 else ("higher", difference.higher_on)
        good = "better" if side == metric.direction else "worse"
        return f"{row.name} ended {good} than {baseline}: {measured}, {p}, {side} on {count} of {seeds} seeds."
    if of_mean.low > 0.0 or of_mean.high < 0.0:
        return (
            f"{row.name} against {baseline} is a hint, not a finding: {measured}, which leaves zero out; "
            f"corrected for the number of comparisons, {p}."
        )
    return f"The data do not show a difference between {row.name} and {baseline}: {measured}, which contains zero."


def _shape(row: ScheduleResult, result: TaskResult, baseline: str) -> str:
    """What a schedule's shape makes, told apart from what its rate makes."""
    assert row.to_baseline is not None  # noqa: S101 - the caller looked
    assert row.at_shared is not None  # noqa: S101 - the caller looked
    unit = result.task.metric.unit
    other = next(one.peak_rate for one in result.schedules if one.name == baseline)
    own, shared = (f"{signed(one.estimate.mean, unit)} {spoken(unit)}" for one in (row.to_baseline, row.at_shared))
    return (
        f"The shape of {row.name} makes {own}, each at its own best rate ({row.peak_rate:g}, {other:g}); at {other:g} for both it would "
        f"have looked like {shared} ({interval(row.at_shared.estimate, unit)})."
    )


def _order(result: TaskResult) -> str:
    assert result.runner_up is not None  # noqa: S101 - the caller looked
    first, second, difference = result.runner_up
    one, unit = difference.estimate, result.task.metric.unit
    gap = f"{first} and {second} have the best two means"
    if one.low is None or one.high is None:
        return f"{gap}; one seed cannot order them."
    gap += f"; their difference is {signed(one.mean, unit)} {spoken(unit)}, 95 % interval {interval(one, unit)}"
    if one.low > 0.0 or one.high < 0.0:
        return (
            f"{gap}. That leaves zero out, but the pair was picked by looking at these very means: "
            "only new seeds could confirm the order."
        )
    return f"{gap}. That contains zero: these data do not say which of the two is better."


def _resolution(result: TaskResult) -> str:
    unit, seeds = result.task.metric.unit, len(result.schedules[0].values)
    half = number(median(_half_widths(result)), unit)
    return (
        f"With {seeds} seeds the intervals here reach about ±{half} {spoken(unit)}: "
        "smaller differences cannot be seen, whether or not they exist."
    )


def _half_widths(result: TaskResult) -> Sequence[float]:
    differences = [row.to_baseline.estimate for row in result.schedules if row.to_baseline is not None]
    return [(one.high - one.low) / 2 for one in differences if one.high is not None and one.low is not None]


def spoken(unit: str) -> str:
    """The unit of a difference."""
    return "percentage points" if unit == "%" else unit
