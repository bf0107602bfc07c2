"""Train every schedule with every seed and say what comes out: the function behind `glidepath compare`.

A comparison is a folder. Records come first, each whole and at its place as soon as its run is over; table, JSON and
report are made from the records. So the same call on the same folder goes on where the last one was stopped.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core import GlidepathError, Problem, installing, refuse, write_whole
from ..engines.engine import Engine
from ..engines.progress import Watcher
from ..engines.session import opened, session_problems, writing
from ..records.runs import Record, RunSpec
from .planning import Rates, Schedules, Seeds, Tasks, notes_of, plan_runs

if TYPE_CHECKING:
    from ..report.comparison import Comparison

_NEEDED = ("torch", "scipy", "matplotlib", "mnist1d")


def compare(
    tasks: Tasks = ("mnist1d", "text"),
    schedules: Schedules = None,
    seeds: Seeds = 5,
    *,
    peak_rate: Rates = None,
    budget: int | None = None,
    out: str | Path,
    baseline: str = "constant",
    engine: Engine | None = None,
    progress: Watcher | None = None,
    command: str | None = None,
    surface: bool = False,
) -> Comparison:
    """Compare schedules: train each with each seed on each task, and write a report.

    Everything is checked before anything is written or trained. In `out` come to stand `records/<hash>.json`, one a
    run, `comparison.json`, `table.txt` and `report.html`, each written whole. Runs that have a record there are not run
    again; a run whose record is damaged is, with a note.

    Args:
        tasks: Names from `glidepath.lab.TASKS`, or tasks.
        schedules: Default names (`constant`, `step`, `cosine`, `linear`, `one_cycle`, `wsd`), one-line texts or
            schedules; a mapping gives them names of its own. None for the six defaults. Values are factors on the peak
            rate. A default baseline that is missing is added in front.
        seeds: How many (0, 1, …), or which. Two at least for intervals; five or more for a claim.
        peak_rate: Base learning rate, finite, above 0, shared by all; or several, from which each schedule gets the one
            with the best mean metric on validation data; None for each task's default.
        budget: Optimizer updates a run; None for each task's default.
        out: Folder for the results; made if missing.
        baseline: Name of the schedule that the others are compared to.
        engine: What carries out the runs; None for one worker process a processor.
        progress: Who hears how far it is; None for nobody.
        command: The line that makes this comparison again, for the report; None for the call of this function.
        surface: Whether to train the first seed of every schedule once more and draw the loss around their paths into the report.

    Returns:
        The comparison, as written to `comparison.json`.

    Raises:
        GlidepathError: If an argument breaks its rule, all problems in one message and nothing written; if another
            process is writing to `out`; or if runs failed, after all others have ended and been kept.
        KeyboardInterrupt: On Ctrl-C, after the workers have ended. Records made so far stay; the same call goes on.
    """
    grid = plan_runs(tasks, schedules, seeds, peak_rate=peak_rate, budget=budget, baseline=baseline)
    rows = [row for schedules in grid.values() for row in schedules.values()]
    unique = {spec.hash: spec for column in zip(*rows, strict=True) for spec in column}
    place = {seed: at for at, seed in enumerate(dict.fromkeys(spec.seed for spec in rows[0]))}
    # Seed by seed, so that a comparison stopped early holds whole seeds.
    folder, specs = Path(out), sorted(unique.values(), key=lambda spec: place[spec.seed])
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    absent = Problem("compare", "packages", "installed", f"no {', '.join(missing)}", installing("lab"))
    refuse([absent if missing else None, *session_problems("compare", folder, engine, specs)])
    if surface:
        from ..report.surface import surface_problems

        refuse(surface_problems("compare", specs))
    given: dict[str, Any] = {
        "tasks": list(grid),
        "schedules": None if schedules is None else list(next(iter(grid.values()))),
    }
    if isinstance(schedules, Mapping):
        given["schedules"] = {name: str(one) for name, one in schedules.items()}
    given |= {"seeds": seeds, "peak_rate": peak_rate, "budget": budget}
    given |= {"baseline": None if baseline == "constant" else baseline, "out": folder.name}
    call = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
    told = command or f"glidepath.lab.compare({call})"
    with opened("compare", folder, engine, progress, command=told) as session:
        for note in notes_of(grid):
            session.watcher.note(note)
        records = session.records(specs)
        from ..report.comparison import summarise  # scipy's statistics: no training waits for them

        found = {
            task: {name: [records[spec.hash] for spec in row] for name, row in rows.items()}
            for task, rows in grid.items()
        }
        comparison = summarise(found, seeds=list(place), baseline=baseline, command=told)
        if _held_another(folder, specs):
            session.watcher.note(
                f"{folder} held another comparison; its records stay, table and report are now of this one."
            )
        with writing("compare", folder):
            _write(folder, comparison, records, surface, session.watcher.note)
    return comparison


def _held_another(folder: Path, specs: list[RunSpec]) -> bool:
    """Whether the folder's comparison reports runs that this one does not: a smaller one of the same runs goes on here."""
    from ..report.comparison import Comparison

    try:
        before = Comparison.from_json((folder / "comparison.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, GlidepathError):  # none, or none that can be told apart
        return False
    reported = {run for result in before.tasks for row in result.schedules for run in row.runs}
    return not reported <= {spec.hash for spec in specs}


def _write(folder: Path, made: Comparison, records: Mapping[str, Record], drawing: bool, note: Any) -> None:
    from ..report import figures, html, surface, table

    write_whole(folder / "comparison.json", made.to_json())
    write_whole(folder / "table.txt", table.table(made))
    drawn: dict[str, str] = {}
    for result in made.tasks if drawing else ():
        try:
            firsts = {row.name: records[row.runs[0]].spec for row in result.schedules}
            drawn[result.task.name] = figures.surface_figure(surface.surface(firsts))
        except GlidepathError as error:
            note(f"{result.task.name}: the loss surface is left out: {error}")
    write_whole(folder / "report.html", html.report(made, records, drawn))
