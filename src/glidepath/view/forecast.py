"""Forecasts as pictures: the logs, the curves with their bands, and the rates below; and as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..core import GlidepathError, Schedule
from ..forecast import Curve, Laws, Run
from ..forecast.fit import merged
from ..forecast.path import rates_of
from .axis import MOST_CURVES, look_of
from .fonts import lettered, short
from .notebook import encoded
from .page import page
from .still import bytes_of, plainly, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOG = "#8a8a8a"
_SHOWN = 2000


def forecast_figure(
    curves: Mapping[str, Curve],
    runs: Sequence[Run] = (),
    schedules: Mapping[str, Schedule] | None = None,
    *,
    base: float = 1.0,
    metric: str = "loss",
) -> Figure:
    """Returns a figure: the losses of the logs in grey, each forecast with its band of 90 %, and the rates below.

    Args:
        curves: Forecasts by name, up to eight.
        runs: The logs.
        schedules: The schedules of the forecasts by the same names, drawn below; None leaves that row out.
        base: The base rate of those that are factors.
        metric: What the losses are.

    Raises:
        GlidepathError: If there are more than eight curves, or matplotlib is missing.
    """
    if len(curves) > MOST_CURVES:
        raise GlidepathError.of("view", "curves", f"at most {MOST_CURVES}", len(curves))
    drawing, rows = stacked(8.0, 4.0, *([1.4] if schedules else []))
    top = rows[0]
    seen = [one.high for one in curves.values()]
    for k, run in enumerate(runs):
        mean = merged(run)
        top.plot(mean.steps, mean.losses, color=_LOG, linewidth=1.0, alpha=0.7, label="" if k else "the logs")
        seen.append(mean.losses[mean.steps > 0.1 * mean.updates])
        if schedules:
            at = np.arange(0, len(run.rates), max(1, len(run.rates) // _SHOWN))
            rows[1].plot(at, run.rates[at], color=_LOG, linewidth=0.8, alpha=0.6)
    seen = [each for each in seen if len(each)]
    for k, (name, curve) in enumerate(curves.items()):
        look = look_of(k)
        top.fill_between(curve.steps, curve.low, curve.high, color=look["color"], alpha=0.13, linewidth=0)
        top.plot(curve.steps, curve.loss, **look, linewidth=1.7, label=short(name, 90).replace("$", r"\$"))
        if schedules:
            last = int(curve.steps[-1])
            at = np.unique(np.linspace(0, last - 1, min(last, _SHOWN)).astype(np.int64))
            rows[1].plot(at, rates_of(schedules[name], base, last)[at], **look, linewidth=1.3)
    low = min(float(each.min()) for each in (*(one.low for one in curves.values()), *seen))
    high = max(float(np.quantile(each, 0.98)) for each in seen)
    top.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    drawing.legend(loc="outside upper left", fontsize=8, frameon=False)
    rows[-1].set_xlabel("updates")
    for axes, told in zip(rows, (metric.replace("_", " "), "rate"), strict=False):
        axes.set_ylabel(told)
        plainly(axes)
    return lettered(drawing)


def forecast_page(laws: Laws, drawing: Figure, command: str, rows: Sequence[Sequence[str]]) -> str:
    """Returns a whole HTML page: the table, the picture, the laws with their numbers, what was left out and why, and how refits fared.

    Args:
        laws: The laws.
        drawing: The picture.
        command: What makes the page again.
        rows: The table, its headings first.
    """
    table = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return page(
        "forecast.html",
        metric=escape(laws.metric.replace("_", " ")),
        table=table,
        picture=encoded(bytes_of(drawing, "svg")),
        peak=f"{laws.peak:g}",
        laws="".join(f"<li>{escape(line)}</li>" for line in laws.lines()),
        command=escape(command),
    )
