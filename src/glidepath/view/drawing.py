"""The figure that `figure` and its like give; imported where one is drawn, since matplotlib may be missing."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from .notebook import encoded


class Drawing(Figure):
    """A matplotlib figure that shows itself in a notebook, with the inline magic or without."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook leaves out what it does not want
        from .still import bytes_of

        return {"text/plain": str(self), "image/png": encoded(bytes_of(self, "png", dpi=110))}
