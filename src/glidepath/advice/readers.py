"""Reading training logs: CSV, JSON lines, TensorBoard event files, Lightning's and the HF Trainer's logs, glidepath's own.

Which column is what is told by its name. Nothing is unpickled or evaluated, and every file is read within bounds.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ..core.errors import GlidepathError
from ..core.schedule import Schedule
from .events import scalars
from .log import Log, Series

__all__ = ["read"]

_MOST_BYTES = 512 * 2**20
_MOST_ROWS = 5_000_000
_MOST_FILES = 1000

_STEP = re.compile(r"(global_?|trainer/global_|training_|train/)?(step|steps|update|updates|iter|iteration|batch_idx)$")
_NAMES = {
    "validation_loss": re.compile(r"(val|valid|validation|eval|test|dev)([/_.-].*)?[/_.-]?loss(_epoch)?$"),
    "rate": re.compile(r"(train[/_]|optim\w*[/_])?(lr|rate|learning[_ ]?rate|lr[-_/].*)(/0|/0 .*)?$"),
    "gradient_norm": re.compile(r"(train[/_])?(grad\w*[_/]?(2\.0_)?norm\w*|grad_2\.0_norm_total|gnorm)$"),
    "loss": re.compile(r"(train(ing)?[/_.-])?loss([/_.-](step|train|iter|batch))?$"),
    "epoch": re.compile(r"(train[/_])?epochs?$"),
}
Cell = tuple[str, float, float]


def read(path: str | os.PathLike[str], *, rates: bool = False) -> Log:
    """Reads a training log.

    Args:
        path: A file (`.csv`, `.jsonl`, `.json`, `events.out.tfevents.*`), or a folder that holds one: a Lightning version
            (`metrics.csv`), a TensorBoard run, an HF output folder (`trainer_state.json`, also in its last checkpoint), a folder of
            `glidepath train` (`record.json`) or of `glidepath compare` with one record in it.
        rates: Whether it must have learning rates; otherwise losses are enough.

    Returns:
        What of it is known by name.

    Raises:
        GlidepathError: If there is no such file, it is too large or damaged, or does not hold what is needed.
    """
    place = Path(path)
    if place.is_dir():
        found = _read_folder(place)
    elif place.is_file():
        found = _read_file(place)
    else:
        raise GlidepathError.of("log", "path", "a file or a folder", str(path))
    if found.get("rate") is None and (rates or found.get("loss") is None):
        seen = ", ".join(repr(column) for column in found.columns[:12]) or "no column of numbers"
        rule, wanted = (
            ("named like lr: it has no rates", "step, lr") if rates else ("named like loss or lr", "step, loss, lr")
        )
        remedy = f"rename them, or convert the log to CSV: {wanted}"
        raise GlidepathError.worded("log", "columns", rule, seen, remedy)
    return found


def _read_folder(folder: Path) -> Log:
    """Reads the one log in a folder: the files directly inside, or one level below."""
    below = [folder, *sorted(child for child in folder.iterdir() if child.is_dir())[:_MOST_FILES]]
    events = [file for place in below for file in sorted(place.glob("events.out.tfevents*"))[:_MOST_FILES]]
    states = [place / "trainer_state.json" for place in below if (place / "trainer_state.json").is_file()]
    if states:  # each holds the whole history up to it
        return max((_read_file(state) for state in states), key=lambda log: log.last)
    for name in ("metrics.csv", "metrics.jsonl", "log.csv", "log.jsonl"):
        found = [place / name for place in below if (place / name).is_file()]
        if found:
            return _read_file(max(found, key=lambda file: file.stat().st_mtime))
    if events:
        return _log(((tag, step, value) for file in events for tag, step, value in scalars(file)), folder.name)
    if (folder / "record.json").is_file():  # of glidepath train
        return _read_file(folder / "record.json")
    records = sorted((folder / "records").glob("*.json"))  # of glidepath compare
    files = records or [
        file
        for file in sorted(folder.iterdir())
        if file.suffix in (".csv", ".jsonl", ".json") and not file.name.startswith(".")
    ]
    if len(files) == 1:
        return _read_file(files[0])
    remedy = f"name one, such as {' or '.join(str(file) for file in files[:2])}" if files else ""
    if records:
        raise GlidepathError.worded("log", "path", "a single run", f"a folder of {len(records)} runs", remedy)
    rule = "a folder with one log (metrics.csv, trainer_state.json, events.out.tfevents.*, or a single .csv, .jsonl or .json)"
    raise GlidepathError.worded("log", "path", rule, f"{folder.name!r} with {len(files) or 'no'} such files", remedy)


def _read_file(file: Path) -> Log:
    size = file.stat().st_size
    if size > _MOST_BYTES:
        raise GlidepathError.of("log", "file", f"at most {_MOST_BYTES} bytes", f"{size} bytes")
    if "tfevents" in file.name:
        return _log(scalars(file), file.name)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GlidepathError.of("log", "file", "readable text", file.name, str(error)[:100]) from None
    ending = file.suffix.lower()
    if ending == ".csv" or ending == ".tsv":
        return _log(_csv(text, file.name, "\t" if ending == ".tsv" else None), file.name)
    if ending in (".jsonl", ".ndjson", ".log", ".txt"):
        return _log(_rows(_lines(text, file.name)), file.name)
    if ending == ".json":
        return _json(text, file.name)
    raise GlidepathError.of("log", "file", "of a known kind: .csv, .jsonl, .json or an event file", file.name)


def _csv(text: str, name: str, delimiter: str | None) -> Iterator[Cell]:
    lines = text.splitlines()
    if not lines:
        raise GlidepathError.of("log", "file", "a table with a heading", name)
    mark = delimiter or (";" if lines[0].count(";") > lines[0].count(",") else ",")
    try:
        yield from _rows(csv.DictReader(lines, delimiter=mark))
    except csv.Error as error:
        raise GlidepathError.of("log", "file", "CSV", name, str(error)) from None


def _lines(text: str, name: str) -> Iterator[Any]:
    for k, line in enumerate(text.splitlines()):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            if k == 0:
                raise GlidepathError.of("log", "file", "an object a line", name, "line 1 is not JSON") from None
            continue  # a line that a killed process left half written


def _json(text: str, name: str) -> Log:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise GlidepathError.of("log", "file", "JSON", name) from None
    if isinstance(data, dict):
        table = cast("dict[str, Any]", data)
        if isinstance(table.get("log_history"), list):
            return _log(_rows(table["log_history"]), name)
        if isinstance(table.get("record"), dict):
            return _record(table["record"], name)
        if {"rates", "losses", "spec"} <= set(table):
            return _record(table, name)
        columns = {key: value for key, value in table.items() if isinstance(value, list)}
        if columns:
            rows = max(len(value) for value in columns.values())
            return _log(
                _rows([{k: v[i] for k, v in columns.items() if i < len(v)} for i in range(min(rows, _MOST_ROWS))]), name
            )
    if isinstance(data, list):
        return _log(_rows(cast("list[Any]", data)), name)
    raise GlidepathError.of("log", "file", "a log: a list of objects, columns, a trainer state or a record", name)


def _record(record: dict[str, Any], name: str) -> Log:
    """Returns the log of a record of the lab: rates and losses by stride, evaluations, and the plan itself."""
    try:
        stride, spec = int(record.get("stride", 1)), record["spec"]
        rates, losses = list(record["rates"]), list(record["losses"])
        checks = [item for item in record.get("evaluations", []) if item.get("loss") is not None]
        return Log(
            {
                "loss": Series.of([i * stride for i in range(len(losses))], losses),
                "rate": Series.of([i * stride for i in range(len(rates))], rates),
                "validation_loss": Series.of([item["updates"] for item in checks], [item["loss"] for item in checks]),
            },
            name,
            Schedule.from_dict(spec["schedule"]),
            float(spec["peak_rate"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, GlidepathError):
            raise
        raise GlidepathError.of("log", "record", "whole", name, f"{type(error).__name__}: {error}"[:100]) from None


def _rows(rows: Iterable[Any]) -> Iterator[Cell]:
    """Yields (column, step, value) of rows of named cells. A row without a step of its own counts on from the last."""
    count = -1.0
    for k, row in enumerate(rows):
        if k >= _MOST_ROWS:
            raise GlidepathError.of("log", "file", f"at most {_MOST_ROWS} rows", "more")
        if not isinstance(row, Mapping):
            continue
        cells = {str(key): _number(value) for key, value in cast("Mapping[Any, Any]", row).items()}
        steps = [value for key, value in cells.items() if value is not None and _STEP.match(key.strip().lower())]
        step = steps[0] if steps and math.isfinite(steps[0]) and steps[0] >= 0 else count + 1
        count = step
        if {"parameter", "value"} <= set(cells):  # written by glidepath's own loggers: a value a row
            if cast("Mapping[str, Any]", row).get("parameter") == "lr" and cells["value"] is not None:
                yield f"lr/{cast('Mapping[str, Any]', row).get('group', '')}", step, cells["value"]
            continue
        for key, value in cells.items():
            if value is not None:
                yield key, step, value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and 0 < len(value) < 40:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _log(cells: Iterable[Cell], source: str) -> Log:
    """Sorts cells into series by the names of their columns; of several columns for one series the first one named counts."""
    columns: dict[str, tuple[list[float], list[float]]] = {}
    for column, step, value in cells:
        steps, values = columns.setdefault(column, ([], []))
        steps.append(step)
        values.append(value)
    series: dict[str, Series] = {}
    for column, (steps, values) in columns.items():
        name = _name(column)
        if name is not None and (name not in series or _plainer(column, name)):
            series[name] = Series.of(steps, values)
    return Log(series, source, columns=tuple(columns))


def _name(column: str) -> str | None:
    lowered = column.strip().lower()
    return next((name for name, pattern in _NAMES.items() if pattern.match(lowered)), None)


def _plainer(column: str, name: str) -> bool:
    """Whether a column has the very name of its series."""
    return column.strip().lower() in {
        "loss": ("loss", "train_loss", "train/loss"),
        "rate": ("lr", "rate", "learning_rate"),
    }.get(name, (name,))
