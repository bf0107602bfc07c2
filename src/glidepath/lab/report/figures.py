"""The pictures of a report: SVG that takes its colours and its typeface from the page it stands in.

Matplotlib draws with stand-in colours; afterwards each becomes a CSS variable: one picture serves light and dark.
Every mark of schedule number i carries the class `s<i>`, by which the page shows and hides schedules.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from itertools import pairwise
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from ...view.fonts import as_said, lettered, short
from ..records.runs import Record
from .comparison import ScheduleResult, TaskResult
from .statistics import Estimate
from .surface import Surface
from .verdict import number, shown

# Number of colours that the page must define as `--s0`, `--s1`, …; more schedules use them again.
COLOURS = 8

_INK, _SOFT, _GRID, _PAPER = "#0a0c00", "#0a0c01", "#0a0c02", "#0a0c03"
_VARIABLES = {_INK: "var(--ink)", _SOFT: "var(--soft)", _GRID: "var(--grid)", _PAPER: "var(--paper)"}
_STYLE: dict[str, Any] = dict.fromkeys(("axes.edgecolor", "grid.color", "xtick.color", "ytick.color"), _GRID)
_STYLE.update(dict.fromkeys(("axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _SOFT))
_STYLE.update(dict.fromkeys(("axes.titlecolor", "text.color"), _INK) | {"font.size": 11, "grid.linewidth": 0.7})
_STYLE.update(
    dict.fromkeys(("axes.spines.top", "axes.spines.right", "text.parse_math", "axes.formatter.useoffset"), False)
)
_STYLE.update(dict.fromkeys(("axes.grid", "axes.axisbelow"), True) | {"lines.solid_capstyle": "round"})
_STYLE.update({"svg.fonttype": "none", "svg.hashsalt": "glidepath"})
_DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (8, 2, 2, 2)))
_SIZE = (6.4, 3.7)
_LONGEST_NAME = 31

Records = Mapping[str, Sequence[Record]]
Curve = npt.NDArray[np.float64]


def comparison_figures(result: TaskResult, records: Records, baseline: str) -> list[tuple[str, str]]:
    """The pictures of a task, each an `<svg>` element and its caption: rates, validation, losses, differences to the baseline.

    Args:
        result: The task's part of a comparison.
        records: The schedules by name, each with one record a seed.
        baseline: Name of the schedule that the others are compared to.
    """
    metric = result.task.metric
    validation = f"validation {metric.name} ({metric.unit})"
    validated = [_validated(row) for row in records.values()]
    losses = [_losses(row, result.budget) for row in records.values()]
    averaged = "On the minibatches, averaged over fiftieths of the run: mean over seeds, 95 % interval. A curve stops where a seed diverged."
    filled = "A filled mark holds after Holm's correction, an empty one does not."
    return [
        (_rates(records), "The learning rate that every update used."),
        (_bands(validated, validation, result.budget), "On validation data: mean over seeds, 95 % interval."),
        (_bands(losses, "training loss (nats)", result.budget), averaged),
        (_differences(result, baseline), f"Paired differences to {baseline} on test data, 95 % intervals. {filled}"),
    ]


def _rates(records: Records) -> str:
    """Learning rate by update, as recorded at every update."""
    with _drawn() as (figure, axes):
        for i, row in enumerate(records.values()):
            longest = max(row, key=lambda record: record.updates)
            axes.plot(np.arange(len(longest.rates)) * longest.stride, longest.rates, **_line(i))
        axes.set_ylim(bottom=0)
        axes.set(xlabel="updates", ylabel="learning rate")
        return _svg(figure, "Learning rate by update")


def _validated(row: Sequence[Record]) -> tuple[Curve, list[Curve]]:
    """Validation metric by update, a curve a seed."""
    pairs = [[(one.updates, one.metric) for one in record.evaluations if one.metric is not None] for record in row]
    length = min(map(len, pairs))
    cut = [np.array(one[:length], dtype=np.float64).reshape(length, 2) for one in pairs]
    return cut[0][:, 0], [one[:, 1] for one in cut]


def _losses(row: Sequence[Record], budget: int) -> tuple[Curve, list[Curve]]:
    """Training loss by update, averaged over fiftieths of the run, a curve a seed, as far as all were finite."""
    edges = np.unique(np.linspace(0, budget, min(50, budget) + 1).round().astype(int))
    means: list[Curve] = []
    for record in row:
        losses = np.array([np.nan if loss is None else loss for loss in record.losses], dtype=np.float64)
        each = np.repeat(losses, record.stride)[: record.updates]
        finite = len(each) if record.diverged_at is None else min(record.diverged_at, len(each))
        means.append(np.array([each[a:b].mean() for a, b in pairwise(edges[edges <= finite])], dtype=np.float64))
    length = min(map(len, means))
    return (edges[:length] + edges[1 : length + 1]) / 2, [one[:length] for one in means]


def _differences(result: TaskResult, baseline: str) -> str:
    """Paired differences to the baseline, with 95 % intervals; a filled mark holds after correction, an empty one not."""
    metric = result.task.metric
    with _drawn(result.schedules) as (figure, axes):
        axes.axvline(0.0, color=_SOFT, linewidth=1.2)
        for i, row in enumerate(result.schedules):
            if row.to_baseline is not None:
                _interval(axes, row.to_baseline.estimate, i, i, filled=shown(row.to_baseline))
        axes.set_xlabel(f"difference to {short(baseline, _LONGEST_NAME)}, {metric.direction} is better")
        return _svg(figure, f"Difference in test {metric.name} to {baseline}, for every schedule")


def ranked_figure(result: TaskResult, baseline: str) -> str:
    """Test metric of every schedule, best mean first: every seed, mean and 95 % interval, with a line through the baseline's mean.

    Schedules that diverged on every seed stand at the end without a mark.

    Args:
        result: The task's part of a comparison.
        baseline: Name of the schedule that the others are compared to.

    Returns:
        An `<svg>` element.
    """
    metric = result.task.metric
    sign = 1.0 if metric.direction == "lower" else -1.0
    rows = list(enumerate(result.schedules))
    rows.sort(key=lambda pair: np.inf if pair[1].test is None else sign * pair[1].test.mean)
    with _drawn([row for _, row in rows]) as (figure, axes):
        for place, (i, row) in enumerate(rows):
            if row.test is None:
                continue
            values = [value for value in row.values if value is not None]
            axes.scatter(values, [place + 0.25] * len(values), s=16, alpha=0.6, linewidths=0, **_own(i))
            _interval(axes, row.test, i, place, filled=not row.diverged)
            end = row.test.mean if row.test.high is None else row.test.high
            text = number(row.test.mean, metric.unit) + (f" ({len(row.diverged)} diverged)" if row.diverged else "")
            axes.annotate(text, (end, place), (8, 0), textcoords="offset points", va="center", color=_INK, gid=f"s{i}")
            if row.name == baseline:
                axes.axvline(row.test.mean, color=_SOFT, linewidth=1.1, linestyle=(0, (3, 3)), zorder=0)
        axes.margins(x=0.14)
        axes.set_xlabel(f"test {metric.name} ({metric.unit}), {metric.direction} is better")
        return _svg(figure, f"Test {metric.name}, best mean first, with 95 % intervals")


def tried_figure(result: TaskResult) -> str:
    """Validation metric by peak rate, for schedules that chose theirs from a grid.

    Args:
        result: The task's part of a comparison.

    Returns:
        An `<svg>` element.
    """
    metric = result.task.metric
    with _drawn() as (figure, axes):
        for i, row in enumerate(result.schedules):
            known = [
                (one.peak_rate, one.validation) for one in (row.rates.trials if row.rates else ()) if one.validation
            ]
            axes.plot([rate for rate, _ in known], [one.mean for _, one in known], **_line(i))
            for rate, one in known:
                if one.low is not None and one.high is not None:
                    axes.plot([rate, rate], [one.low, one.high], alpha=0.5, **_own(i))
                if rate == row.peak_rate:
                    axes.plot([rate], [one.mean], "o", markersize=8, markerfacecolor="none", **_own(i))
        axes.set(xscale="log", xlabel="peak rate", ylabel=f"validation {metric.name} ({metric.unit})")
        return _svg(figure, f"Validation {metric.name} by peak rate")


def surface_figure(made: Surface) -> str:
    """The loss on a plane through weight space as lines of equal loss, each run's path, and its snapshots as numbered rings.

    Args:
        made: What to draw.

    Returns:
        An `<svg>` element.
    """
    with _drawn() as (figure, axes):
        losses = made.losses[np.isfinite(made.losses)]
        levels = np.geomspace(losses.min() * 1.02, losses.max(), 14)
        lines = axes.contour(made.x, made.y, made.losses, levels, colors=_SOFT, linewidths=0.7)
        axes.clabel(lines, levels[::3], fmt="%.2g", fontsize=7.5)
        for path in made.paths.values():
            (x, y), at, own = path.places.T, [*path.snapshots], _own(path.row)
            look: dict[str, Any] = _line(path.row) | {"linewidth": 1.4}
            axes.plot(x, y, **look)
            axes.plot(x[-1:], y[-1:], "s", markersize=5, **own)
            axes.plot(x[at], y[at], "o", markersize=7, markerfacecolor=_PAPER, markeredgewidth=1.6, **own)
            for k, at in enumerate(path.snapshots, 1):
                axes.annotate(str(k), path.places[at], (6, 5), textcoords="offset points", fontsize=9)
        axes.grid(visible=False)
        first, second = (f"{100 * share:.0f} % of the way" for share in made.shares)
        axes.set(xlabel=f"first direction, {first}", ylabel=f"second, {second}")
        return _svg(figure, "Validation loss around the paths of the runs, in the plane of their two main directions")


def _bands(curves: Sequence[tuple[Curve, list[Curve]]], title: str, budget: int) -> str:
    edges: list[float] = []
    with _drawn() as (figure, axes):
        for i, (steps, rows) in enumerate(curves):
            if not len(steps):
                continue
            values = np.stack(rows)
            mean = values.mean(0)
            half = np.zeros_like(mean)
            if len(rows) > 1:
                half = stats.t.ppf(0.975, len(rows) - 1) * values.std(0, ddof=1) / np.sqrt(len(rows))
                axes.fill_between(steps, mean - half, mean + half, alpha=0.16, linewidth=0, **_own(i))
            axes.plot(steps, mean, **_line(i))
            edges += np.concatenate([mean - half, mean + half])[np.tile(steps > 0.1 * budget, 2)].tolist()
        if edges:
            margin = 0.04 * (max(edges) - min(edges)) or 1.0
            axes.set_ylim(min(edges) - margin, max(edges) + margin)
        axes.set(xlabel="updates", ylabel=title)
        return _svg(figure, f"{title} by update, mean over seeds with 95 % interval")


def _interval(axes: Axes, one: Estimate, i: int, at: int, *, filled: bool) -> None:
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [at, at], linewidth=2.2, **_own(i))
    face = _own(i)["color"] if filled else _PAPER
    axes.plot([one.mean], [at], "o", markersize=7, markerfacecolor=face, markeredgewidth=1.8, **_own(i))


def _line(i: int) -> dict[str, Any]:
    return {"linewidth": 1.9, "linestyle": _DASHES[i // COLOURS % len(_DASHES)], **_own(i)}


def _own(i: int) -> dict[str, Any]:
    """What marks a schedule."""
    return {"color": f"#0a0b{i % COLOURS:02x}", "gid": f"s{i}"}


@contextmanager
def _drawn(rows: Sequence[ScheduleResult] = ()) -> Generator[tuple[Figure, Axes]]:
    """A figure of its own, with one line a row, from the top, where there are any: no pyplot, no window, no global state left changed."""
    with mpl.rc_context(cast("Any", _STYLE)):
        size = (_SIZE[0], max(_SIZE[1], 1.0 + 0.36 * len(rows)))
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        axes = figure.subplots()
        if rows:
            axes.set_yticks(range(len(rows)), labels=[short(row.name, _LONGEST_NAME) for row in rows])
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.tick_params(axis="y", labelcolor=_INK, length=0)
        yield figure, axes


def _svg(figure: Figure, title: str) -> str:
    for axes in figure.axes:
        axes.set_facecolor("none")
    out = io.StringIO()
    with as_said(lettered(figure)):
        figure.savefig(out, format="svg", transparent=True)
    return _inlined(out.getvalue(), title)


def _inlined(svg: str, title: str) -> str:
    """The element alone: no prolog, no metadata, no name spaces, no ids that two pictures could share."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    head = f'<svg class="figure" role="img" aria-label="{escape(title)}" viewBox='
    svg = re.sub(r'^<svg[^>]* viewBox=("[^"]+")[^>]*>', lambda found: f"{head}{found[1]}>", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'<g id="(s\d+)">', r'<g class="\1">', svg)
    svg = re.sub(r' id="(?![mpC][0-9a-f_]{8,}")[^"]*"', "", svg)
    svg = re.sub(r"#0a0b([0-9a-f]{2})", lambda found: f"var(--s{int(found.group(1), 16)})", svg)
    for stand_in, variable in _VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--face)", svg)
    own = hashlib.sha256(svg.encode()).hexdigest()[:8]
    return re.sub(r'(\bid="|#)([mpC][0-9a-f_]{8,})', rf"\1f{own}-\2", svg).strip()
