"""Commands that help to choose: find, advise, fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.language import worded
from ..core.zh_strings import FINDINGS
from .common import beside, note, say, typed, under_way
from .engines import Changes
from .options import command


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


if TYPE_CHECKING:
    from ..logs import Log


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
    found = advice.advise(log, plan=plan, base=base, complete=complete)
    _answer(found, log, as_json)


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
