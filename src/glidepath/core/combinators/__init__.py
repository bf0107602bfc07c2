"""Schedules made of schedules. Each part keeps its own clock, and wrapping a schedule changes none of its values."""

from __future__ import annotations

from .joined import Chain, Clip, Maximum, Minimum, Product, Sum
from .warped import Repeat, Shift, Stretch, Until

__all__ = ["Chain", "Clip", "Maximum", "Minimum", "Product", "Repeat", "Shift", "Stretch", "Sum", "Until"]
