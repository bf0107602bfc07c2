"""A comparison as one HTML file that needs nothing else: no network, no script, light and dark, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from ...view.page import page
from ..records.runs import Record
from . import figures
from .comparison import Comparison, ScheduleResult, TaskResult
from .table import cells, headings
from .verdict import caveats, headline, verdict

__all__ = ["excerpt", "report", "style"]

_SURFACE = (
    "The first seed's runs once more: lines of equal validation loss in the plane of the two directions in which their weights moved "
    "most. A square is the end of a run. What lies off the plane is not seen."
)


def style() -> str:
    """The style of the lab's pages."""
    return resources.files("glidepath.lab.report").joinpath("report.css").read_text(encoding="utf-8")


def report(comparison: Comparison, records: Mapping[str, Record], surfaces: Mapping[str, str] | None = None) -> str:
    """The whole page.

    Args:
        comparison: What to report.
        records: The records of its runs, by hash.
        surfaces: Pictures of the loss around the paths, by task, where they were drawn.

    Returns:
        HTML. Every text that came from outside is escaped; nothing in it loads anything.

    Raises:
        KeyError: If a run of the comparison has no record.
    """
    names = ", ".join(result.task.name for result in comparison.tasks)
    sections = "\n".join(
        _task(result, comparison, records, surfaces or {}, at) for at, result in enumerate(comparison.tasks)
    )
    return page(
        "report.html",
        "glidepath.lab.report",
        names=escape(names),
        style=style(),
        extent=escape(_extent(comparison)),
        glance="".join(f"<li>{_glance(result, comparison.baseline)}</li>" for result in comparison.tasks),
        sections=sections,
        caveats=_items(caveats(comparison)),
        command=escape(comparison.command),
    )


def excerpt(comparison: Comparison) -> str:
    """Returns what leads the report, as markup for a notebook: for each task a sentence, a picture and the table.

    Args:
        comparison: What to show.
    """
    colours = "".join(re.findall(r"--s\d: #\w+;", style().partition("@media")[0]))
    looks = "--ink:currentColor;--soft:currentColor;--grid:#8886;--paper:transparent;--face:inherit"
    parts = "".join(
        f"<div>{_glance(result, comparison.baseline)}{_table(result, comparison.baseline)}</div>"
        for result in comparison.tasks
    )
    parts = parts.replace("<figure>", '<figure style="margin:0">')
    return f'<div style="{colours}{looks};max-width:760px">{parts}</div>'


_RANKED = (
    "On test data at the end, best mean first: mean over seeds and its 95 % interval; the dotted line is {baseline}. "
    "Intervals that overlap may still differ seed by seed: below."
)


def _extent(comparison: Comparison) -> str:
    schedules = len(comparison.tasks[0].schedules)
    rows = [row for result in comparison.tasks for row in result.schedules]
    runs = sum(len(row.runs) * (len(row.rates.trials) if row.rates else 1) for row in rows)
    shared = all(result.peak_rate is not None for result in comparison.tasks)
    seconds = sum(result.cpu_seconds for result in comparison.tasks)
    return (
        f"{_counted(schedules, 'schedule')}, {_counted(len(comparison.seeds), 'seed')}, "
        f"{_counted(len(comparison.tasks), 'task')}: {_counted(runs, 'network')} trained in {seconds:.0f} s of "
        "processor time. "
        + ("One shared peak rate a task." if shared else "The peak rate of each chosen on validation data.")
    )


def _glance(result: TaskResult, baseline: str) -> str:
    """What a reader sees first of a task: one plain sentence and one picture, the schedules by their means with their intervals."""
    picture = _figure(figures.ranked_figure(result, baseline), _RANKED.format(baseline=baseline))
    return f"<p><b>{escape(result.task.name)}</b>: {escape(headline(result, baseline))}</p>{picture}"


def _task(
    result: TaskResult, comparison: Comparison, records: Mapping[str, Record], surfaces: Mapping[str, str], at: int
) -> str:
    runs = {row.name: [records[run] for run in row.runs] for row in result.schedules}
    metric = result.task.metric
    facts = f"{result.budget} updates a run, minibatches of {result.task.batch}, {_rate(result)}."
    pictures = (
        (figures.rate_figure(runs), "The learning rate that every update used."),
        (figures.metric_figure(runs, metric.name, metric.unit), "On validation data: mean over seeds, 95 % interval."),
        (
            figures.loss_figure(runs),
            (
                "On the minibatches, averaged over fiftieths of the run: mean over seeds, 95 % interval. "
                "A curve stops where a seed diverged."
            ),
        ),
        (figures.outcome_figure(result), "On test data at the end: every seed, their mean and its 95 % interval."),
    )
    differences = (
        figures.difference_figure(result, comparison.baseline),
        (
            f"Paired differences to {comparison.baseline} on test data, 95 % intervals. A filled mark holds after Holm's "
            "correction, an empty one does not."
        ),
    )
    tried = [
        *filter(None, [_tried(result)]),
        *((surfaces[name], _SURFACE) for name in [result.task.name] if name in surfaces),
    ]
    return page(
        "report_task.html",
        "glidepath.lab.report",
        name=escape(result.task.name),
        about=escape(result.task.about),
        facts=escape(facts),
        legend=_legend(result.schedules, at),
        pictures="".join(_figure(*picture) for picture in pictures),
        verdict=_items(verdict(result, comparison.baseline)),
        differences=_figure(*differences),
        tried="".join(_figure(*one) for one in tried),
        table=_table(result, comparison.baseline),
        details=_details(result, comparison.seeds),
    )


def _rate(result: TaskResult) -> str:
    return "each schedule at its own peak rate" if result.peak_rate is None else f"peak rate {result.peak_rate:g}"


def _tried(result: TaskResult) -> tuple[str, str] | None:
    if result.peak_rate is not None:
        return None
    caption = (
        "On validation data at the end, by peak rate: mean over seeds, 95 % interval. A ring marks the rate chosen."
    )
    return figures.tried_figure(result), caption


def _legend(rows: Sequence[ScheduleResult], at: int) -> str:
    """Boxes that show and hide a schedule in all pictures of a task, by style rules alone."""
    boxes = "".join(
        f'<label><input type="checkbox" id="t{at}-{i}" checked><i class="swatch" style="--c:{_colour(i)}"></i>'
        f"{escape(row.name)}</label>"
        for i, row in enumerate(rows)
    )
    rules = "".join(f".task:has(#t{at}-{i}:not(:checked)) .figure .s{i}{{display:none}}" for i, _ in enumerate(rows))
    return f'<style>{rules}</style><div class="legend" role="group" aria-label="Schedules shown">{boxes}</div>'


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(result: TaskResult, baseline: str) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings(result, baseline))
    lines: list[str] = []
    for i, row in enumerate(result.schedules):
        name, *rest = (escape(text) for text in cells(row, result))
        swatch = f'<i class="swatch" style="--c:{_colour(i)}"></i>'
        lines.append(f'<tr><th scope="row">{swatch}{name}</th>{"".join(f"<td>{text}</td>" for text in rest)}</tr>')
    caption = "Means over seeds. An asterisk marks differences that hold after correction."
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _details(result: TaskResult, seeds: Sequence[int]) -> str:
    head = "".join(f'<th scope="col">seed {seed}</th>' for seed in seeds)
    lines = "".join(
        f'<tr><th scope="row">{escape(row.name)}</th>'
        + "".join(f"<td>{'diverged' if value is None else f'{value:.6g}'}</td>" for value in row.values)
        + "</tr>"
        for row in result.schedules
    )
    schedules = "".join(
        f"<dt>{escape(row.name)}</dt>"
        f"<dd><code>{escape(row.text)}</code> <small>{escape(row.fingerprint[:16])}</small></dd>"
        for row in result.schedules
    )
    versions = ", ".join(f"{name} {text}" for name, text in result.versions.items())
    facts = {
        "made with": versions,
        "machine": "; ".join(result.machines),
        "data, sha256": result.data_sha256,
        "processor time": f"{result.cpu_seconds:.1f} s",
    }
    made = "".join(f"<dt>{escape(name)}</dt><dd><code>{escape(text)}</code></dd>" for name, text in facts.items())
    return f"""<details><summary>Every seed, every schedule, versions and hashes</summary>
<div class="scroll"><table><caption>Test {escape(result.task.metric.name)} ({escape(result.task.metric.unit)})</caption>
<thead><tr><th scope="col">schedule</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>
<dl>{schedules}</dl>
<dl>{made}</dl>
</details>"""


def _items(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _colour(i: int) -> str:
    return f"var(--s{i % figures.COLOURS})"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
