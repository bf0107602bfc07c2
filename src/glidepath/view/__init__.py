"""Seeing a schedule: still pictures, animations, drawings in a terminal, and what a notebook shows."""

from __future__ import annotations

from .animation import animate, animation
from .axis import Axis
from .examples import example
from .pictures import gallery
from .sample import Curve, Phase, horizon, knots, phases, sampled
from .still import figure, html, save
from .terminal import terminal
from .widget import widget

__all__ = [
    "Axis",
    "Curve",
    "Phase",
    "animate",
    "animation",
    "example",
    "figure",
    "gallery",
    "horizon",
    "html",
    "knots",
    "phases",
    "sampled",
    "save",
    "terminal",
    "widget",
]
