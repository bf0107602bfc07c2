"""Forecasts: what a schedule will do to the loss, from laws fitted to the logs of runs that were made."""

from __future__ import annotations

from .fit import Backtest, Comparison, Curve, Forecast, Laws, Used, fit_laws
from .laws import LAWS, Law
from .path import Path, Run

__all__ = ["LAWS", "Backtest", "Comparison", "Curve", "Forecast", "Law", "Laws", "Path", "Run", "Used", "fit_laws"]
