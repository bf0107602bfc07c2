"""Rows gathered into series: which column counts, which starts there were, which rates belong together.

Over 400 lines: one pass over the rows, in which every column is decided in view of the others.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from itertools import chain, islice, pairwise
from typing import Any

import numpy as np

from ..core import GlidepathError, did_you_mean
from .log import NAMES, Array, Log, Series
from .names import Form, Role, form_of, kind, named, role, words
from .rows import Row

_FIRST = 5000
_MOST = 1 << 18
_MOST_COLUMNS = 96
_Asked = Mapping[str, str | None]
_OF_RUNS = named("state created runtime sweep notes user tags run name trial run_id experiment")


class _Column:
    """The numbers of one column with their counters; a long one is halved as it grows: rates by leaving out, the rest by means."""

    def __init__(self, name: str, role: Role) -> None:
        self.name, self.role = name, role
        self.steps, self.epochs, self.values = array("d"), array("d"), array("d")
        self.starts: list[int] = []
        self.every, self.held, self.sum = 1, 0, 0.0

    def add(self, step: float, epoch: float, value: float) -> None:
        means = self.role.name != "rate"
        self.held += 1
        self.sum = self.sum + value if means and self.held > 1 else value
        if self.held < self.every:
            return
        self.held = 0
        self.steps.append(step)
        self.epochs.append(epoch)
        self.values.append(self.sum / self.every if means else value)
        if len(self.values) >= 2 * _MOST:
            values = np.array(self.values)
            values = (values[::2] + values[1::2]) / 2 if means else values[1::2]
            self.steps, self.epochs, self.values = self.steps[1::2], self.epochs[1::2], array("d", values)
            self.starts = [at // 2 for at in self.starts]
            self.every *= 2


def gather(
    rows: Iterable[Row], made_of: str, file: str, source: str, asked: _Asked, told: Mapping[str, int | None] = {}
) -> Log:
    """Returns the log of rows of named cells.

    Args:
        rows: In their order; cells that are no numbers are passed over.
        made_of: As `rows` says.
        file: Its name.
        source: For messages.
        asked: Column by `step`, `rate`, `loss`, `run`, where the user named one.
        told: What the file says of the run: `max_steps`, `updates`.

    Raises:
        GlidepathError: If a column that was asked for is not there, a run must be named, or it is no log.
    """
    rows = iter(rows)
    head = list(islice(rows, _FIRST))
    names = list(dict.fromkeys(str(key) for row in head for key in row))
    form = form_of(made_of, file, names)
    _no_table(head, names, file)
    runs = _runs(form, names, asked.get("run"))
    columns, totals, others = dict[str, _Column](), dict[str, float](), dict[str, None]()
    clock = _Clock(_counters(head, names, asked.get("step"), runs))
    for row in chain(head, rows):
        if row.get("train_runtime") is not None:  # the summary at the end is no row of the series
            continue
        held = row.get("mode") in ("val", "test", "eval")
        if clock.move(row, not held and (not form.row_only_with or form.row_only_with in row)):
            for column in columns.values():
                column.starts.append(len(column.values))
        for key, cell in row.items():
            value = number(cell)
            if value is None or clock.step < 0:
                continue
            name = runs.get(key, "") if runs else key
            name = f"val/{name}" if held else name
            column = columns.get(name)
            if column is None:
                if name in ("total_steps", "max_steps") and clock.name is not None:
                    name = f"{clock.name}/n"
                if name.endswith("/n"):
                    totals[name] = max(totals.get(name, 0.0), value)
                    continue
                found = _role(name, asked)
                if found is None or found.name in ("step", "epoch") or len(columns) >= _MOST_COLUMNS:
                    others[name] = None
                    continue
                if held and found.name == "rate":
                    continue
                column = columns[name] = _Column(name, found)
                column.starts = [0] * clock.starts
            if not (form.once and column.steps and column.steps[-1] == clock.step):
                column.add(clock.step, clock.epoch, value)
    left = [name for name in (*others, *names) if name not in columns and name and not name.endswith("/n")]
    return _Made(columns, clock, form, totals).log(source, left, asked, told)


def number(cell: Any) -> float | None:
    """Returns a cell as a number, or None where it is none."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        return float(cell) if not isinstance(cell, str) or len(cell.strip()) < 40 else None
    except ValueError:
        return None
    except OverflowError:
        return math.inf if int(cell) > 0 else -math.inf  # more than 308 digits


def _role(name: str, asked: _Asked) -> Role | None:
    return next((Role(kind, -1) for kind in ("rate", "loss") if name == asked.get(kind)), role(name))


def _unknown(kind: str, asked: str, seen: list[str]) -> GlidepathError:
    return GlidepathError.of("log", kind, f"one of {', '.join(seen[:30])}", asked, did_you_mean(asked, seen))


def _no_table(head: list[Row], names: list[str], file: str) -> None:
    """Refuses a table whose rows are runs: nothing in it advances."""
    signs = {name for name in names if name.lower() in _OF_RUNS}
    counts = [name for name in names if kind(name) in ("step", "epoch")]
    moving = any(len({number(row.get(name)) for row in head[:200]} - {None}) > 1 for name in counts)
    text = any(isinstance(row.get(name), str) and number(row[name]) is None for row in head[:5] for name in signs)
    if len(head) > 1 and text and (len(signs) > 1 or not moving):
        got = f"{file}, a table of {len(head)} runs: its steps never advance"
        remedy = "give the history of one run: a row an update or an epoch"
        raise GlidepathError.worded("log", "file", "the log of a run", got, remedy)


def _runs(form: Form, names: list[str], run: str | None) -> dict[str, str]:
    """Returns column by heading of the one run in a chart export of W&B; nothing for any other form."""
    if not form.name.startswith("W&B chart"):
        if run is not None:
            raise GlidepathError.worded("log", "run", "given for a file of several runs only", run, "leave it out")
        return {}
    found: dict[str, dict[str, str]] = {}
    for name in names:
        if " - " in name and not name.endswith(("__MIN", "__MAX")):
            whose, _, tag = name.rpartition(" - ")
            found.setdefault(whose, {})[name] = tag
    run = next(iter(found)) if run is None and len(found) == 1 else run
    if run not in found:
        rule, got = f"one of {', '.join(list(found)[:20])}", run if run is not None else f"{len(found)} runs"
        remedy = f"--run NAME, run=NAME{did_you_mean(run, found) if run else ''}"
        raise GlidepathError.worded("log", "run", rule, got, remedy)
    return {"Step": "Step", **found[run]}


def _counters(
    head: list[Row], names: list[str], asked: str | None, runs: Mapping[str, str]
) -> tuple[str | None, str | None, list[str]]:
    """Returns the columns that count steps and epochs, the first by rank that advances, and those that count other steps."""
    if asked is not None and asked not in names:
        raise _unknown("step", asked, names)
    ranked: list[tuple[int, bool, int, str]] = []
    epochs: list[str] = []
    for k, name in enumerate(names):
        found = role(name)
        if found is None or found.name not in ("step", "epoch") or (runs and name != "Step"):
            continue
        seen = {value for row in head if (value := number(row.get(name))) is not None and row.get("mode") != "val"}
        if found.name == "epoch" and seen:
            epochs.append(name)
        elif found.name == "step" and (len(seen) > 1 or (seen and len(head) < 3)):
            ranked.append((found.rank, "step" not in words(name), k, name))  # an iteration may be a part of one
    best = asked or (min(ranked)[3] if ranked else None)
    updates = [name for rank, *_, name in sorted(ranked) if rank % 10 < 2 or name == best]
    pairs = {name: [(row[str(best)], row[name]) for row in head if row.keys() >= {best, name}] for name in updates}
    same = [name for name in updates if pairs[name] and all(number(a) == number(b) for a, b in pairs[name])]
    step = asked or max(same, key=lambda name: sum(name in row for row in head), default=best)  # one counter, two names
    rivals = [name for name in updates if pairs[name] and name not in same]
    return step, next((name for name in epochs if name != step), None), rivals


class _Clock:
    """Where the rows are: the step and the epoch of the last one that said so, and how often the counting began again."""

    def __init__(self, counters: tuple[str | None, str | None, list[str]]) -> None:
        self.name, self.by_epoch, self.rivals = counters
        self.step, self.epoch, self.first, self.top = -1.0, math.nan, (math.inf, math.inf), 0.0
        self.starts, self.resets = 0, 0
        self.bars = 0.0  # the length of the run, where a bar beside the lines counts its updates
        self.counted = math.nan  # the epoch of the last step that was told

    def move(self, row: Row, counts: bool) -> bool:
        """Takes the counters of a row; returns whether it began from the start again."""
        if not counts:
            return False
        epoch = number(row.get(self.by_epoch)) if self.by_epoch is not None else None
        step = number(row.get(self.name)) if self.name is not None else epoch
        if self.name is None and self.by_epoch is None:
            step = self.step + 1
        given = step is not None and math.isfinite(step)
        step = max(step, 0.0) if given and step is not None else self.step
        epoch = self.epoch if epoch is None or not math.isfinite(epoch) else epoch
        back, new = step < self.step, epoch > self.counted
        began = back and not new and step <= self.first[0] and not epoch > self.first[1]
        self.resets += new and given and (back or (step == self.step and self.name == "[i/n]" and epoch % 1 == 0))
        self.starts += began
        if (bar := number(row.get("bar"))) is not None and self.name is None:
            epoch, self.bars = bar, number(row.get("bar/n")) or self.bars
        if self.first[0] == math.inf and step >= 0:
            self.first = (step, epoch)
        self.step, self.epoch, self.top = step, epoch, max(self.top, step)
        self.counted = epoch if given else self.counted
        return began


class _Made:
    """What the rows came to."""

    def __init__(self, columns: dict[str, _Column], clock: _Clock, form: Form, totals: Mapping[str, float]) -> None:
        self.columns, self.clock, self.form = columns, clock, form
        self.notes = [f"{name} counts other steps than {clock.name}: --step {name} takes it" for name in clock.rivals]
        self.length: float | None = None
        self.guessed = False
        self.step = clock.name or clock.by_epoch or "the number of the row"
        self.total = totals.get(f"{clock.name or clock.by_epoch}/n")
        self.unit = "epoch" if clock.name is None and clock.by_epoch is not None else "update"
        self.most = max(columns.values(), key=lambda column: len(column.values), default=_Column("", Role("", 0)))
        self.again = self._again()
        if clock.bars and columns:
            self.unit, self.total, self.step = "update", clock.bars, f"{self.step} and the bar's [i/n]"
            self.an_epoch = self._an_epoch(self.most)
        single = clock.name == "[i/n]" and clock.epoch == clock.first[1]
        if clock.name is not None and clock.by_epoch is not None and (clock.resets or single):
            # The counter begins again with every epoch.
            self.length = self.total or clock.top + (clock.first[0] == 0) * self._after_last(clock.top)
            self.total, self.guessed = None, f"{clock.name}/n" not in totals
            least = f", as an epoch has at least {self.length:g} updates" if self.guessed else ""
            before = "(epoch - 1)" if clock.first[1] >= 1 else "epoch"
            of = f"{before} x {self.length:g} + {clock.name}"
            self.notes.append(f"{clock.name} begins again each epoch: step = {of}{least}")
        elif self.again:
            self.length, self.total = max(clock.top, self.total or 0.0) + (clock.first[0] == 0), None
            each = f"unrolled, {self.length:g} updates each time"
            self.notes.append(f"{self.step} begins again {clock.starts} times: {each}")
        elif clock.starts:
            self.notes.append(f"the file holds {clock.starts + 1} starts one after another: the last one is taken")

    def _after_last(self, top: float) -> float:
        """Returns how many updates come after the last row of an epoch that is counted from 0, to its end."""
        steps = np.diff(self.most.steps)
        gap = float(np.median(steps)) if len(steps) else 1.0
        return gap if gap > 0 and top % gap == 0 else 1.0

    @staticmethod
    def _an_epoch(column: _Column) -> float:
        """Returns how many updates an epoch has, if the bar lags behind the lines; 0 if it stands at the update of each line."""
        epochs, bars = (np.array(part[(column.starts or [0])[-1] :]) for part in (column.steps, column.epochs))
        written = [len(f"{value:.6g}".partition(".")[2]) for value in epochs[len(epochs) // 2 :]]
        off = 0.5 * 10.0 ** -max(written, default=0)
        least = float((bars / (epochs + off)).max())
        if least <= float((bars / np.maximum(epochs - off, 1e-9)).min()) + 1e-9:
            return 0.0
        whole = (n for n in range(math.ceil(least), math.ceil(1.2 * least) + 2))
        return next((n for n in whole if (np.abs(epochs * n - np.round(epochs * n)) <= off * n + 1e-9).all()), least)

    def _again(self) -> bool:
        """Whether the starts are epochs of one run that nobody numbered: as long as one another, three and more."""
        gaps = {b - a for a, b in pairwise([0, *self.most.starts])}
        return self.clock.starts > 1 and self.clock.by_epoch is None and len(gaps) == 1 and gaps.pop() > 1

    def series(self, column: _Column) -> Series:
        steps, epochs, values = (np.array(part) for part in (column.steps, column.epochs, column.values))
        if self.again:
            steps = steps + (self.length or 0.0) * np.searchsorted(column.starts, np.arange(len(steps)), side="right")
        elif column.starts:
            steps, epochs, values = (part[column.starts[-1] :] for part in (steps, epochs, values))
        if self.clock.bars:
            steps = np.round(steps * self.an_epoch) if self.an_epoch else epochs
        if self.length is not None and not self.again:
            steps = steps + self.length * np.maximum(np.nan_to_num(epochs) - (1 <= self.clock.first[1] < math.inf), 0.0)
        return Series(np.maximum(steps, 0.0), _meant(values) if column.role.name == "rate" else values)

    def log(self, source: str, others: list[str], asked: _Asked, told: Mapping[str, int | None]) -> Log:
        series, taken, groups = dict[str, Series](), {"step": self.step}, list[str]()
        rates = {name: self.series(c) for name, c in self.columns.items() if c.role.name == "rate"}
        rates = {name: each for name, each in rates.items() if len(each)}
        for what in NAMES:
            found = [c for c in self.columns.values() if c.role.name == what and len(c.values) > (c.starts or [0])[-1]]
            wanted = asked.get(what)
            if wanted is not None and wanted not in self.columns:
                raise _unknown(what, wanted, [*self.columns, *others])
            if found and what == "rate":
                taken[what], groups = _main(rates, wanted, self.columns)
                series[what] = rates[taken[what]]
            elif found:
                taken[what], series[what] = self._loss(found)
        others = [*others, *(name for name in self.columns if name not in taken.values() and name not in rates)]
        if (most := max((column.every for column in self.columns.values()), default=1)) > 1:
            self.notes.append(f"of so many rows one rate in {most} and the means of {most} losses are kept")
        most, done, complete = told.get("max_steps") or self.total, told.get("updates"), None
        if most and most > 0:
            steps = max(series.values(), key=len).steps if series else np.zeros(1)
            gap = float(np.median(np.diff(steps))) if len(steps) > 1 else 1.0
            last = max((float(each.steps[-1]) for each in series.values()), default=0.0)
            complete = (done if done is not None else last + max(gap, 1.0)) >= most
        return Log(
            series, source, columns=tuple(dict.fromkeys((*self.columns, *others))), form=self.form.name, taken=taken, rates=rates,
            groups=tuple(groups), notes=tuple(self.notes), max_steps=int(most) if most else None, complete=complete, unit=self.unit,
            position=self.form.position, mean=self.form.mean, epoch=int(self.length) if self.length else None, guessed=self.guessed,
        )  # fmt: skip

    def _loss(self, found: list[_Column]) -> tuple[str, Series]:
        """Returns the loss: the one with most rows, the whole one before its parts, or the sum of its parts."""
        whole = [column for column in found if column.role.rank < 100]
        if whole or len(found) == 1:
            best = min(whole or found, key=lambda c: (c.role.rank >= 0, -_tenths(len(c.values)), c.role.rank))
            return best.name, self.series(best)
        most = max(len(column.values) for column in found)
        family = words(found[0].name)[0]
        parts = [c for c in found if len(c.values) == most and (words(c.name)[0] == family or len(found) < 8)]
        made = [self.series(column) for column in parts]
        total = np.sum([each.values for each in made], axis=0)
        return " + ".join(column.name for column in parts), Series(made[0].steps, total)


def _tenths(count: int) -> int:
    """Returns a count as its order of size: columns that differ by a few rows have as many."""
    return round(8 * math.log(max(count, 1)))


def _meant(values: Array) -> Array:
    """Returns rates as they were meant: numbers of single precision are written with their shortest digits."""
    finite = values[np.isfinite(values) & (np.abs(values) < 1e30)]
    single = finite.astype(np.float32)
    if not len(finite) or not (single == finite).all() or max(len(repr(float(v))) for v in finite[:1000]) < 13:
        return values
    return np.array([float(str(np.float32(v))) if np.isfinite(v) else v for v in values])


def _main(rates: Mapping[str, Series], asked: str | None, columns: Mapping[str, _Column]) -> tuple[str, list[str]]:
    """Returns which rate is the run's, and what the others are to it: the highest of those that begin as most do."""
    most = max(map(len, rates.values()))
    full = {name: each.values for name, each in rates.items() if len(each) == most}
    peaks = {name: float(np.nanmax(values)) for name, values in full.items()}
    high = {name for name, values in full.items() if values[0] >= 0.999 * peaks[name] and name[-1:].isdigit()}
    # A numbered group that begins high while others warm up: the biases.
    odd = high if len(high) < len(full) else set[str]()
    plain = [name for name in full if name not in odd]
    shape = min(columns[name].role.rank for name in plain) + 2
    near = [name for name in plain if columns[name].role.rank <= shape]
    best = asked or max(near, key=lambda name: (float(f"{peaks[name]:.9g}"), -near.index(name)))
    main = rates[best].values

    def told(name: str, each: Series) -> str:
        if not np.array_equal(each.steps, rates[best].steps):
            return f"{name} has {len(each)} rates of its own"
        if name in odd:
            return f"{name} is the group of the biases: it starts at {each.values[0]:.4g}, high, and joins the others"
        ratio = float(np.median(each.values[main > 0] / main[main > 0])) if (main > 0).any() else math.nan
        if np.allclose(each.values, ratio * main, rtol=1e-3, atol=1e-6 * float(np.nanmax(main))):
            return f"{name} is {'the same as' if abs(ratio - 1) < 1e-6 else f'{ratio:.6g} times'} {best}"
        return f"{name} is another curve than {best}"

    return best, [told(name, each) for name, each in rates.items() if name != best]
