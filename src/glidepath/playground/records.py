"""Finished runs: what the demo, or any comparison, left in its folder, as the page draws it."""

from __future__ import annotations

import functools
import json
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from ..view import sampled

__all__ = ["band", "nearest", "prepare", "rates", "tasks"]

MOST_RECORDS = 2_000
MOST_BYTES = 16 * 2**20
_DRAWN = 160  # points of a rate
_SHAPE = 101  # places at which two shapes are compared
_SAME = 0.02  # how far apart two shapes may be, as a share of the peak, and still be called the same


def tasks(folder: Path) -> list[dict[str, Any]]:
    """Returns what a comparison's folder holds: for each task its schedules with bands over the seeds, and what they show.

    Args:
        folder: Where `comparison.json` and `records` are; nothing there gives an empty list.
    """
    stamp = folder / "comparison.json"
    if not stamp.exists():
        return []
    try:
        with _importing:
            import_module("glidepath.lab.report.verdict")
        return _tasks(folder, stamp.stat().st_mtime_ns)
    except (OSError, ImportError, GlidepathError, ValueError, KeyError, TypeError):
        return []


_importing = threading.Lock()


def prepare() -> None:
    """Imports what the lab needs, one thread at a time: two threads that import torch at once can see half of it.

    Raises:
        ImportError: If it is not installed.
    """
    with _importing:
        import_module("torch")
        import_module("glidepath.lab.report.verdict")
        import_module("glidepath.lab.engines.workers")


@functools.lru_cache(maxsize=4)
def _tasks(folder: Path, stamp: int) -> list[dict[str, Any]]:
    del stamp
    from ..lab.report.comparison import Comparison
    from ..lab.report.verdict import caveats, verdict

    comparison = Comparison.from_json((folder / "comparison.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for result in comparison.tasks:
        rows: list[dict[str, Any]] = []
        for row in result.schedules:
            records = [_record(folder / "records" / f"{key}.json") for key in row.runs[:MOST_RECORDS]]
            kept = [record for record in records if record is not None]
            rows.append(
                {
                    "name": row.name,
                    "text": row.text if len(row.text) < 2000 else "",
                    "fingerprint": row.fingerprint,
                    "test": None if row.test is None else [row.test.mean, row.test.low, row.test.high],
                    "seeds": len(kept),
                    "curves": band(kept),
                    "rates": rates(Schedule.of(row.text), result.budget, result.peak_rate or 1.0) if row.text else [],
                    "validations": [[e["metric"] for e in record["evaluations"]] for record in kept],
                }
            )
        metric = result.task.metric
        found.append(
            {
                "task": result.task.name,
                "about": result.task.about,
                "metric": metric.name,
                "unit": metric.unit,
                "budget": result.budget,
                "rate": result.peak_rate,
                "rows": rows,
                "sentences": verdict(result, comparison.baseline),
                "caveats": caveats(comparison),
            }
        )
    return found


def _record(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return json.loads(path.read_text(encoding="utf-8"))["record"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def band(records: list[dict[str, Any]]) -> list[list[float | None]]:
    """Returns, for each validation, the update and over the seeds the mean, lowest and highest metric, then those of the loss.

    Args:
        records: Records as JSON data, one a seed.
    """
    rows: list[list[float | None]] = []
    for several in zip(*(record["evaluations"] for record in records), strict=False):
        columns = [[e[name] for e in several if e[name] is not None] for name in ("metric", "loss")]
        if all(columns):
            spans = [(sum(column) / len(column), min(column), max(column)) for column in columns]
            rows.append([several[0]["updates"], *spans[0], *spans[1]])
    return rows


def rates(schedule: Schedule, updates: int, peak: float) -> list[list[float]]:
    """Returns the learning rates of a run as points to be joined.

    Args:
        schedule: A factor.
        updates: Length of the run.
        peak: What multiplies it.
    """
    return [[step, value * peak] for step, value in sampled(schedule, updates, _DRAWN).points()]


def nearest(schedule: Schedule, last: int, rows: list[dict[str, Any]], budget: int) -> dict[str, Any] | None:
    """Returns the trained schedule of the nearest shape: its name, its mean distance as a share of the peak, and whether it is the same.

    Args:
        schedule: The one on the page.
        last: Its last step.
        rows: The trained ones.
        budget: Their length.
    """
    mine = _shape(schedule, last)
    best: dict[str, Any] | None = None
    for row in rows:
        if not row["text"]:
            continue
        try:
            other = _shape(Schedule.of(row["text"]), budget)
        except GlidepathError:
            continue
        gaps = [abs(a - b) for a, b in zip(mine, other, strict=True)]
        apart = sum(gaps) / len(gaps)
        if best is None or apart < best["apart"]:
            best = {"name": row["name"], "apart": apart, "same": max(gaps) <= _SAME}
    return best


def _shape(schedule: Schedule, last: int) -> list[float]:
    values = [schedule(round(last * k / (_SHAPE - 1))) for k in range(_SHAPE)]
    top = max(abs(value) for value in values) or 1.0
    return [value / top for value in values]
