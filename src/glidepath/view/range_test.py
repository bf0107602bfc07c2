"""The picture and the table of a range test: every repeat, the median, the band, and what each rule reads."""

from __future__ import annotations

import html as markup
import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Checks, GlidepathError, Problem, shown, write_whole
from ..finder import RULES, Refusal, Suggestion, Trace, Verification
from ..finder.rules import cleaned
from .axis import COLOURS, significant
from .examples import about, source
from .fonts import lettered
from .notebook import encoded
from .page import page
from .still import bytes_of, plainly, save, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES = (".png", ".svg", ".html", ".htm")


def parts(traces: Sequence[Trace], result: Suggestion | Refusal) -> dict[str, Any] | None:
    """Returns what is drawn of a range test as JSON data, whoever draws it; None where no trace has two finite points.

    - `repeats`: the sweeps that have two finite points or more: `label`, `rates` and `losses` as measured up to the first loss that is not
      finite, `smooth` the losses smoothed without lag;
    - `rates` and `median`: where the median of the smoothed repeats is known, and that;
    - `bottom` and `top`: the ends of the axis of losses, half as much again above the start as the curve falls below it;
    - `band` and `edge`: the suggested rates, and the rate from which on training diverges; None where there is no suggestion;
    - `ticks`: what each rule reads off the repeats (`name`, `low`, `middle`, `high`, `about`, `source`); a rule that sees nothing has none.

    Args:
        traces: The sweeps.
        result: The band, or why there is none.
    """
    drawn = [(k, trace, cleaned(trace)) for k, trace in enumerate(traces) if trace.finite > 1]
    if not drawn:
        return None
    repeats: list[dict[str, Any]] = []
    for k, trace, (_, smooth) in drawn:
        seen = {name: getattr(trace, name)[: trace.finite] for name in ("rates", "losses")}
        repeats.append({"label": trace.label or f"repeat {k}", **seen, "smooth": smooth.tolist()})
    start = float(np.median([np.median(trace.losses[: max(3, trace.finite // 10)]) for _, trace, _ in drawn]))
    fallen = start - min(float(smooth.min()) for _, _, (_, smooth) in drawn)
    top = start + max(0.5 * fallen, 0.1 * abs(start), 1e-12)
    lowest = min(loss for each in repeats for loss in each["losses"] if loss <= top)
    x = np.log10(max((each["rates"] for each in repeats), key=len))
    middle = np.nanmedian([np.interp(x, *clean, left=np.nan, right=np.inf) for _, _, clean in drawn], axis=0)
    kept = np.isfinite(middle)
    found = isinstance(result, Suggestion)
    return {
        "repeats": repeats,
        "rates": (10 ** x[kept]).tolist(),
        "median": middle[kept].tolist(),
        "bottom": lowest - 0.05 * (top - lowest),
        "top": top + 0.05 * (top - lowest),
        "band": (result.low, result.high) if found else None,
        "edge": result.edge if found else None,
        "ticks": [_tick(name, reading) for name, reading in result.rules.items() if reading.middle is not None],
    }


def _tick(name: str, reading: Any) -> dict[str, Any]:
    seen = [value for value in reading.values if value is not None]
    looked = about(RULES[name]).removeprefix("Returns ")
    told = {"about": looked[:1].upper() + looked[1:], "source": source(RULES[name])}
    return {"name": name, "low": min(seen), "middle": reading.middle, "high": max(seen), **told}


def range_test(
    traces: Sequence[Trace],
    result: Suggestion | Refusal,
    *,
    verification: Verification | None = None,
    title: str = "",
) -> Figure:
    """Returns a figure of a range test: raw points, every repeat faint, their median bold, the band, and a tick for each rule.

    Args:
        traces: The sweeps.
        result: The band, or why there is none.
        verification: Whole trainings, drawn as crosses on an axis of their own.
        title: Above the picture; empty for the answer.

    Raises:
        GlidepathError: If there is no trace, or matplotlib is missing.
    """
    drawn = parts(traces, result)
    if drawn is None:
        raise GlidepathError.of("view", "traces", "at least one with two finite points", len(traces))
    drawing, (axes,) = stacked(7.5, 4.0)
    for k, repeat in enumerate(drawn["repeats"]):
        colour, rates = COLOURS[k % len(COLOURS)], repeat["rates"]
        axes.plot(rates, repeat["losses"], ".", color=colour, markersize=2.5, alpha=0.35)
        axes.plot(rates, repeat["smooth"], color=colour, linewidth=1.0, alpha=0.6, label=repeat["label"])
    axes.plot(drawn["rates"], drawn["median"], color="#222222", linewidth=2.2, label="median")
    if drawn["band"] is not None:
        axes.axvspan(*drawn["band"], color=COLOURS[2], alpha=0.18, label="band", linewidth=0)
        axes.axvline(drawn["edge"], color=COLOURS[1], linewidth=1.2, linestyle=(0, (4, 3)), label="diverges from")
    axes.set_xscale("log")
    axes.set_ylim(drawn["bottom"], drawn["top"])
    # What each rule reads, with the range of the repeats, along the lower edge.
    for k, tick in enumerate(drawn["ticks"]):
        height = 0.03 + 0.055 * k
        style = {"transform": axes.get_xaxis_transform(), "color": "#555555", "clip_on": True}
        axes.plot([tick["low"], tick["high"]], [height, height], linewidth=1.2, **style)
        axes.plot([tick["middle"]], [height], marker="|", markersize=9, **style)
        axes.text(tick["high"] * 1.15, height, tick["name"], fontsize=7, va="center", **style)
    if verification is not None:
        right: Any = axes.twinx()
        pairs = [(r, v) for r, row in zip(verification.rates, verification.losses, strict=True) for v in row]
        finite = [(rate, loss) for rate, loss in pairs if np.isfinite(loss)]
        right.plot([r for r, _ in finite], [v for _, v in finite], "x", color=COLOURS[1], markersize=6)
        right.set_ylabel("final loss of whole trainings (crosses)", color=COLOURS[1])
        right.spines[["top"]].set_visible(False)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss right before the update")
    axes.yaxis.set_major_formatter(lambda value, _: significant(value))
    plainly(axes)
    axes.set_title((title or str(result)).replace("$", r"\$"), fontsize=9, loc="left", wrap=True)
    handles, labels = axes.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower left", ncols=6, fontsize=8, frameon=False)
    return lettered(drawing)


def range_test_table(result: Suggestion | Refusal, verification: Verification | None = None) -> list[tuple[str, str]]:
    """Returns what a range test says as rows of two texts, for a terminal or a page.

    Args:
        result: The band, or why there is none.
        verification: Whole trainings, if there were any.
    """
    rows = [("verdict", result.verdict)]
    if isinstance(result, Suggestion):
        low, middle, high, edge = (significant(v, 2) for v in (result.low, result.middle, result.high, result.edge))
        rows += [("band", f"{low} to {high} ({result.width:.2f} decades)"), ("middle", middle)]
        rows += [("training diverges from", edge), ("repeats differ by", f"{result.spread:.2f} decades")]
    else:
        rows += [("evidence", result.evidence), ("what to do", result.remedy)]
    for name, reading in result.rules.items():
        apart = "" if reading.spread is None else f" (repeats differ by {reading.spread:.2f} decades)"
        read = "sees nothing" if reading.middle is None else significant(reading.middle, 2) + apart
        rows.append((f"rule {name}", read))
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
    body = "".join(f"<tr><th>{markup.escape(a)}</th><td>{markup.escape(b)}</td></tr>" for a, b in rows)
    return page("range_test.html", name=markup.escape(title), data=encoded(bytes_of(drawing, "png")), body=body)


def range_test_place(path: str | os.PathLike[str]) -> Path:
    """Returns where a range test is to be written, checked before anything is swept.

    Args:
        path: A `.png`, `.svg` or `.html` picture, or a `.json` file of the traces.

    Raises:
        GlidepathError: If its ending is another, its folder cannot be written to, or matplotlib is missing for a picture; all at once.
    """
    target, checks, told = Path(path), Checks("find"), shown(str(path), 200)
    ending, refused = target.suffix.lower(), partial(Problem, "find", "output")
    if ending not in (*_PICTURES, ".json"):
        checks.problems.append(refused("a file name that ends in .png, .svg, .html or .json", told))
    if target.is_dir():
        checks.problems.append(refused("a file", f"the folder {told}"))
    else:
        try:
            tempfile.TemporaryFile(dir=target.parent).close()
        except OSError as error:
            checks.problems.append(refused("in a folder that can be written to", told, str(error.strerror)))
    if ending in _PICTURES:
        with checks.kept():
            stacked(1.0, 1.0)
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
    ending = Path(path).suffix.lower()
    if ending not in _PICTURES:
        raise GlidepathError.of("view", "path", "a file name that ends in .png, .svg or .html", str(path))
    if ending in (".html", ".htm"):
        return write_whole(path, range_test_page(drawing, rows), where="view")
    return save(drawing, path)
