"""Seeing a schedule: still pictures, drawings in a terminal, and what a notebook shows."""

from __future__ import annotations

from .sample import Curve, horizon, sampled
from .still import figure, html, save
from .terminal import significant, terminal

__all__ = ["Curve", "figure", "horizon", "html", "sampled", "save", "significant", "terminal"]
