"""Logs that were dropped on the page: what they say, and the laws of their losses. Nothing is remembered."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

from .. import logs, parse
from ..advice import Fit, advise, fit
from ..core import GlidepathError
from ..core.fields import real
from ..forecast import Laws, fit_laws
from ..forecast.fit import merged
from ..forecast.path import runs_of
from .asked import AnObject, Asked, Last, Text, several, typed, words

MAX_FILE = 2_000_000


class _File(Asked):
    """A log, as text, or in base 64 what is no text; its name may be a path in the folder that was dropped."""

    name: Annotated[str, words(200)]
    text: Annotated[str, words(MAX_FILE)] = ""
    data: Annotated[str, words(MAX_FILE)] = ""


class Dropped(Asked):
    """Logs, and what they followed where they hold no rates."""

    files: Annotated[tuple[_File, ...], several(_File, 16)]
    plan: Text = ""
    base: Annotated[float, typed(real())] | None = None


class Forecast(Asked):
    """A schedule for laws that `fitted` gave."""

    laws: AnObject
    text: Text
    steps: Last | None = None


@contextlib.contextmanager
def _put(dropped: Dropped) -> Generator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="glidepath-") as folder:
        places: list[Path] = []
        for file in dropped.files:
            parts = [re.sub(r"[^\w.-]", "_", part).lstrip(".") for part in file.name.split("/")]
            places.append(Path(folder, *parts[:-1], parts[-1] or "log.csv"))
            places[-1].parent.mkdir(parents=True, exist_ok=True)
            text = file.text.encode("utf-8", "replace")
            try:
                places[-1].write_bytes(base64.b64decode(file.data, validate=True) or text)
            except ValueError:
                raise GlidepathError.of("log", "data", "base 64", file.data[:20]) from None
        yield places


def logged(request: Dropped) -> dict[str, Any]:
    """Returns what a log was read as, the schedule behind its rates, and what went wrong in the run.

    Args:
        request: What the page sends: a log, or the files of one folder.

    Raises:
        GlidepathError: If it cannot be read.
    """
    with _put(request) as places:
        log = logs.read(places[0] if len(places) == 1 else Path(os.path.commonpath([each.parent for each in places])))
    found = fit(log) if log.get("rate") is not None else None
    told = advise(log)
    return {
        "read": log.lines(),
        "schedule": {"text": found.text, "kind": found.kind} if isinstance(found, Fit) else None,
        "notes": found.notes() if isinstance(found, Fit) else [str(found)] if found is not None else [],
        "findings": [finding.to_dict() for finding in told.findings],
        "said": str(told).split("\n\n")[len(told.findings) :],
    }


def fitted(request: Dropped) -> dict[str, Any]:
    """Returns the laws of logs, and their losses to be drawn.

    Args:
        request: What the page sends.

    Raises:
        GlidepathError: If a log cannot be read, or no law can be told.
    """
    with _put(request) as places:
        read = [logs.read(place) for place in places]
    plan = parse(request.plan) if request.plan.strip() else None
    runs = runs_of(read, plan=plan, base=request.base)
    laws = fit_laws(runs)
    drawn: list[dict[str, Any]] = []
    for run in (merged(run, 240) for run in runs):
        late = run.steps > 0.08 * run.updates
        drawn.append({"name": run.name, "steps": run.steps[late].tolist(), "losses": run.losses[late].tolist()})
    return {"laws": laws.to_dict(), "runs": drawn}


def forecast(request: Forecast) -> dict[str, Any]:
    """Returns the loss along a schedule with its band, and what it ends with.

    Args:
        request: What the page sends.

    Raises:
        GlidepathError: If the schedule cannot be read, or the laws do not speak for it.
    """
    laws = Laws.from_dict(request.laws)
    schedule = parse(request.text)
    curve, final = laws.curve(schedule, steps=request.steps, points=120), laws.final(schedule, steps=request.steps)
    sides = {name: getattr(curve, name).tolist() for name in ("steps", "loss", "low", "high")}
    return {**sides, "final": final.loss, "from": final.low, "to": final.high, "horizon": final.horizon}
