"""Other libraries' schedulers by their own names and arguments: read into our schedules, and written as their code."""

from __future__ import annotations

from . import pytorch, replay  # each library registers itself
from .reading import load, names

__all__ = ["load", "names"]
