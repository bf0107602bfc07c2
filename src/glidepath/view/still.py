"""Still pictures with matplotlib: PNG and SVG files, figures, and the picture a notebook shows."""

from __future__ import annotations

import base64
import html as markup
import io
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule

from .sample import horizon, sampled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure", "html", "save"]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000")
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (6, 2, 2, 2)),
    (0, (1, 1)),
    (0, (8, 2, 2, 2, 2, 2)),
    (0, (4, 4)),
    (0, (10, 3)),
)
_MOST = 8


def figure(
    schedules: Schedule | Sequence[Schedule] | Mapping[str, Schedule],
    *,
    steps: int | None = None,
    log: bool = False,
    floor: float | None = None,
    title: str | None = None,
    width: float = 7.0,
    height: float = 3.2,
    base: float = 1.0,
    unit: str = "factor",
) -> Figure:
    """Returns a figure of one or several schedules; it belongs to no window and needs no display.

    Several are told apart by colour, by dash, and by a label at the end of the curve.

    Args:
        schedules: One, a sequence, or a mapping from labels; up to eight.
        steps: The last step; None shows what the schedules do.
        log: Whether the values are drawn on a logarithmic axis.
        floor: The lowest value of a logarithmic axis, above 0; exact zeros are drawn on it as crosses. None chooses one and states it.
        title: Above the curves; None is the text of a single schedule.
        width: In inches.
        height: In inches.
        base: A number that multiplies every value, such as the base learning rate.
        unit: What the values are, at the axis.

    Raises:
        GlidepathError: If there are no schedules or more than eight, or a number is out of range.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError as error:
        raise GlidepathError.of(
            "view", "matplotlib", "installed for pictures", str(error), "pip install 'glidepath[view]'"
        ) from None
    named = _named(schedules)
    last = max(horizon(schedule) for schedule in named.values()) if steps is None else steps
    drawing = Figure(figsize=(width, height), layout="constrained")
    axes: Any = drawing.add_subplot()
    curves = {name: sampled(schedule, last) for name, schedule in named.items()}
    ends: list[tuple[float, str, str]] = []
    lowest = (
        _floor([float(v) * base for curve in curves.values() for v in curve.values[curve.values > 0]], floor)
        if log
        else None
    )
    for k, (name, curve) in enumerate(curves.items()):
        values = curve.values * base
        colour = _COLOURS[k % _MOST]
        if lowest is not None:
            zeros = values <= 0
            axes.plot(
                curve.steps[zeros], values[zeros] * 0 + lowest, linestyle="", marker="x", markersize=4, color=colour
            )
            values = values.clip(lowest)
        axes.plot(
            curve.steps,
            values,
            color=colour,
            linestyle=_DASHES[k % _MOST],
            linewidth=1.8,
            label=name,
            solid_capstyle="round",
        )
        ends.append((float(values[-1]), f"{k + 1}", colour))
    if lowest is not None:
        axes.set_yscale("log")
        axes.set_ylim(lowest, None)
    axes.set_xlim(0, last)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if last < 10**7 else f"{value:.3g}"))
    axes.set_xlabel("step (updates done)")
    axes.set_ylabel(unit + (f", log axis from {lowest:.3g}" if lowest is not None else ""))
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        _label_ends(axes, ends)
        handles, labels = axes.get_legend_handles_labels()
        drawing.legend(
            handles,
            [f"{k + 1}  {_short(label)}".replace("$", r"\$") for k, label in enumerate(labels)],
            loc="outside upper left",
            fontsize=8,
            frameon=False,
            handlelength=3,
        )
    heading = title if title is not None else _short(next(iter(named))) if len(named) == 1 else ""
    if heading:
        axes.set_title(heading.replace("$", r"\$"), fontsize=10, loc="left")
    return drawing


def _named(schedules: Any) -> dict[str, Schedule]:
    if isinstance(schedules, Schedule):
        return {str(schedules): schedules}
    named = dict(schedules) if isinstance(schedules, Mapping) else {}
    if not isinstance(schedules, Mapping):
        for schedule in schedules:
            name = str(schedule)
            while name in named:
                name += " "
            named[name] = schedule
    if not 1 <= len(named) <= _MOST or not all(isinstance(schedule, Schedule) for schedule in named.values()):
        raise GlidepathError.of("view", "schedules", f"1 to {_MOST} schedules", f"{len(named)} of them")
    return named


def _label_ends(axes: Any, ends: list[tuple[float, str, str]], apart: float = 0.055) -> None:
    """Writes the number of each curve at its end, at least `apart` of the axis from the next."""
    low, high = axes.get_ylim()
    scale = math.log if axes.get_yscale() == "log" else float
    at = [(scale(value) - scale(low)) / (scale(high) - scale(low)) for value, _, _ in ends]
    free = -1.0
    for i in sorted(range(len(ends)), key=at.__getitem__):
        free = max(at[i], free + apart)
        axes.text(1.008, free, ends[i][1], color=ends[i][2], va="center", fontsize=8, transform=axes.transAxes)


def _short(text: str, most: int = 88) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _floor(positive: list[float], floor: float | None) -> float:
    if floor is not None:
        if not 0 < floor < math.inf:
            raise GlidepathError.of("view", "floor", "above 0", floor)
        return floor
    if not positive:
        return 0.1
    return max(min(positive), max(positive) * 1e-6) / 1.5


def save(drawing: Figure, path: str | os.PathLike[str]) -> Path:
    """Writes a figure as PNG or SVG, by the file's ending: whole or not at all.

    Raises:
        GlidepathError: If the ending is neither.
    """
    target = Path(path)
    ending = target.suffix.lower().lstrip(".")
    if ending not in ("png", "svg"):
        raise GlidepathError.of("view", "path", "a file name that ends in .png or .svg", str(path))
    buffer = io.BytesIO()
    drawing.savefig(buffer, format=ending, dpi=150, metadata={"Date": None} if ending == "svg" else {"Software": None})
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getvalue())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def html(schedule: Schedule) -> str:
    """Returns the picture that a notebook shows for a schedule; its text alone where matplotlib is missing."""
    text = markup.escape(str(schedule))
    try:
        drawing = figure(schedule)
    except GlidepathError:
        return f"<code>{text}</code>"
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{text}" src="data:image/png;base64,{data}" style="max-width:100%">'
