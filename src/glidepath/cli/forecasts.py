"""Commands that tell what a schedule will do: forecast, design, bound."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import GlidepathError, Schedule, each_of
from ..core.fields import Count, Steps
from .common import beside, drawing_of, labelled, say, schedule_of, typed, under_way
from .options import command

if TYPE_CHECKING:
    from ..forecast import Curve, Laws, Run


@dataclass(frozen=True)
class Fitting:
    """The options that say how the laws are had from the logs.

    Args:
        plan (--plan SCHEDULE, -p): What the logs followed, where they hold no rates.
        base (--base, -b): Base rate. Default: the peak of the logs.
        metric (--metric): loss or validation_loss. Default: the validation loss where every log has it.
        loss (--loss COLUMN): The column of the training loss, where the names do not tell.
        quick (--quick): No refits on parts of the logs: intervals as calibrated elsewhere.
    """

    plan: str | None = None
    base: float | None = None
    metric: str | None = None
    loss: str | None = None
    quick: bool = False


@command()
def forecast(
    given: list[str], *, fitting: Fitting, steps: Count | None = None, output: Path | None = None, as_json: bool = False
) -> None:
    """Forecast the loss that schedules end with, from the logs of runs that were made, with 90 % intervals; or refuse, and say why.

    At least one log has to hold its peak for a while and one to cool down; they may be the same.

    Args:
        given (LOG... [SCHEDULE]...): Training logs (files or folders), or laws stored with -o laws.json; then schedules as in show.
        steps (--steps, -n): Updates of the run. Default: the schedule's.
        output (--output, -o): A report (.html), a picture (.png, .svg), or the laws for later (.json).
    """
    from ..view.fonts import aligned

    _checked_place(output, ".html", ".png", ".svg", ".json")
    laws, runs, schedules = _laws(given, fitting)
    base, first = fitting.base, next(iter(schedules.values()), None)
    finals = _each(schedules, lambda one: laws.final(one, base, steps))
    curves = {name: laws.curve(one, base, steps) for name, one in schedules.items()}
    rows = [["schedule", "updates", "horizon", "loss", "90 % interval", "rates alone", "against the first"]]
    for name, made in finals.items():
        one, against = schedules[name], ""
        if one is not first and first is not None:
            against = str(laws.compare(one, first, base, steps)).replace("first ends lower", "lower")
            against = against.replace("second ends lower", "higher").removeprefix("the ")
        losses = (f"{made.loss:.4f}", f"{made.low:.4f} to {made.high:.4f}", f"{made.baseline:.4f}")
        rows.append([name, f"{made.updates:,}", f"{made.horizon:.2f}", *losses, against])
    if as_json:
        plain = {name: asdict(made) for name, made in finals.items()}
        say(json.dumps({"laws": laws.to_dict(), "forecasts": plain}, indent=1))
    else:
        if curves:
            say("\n".join([*aligned(rows), "", _drawn(curves, runs, laws.metric)]))
        for text in laws.lines():
            beside(text, "dim")
    if output is None:
        return
    from ..core.files import write_whole
    from ..view.still import save

    if output.suffix.lower() == ".json":
        write_whole(output, laws.to_json(), where="forecast")
    else:
        from ..view.forecast import forecast_figure, forecast_page

        drawing = forecast_figure(curves, runs, schedules, base=base or laws.peak, metric=laws.metric)
        if output.suffix.lower() == ".html":
            write_whole(output, forecast_page(laws, drawing, typed(), rows), where="forecast")
        else:
            save(drawing, output)
    beside(f"wrote {output}")


@command()
def design(
    given: list[str],
    steps: Count | None = None,
    start: Steps = 0,
    against: str | None = None,
    warmup: Steps | None = None,
    *,
    fitting: Fitting,
    output: Path | None = None,
    as_json: bool = False,
) -> None:
    """Design the cooldown of a run from the laws of its logs: shape, length and when to start; near the best, without a grid.

    Args:
        given (LOG...): Training logs, or stored laws.
        steps (--steps, -n): Updates of the whole run. Default: the longest log's.
        start (--at): Updates that are made already; the cooldown begins there or later.
        against (--against SCHEDULE, -a): The plan of today: text, or a .yaml plan, which -o then cools down.
        warmup (--warmup): Updates of warmup. Default: the first log's.
        output (--output, -o): Write the plan (.yaml or .json).
    """
    from ..forecast.design import design as designed

    _checked_place(output, ".yaml", ".yml", ".json")
    laws, _, _ = _laws(given, fitting)
    today = None if against is None else next(iter(labelled([against]).values()))
    made = designed(laws, steps=steps, at=start, warmup=warmup, against=today)
    say(json.dumps(made.to_dict(), indent=1) if as_json else str(made))
    if output is None:
        return
    from .. import parse
    from .. import plan as plans

    if against is not None and against.endswith((".yaml", ".yml")):
        fall: Any = parse(made.schedule)
        curve = fall.phases[-1].curve if hasattr(fall, "phases") else fall.curve
        whole = plans.cooldown_from(plans.read(against), made.chosen.start, made.chosen.length, curve=curve)
    else:
        horizon = plans.Horizon(length=f"{made.updates} updates")
        whole = plans.Plan(rules=(plans.Rule(made.schedule),), horizon=horizon)
    beside(f"wrote {plans.write(whole, output)}")


@command()
def bound(schedules: list[str], steps: Count | None = None, peak: float | None = None, as_json: bool = False) -> None:
    """Rank shapes by the convex bound on the last loss, and carry a tuned peak rate from the first to the others.

    Args:
        schedules (SCHEDULE...): Shapes, as in show.
        steps (--steps, -n): Updates of the run. Default: the schedule's.
        peak (--peak): A peak rate tuned for the first: it is carried to the others.
    """
    from ..forecast.bound import MEASURED, transfer_peak
    from ..forecast.bound import bound as bounded
    from ..view.fonts import aligned

    shapes = labelled(schedules)
    ends = [int(one.duration) for one in shapes.values() if one.duration != float("inf")]
    length = steps or max(ends, default=None)
    found = _each(shapes, lambda one: bounded(one, length))
    first = next(iter(shapes))
    ranked = dict(sorted(found.items(), key=lambda pair: pair[1].least))
    carried: dict[str, Any] = {}
    if peak is not None:
        carried = {name: transfer_peak(peak, shapes[first], shapes[name], length, length) for name in ranked}
    if as_json:
        more = {name: {"carried": asdict(moved)} for name, moved in carried.items()}
        say(json.dumps({name: asdict(one) | more.get(name, {}) for name, one in found.items()}, indent=1))
        return
    rows = [["schedule", "bound", "best peak", *(["carried peak"] if carried else [])]]
    for name, one in ranked.items():
        row = [name, f"{one.least / found[first].least:.4f}", f"{one.peak / found[first].peak:.3f}"]
        if moved := carried.get(name):
            row.append(f"{moved.peak:.3g}" + ("" if name == first else f" ({moved.low:.3g} to {moved.high:.3g})"))
        rows.append(row)
    say("\n".join(aligned(rows)))
    text = f"{length:,} updates; bound and best peak relative to the first. {MEASURED}."
    for line in (text, *dict.fromkeys(moved.warning for moved in carried.values() if moved.warning)):
        beside(line, "dim")


def _laws(given: Sequence[str], fitting: Fitting) -> tuple[Laws, list[Run], dict[str, Schedule]]:
    """Tells logs from schedules, reads the logs and fits; or takes the laws that were stored."""
    from .. import forecast as room
    from .. import logs
    from ..forecast.path import runs_of

    found: dict[str, list[str]] = {"laws": [], "log": [], "schedule": []}
    for one in given:
        found[_kind(one)].append(one)
    schedules = labelled(found["schedule"])
    paths = [Path(one) for one in (*found["laws"], *found["log"])]
    if not paths:
        got = f"{given[0]!r}, no file or folder" if given else "none"
        remedy = "give the files of logs first, then schedules"
        raise GlidepathError.worded("forecast", "LOG", "a training log at least", got, remedy)
    if found["laws"] and len(paths) > 1:
        got = f"{paths[0]} and {len(paths) - 1} more"
        raise GlidepathError.worded("forecast", "LOG", "logs, or stored laws alone", got)
    if found["laws"]:
        return room.Laws.from_json(paths[0].read_text(encoding="utf-8")), [], schedules
    followed = None if fitting.plan is None else schedule_of(fitting.plan)
    metric = fitting.metric or ("loss" if fitting.loss else None)
    read = [logs.read(path, loss=fitting.loss) for path in paths]
    runs = runs_of(read, plan=followed, base=fitting.base, metric=metric)
    with under_way("fitting the laws" + ("" if fitting.quick else ", and again on parts of the logs")):
        return room.fit_laws(runs, backtests=not fitting.quick), runs, schedules


def _kind(text: str) -> str:
    """What is given: stored `laws`, a `log`, or else a `schedule`."""
    path, data = Path(text), None
    if len(text) >= 4096 or not path.exists() or path.suffix.lower() in (".yaml", ".yml"):
        return "schedule"
    if path.suffix.lower() == ".json" and path.is_file() and path.stat().st_size <= 1_000_000:
        with suppress(ValueError, RecursionError):
            data = json.loads(path.read_bytes())
    keys = set(data) if isinstance(data, dict) else set()
    return "laws" if {"fitted", "baseline"} <= keys else "schedule" if "kind" in keys else "log"


def _each(schedules: Mapping[str, Schedule], make: Callable[[Schedule], Any]) -> dict[str, Any]:
    """Returns what is made of every schedule; if some are refused, all problems in one error."""
    return dict(each_of(schedules.items(), lambda pair: (pair[0], make(pair[1])), lambda _: ""))


def _checked_place(output: Path | None, *endings: str) -> None:
    if output is not None and output.suffix.lower() not in endings:
        raise GlidepathError.of("forecast", "-o", f"a file name that ends in {', '.join(endings)}", str(output))


def _drawn(curves: Mapping[str, Curve], runs: Sequence[Run], metric: str) -> str:
    """The forecasts in the terminal, one with its band; the logs under them, as far as eight curves go."""
    import numpy as np

    from .. import Table, view
    from ..forecast.fit import merged

    def line(steps: Any, values: Any) -> Schedule:
        keep = np.unique(np.linspace(0, len(steps) - 1, 150).astype(int))
        return Table((0, *map(int, steps[keep])), (float(values[0]), *map(float, values[keep])))

    shown = {name: line(curve.steps, curve.loss) for name, curve in curves.items()}
    for curve in curves.values() if len(curves) == 1 else ():
        shown |= {"90 %, low": line(curve.steps, curve.low), "90 %, high": line(curve.steps, curve.high)}
    for run in runs[: max(0, 8 - len(shown))]:
        mean = merged(run, 100)
        late = mean.steps > 0.1 * run.updates
        shown[f"log {run.name}"] = line(mean.steps[late], mean.losses[late])
    return view.terminal(dict(list(shown.items())[:8]), **drawing_of(sys.stdout), unit=metric)
