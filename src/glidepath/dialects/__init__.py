"""Other libraries' schedulers by their own names and arguments: read into our schedules, and written as their code."""

from __future__ import annotations

from . import keras, oneflow, paddle, pytorch, replay, tensorflow  # each library registers itself
from .reading import load, names

__all__ = ["load", "names"]
