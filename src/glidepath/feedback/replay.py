"""What a controller would have done on a recorded list of metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import Checks, GlidepathError, Hold, Schedule, did_you_mean
from .controller import Controller, Decision, Observation

_IDS = ("id", "step", "update", "updates", "epoch", "iteration")
_MOST_ROWS = 5_000_000


def replay(
    controller: Controller | str, observations: Iterable[Any], state: Any = None
) -> list[tuple[float, Decision]]:
    """Returns the multiplier and the decision after each observation, as they would have been in the run.

    Args:
        controller: A controller, or its text.
        observations: In their order, each as `Controller.observe` takes it; plain numbers are numbered from 0 (or from the state's last id).
        state: Where to begin; None is the beginning.

    Raises:
        GlidepathError: If an observation is refused; `where` says which.
    """
    made = Controller.of(controller)
    state = made.begin() if state is None else state
    rows = list[tuple[float, Decision]]()
    for i, item in enumerate(observations):
        try:
            number = 0 if state.last is None else state.last + 1
            state, decision = made.observe(state, None if item is None else Observation.of(item, number))
        except GlidepathError as error:
            raise error.inside(f"observations[{i}]") from None
        rows.append((decision.multiplier, decision))
    return rows


@dataclass(frozen=True)
class Replay:
    """A recorded log seen through a controller.

    Args:
        controller: The controller.
        observations: What was observed.
        decisions: What was decided, one for each observation.
        rates: The rate after each: base times schedule times multiplier.
    """

    controller: Controller
    observations: tuple[Observation, ...]
    decisions: tuple[Decision, ...]
    rates: tuple[float, ...]

    def lines(self, every: bool = True) -> list[str]:
        """Returns the replay as lines of text, with a header.

        Args:
            every: Whether every observation has a line; otherwise only those that changed something or were held.
        """
        head = f"{'id':>10}  {'value':>12}  {'rate':>12}  {'decision':<9} reason"
        lines = [str(self.controller), head]
        for seen, decision, rate in zip(self.observations, self.decisions, self.rates, strict=True):
            if every or decision.action in ("cut", "held", "floor", "stop"):
                numbers = f"{seen.id:>10}  {seen.value:>12.6g}  {rate:>12.6g}"
                lines.append(f"{numbers}  {decision.action:<9} {decision.reason}")
        cuts = sum(decision.action == "cut" for decision in self.decisions)
        end = f"multiplier {self.decisions[-1].multiplier if self.decisions else 1.0:.6g} at the end"
        return [*lines, f"{len(self.decisions)} observations, cut {'once' if cuts == 1 else f'{cuts} times'}, {end}"]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_dict(self) -> dict[str, Any]:
        """Returns the replay as JSON data."""
        rows: list[dict[str, Any]] = []
        for seen, decision, rate in zip(self.observations, self.decisions, self.rates, strict=True):
            value = seen.value if math.isfinite(seen.value) else str(seen.value)
            rows.append({"at": seen.position, "value": value, "rate": rate} | decision.to_dict())
        return {"controller": self.controller.to_dict(), "rows": rows}


def replay_file(
    path: str | Path,
    controller: Controller | str,
    *,
    metric: str | None = None,
    schedule: Schedule | str | None = None,
    base: float = 1.0,
) -> Replay:
    """Returns what a controller would have done on a recorded log.

    Args:
        path: A log in any of the forms that `glidepath.logs` reads: CSV, JSON lines, JSON, text.
        controller: A controller, or its text such as `plateau(factor=0.5, patience=2)`.
        metric: The column (or key) of the metric; None if there is only one, or one called `value`.
        schedule: A schedule, or its text, to multiply; None for none.
        base: The base rate to multiply.

    Raises:
        GlidepathError: If the file cannot be read, has no such metric, or holds an observation that is refused.
    """
    made, curve = Controller.of(controller), Hold() if schedule is None else Schedule.of(schedule)
    observations = tuple(read_observations(path, metric))
    decisions = tuple(decision for _, decision in replay(made, observations))
    pairs = zip(observations, decisions, strict=True)
    rates = (base * curve(seen.position) * decision.multiplier for seen, decision in pairs)
    return Replay(made, observations, decisions, tuple(rates))


def read_observations(path: str | Path, metric: str | None = None) -> Iterator[Observation]:
    """Yields the observations of a recorded log; rows without the metric are left out.

    A row's id is its `id`, else its `step`, `update`, `updates`, `epoch` or `iteration`, else its number; `at` is taken from `at`.

    Raises:
        GlidepathError: If the file cannot be read, or has no such metric.
    """
    file = Path(path)
    where, rows = file.name, _rows(file)
    names = dict.fromkeys(name for row in rows for name in row)
    left = [name for name in names if name not in (*_IDS, "at", "lr", "rate", "time")]
    key = metric or ("value" if "value" in left else left[0] if len(left) == 1 else "")
    if not key:
        raise GlidepathError.of(where, "metric", f"named, one of {', '.join(left[:20])}", None)
    if key not in names:
        raise GlidepathError.of(where, "metric", f"one of {', '.join(list(names)[:20])}", key, did_you_mean(key, names))
    counter = next((name for name in _IDS if name in names and name != key), None)
    checks = Checks(where)
    for i, row in enumerate(rows):
        if row.get(key) in (None, ""):
            continue
        with checks.kept(f"{where}, row {i + 1}"):
            number = i if counter is None else _number(row.get(counter))
            at = _number(row["at"]) if row.get("at") not in (None, "") else None
            yield Observation(number, _number(row[key]), at)
        if len(checks.problems) > 20:
            break
    checks.done()


def _number(text: Any) -> Any:
    """Returns a number written as text; anything else as it is, to be refused where it is used."""
    if not isinstance(text, str):
        return text
    for kind, most in ((int, 400), (float, None)):
        with suppress(ValueError):
            return kind(text[:most])
    return text


def _rows(file: Path) -> list[dict[str, Any]]:
    from ..logs import rows as log_rows  # it loads numpy, which following a run does without

    found = list[dict[str, Any]]()
    try:
        for row in log_rows(file)[1]:
            whole: dict[str, Any] = row.get("", row)  # one JSON object: a trainer's state, or lists by name
            lists = {key: value for key, value in whole.items() if isinstance(value, list)}
            longest = max(map(len, lists.values()), default=0)
            if whole is row:
                found.append({str(k).strip(): v.strip() if isinstance(v, str) else v for k, v in row.items()})
            elif "log_history" in lists:
                found += lists["log_history"]
            else:
                found += [{k: each[i] for k, each in lists.items() if i < len(each)} for i in range(longest)]
            if len(found) > _MOST_ROWS:
                raise GlidepathError.of("log", "file", f"at most {_MOST_ROWS} rows", f"{len(found)} rows")
    except GlidepathError as error:
        raise error.inside(file.name) from None
    if not found:
        raise GlidepathError.worded(file.name, "file", "a log: rows of named numbers", "no row")
    return found
