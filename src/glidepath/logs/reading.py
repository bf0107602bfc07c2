"""Reading a training log from a file or from the folder in which a framework left it."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from ..core import GlidepathError, Schedule
from .events import scalars
from .gather import gather
from .log import Log, Series
from .names import kind
from .rows import Progress, Row, rows

_MOST_FILES = 2000
_NAMES = (
    r"trainer_state\.json",
    r"results\.csv",
    r"metrics\.(csv|jsonl)",
    r"metrics\.json|.*\.log\.json|scalars\.json",
    r"log\.(csv|jsonl|txt)|summary\.csv|history\.(csv|json)|wandb-history\.jsonl",
    r"events\.out\.tfevents.*",
    r"record\.json",
    r"(train|training|training_log|train_log|output|main|stdout)\.(log|txt|csv)",
)
"""What frameworks call their logs, the surest first."""


def read(
    path: str | os.PathLike[str],
    *,
    step: str | None = None,
    rate: str | None = None,
    loss: str | None = None,
    run: str | None = None,
    rates: bool = False,
    progress: Progress | None = None,
) -> Log:
    """Reads a training log, whoever wrote it. What it is made of is told by its content, what is in it by the names.

    Args:
        path: A file of CSV, JSON, JSON lines, text or TensorBoard events, or a folder in which a framework left one: a HF output folder,
            `lightning_logs`, `runs/detect/train`, a TensorBoard or W&B folder, a folder of `glidepath train` or `glidepath compare`.
        step: The column that counts; None chooses by the names.
        rate: The column of the rate; None chooses.
        loss: The column of the training loss; None chooses.
        run: Whose columns, in a file of several runs.
        rates: Whether it must have learning rates; otherwise losses are enough.
        progress: Is told how many bytes of how many have been read.

    Returns:
        The series, and how they were read: form, columns taken, other columns, starts, groups, whether the run is over.

    Raises:
        GlidepathError: If there is no such file, it is too large or damaged, is no log, or does not hold what is needed.
    """
    place = Path(path)
    asked = {"step": step, "rate": rate, "loss": loss, "run": run}
    if place.is_dir():
        found = _read_folder(place, asked, progress)
    elif place.is_file():
        found = _read_file(place, asked, progress)
    else:
        raise GlidepathError.of("log", "path", "a file or a folder", str(path))
    if found.get("rate") is None and (rates or (found.get("loss") is None and found.get("validation_loss") is None)):
        seen = ", ".join(repr(column) for column in found.columns[:12]) or "no column of numbers"
        like, options = ("lr: it has no rates", "--rate") if rates else ("loss or lr", "--loss, --rate")
        raise GlidepathError.worded("log", "columns", f"named like {like}", seen, f"name the columns: {options}")
    return found


def _read_folder(folder: Path, asked: dict[str, str | None], progress: Progress | None) -> Log:
    """Reads the log in a folder, up to three levels down: that of the surest name, of several the newest."""
    levels = (folder.glob(pattern) for pattern in ("*", "*/*", "*/*/*", "*/*/*/*"))
    files = [file for level in levels for file in islice(level, _MOST_FILES) if file.is_file() and file.name[:1] != "."]
    records = [file for file in files if file.parent == folder / "records" and file.suffix == ".json"]
    if len(records) > 1:
        remedy = f"name one, such as {' or '.join(str(file) for file in sorted(records)[:2])}"
        raise GlidepathError.worded("log", "path", "a single run", f"a folder of {len(records)} runs", remedy)
    for pattern in _NAMES:
        found = [file for file in files if re.fullmatch(pattern, file.name)]
        if found:
            return _chosen(folder, found, asked, progress)
    tags = [file for file in files if re.fullmatch(r"run-.*-tag-.*\.csv", file.name)]
    kinds = (".csv", ".jsonl", ".json", ".log", ".txt")
    loose = records or [file for file in files if file.suffix in kinds and file.parent == folder]
    if tags and len(tags) == len(loose):
        each = ((_tag(file.name), row) for file in sorted(tags) for row in rows(file)[1])
        tagged = ({"Step": row.get("Step"), tag: row.get("Value")} for tag, row in each)
        return gather(tagged, "csv", tags[0].name, folder.name, asked)
    if len(loose) == 1:
        return _chosen(folder, loose, asked, progress)
    remedy = f"name one, such as {' or '.join(str(file) for file in sorted(loose)[:2])}" if loose else ""
    binary = next((f", and {file.name}, which only W&B reads" for file in files if file.suffix == ".wandb"), "")
    rule = "a folder with one log (metrics.csv, trainer_state.json, results.csv, events.out.tfevents.*, a single .csv, .jsonl or .log)"
    got = f"{folder.name!r} with {len(loose) or 'no'} such files{binary}"
    raise GlidepathError.worded("log", "path", rule, got, remedy)


def _chosen(folder: Path, found: list[Path], asked: dict[str, str | None], progress: Progress | None) -> Log:
    if found[0].name == "trainer_state.json":  # each checkpoint's holds the whole history up to it
        read_ = {file: _read_file(file, asked, None) for file in found}
        best = max(read_, key=lambda file: read_[file].last)
        log = read_[best]
    else:
        near = min(len(file.parts) for file in found)
        nearest = [file for file in found if len(file.parts) == near]
        best = max(nearest, key=lambda file: (file.stat().st_mtime_ns, list(map(int, re.findall(r"\d+", str(file))))))
        if "tfevents" in best.name:
            events = sorted(file for file in found if file.parent == best.parent or len(file.parts) > near)
            log = gather(_event_rows(events), "events", best.name, folder.name, asked)
        else:
            log = _read_file(best, asked, progress)
    others = f" (of {len(found)}, the newest)" if len(found) > 1 and "tfevents" not in best.name else ""
    return replace(log, notes=(f"from {best.relative_to(folder)}{others}", *log.notes))


def _event_rows(files: list[Path]) -> Iterator[Row]:
    """Yields the scalars of event files; those of several folders of one run, `validation` beside `train`, by their steps."""
    folders = list(dict.fromkeys(file.parent for file in files))
    parts = (_scalars_of(folder, [file for file in files if file.parent == folder]) for folder in folders)
    return heapq.merge(*parts, key=lambda row: row["step"])


def _scalars_of(folder: Path, files: list[Path]) -> Iterator[Row]:
    held = re.fullmatch(r"(?i)val|valid|validation|eval|evaluation|test", folder.name)
    for tag, step, value in (each for file in files for each in scalars(file)):
        own = folder.name.startswith(f"{tag.replace('/', '_')}_")  # add_scalars gives each of its curves a folder
        yield {"step": step, f"val/{tag}" if held else folder.name if own else tag: value}


def _tag(name: str) -> str:
    """Returns the tag that a file's name says, as TensorBoard names what it exports, or `Value`."""
    found = re.search(r"-tag-(.*)\.csv$", name)
    stem = name.rpartition(".")[0]
    return found[1] if found else stem if kind(stem) not in ("", "step", "epoch") else "Value"


def _read_file(file: Path, asked: dict[str, str | None], progress: Progress | None) -> Log:
    with file.open("rb") as opened:
        start = opened.read(12)
    if "tfevents" in file.name or (len(start) == 12 and start[4:8] == b"\0\0\0\0"):
        log = gather(_event_rows([file]), "events", file.name, file.name, asked)
        return replace(log, form="TensorBoard events")
    made_of, found = rows(file, progress)
    if made_of == "json":
        first = next(found, {})
        if set(first) == {""}:
            return _object(first[""], file.name, asked)
        return gather(chain([first], found), made_of, file.name, file.name, asked)
    tag = _tag(file.name)
    if made_of == "csv" and tag != "Value":
        found = ({tag if key == "Value" else key: cell for key, cell in row.items()} for row in found)
        log = gather(found, made_of, file.name, file.name, asked)
        return replace(log, form="TensorBoard CSV") if "Wall time" in log.columns else log
    return _with_length(gather(_own(found), made_of, file.name, file.name, asked), file.parent)


def _with_length(log: Log, folder: Path) -> Log:
    """Returns a log of Ultralytics with the number of epochs that the arguments beside it ask for: it decides the schedule's end."""
    beside = (folder / name for name in ("args.yaml", "opt.yaml") if log.form.startswith("Ultralytics"))
    for file in beside:
        found = re.search(r"(?m)^epochs:\s*(\d{1,9})\s*$", file.read_text("utf-8", "replace") if file.is_file() else "")
        if found and (count := int(found[1])) > 0:
            first = float(next(iter(log.series.values())).steps[0])
            over = True if log.last - first + 1 >= count else None  # patience ends a run as well
            notes = (*log.notes, f"its length is that of {file.name}")
            return replace(log, max_steps=count, complete=over, notes=notes)
    return log


def _own(found: Iterator[Row]) -> Iterator[Row]:
    """Yields rows as they are; those of glidepath's own loggers, a value a row, as a column for each group."""
    for row in found:
        if "parameter" not in row or "value" not in row:
            yield row
        elif row["parameter"] == "lr":
            yield {"update": row.get("update"), f"lr/{row.get('group', '')}": row["value"]}


def _object(table: dict[str, Any], name: str, asked: dict[str, str | None]) -> Log:
    """Reads a JSON object: a trainer's state, a record of the lab, or lists by name."""
    if isinstance(table.get("log_history"), list):
        told = {"max_steps": _count(table.get("max_steps")), "updates": _count(table.get("global_step"))}
        history = [row for row in cast("list[Any]", table["log_history"]) if isinstance(row, dict)]
        return replace(gather(history, "json", "trainer_state", name, asked, told), form="HF Trainer's state")
    record = table["record"] if isinstance(table.get("record"), dict) else table
    if record is not table or {"rates", "losses", "spec"} <= set(table):
        return _record(cast("dict[str, Any]", record), name)
    columns = {key: cast("list[Any]", value) for key, value in table.items() if isinstance(value, list)}
    if not columns:
        raise GlidepathError.of("log", "file", "a log: a list of objects, columns, a trainer state or a record", name)
    count = max(len(value) for value in columns.values())
    lined = [{key: value[i] for key, value in columns.items() if i < len(value)} for i in range(count)]
    log = gather(lined, "json", name, name, asked)
    return replace(log, unit="epoch") if log.form == "Keras History" else log


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None


def _record(record: dict[str, Any], name: str) -> Log:
    """Returns the log of a record of the lab: rates and losses by stride, evaluations, and the plan itself."""
    try:
        stride, spec = int(record.get("stride", 1)), record["spec"]
        rates, losses = list(record["rates"]), list(record["losses"])
        checks = [item for item in record.get("evaluations", []) if item.get("loss") is not None]
        series = {
            "loss": Series.of([i * stride for i in range(len(losses))], losses),
            "rate": Series.of([i * stride for i in range(len(rates))], rates),
            "validation_loss": Series.of([item["updates"] for item in checks], [item["loss"] for item in checks]),
        }
        budget = _count(spec.get("budget"))
        taken = {"step": "stride", "loss": "losses", "rate": "rates", "validation_loss": "evaluations"}
        over = None if budget is None else int(record.get("updates", budget)) >= budget
        return Log(
            series, name, Schedule.from_dict(spec["schedule"]), float(spec["peak_rate"]), form="glidepath's record",
            taken=taken, max_steps=budget, complete=over,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, GlidepathError):
            raise
        raise GlidepathError.of("log", "record", "whole", name, f"{type(error).__name__}: {error}"[:100]) from None
