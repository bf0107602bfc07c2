"""The page of forecasts: logs that were dropped become laws, and laws tell the loss along a schedule. Nothing is remembered."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from glidepath import logs, parse
from glidepath.forecast import Laws, fit_laws
from glidepath.forecast.fit import merged
from glidepath.forecast.reading import runs_of

from .questions import Curve, Dropped

__all__ = ["fitted", "forecast"]

_POINTS = 240


def fitted(dropped: Dropped) -> dict[str, Any]:
    """Returns the laws of logs, and their losses to be drawn.

    Args:
        dropped: What the page sends.

    Raises:
        GlidepathError: If a log cannot be read, or no law can be told.
    """
    read: list[logs.Log] = []
    with tempfile.TemporaryDirectory(prefix="glidepath-") as folder:
        for file in dropped.files:
            name = re.sub(r"[^\w.-]", "_", file.name).lstrip(".") or "log.csv"
            place = Path(folder) / name
            place.write_text(file.text, encoding="utf-8")
            read.append(logs.read(place))
    plan = parse(dropped.plan) if dropped.plan.strip() else None
    runs = runs_of(read, plan=plan, base=dropped.base)
    laws = fit_laws(runs)
    drawn: list[dict[str, Any]] = []
    for run in (merged(run, _POINTS) for run in runs):
        late = run.steps > 0.08 * run.updates
        drawn.append({"name": run.name, "steps": run.steps[late].tolist(), "losses": run.losses[late].tolist()})
    return {"laws": laws.to_dict(), "runs": drawn}


def forecast(asked: Curve) -> dict[str, Any]:
    """Returns the loss along a schedule with its band, and what it ends with.

    Args:
        asked: What the page sends.

    Raises:
        GlidepathError: If the schedule cannot be read, or the laws do not speak for it.
    """
    laws = Laws.from_dict(asked.laws)
    schedule = parse(asked.text)
    curve, final = laws.curve(schedule, steps=asked.steps, points=120), laws.final(schedule, steps=asked.steps)
    sides = {name: getattr(curve, name).tolist() for name in ("steps", "loss", "low", "high")}
    return {**sides, "final": final.loss, "from": final.low, "to": final.high, "horizon": final.horizon}
