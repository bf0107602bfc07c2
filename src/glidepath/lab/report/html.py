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
    parts = [_task(result, comparison, records, surfaces or {}, at) for at, result in enumerate(comparison.tasks)]
    return page(
        "report.html",
        "glidepath.lab.report",
        names=escape(names),
        style=style(),
        extent=escape(_extent(comparison)),
        glance="".join(f"<li>{_glance(result, comparison.baseline)}</li>" for result in comparison.tasks),
        sections="\n".join(parts),
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
    base = comparison.baseline
    parts = "".join(f"<div>{_glance(each, base)}{_table(each, base)}</div>" for each in comparison.tasks)
    parts = parts.replace("<figure>", '<figure style="margin:0">')
    return f'<div style="{colours}{looks};max-width:760px">{parts}</div>'


_TRIED = "On validation data at the end, by peak rate: mean over seeds, 95 % interval. A ring marks the rate chosen."
_RANKED = (
    "On test data at the end, best mean first: every seed, their mean and its 95 % interval; the dotted line is {baseline}. "
    "Intervals that overlap may still differ seed by seed: below."
)


def _extent(comparison: Comparison) -> str:
    rows = [row for result in comparison.tasks for row in result.schedules]
    runs = sum(len(row.runs) * (len(row.rates.trials) if row.rates else 1) for row in rows)
    counts = {
        "schedule": len(comparison.tasks[0].schedules),
        "seed": len(comparison.seeds),
        "task": len(comparison.tasks),
    }
    sizes = ", ".join(_counted(count, noun) for noun, count in counts.items())
    seconds = sum(result.cpu_seconds for result in comparison.tasks)
    shared = all(result.peak_rate is not None for result in comparison.tasks)
    rates = "One shared peak rate a task." if shared else "The peak rate of each chosen on validation data."
    return f"{sizes}: {_counted(runs, 'network')} trained in {seconds:.0f} s of processor time. {rates}"


def _glance(result: TaskResult, baseline: str) -> str:
    """What a reader sees first of a task: one plain sentence and one picture, the schedules by their means with their intervals."""
    picture = _figure(figures.ranked_figure(result, baseline), _RANKED.format(baseline=baseline))
    return f"<p><b>{escape(result.task.name)}</b>: {escape(headline(result, baseline))}</p>{picture}"


def _task(
    result: TaskResult, comparison: Comparison, records: Mapping[str, Record], surfaces: Mapping[str, str], at: int
) -> str:
    runs = {row.name: [records[run] for run in row.runs] for row in result.schedules}
    rate = "each schedule at its own peak rate" if result.peak_rate is None else f"peak rate {result.peak_rate:g}"
    *pictures, differences = figures.comparison_figures(result, runs, comparison.baseline)
    more = [(figures.tried_figure(result), _TRIED)] if result.peak_rate is None else []
    more += [(surfaces[result.task.name], _SURFACE)] if result.task.name in surfaces else []
    return page(
        "report_task.html",
        "glidepath.lab.report",
        name=escape(result.task.name),
        about=escape(result.task.about),
        facts=escape(f"{result.budget} updates a run, minibatches of {result.task.batch}, {rate}."),
        legend=_legend(result.schedules, at),
        pictures="".join(_figure(*picture) for picture in pictures),
        verdict=_items(verdict(result, comparison.baseline)),
        differences=_figure(*differences),
        tried="".join(_figure(*one) for one in more),
        table=_table(result, comparison.baseline),
        details=_details(result, comparison.seeds),
    )


def _legend(rows: Sequence[ScheduleResult], at: int) -> str:
    """Boxes that show and hide a schedule in all pictures of a task, by style rules alone."""
    boxes = "".join(
        f'<label><input type="checkbox" id="t{at}-{i}" checked>{_swatch(i)}{escape(row.name)}</label>'
        for i, row in enumerate(rows)
    )
    rules = "".join(f".task:has(#t{at}-{i}:not(:checked)) .figure .s{i}{{display:none}}" for i, _ in enumerate(rows))
    return f'<style>{rules}</style><div class="legend" role="group" aria-label="Schedules shown">{boxes}</div>'


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _grid(caption: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table of texts; the first cell of a row is markup."""
    titles = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    texts = [(name, "".join(f"<td>{escape(text)}</td>" for text in cells)) for name, cells in rows]
    lines = "".join(f'<tr><th scope="row">{name}</th>{cells}</tr>' for name, cells in texts)
    table = f"<caption>{escape(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll"><table>{table}</table></div>'


def _table(result: TaskResult, baseline: str) -> str:
    rows = [(i, *cells(row, result)) for i, row in enumerate(result.schedules)]
    caption = "Means over seeds. An asterisk marks differences that hold after correction."
    return _grid(caption, headings(result, baseline), [(_swatch(i) + escape(name), rest) for i, name, *rest in rows])


def _details(result: TaskResult, seeds: Sequence[int]) -> str:
    metric, rows = result.task.metric, result.schedules
    cells = [["diverged" if value is None else f"{value:.6g}" for value in row.values] for row in rows]
    names, head = [escape(row.name) for row in rows], ["schedule", *(f"seed {seed}" for seed in seeds)]
    table = _grid(f"Test {metric.name} ({metric.unit})", head, list(zip(names, cells, strict=True)))
    prints = [f"<code>{escape(row.text)}</code> <small>{escape(row.fingerprint[:16])}</small>" for row in rows]
    facts = {
        "made with": ", ".join(f"{name} {text}" for name, text in result.versions.items()),
        "machine": "; ".join(result.machines),
        "data, sha256": result.data_sha256,
        "processor time": f"{result.cpu_seconds:.1f} s",
    }
    made = [(name, f"<code>{escape(text)}</code>") for name, text in facts.items()]
    lists = "\n".join(
        f"<dl>{''.join(f'<dt>{name}</dt><dd>{told}</dd>' for name, told in pairs)}</dl>"
        for pairs in (zip(names, prints, strict=True), made)
    )
    summary = "<summary>Every seed, every schedule, versions and hashes</summary>"
    return f"<details>{summary}\n{table}\n{lists}\n</details>"


def _items(sentences: Sequence[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _swatch(i: int) -> str:
    return f'<i class="swatch" style="--c:var(--s{i % figures.COLOURS})"></i>'


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
