"""A schedule as a small looping GIF: the curve being drawn, with the step, the value and the phase it is in."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

from ..core import GlidepathError, taken, write_whole
from ..core.fields import integer
from .axis import Axis, Bases, look_of, significant
from .fonts import lettered, short
from .notebook import Gif, PicturePath
from .sample import phases
from .still import Scene, Schedules, draw, scene

_COLOURS = 28  # colours of the whole GIF, and more for each further curve: anti-aliased lines need no more
_ROW = 17  # pixels of a line of the legend


def animation(
    schedules: Schedules,
    *,
    steps: int | None = None,
    frames: int = 48,
    log: bool = False,
    floor: float | None = None,
    title: str | None = None,
    base: Bases = 1.0,
    unit: str | None = None,
    axis: Axis | str = "step",
    per: float | None = None,
    width: int = 640,
    height: int = 300,
) -> Gif:
    """Returns a looping GIF of one or several schedules being drawn. Its first frame is the whole curve, for those who show no animation.

    Args:
        schedules: One, a sequence, or a mapping from labels; up to eight.
        steps: The last step; None shows what the schedules do.
        frames: How many steps are shown, from 8 to 200.
        log: Whether the values are drawn on a logarithmic axis.
        floor: The lowest value of a logarithmic axis, or None.
        title: Above the curves; None is the text of a single schedule.
        base: See `figure`.
        unit: See `figure`.
        axis: See `figure`.
        per: See `figure`.
        width: In pixels, from 200 to 1600.
        height: In pixels, from 160 to 1200; the names of several curves come on top.

    Raises:
        GlidepathError: If a number is out of range, or matplotlib or pillow is missing.
    """
    frames = taken("view", "frames", frames, integer(8, 200))
    size = taken("view", "width", width, integer(200, 1600)), taken("view", "height", height, integer(160, 1200))
    seen = scene(schedules, steps, axis, per, base, unit)
    heading = title if title is not None else next(iter(seen.curves)) if len(seen.curves) == 1 else ""
    film = _Film(seen, heading, size, log, floor)
    stops = {round(seen.last * k / (frames - 1)) for k in range(frames)}
    stops |= {phase.begin for phase in film.phases if len(film.phases) <= frames // 4}
    pictures = [film.whole(), *map(film.at, sorted(stops))]
    times = [1400, *[60] * (len(pictures) - 2), 120]  # milliseconds
    return _gif(pictures, _COLOURS + 12 * len(seen.curves), times)


def animate(schedules: Schedules, path: str | os.PathLike[str], **options: Any) -> PicturePath:
    """Writes the GIF that `animation` makes, whole or not at all, and returns its path.

    Args:
        schedules: One, a sequence, or a mapping from labels.
        path: A file name that ends in .gif.
        **options: Those of `animation`.

    Raises:
        GlidepathError: If the ending is another, or an option is refused.
    """
    if Path(path).suffix.lower() != ".gif":
        raise GlidepathError.of("view", "path", "a file name that ends in .gif", str(path))
    return PicturePath(write_whole(path, animation(schedules, **options), where="view"))


class _Film:
    """The axes drawn once, and the curves up to a step drawn over them."""

    def __init__(self, seen: Scene, heading: str, size: tuple[int, int], log: bool, floor: float | None) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D

        wide = size[0]
        self.most = int((wide - 80) / 8)  # letters of the line that tells step, value and phase
        self.curves, self.scale, self.bases = list(seen.curves.values()), seen.scale, list(seen.bases.values())
        self.phases = phases(self.curves[0].schedule, seen.last) if len(self.curves) == 1 else []
        names = list(seen.curves) if len(seen.curves) > 1 else []
        tall, head, left = size[1] + _ROW * len(names), 68 + _ROW * len(names), 67 / wide
        drawing = Figure(figsize=(wide / 100, tall / 100), dpi=100)
        self.canvas = FigureCanvasAgg(drawing)
        self.axes: Any = drawing.add_axes((left, 60 / tall, 1 - left - 32 / wide, (tall - 60 - head) / tall))
        self.lines, note = draw(self.axes, seen, log, floor)
        self.axes.set_xlabel(f"{seen.scale.label}; {note}" if note else seen.scale.label, fontsize=9)
        self.axes.set_ylabel(self.axes.get_ylabel(), fontsize=9)
        self.full = [(line.get_xdata(), line.get_ydata()) for line in self.lines]
        for line, way in zip(self.lines, self.full, strict=True):  # the way that the curve will go, faintly
            self.axes.plot(*way, color=line.get_color(), alpha=0.16, linewidth=1.4, zorder=1)
        self.lowest = float(self.axes.get_ylim()[0]) if log else -math.inf
        ink: dict[str, Any] = {"va": "center", "family": "monospace"}
        family: dict[str, Any] = {**ink, "family": "sans-serif"} if names else ink
        told = _cut(heading, int((wide - 80) / 8.4))
        drawing.text(left, 1 - 22 / tall, told, fontsize=10, color="#222222", **family)
        for k, name in enumerate(names):
            y, look = 1 - (44 + _ROW * k) / tall, look_of(k)
            drawing.add_artist(Line2D([left, left + 29 / wide], [y, y], linewidth=1.8, **look))
            told = f"{k + 1}  {_cut(name.strip(), int((wide - 150) / 7.6))}"
            drawing.text(left + 37 / wide, y, told, fontsize=9, color="#444444", **ink)
        self.caption = drawing.text(left, 1 - (48 + _ROW * len(names)) / tall, "", fontsize=9.5, color="#555555", **ink)
        dot: Any = {"markersize": 7, "clip_on": False, "zorder": 5}
        self.dots = [self.axes.plot([], [], "o", color=line.get_color(), **dot)[0] for line in self.lines]
        lettered(drawing)
        self.moving = [*self.lines, *self.dots, self.caption]
        for artist in self.moving:
            artist.set_animated(True)
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(drawing.bbox)

    def whole(self) -> Any:
        """Returns the picture of the whole curves."""
        last = self.scale.text(max(float(curve.steps[-1]) for curve in self.curves))
        what = " → ".join(phase.name for phase in self.phases) if 1 < len(self.phases) <= 4 else ""
        return self._picture(f"{last}   {what}")

    def at(self, step: int) -> Any:
        """Returns the picture of the curves up to a step."""
        values, at = [], self.scale.position(step)
        parts = zip(self.curves, self.bases, self.lines, self.dots, self.full, strict=True)
        for curve, base, line, dot, (x, y) in parts:
            done, value = int((curve.steps <= step).sum()), curve.schedule(step) * base
            place = max(value, self.lowest)
            line.set_data([*x[:done], at], [*y[:done], place])
            dot.set_data([at], [place])
            values.append(significant(value))
        past = "held" if self.phases else ""
        name = next((phase.name for phase in self.phases if phase.begin <= step < phase.end), past)
        return self._picture(f"{self.scale.text(step):<16} value {'   '.join(values):<12} {name}")

    def _picture(self, caption: str) -> Any:
        from PIL import Image

        self.caption.set_text(_cut(caption.rstrip(), self.most))
        self.canvas.restore_region(self.still)
        for artist in self.moving:
            self.axes.draw_artist(artist) if artist is not self.caption else artist.draw(self.canvas.get_renderer())
        size = self.canvas.get_width_height()
        return Image.frombuffer("RGBA", size, bytes(self.canvas.buffer_rgba()), "raw", "RGBA", 0, 1).convert("RGB")


def _cut(text: str, most: int) -> str:
    return short(text, most).replace("$", r"\$")


def _gif(pictures: list[Any], colours: int, durations: list[int]) -> Gif:
    from PIL import Image

    middle = pictures[len(pictures) // 2]
    both = Image.new("RGB", (middle.width, middle.height * 2))
    both.paste(pictures[0], (0, 0))
    both.paste(middle, (0, middle.height))
    palette = both.quantize(colours, dither=Image.Dither.NONE)
    table = palette.getpalette() or []
    lightest = max(range(0, len(table), 3), key=lambda i: sum(table[i : i + 3]))
    table[lightest : lightest + 3] = [255, 255, 255]  # the paper stays white
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    for frame in frames:
        frame.putpalette(table)
    buffer = io.BytesIO()
    moving = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(buffer, "GIF", **moving, optimize=True, disposal=1)
    return Gif(buffer.getvalue())
