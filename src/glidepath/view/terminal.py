"""A schedule drawn with characters: braille dots where the terminal has them, blocks of stars where it has not."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .axis import Axis, Bases, significant
from .fonts import short
from .still import Schedules, scene

_COLOURS = ("36", "33", "35", "32", "34", "31", "37", "90")
_STARS = "*+xo#@%&"
_HALF = 0.5 + 1e-9  # between two rows lies on the upper one, whatever the last bit says


def terminal(
    schedules: Schedules,
    *,
    steps: int | None = None,
    width: int = 78,
    height: int = 17,
    log: bool = False,
    colour: bool | None = None,
    ascii_only: bool = False,
    axis: Axis | str = "step",
    per: float | None = None,
    base: Bases = 1.0,
    unit: str | None = None,
) -> str:
    """Returns a drawing of one or several schedules, as lines of text.

    Args:
        schedules: One, a sequence, or a mapping from labels; up to eight.
        steps: The last step; None shows what the schedules do.
        width: Columns of the whole drawing, at least 30.
        height: Rows of the curve, at least 4.
        log: Whether the values are drawn on a logarithmic axis; zeros then lie on the lowest row, and its value is stated.
        colour: Whether to use colours; None uses them unless `NO_COLOR` is set.
        ascii_only: Whether to do without braille.
        axis: `step`, `epoch`, `sample`, `token`, `percent`, or an `Axis`.
        per: What `axis` needs: see `Axis.of`. None for percent is the last step.
        base: What multiplies the values: one number, or one for each label. A schedule in absolute values keeps them.
        unit: What the values are, at the axis; None says `factor` or `learning rate`.

    Raises:
        GlidepathError: If there are no schedules or more than eight, or a number is out of range.
    """
    import numpy as np

    width, height = max(30, width), max(4, height)
    seen = scene(schedules, steps, axis, per, base, unit, points=16 * width)
    last, scale, curves = seen.last, seen.scale, list(seen.curves.values())
    colour = not os.environ.get("NO_COLOR") if colour is None else colour
    values = [curve.values * factor for curve, factor in zip(curves, seen.bases.values(), strict=True)]
    every = np.concatenate(values)
    top, bottom = float(every.max()), float(every.min())
    if log:
        positive = every[every > 0].tolist() or [1.0, 0.1]
        top, bottom = max(positive), min(positive)
        bottom = max(bottom, top * 1e-8)
    elif 0 < bottom < 0.5 * top:
        bottom = 0.0
    if top == bottom:
        flat = (1.1 * top, 0.9 * top) if top > 0 else (0.9 * top, 1.1 * top)
        top, bottom = flat if top or log else (1.0, -1.0)
    dots_x, dots_y = (1, 1) if ascii_only else (2, 4)
    labels = _labels(height, dots_y, bottom, top, log)
    margin = max(map(len, labels)) + 1
    columns = max(10, width - margin - 2)
    grids = np.zeros((len(curves), height * dots_y, columns * dots_x), dtype=bool)
    for grid, curve, y in zip(grids, curves, values, strict=True):
        x = np.rint(curve.steps / last * (columns * dots_x - 1)).astype(int)
        low, high = (math.log(bottom), math.log(top)) if log else (bottom, top)
        height_of = np.log(np.maximum(y, bottom)) if log else y
        share = ((high - height_of) / (high - low)).clip(0, 1) * (height * dots_y - 1)
        rows = np.ceil(share - _HALF).astype(int)
        for (x0, y0), (x1, y1) in pairwise(zip(x.tolist(), rows.tolist(), strict=True)):
            span = max(x1 - x0, abs(y1 - y0), 1)
            for k in range(span + 1):
                grid[round(y0 + (y1 - y0) * k / span), round(x0 + (x1 - x0) * k / span)] = True
        grid[rows[0], x[0]] = True
    lines = [" " * (margin + 1) + seen.unit]
    for row, body in enumerate(_rows(grids, dots_x, dots_y, colour)):
        lines.append(f"{labels[row]:>{margin}} {'|' if ascii_only else '┤' if labels[row] else '│'}{body}")
    corner, dash = ("+", "-") if ascii_only else ("└", "─")
    lines.append(" " * (margin + 1) + corner + dash * columns)
    lines.append(_axis(margin + 2, columns, last, scale))
    notes = [scale.label] if scale.name != "step" else []
    if log:
        lowest = "; values of 0 lie on the lowest row" if (every == 0).any() else ""
        notes.append(f"logarithmic from {significant(bottom, 3)}{lowest}")
    lines += [" " * (margin + 2) + "; ".join(notes)] if notes else []
    if len(curves) > 1:
        lines += [_legend(k, name.strip(), colour, ascii_only, width) for k, name in enumerate(seen.curves)]
    return "\n".join(line.rstrip() for line in lines)


def _labels(height: int, dots: int, bottom: float, top: float, log: bool) -> list[str]:
    """Returns what stands beside each row: numbers at even distances, each on the row where a curve of that value runs."""
    count = 4 if height > 4 else 2
    labels = [""] * height
    for k in range(count + 1):
        share = k / count
        value = top * (bottom / top) ** share if log else top + (bottom - top) * share
        labels[math.ceil(share * (height * dots - 1) - _HALF) // dots] = significant(value, 3)
    return labels


_DOTS = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)  # of braille, row by row


def _rows(grids: Any, across: int, down: int, colour: bool) -> Iterator[str]:
    """Yields the rows of the drawing: in each cell the dots of all curves, in the colour of the last that has one there."""
    curves, tall, wide = grids.shape
    cells = grids.reshape(curves, tall // down, down, wide // across, across).swapaxes(2, 3)  # curve, row, column, dots
    ascii_only = across == 1
    bits = cells.any(axis=0).reshape(*cells.shape[1:3], -1) @ ([1] if ascii_only else _DOTS)
    owners = curves - 1 - cells.any(axis=(3, 4))[::-1].argmax(axis=0)
    for codes, owned in zip(bits.tolist(), owners.tolist(), strict=True):
        text, current = "", ""
        for code, owner in zip(codes, owned, strict=True):
            wanted = _COLOURS[owner % len(_COLOURS)] if code and colour else ""
            if wanted != current:
                text += ("\x1b[0m" if current else "") + (f"\x1b[{wanted}m" if wanted else "")
                current = wanted
            text += " " if not code else _STARS[owner % len(_STARS)] if ascii_only else chr(0x2800 + code)
        yield text + ("\x1b[0m" if current else "")


def _legend(k: int, text: str, colour: bool, ascii_only: bool, width: int) -> str:
    sign = _STARS[k] if ascii_only else "━━"
    sign = f"\x1b[{_COLOURS[k]}m{sign}\x1b[0m" if colour else sign if ascii_only else f"{k + 1}"
    return f"  {sign} {short(text, width - 6)}"


def _axis(indent: int, columns: int, last: int, scale: Axis) -> str:
    whole = last + 1 if last % 4 == 3 and scale.name != "percent" else last  # 799 is the last of 800: 200, 400, 600
    line = [" "] * (indent + columns + 12)
    for k, mark in enumerate((0, whole // 4, whole // 2, 3 * whole // 4, last)):
        at = scale.position(mark)
        plain = scale.name == "step" and last < 10**7
        text = f"{at:,.0f}" if plain else f"{at:,.6g}" if at < 1e6 else significant(at, 3)
        middle = (0, len(text) // 2, len(text) // 2, len(text) // 2, len(text) - 1)[k]
        at = max(0, indent + round(mark / last * (columns - 1)) - middle)
        line[at : at + len(text)] = text
    return "".join(line).rstrip()
