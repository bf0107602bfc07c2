"""Still pictures with matplotlib: PNG and SVG files, figures, and the picture a notebook shows."""

from __future__ import annotations

import html as markup
import io
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core import GlidepathError, Schedule, missing, taken, write_whole
from ..core.fields import real
from .axis import MOST_CURVES, Axis, Bases, bases_of, look_of, significant, unit_of
from .fonts import as_said, lettered, short
from .notebook import PicturePath, encoded
from .sample import Curve, horizon, phases, sampled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Schedules = Schedule | Sequence[Schedule] | Mapping[str, Schedule]

_SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "glidepath", "font.family": "sans-serif"}
_LONGEST = 88  # columns of a label
_INK, _QUIET = "#222222", "#666666"


def figure(
    schedules: Schedules,
    *,
    steps: int | None = None,
    log: bool = False,
    floor: float | None = None,
    title: str | None = None,
    width: float = 7.0,
    height: float = 3.2,
    base: Bases = 1.0,
    unit: str | None = None,
    axis: Axis | str = "step",
    per: float | None = None,
    below: Schedules | None = None,
    below_unit: str = "momentum",
) -> Figure:
    """Returns a figure of one or several schedules; it belongs to no window and needs no display.

    Several are told apart by colour, by dash, and by a number at the end of the curve.

    Args:
        schedules: One, a sequence, or a mapping from labels; up to eight.
        steps: The last step; None shows what the schedules do.
        log: Whether the values are drawn on a logarithmic axis.
        floor: The lowest value of a logarithmic axis, above 0; exact zeros are drawn on it as crosses. None chooses one; it is stated.
        title: Above the curves; None is the text of a single schedule.
        width: In inches.
        height: In inches.
        base: What multiplies the values, such as the base learning rate: one number, or one for each label where parameter groups have
            their own. A schedule in absolute values keeps them.
        unit: What the values are, at the axis; None says `factor` or `learning rate`.
        axis: `step`, `epoch`, `sample`, `token`, `percent`, or an `Axis`.
        per: What `axis` needs: see `Axis.of`. None for percent is the last step.
        below: Schedules of something else, such as momentum or weight decay, drawn below on the same horizontal axis.
        below_unit: What their values are.

    Raises:
        GlidepathError: If there are no schedules or more than eight, a number is out of range, or matplotlib is missing.
    """
    seen = scene(schedules, steps, axis, per, base, unit, below)
    others = {name: sampled(one, seen.last) for name, one in named(below).items()} if below is not None else {}
    drawing, rows = stacked(width, height, *([1.2] if others else []))
    _, note = draw(rows[0], seen, log, floor)
    if others:
        lower = Scene(others, seen.last, seen.scale, dict.fromkeys(others, 1.0), below_unit)
        draw(rows[1], lower, first=len(seen.curves))
    rows[-1].set_xlabel(f"{seen.scale.label}\n{note}" if note else seen.scale.label)
    _names(drawing, rows, [*seen.curves, *others], title, above=len(seen.curves) == 1)
    if len(seen.curves) == 1:
        _name_phases(rows[0], next(iter(seen.curves.values())), seen.scale)
    return lettered(drawing)


class Scene(NamedTuple):
    """What is drawn: curves by label, the last step, the horizontal axis, what multiplies the values of each, and what they are."""

    curves: dict[str, Curve]
    last: int
    scale: Axis
    bases: dict[str, float]
    unit: str


def scene(
    schedules: Schedules,
    steps: int | None,
    axis: Axis | str,
    per: float | None,
    base: Bases,
    unit: str | None,
    below: Schedules | None = None,
    points: int = 1200,
) -> Scene:
    """Returns what is drawn of schedules: see `figure`; `points` is about how many of a curve are kept."""
    given = named(schedules)
    others = named(below) if below is not None else {}
    last = steps if steps is not None else max(horizon(one) for one in (*given.values(), *others.values()))
    scale = axis if isinstance(axis, Axis) else Axis.of(axis, last if axis == "percent" and per is None else per)
    curves = {name: sampled(schedule, last, points) for name, schedule in given.items()}
    bases = bases_of(given, base)
    return Scene(curves, last, scale, bases, unit_of(given, bases) if unit is None else unit)


def stacked(width: float, *heights: float) -> tuple[Figure, Any]:
    """Returns a figure and the axes of its rows, of these heights in inches, on one horizontal axis.

    Raises:
        GlidepathError: If matplotlib is missing.
    """
    try:
        from .drawing import Drawing
    except ImportError as error:
        raise missing(error, "view", "view") from None
    drawing = Drawing(figsize=(width, sum(heights)), layout="constrained")
    return drawing, drawing.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]


def plainly(axes: Any) -> None:
    """Draws axes as all our pictures have them: a faint grid, small numbers, no frame above and on the right."""
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.tick_params(labelsize=8.5, length=3)
    axes.spines[["top", "right"]].set_visible(False)


def draw(
    axes: Any, seen: Scene, log: bool = False, floor: float | None = None, first: int = 0
) -> tuple[list[Any], str]:
    """Draws curves into matplotlib axes and returns their lines, and what a reader must be told about a logarithmic axis.

    Args:
        axes: Where.
        seen: What.
        log: Whether the vertical axis is logarithmic.
        floor: Its lowest value, or None.
        first: How many colours are taken already.
    """
    scale, last = seen.scale, seen.scale.position(max(float(curve.steps[-1]) for curve in seen.curves.values()))
    lowest = _floor(seen, floor) if log else None
    lines: list[Any] = []
    for k, (name, curve) in enumerate(seen.curves.items(), start=first):
        values, x = curve.values * seen.bases[name], scale.position(curve.steps)
        look = look_of(k)
        if lowest is not None:
            zeros = values <= 0
            if zeros.any():
                axes.plot(x[zeros], values[zeros] * 0 + lowest, "x", markersize=4, color=look["color"], clip_on=False)
            values = values.clip(lowest)
        lines += axes.plot(x, values, **look, linewidth=1.8, solid_capstyle="round")
    if lowest is not None:
        axes.set_yscale("log")
        axes.set_ylim(lowest, None)
    elif len(level := {float(v) for line in lines for v in line.get_ydata()}) == 1 and level != {0.0}:
        axes.set_ylim(*sorted((0.0, 1.15 * level.pop())))  # a flat line stands above its zero
    axes.set_xlim(0, last)
    axes.yaxis.set_major_formatter(lambda value, _: significant(value))
    axes.yaxis.set_minor_formatter(lambda value, _: "")

    def across(value: float, _: Any) -> str:
        return f"{value:.3g}" if last >= 10**7 else f"{value:,.6g}" if value < 1e5 else f"{value:,.0f}"

    axes.xaxis.set_major_formatter(across)
    axes.set_ylabel(seen.unit, color=_INK)
    plainly(axes)
    axes.tick_params(colors=_QUIET)
    axes.spines[["left", "bottom"]].set_color("#aaaaaa")
    if len(lines) > 1:
        _label_ends(axes, lines, first)
    return lines, f"logarithmic axis from {lowest:.3g}; × marks values of exactly 0" if lowest is not None else ""


def named(schedules: Any) -> dict[str, Schedule]:
    """Returns the schedules by their labels; equal texts get different ones.

    Args:
        schedules: One, a sequence, or a mapping from labels.

    Raises:
        GlidepathError: If there are none or more than eight, or one of them is no schedule.
    """
    if isinstance(schedules, Schedule):
        return {str(schedules): schedules}
    found: dict[str, Any] = {}
    for name, schedule in schedules.items() if isinstance(schedules, Mapping) else ((str(s), s) for s in schedules):
        if not isinstance(schedule, Schedule):
            raise GlidepathError.of("view", "schedules", "schedules", schedule, "text is read by glidepath.parse")
        while name in found:
            name += " "
        found[name] = schedule
    if not 1 <= len(found) <= MOST_CURVES:
        raise GlidepathError.of("view", "schedules", f"1 to {MOST_CURVES} schedules", f"{len(found)} of them")
    return found


def _names(drawing: Figure, rows: Any, names: list[str], title: str | None, *, above: bool) -> None:
    """Writes the title, over the names of the phases where they stand `above` the curve, and the legend."""
    heading = title if title is not None else short(names[0], _LONGEST) if len(names) == 1 else ""
    if heading:
        rows[0].set_title(heading.replace("$", r"\$"), fontsize=10, loc="left", color=_INK, pad=16 if above else 6)
    if len(names) > 1:
        lines = [line for axes in rows for line in axes.get_lines() if line.get_linestyle() != "None"]
        labels = [f"{k + 1}  {short(name.strip(), _LONGEST)}".replace("$", r"\$") for k, name in enumerate(names)]
        drawing.legend(lines, labels, loc="outside upper left", fontsize=8, frameon=False, handlelength=3)


def _name_phases(axes: Any, curve: Curve, scale: Axis) -> None:
    """Writes the names of the phases above the curve, and a faint line where each begins."""
    last = float(curve.steps[-1])
    found = phases(curve.schedule, int(last))
    if not 1 < len(found) <= 8:
        return
    style: Any = {"ha": "center", "va": "bottom", "fontsize": 7.5, "color": _QUIET}
    for phase in found:
        end = min(phase.end, last)
        if 0 < phase.begin < last:
            axes.axvline(scale.position(phase.begin), color="#999999", linewidth=0.6, alpha=0.6, zorder=0)
        if (end - phase.begin) / last > 0.011 * len(phase.name):
            middle = scale.position((phase.begin + end) / 2)
            axes.text(middle, 1.015, phase.name, transform=axes.get_xaxis_transform(), **style)


def _label_ends(axes: Any, lines: list[Any], first: int) -> None:
    """Writes the number of each curve at its end, a line's height from the next."""
    scale = math.log if axes.get_yscale() == "log" else float
    low, high = map(scale, axes.get_ylim())
    at = [(scale(line.get_ydata()[-1]) - low) / (high - low) for line in lines]
    free, style = -1.0, {"va": "center", "fontsize": 8, "transform": axes.transAxes}
    for i in sorted(range(len(lines)), key=at.__getitem__):
        free = max(at[i], free + 0.055)
        axes.text(1.008, free, str(first + i + 1), color=lines[i].get_color(), **style)


def _floor(seen: Scene, floor: float | None) -> float:
    if floor is not None:
        return taken("view", "floor", floor, real(above=0))
    values = [v * seen.bases[name] for name, curve in seen.curves.items() for _, v in curve.points()]
    positive = [value for value in values if value > 0]
    return max(min(positive), max(positive) * 1e-6) / 1.5 if positive else 0.1


def bytes_of(drawing: Figure, ending: str, dpi: int = 150) -> bytes:
    """Returns a figure as PNG or SVG; equal figures give equal bytes.

    Args:
        drawing: The figure.
        ending: `png` or `svg`.
        dpi: Dots of an inch of the PNG.
    """
    import matplotlib as mpl

    buffer = io.BytesIO()
    metadata = {"Date" if ending == "svg" else "Software": None}
    with mpl.rc_context(_SVG), as_said(drawing) if ending == "svg" else nullcontext():
        drawing.savefig(buffer, format=ending, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def save(drawing: Figure, path: str | os.PathLike[str]) -> PicturePath:
    """Writes a figure as PNG or SVG, by the file's ending: whole or not at all.

    Args:
        drawing: The figure.
        path: Where.

    Raises:
        GlidepathError: If the ending is neither.
    """
    ending = Path(path).suffix.lower().lstrip(".")
    if ending not in ("png", "svg"):
        raise GlidepathError.of("view", "path", "a file name that ends in .png or .svg", str(path))
    return PicturePath(write_whole(path, bytes_of(drawing, ending), where="view"))


def html(schedule: Schedule) -> str:
    """Returns the picture that a notebook shows for a schedule; its text alone where matplotlib is missing."""
    text = markup.escape(str(schedule))
    try:
        data = encoded(bytes_of(figure(schedule), "png", dpi=110))
    except GlidepathError:
        return f"<code>{text}</code>"
    return f'<img alt="{text}" src="data:image/png;base64,{data}" style="max-width:100%">'
