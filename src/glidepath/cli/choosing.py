"""Commands that help to choose and to check: find, advise, fit, check, diff, replay."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.language import worded
from ..core.zh_strings import FINDINGS
from .common import beside, names_of, note, say, told_of, typed, under_way
from .engines import Changes
from .options import command

if TYPE_CHECKING:
    from ..logs import Log


@command()
def find(
    task: str,
    schedule: str | None = None,
    verify: bool = False,
    budget: int | None = None,
    low: float = 1e-07,
    high: float = 10.0,
    steps: int = 240,
    repeats: int = 3,
    output: Path | None = None,
    device: str = "auto",
    *,
    changes: Changes,
    as_json: bool = False,
) -> None:
    """Sweep a rising rate and answer with a band, or with the reason why there is none. Exits with 1 if there is none.

    Args:
        task (TASK): A task of compare, or your own module:object.
        schedule (--schedule, -s): Verify under this schedule, as in compare, a plateau too. Default: warmup and cosine.
        verify: Train whole runs at the ends and the middle of the band.
        budget (--budget, -n): Updates of a whole run. Default: the task's.
        low: First rate of the sweep.
        high: Last rate of the sweep.
        steps: Updates of a sweep.
        repeats: Sweeps, with different data order.
        output (--output, -o): Write a .png, .svg or .html picture with the band, or the traces as .json.
        device (--device): cpu, cuda, cuda:1 (that one), or auto: a GPU for images and cifar100 where there is one.
    """
    from ..core.files import write_whole
    from ..finder import Suggestion
    from ..lab.search.range_test import find_rates
    from ..view.fonts import aligned
    from ..view.range_test import range_test, range_test_place, range_test_table, save_range_test

    if output is not None:
        range_test_place(output)
    sizes: dict[str, Any] = {"low": low, "high": high, "steps": steps, "repeats": repeats, "budget": budget}
    told: dict[str, Any] = {"verified": verify, "on": device, "tell": beside, "command": typed()}
    with under_way("sweeping") as reached:
        made = find_rates(changes.of(task, budget), schedule, **sizes, **told, progress=reached)
    table = range_test_table(made.found.result, made.verification)
    rows = [(worded(name, FINDINGS), worded(text, FINDINGS)) for name, text in table]
    data = json.dumps(made.to_dict(), indent=2)
    say(data if as_json else "\n".join(aligned(rows)))
    if output is not None and output.suffix.lower() == ".json":
        path = write_whole(output, data, where="find")
        beside(worded(f"wrote {path}: the page shows it, under 'Range test'", FINDINGS))
    elif output is not None:
        drawing = range_test(made.found.traces, made.found.result, verification=made.verification, title=task)
        beside(worded(f"wrote {save_range_test(drawing, rows, output)}", FINDINGS))
    sys.exit(0 if isinstance(made.found.result, Suggestion) else 1)


def _read(place: Path, **options: Any) -> Log:
    """Reads a log with a bar for the bytes."""
    from ..logs import read

    with under_way(f"reading {place.name}") as reached:
        return read(place, **options, progress=reached)


def _answer(found: Any, log: Log, as_json: bool) -> None:
    """Prints an answer, and beside it how the log was read."""
    if as_json:
        say(json.dumps(found.to_dict() | {"log": log.to_dict()}, allow_nan=False))
    else:
        say(str(found))
        for line in log.lines():
            note(line)


@command()
def advise(
    run: Path,
    plan: str | None = None,
    base: float | None = None,
    complete: bool | None = None,
    step: str | None = None,
    rate: str | None = None,
    loss: str | None = None,
    of: str | None = None,
    as_json: bool = False,
) -> None:
    """Say what a training log shows to be wrong, each finding with its evidence and a remedy.

    Args:
        run (RUN): A log, event file, record, or folder of them.
        plan (--plan SCHEDULE, -p): The schedule that was meant, as text.
        base (--base, -b): The base learning rate that was meant.
        complete (--complete/--no-complete): Whether the run is over; what the log says if not given.
        rate (--rate NAME): The column of the rate.
        loss (--loss NAME): The column of the training loss.
    """
    from .. import advice

    log = _read(run, step=step, rate=rate, loss=loss, run=of)
    _answer(advice.advise(log, plan=plan, base=base, complete=complete), log, as_json)


@command()
def fit(
    log: Path, step: str | None = None, rate: str | None = None, of: str | None = None, as_json: bool = False
) -> None:
    """Recover the schedule behind logged rates, and say what the log does not determine. Exits with 1 if nothing fits.

    Args:
        log (LOG): A log with learning rates, or a folder with one.
        rate (--rate NAME): The column of the rate.
    """
    from .. import advice

    read = _read(log, step=step, rate=rate, run=of, rates=True)
    found = advice.fit(read)
    _answer(found, read, as_json)
    sys.exit(0 if isinstance(found, advice.Fit) else 1)


@command()
def check(plan: Path, model: str | None = None, let: list[str] | None = None, as_json: bool = False) -> None:
    """Check a plan: every finding with its path, rule, values and remedy. Exits with 1 if there are errors.

    Of a training tool's configuration file: whose it is, the rate and the length that it gives, and what is odd in it.

    Args:
        plan (PLAN): A .yaml or .json plan, or a training tool's configuration file.
        model: module:factory, which returns an optimizer or parameter groups; it is imported and called.
    """
    from .. import plan as plans
    from ..dialects.configs import form_of, read_config
    from ..plan.check import load_model

    if form_of(str(plan)) and (config := read_config(plan, **names_of(let))) is not None:
        made = plans.Plan.of(config.document)
        found = plans.check(made, None if model is None else load_model(model))
        lines = [*told_of(plan.name, config), f"the rate: {config.schedule}", *str(made.derived).splitlines()]
        found = [finding for finding in found if finding.code != "over-before-the-end"]  # a last level may hold
        lines += [f"{finding.level}: {finding}" for finding in found]
        data = {name: getattr(config, name) for name in ("form", "base", "total", "odd", "notes")}
        data |= {"schedule": config.schedule.to_dict(), "plan": made.to_dict(), "findings": list(map(str, found))}
        print(json.dumps(data, indent=2) if as_json else "\n".join(lines))
        sys.exit(any(finding.level == "error" for finding in found))
    report = plans.check_file(plan, model)
    print(json.dumps(report.to_dict(), indent=2) if as_json else "\n".join(report.lines()))
    sys.exit(0 if report.ok else 1)


@command()
def diff(first: Path, second: Path, as_json: bool = False) -> None:
    """Tell what differs between two plans. Exits with 1 if anything does.

    Args:
        first (FIRST): A .yaml or .json plan.
        second (SECOND): Another.
    """
    from .. import plan as plans

    found = plans.diff_files(first, second)
    print(json.dumps(found.to_dict(), indent=2) if as_json else "\n".join(found.lines()))
    sys.exit(1 if found else 0)


@command()
def replay(
    log: Path,
    controller: str,
    metric: str | None = None,
    schedule: str | None = None,
    base: float | None = 1.0,
    changes: bool = False,
    as_json: bool = False,
) -> None:
    """Replay a controller on recorded metrics: what it would have decided, when and why.

    Args:
        log (LOG): A .csv, .jsonl or .json file of recorded metrics.
        controller (CONTROLLER): Such as "plateau(factor=0.5, patience=2)", or a library's "ReduceLROnPlateau(patience=3)".
        metric: The column or key. Default: the only one.
        schedule (--schedule, -s): A schedule that the controller steers.
        changes: Only the observations that changed something.
    """
    from .. import feedback
    from ..dialects.plateaus import plateau_of

    steering = plateau_of(controller, 1.0 if base is None else base) or controller
    made = feedback.replay_file(log, steering, metric=metric, schedule=schedule, base=1.0 if base is None else base)
    print(json.dumps(made.to_dict(), indent=2) if as_json else "\n".join(made.lines(every=not changes)))
