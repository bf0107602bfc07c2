"""A file as rows of named cells, whatever its ending: CSV, JSON, JSON lines, or text with names and numbers. It is read as a stream."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from ..core import GlidepathError
from .names import kind, role

Row = dict[str, Any]
Progress = Callable[[int, int], None]
"""Is told how many bytes of how many have been read."""

_MOST_WHOLE = 512 * 2**20
_LONGEST_LINE = 64 * 2**20
_ONE = r"(?<![\w.])[-+]?(?:(?:\d{1,3}(?:,\d{3})+(?![\d.,]*\d)|\d+)(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?!\w)|\b(?:nan|inf)\b"
_NUMBER = re.compile(_ONE, re.IGNORECASE)
_COUNTED = re.compile(rf"({_ONE})(?:\s*/\s*({_ONE}))?", re.IGNORECASE)  # of how many, where that is said
_CLOCKS = re.compile(
    r"\x1b\[[\d;]*m|\d{4}-\d\d-\d\d|\d\d/\d\d(?:/\d{2,4})?(?= \d\d:)|\b\d+ days?,|\b\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d+)?\b"
)
_HELD_OUT = re.compile(r"\b(valid|validation|val|eval|evaluation|test)\b", re.IGNORECASE)
_refused = partial(GlidepathError.of, "log", "file")
# What a number is where its name does not stand before it: Darknet, ESPnet, WeNet, CLU; and a table between strokes.
_MEANT = (
    (re.compile(r"^\s*(\d+): (?=[\d.]+, )"), r"step: \1 loss/now: "),
    (re.compile(r"([\d.]+|-?nan) (avg loss|rate)\b"), r"\2: \1"),
    (re.compile(r"\b(\d+)epoch:train:\d+-(\d+)batch:"), r"epoch: \1 batch: \2 "),
    (re.compile(r"\bTRAIN Batch (\d+)/(\d+)"), r"epoch: \1 batch: \2"),
    (re.compile(r"\bCV Batch \d+/\d+"), "valid"),
    (re.compile(r"(?<=\] )\[(\d+)\] (?=\w+=)"), r"step: \1 "),
    (
        re.compile(r"^\s*\|(.*)\|\s*$"),
        lambda row: row[1].replace("|", "  ") if not re.search(r"[A-Za-z] *[:=]? *\d", row[1]) else row[0],
    ),
)
# A bar without a name, as transformers has beside the lines of its log.
_TQDM = re.compile(r"\s*\d+%\|[^|]*\|\s*(\d+)/(\d+) \[")
# Keras' bar: what stands beside one that is not full are means so far.
_BAR = re.compile(r"\s*(\d+)/(\d+) (?:\[[=>.]{5,}\]|[\u2501\u2578\u257a]{5,})")


def rows(file: Path, progress: Progress | None = None) -> tuple[str, Iterator[Row]]:
    """Returns what a file is made of, `csv`, `json`, `json lines` or `text`, and its rows in the order written.

    Args:
        file: The file.
        progress: Is told how far the reading is.

    Raises:
        GlidepathError: If it cannot be read, is not text, or is none of these.
    """
    lines = _uncommented(_lines(file, progress))
    head = list(islice((line for line in lines if line.strip()), 3))
    rest = chain(head, lines)
    if not head:
        raise _refused("a table with a heading, or lines with numbers", f"{file.name}, empty")
    opening = head[0].lstrip()[:1]
    if opening in ("{", "["):
        try:
            first: Any = json.loads(head[0])
        except (ValueError, RecursionError):
            first = None
        if isinstance(first, dict) and len(head) > 1:
            return "json lines", _json_lines(rest)
        if first is not None or re.match(r'[{\[]\s*(["{\[\]}]|[-\d.]+\s*(,|$))|[{\[]\s*$', head[0].strip()[:80]):
            if file.stat().st_size > _MOST_WHOLE:
                raise _refused(f"at most {_MOST_WHOLE} bytes of JSON", file.name, "or JSON lines")
            return "json", _json("\n".join(rest), file.name)
    mark = _delimiter(head)
    if mark is not None or file.suffix.lower() in (".csv", ".tsv"):
        return "csv", _csv(rest, mark or ",", file.name)
    if file.suffix.lower() in (".json", ".jsonl", ".ndjson") and not any(_NUMBER.search(line) for line in head):
        raise _refused("JSON, or an object a line", file.name, "line 1 is not JSON")
    return "text", _text(rest)


def _uncommented(lines: Iterator[str]) -> Iterator[str]:
    """Yields lines without the comments before the first of them; a heading may stand in one."""
    for line in lines:
        if line[:1] != "#":
            yield line
            break
        if sum(role(word) is not None for word in re.split(r"[,;\s]+", line)) > 1:
            yield line.lstrip("# ")
    yield from lines


def _lines(file: Path, progress: Progress | None) -> Iterator[str]:
    try:
        with file.open("rb") as stream:
            total, done, coding = file.stat().st_size, 0, "utf-8"
            mark = stream.read(2)
            if mark in (b"\xff\xfe", b"\xfe\xff"):  # as some shells redirect
                if total > _MOST_WHOLE:
                    raise _refused("UTF-8 if it is that long", file.name)
                yield from (mark + stream.read()).decode("utf-16", "replace").splitlines()
                return
            stream.seek(3 if mark + stream.read(1) == b"\xef\xbb\xbf" else 0)
            for raw in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                if b"\0" in raw[:4096]:
                    raise _refused("readable text, or an event file", f"{file.name}, binary data")
                done += len(raw)
                if progress is not None and done % (1 << 22) < len(raw):
                    progress(done, total)
                text = raw.decode(coding, "replace").rstrip("\n")
                yield from text.rstrip("\r").split("\r") if "\r" in text else (text,)
    except OSError as error:
        raise _refused("readable text", file.name, str(error)[:100]) from None


def _delimiter(head: list[str]) -> str | None:
    """Returns what separates the columns of a table with a heading, or None where there is none."""
    plain = {re.sub(r"[-+]?\d[\d.]*(e[-+]\d+)?", "0", line) for line in head}
    if len(head) > 1 and len(plain) == 1 and "0" in plain.pop():
        return None  # lines that differ in their numbers only
    for mark in (",", ";", "\t"):
        cells = next(csv.reader(head[:1], delimiter=mark), [])
        counts = {len(next(csv.reader([line], delimiter=mark), [])) for line in head[1:]}
        known = any(role(cell.strip()) is not None for cell in cells)
        names = not any(
            _number(cell)
            or re.match(r"\s*\d+(\.\d+)? \w|\s*\d+: ", cell)
            or re.search(r"""[A-Za-z"'\]]\s*[:=]\s*["'\[]?[-+]?\d""", cell)
            for cell in cells
        )
        if len(cells) > 1 and counts <= {len(cells)} and names and (known or not any(map(_NUMBER.search, cells))):
            return mark
        if len(cells) == 1 and known and len(head) > 1 and counts == {1} and _number(head[1]):
            return mark
    return None


def _number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell.strip()))


def _csv(lines: Iterable[str], mark: str, name: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=mark)
    try:
        heading = [cell.strip() for cell in next(reader, [])]
        for cells in reader:
            if [cell.strip() for cell in cells] != heading:  # a heading in the middle: the file was appended to
                yield dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise _refused("CSV", name, str(error)) from None


def _json_lines(lines: Iterable[str]) -> Iterator[Row]:
    for line in lines:
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue  # a line that a killed process left half written
        if isinstance(row, dict):
            yield cast("Row", row)


def _json(text: str, name: str) -> Iterator[Row]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("JSON", name, str(error)[:80]) from None
    if not isinstance(data, dict | list):
        raise _refused("a log: a list of objects or numbers, columns, a state or a record", name)
    if isinstance(data, dict):
        yield {"": data}  # told apart by whoever reads it
        return
    for k, row in enumerate(cast("list[Any]", data)):
        if isinstance(row, bool) or not isinstance(row, dict | int | float):
            raise GlidepathError.of("log", f"row {k + 1}", "a number or an object", row)
        yield cast("Row", row) if isinstance(row, dict) else {"value": row}


def _text(lines: Iterable[str]) -> Iterator[Row]:
    """Yields a row for each line that names numbers, with the counters that hold there: `name: number`, `name number`, `[i/n]`.

    A line under one of names alone that stands for columns is a row of that table.
    """
    counters: Row = {}
    heading: list[str] = []
    tqdm: Row = {}
    early, after = list[Row](), None  # a row whose bar comes after it: so are all where none stands before the first
    for line in lines:
        line = _CLOCKS.sub(" ", line[:20_000])
        if (bar := _TQDM.match(line)) and tqdm.get("bar/n", bar[2]) == bar[2]:
            tqdm = {"bar": bar[1], "bar/n": bar[2]}
            yield from (each | tqdm for each in early)
            early = []
        if bar := _BAR.match(line):
            if bar[1] != bar[2]:
                continue
            line = line[bar.end() :]
        for pattern, meant in _MEANT:
            line = pattern.sub(meant, line)
        heading = _heading(line) or heading
        if heading and (cells := _cells(heading, line)):
            yield cells
            continue
        row: Row = {}
        bare: list[tuple[float, float]] = []
        end, held = 0, False
        for match in _COUNTED.finditer(line):
            gap, end = line[end : match.start()], match.end()
            if line[match.end(1) : match.end(1) + 1] == "%":
                continue
            if not row and not bare:
                held = held or (bool(_HELD_OUT.search(gap)) and not re.search(r"(?i)\btrain", gap))
            name, value = _name(gap), float(match[1].replace(",", ""))
            total = float(match[2].replace(",", "")) if match[2] else None
            if total is not None and name in (None, "train", "Train"):
                bare.append((value, total))
            elif name is not None:
                row |= {name: value} if total is None else {name: value, f"{name}/n": total}
        train = next((name for name in ("train", "Train", "Training") if name in row), "")
        if len(bare) > 1 or (bare and train):  # [epoch/all] [i/n], or `Train: 3 [i/n]`
            row["epoch"] = bare.pop(0)[0] if len(bare) > 1 else row.pop(train)
        if held:
            row = {f"val/{key}" if kind(key) in ("loss", "rate", "step") else key: each for key, each in row.items()}
        elif bare:
            row["[i/n]"], row["[i/n]/n"] = bare[0]
        counts = {key: value for key, value in row.items() if _counts(key)}
        if "epoch" in row and line.lstrip()[:1] == "{":  # it has its own place, in fractions of epochs
            yield from (each | tqdm for each in early)
            after = tqdm.get("bar", "0") == "0" if after is None else after
            early = [row] if after else []
            if not after:
                yield row | tqdm
            tqdm = {} if "train_runtime" in row else tqdm
            continue
        for name, value in counts.items():  # counters that stood at one number move together, whichever a line names
            alike = [
                key for key in counters if counters[key] == counters.get(name, value) < value and _updates(key, name)
            ]
            counters.update(dict.fromkeys(alike, value))
        counters.update(counts)
        if (counters or "loss" in map(kind, row)) and counts.keys() != row.keys():
            yield counters | row
    yield from (each | tqdm for each in early)


def _heading(line: str) -> list[str]:
    """Returns the columns that a line names, if it does nothing else: one that counts and one that is a loss."""
    names = line.split()
    roles = set(map(kind, names)) if 3 <= len(names) <= 30 else set[str]()
    plain = roles & {"step", "epoch"} and "loss" in roles and not re.search(r"[:=,|]|\d ", line)
    return names if plain else []


def _cells(heading: list[str], line: str) -> Row:
    """Returns the row of a table of columns set apart by blanks, or nothing: `3/100` counts up to 100."""
    cells = line.partition(":")[0].split()
    row: Row = {}
    for name, cell in zip(heading, cells, strict=False):
        value, _, total = cell.partition("/")
        row[name] = value
        if total:
            row[f"{name}/n"] = total
    told = [name for name, cell in row.items() if _number(cell)]
    return row if 2 * len(told) > len(heading) and told[0] == heading[0] else {}


def _counts(name: str) -> bool:
    """Whether a name in a text is a counter's; `epochs=30` is a setting."""
    return kind(name.removesuffix("/n")) in ("step", "epoch") and not name.lower().endswith(("epochs", "steps"))


def _updates(*names: str) -> bool:
    """Whether all are counters of updates, not of the batches in an epoch."""
    return all((found := role(name)) is not None and found.name == "step" and found.rank % 10 < 2 for name in names)


def _name(gap: str) -> str | None:
    """Returns the name that stands before a number, or None: its last words, as many of them as say what it is."""
    gap = re.sub(r"[\s\[(:='\"]*$", "", gap)
    parts = [part for part in re.split(r"[|,;\t{}\]]|\s{2,}", gap) if part.strip(" '\"-[:")]
    last = parts[-1].strip(" '\"-[:").split(" ") if parts else []
    for count in (3, 2, 1):
        name = re.sub(r"\((train|val|[A-Z]\w+)\)", "", " ".join(last[-count:])).strip("'\"[")
        if len(last) >= count and (role(name) or name == "s"):
            return "step" if name == "s" else name
    name = last[-1] if last and re.match(r"[A-Za-z_]", last[-1]) else None
    tail = (name or "").rpartition(":")[2]
    return tail if role(tail) else name
