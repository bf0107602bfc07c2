"""Advice from a training log: what went wrong and what to do, which schedule it was, and which one its gradients speak for."""

from __future__ import annotations

from ..logs import read
from ..logs.log import Log, Series
from .advise import advise
from .finding import Advice, Evidence, Finding
from .fit import Fit, NoFit, fit
from .refine import refine

__all__ = ["Advice", "Evidence", "Finding", "Fit", "Log", "NoFit", "Series", "advise", "fit", "read", "refine"]
