"""The picture and the table of a range test: every repeat, the median, the band, and what each rule reads."""

from __future__ import annotations

import base64
import html as markup
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import Checks
from ..core.errors import GlidepathError, Problem, shown
from ..core.files import write_whole
from ..finder import Refusal, Suggestion, Trace, Verification
from .fonts import lettered
from .page import page
from .range_data import Parts, parts
from .still import _canvas, save
from .style import COLOURS, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["range_test", "range_test_page", "range_test_place", "range_test_table", "save_range_test"]

_PICTURES = (".png", ".svg", ".html", ".htm")


def range_test(
    traces: Sequence[Trace],
    result: Suggestion | Refusal,
    *,
    verification: Verification | None = None,
    title: str = "",
    width: float = 7.5,
    height: float = 4.0,
) -> Figure:
    """Returns a figure of a range test: raw points, every repeat faint, their median bold, the band, and a tick for each rule.

    Args:
        traces: The sweeps.
        result: The band, or why there is none.
        verification: Whole trainings, drawn as crosses on an axis of their own.
        title: Above the picture; empty for the answer.
        width: In inches.
        height: In inches.

    Raises:
        GlidepathError: If there is no trace, or matplotlib is missing.
    """
    canvas = _canvas()
    from matplotlib.ticker import FuncFormatter

    drawn = parts(traces, result)
    if drawn is None:
        raise GlidepathError.of("view", "traces", "at least one with two finite points", len(traces))
    drawing = canvas(figsize=(width, height), layout="constrained")
    axes: Any = drawing.add_subplot()
    for k, repeat in enumerate(drawn.repeats):
        colour = COLOURS[k % len(COLOURS)]
        axes.plot(repeat.rates, repeat.losses, ".", color=colour, markersize=2.5, alpha=0.35)
        axes.plot(repeat.rates, repeat.smooth, color=colour, linewidth=1.0, alpha=0.6, label=repeat.label)
    axes.plot(drawn.rates, drawn.median, color="#222222", linewidth=2.2, label="median")
    if drawn.band is not None:
        axes.axvspan(*drawn.band, color=COLOURS[2], alpha=0.18, label="band", linewidth=0)
    if drawn.edge is not None:
        axes.axvline(drawn.edge, color=COLOURS[1], linewidth=1.2, linestyle=(0, (4, 3)), label="diverges from")
    axes.set_xscale("log")
    axes.set_ylim(drawn.bottom, drawn.top)
    _ticks(axes, drawn)
    if verification is not None:
        _crosses(axes, verification)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss right before the update")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value)))
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title((title or str(result)).replace("$", r"\$"), fontsize=9, loc="left", wrap=True)
    handles, labels = axes.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower left", ncols=6, fontsize=8, frameon=False)
    return lettered(drawing)


def _ticks(axes: Any, drawn: Parts) -> None:
    """Marks what each rule reads, with the range of the repeats, along the lower edge."""
    for k, tick in enumerate(drawn.ticks):
        height = 0.03 + 0.055 * k
        style = {"transform": axes.get_xaxis_transform(), "color": "#555555", "clip_on": True}
        axes.plot([tick.low, tick.high], [height, height], linewidth=1.2, **style)
        axes.plot([tick.middle], [height], marker="|", markersize=9, **style)
        axes.text(tick.high * 1.15, height, tick.name, fontsize=7, va="center", **style)


def _crosses(axes: Any, verification: Verification) -> None:
    right: Any = axes.twinx()
    finite = [(rate, loss) for rate, row in zip(verification.rates, verification.losses, strict=True) for loss in row]
    finite = [(rate, loss) for rate, loss in finite if np.isfinite(loss)]
    right.plot([r for r, _ in finite], [v for _, v in finite], "x", color=COLOURS[1], markersize=6)
    right.set_ylabel("final loss of whole trainings (crosses)", color=COLOURS[1])
    right.spines[["top"]].set_visible(False)


def range_test_table(result: Suggestion | Refusal, verification: Verification | None = None) -> list[tuple[str, str]]:
    """Returns what a range test says as rows of two texts, for a terminal or a page.

    Args:
        result: The band, or why there is none.
        verification: Whole trainings, if there were any.
    """
    rows = [("verdict", result.verdict)]
    if isinstance(result, Suggestion):
        rows += [
            ("band", f"{significant(result.low, 2)} to {significant(result.high, 2)} ({result.width:.2f} decades)"),
            ("middle", significant(result.middle, 2)),
            ("training diverges from", significant(result.edge, 2)),
            ("repeats differ by", f"{result.spread:.2f} decades"),
        ]
        rows += [("note", note) for note in result.notes]
    else:
        rows += [("evidence", result.evidence), ("what to do", result.remedy)]
    for name, reading in result.rules.items():
        if reading.middle is None:
            rows.append((f"rule {name}", "sees nothing"))
        else:
            apart = "" if reading.spread is None else f" (repeats differ by {reading.spread:.2f} decades)"
            rows.append((f"rule {name}", significant(reading.middle, 2) + apart))
    if verification is not None:
        rows.append(("verified", str(verification)))
        for rate, row in zip(verification.rates, verification.losses, strict=True):
            rows.append((f"  rate {significant(rate, 2)}", ", ".join(significant(loss) for loss in row)))
    return rows


def range_test_page(drawing: Figure, rows: Sequence[tuple[str, str]], title: str = "Range test") -> str:
    """Returns one HTML page with the picture inside and the table below; it loads nothing.

    Args:
        drawing: From `range_test`.
        rows: From `range_test_table`.
        title: Of the page.
    """
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    body = "".join(f"<tr><th>{markup.escape(a)}</th><td>{markup.escape(b)}</td></tr>" for a, b in rows)
    name = markup.escape(title)
    return page("range_test.html", name=name, data=data, body=body)


def range_test_place(path: str | os.PathLike[str]) -> Path:
    """Returns where a range test is to be written, checked before anything is swept.

    Args:
        path: A `.png`, `.svg` or `.html` picture, or a `.json` file of the traces.

    Raises:
        GlidepathError: If its ending is another, its folder cannot be written to, or matplotlib is missing for a picture; all at once.
    """
    target, checks, told = Path(path), Checks("find"), shown(str(path), 200)
    ending = target.suffix.lower()
    if ending not in (*_PICTURES, ".json"):
        rule = "a file name that ends in .png, .svg, .html or .json"
        checks.problems.append(Problem("find", "output", rule, told))
    if target.is_dir():
        checks.problems.append(Problem("find", "output", "a file", f"the folder {told}"))
    else:
        try:
            tempfile.TemporaryFile(dir=target.parent).close()
        except OSError as error:
            rule, reason = "in a folder that can be written to", str(error.strerror)
            checks.problems.append(Problem("find", "output", rule, told, reason))
    if ending in _PICTURES:
        with checks.kept():
            _canvas()
    checks.done()
    return target


def save_range_test(drawing: Figure, rows: Sequence[tuple[str, str]], path: str | os.PathLike[str]) -> Path:
    """Writes the picture as PNG or SVG, or picture and table as HTML, by the file's ending: whole or not at all.

    Args:
        drawing: From `range_test`.
        rows: From `range_test_table`.
        path: The file.

    Raises:
        GlidepathError: If the ending is none of these, or the folder cannot be written to.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in _PICTURES:
        raise GlidepathError.of("view", "path", "a file name that ends in .png, .svg or .html", str(path))
    if ending in (".html", ".htm"):
        return write_whole(target, range_test_page(drawing, rows).encode(), where="view")
    return save(drawing, target)
