"""A comparison as `glidepath demo` leaves it, made up: three schedules, five seeds, known numbers."""

import math
from pathlib import Path

SEEDS = range(5)
BUDGET = 200
SCHEDULES = {"constant": ("hold()", 44.0), "cosine": ("cosine(200)", 34.0), "wsd": ("hold(160) >> linear(40)", 32.0)}
"""The text of each schedule, and the error that it ends on."""


def write(folder: Path) -> Path:
    """Writes `comparison.json` and the records, and returns the folder."""
    from glidepath import parse
    from glidepath.core.files import write_whole
    from glidepath.lab.records.runs import Evaluation, Record, RunSpec
    from glidepath.lab.records.store import Store
    from glidepath.lab.report.comparison import summarise
    from glidepath.lab.tasks.declared import TASKS

    task = TASKS["mnist1d"]

    def at(updates: int, end: float, seed: int) -> Evaluation:
        error = end + 46 * math.exp(-4 * updates / BUDGET) + 0.6 * ((seed * 7) % 5 - 2)
        return Evaluation(updates, error / 40, error)

    grid = {
        name: [
            Record(
                spec=RunSpec(task, parse(text), task.peak_rate, seed, BUDGET),
                stride=BUDGET,
                rates=(task.peak_rate,),
                losses=(1.0,),
                evaluations=tuple(at(k, end, seed) for k in range(20, BUDGET + 1, 20)),
                test=at(BUDGET, end, seed),
                updates=BUDGET,
                diverged_at=None,
                wall_seconds=1.0,
                cpu_seconds=1.0,
                data_sha256="0" * 64,
                versions={"python": "3.11"},
                machine={"processors": 2},
            )
            for seed in SEEDS
        ]
        for name, (text, end) in SCHEDULES.items()
    }
    comparison = summarise({task.name: grid}, seeds=SEEDS, baseline="constant", command="made up")
    (folder / "records").mkdir(parents=True, exist_ok=True)
    store = Store(folder / "records")
    for records in grid.values():
        for record in records:
            store.write(record)
    write_whole(folder / "comparison.json", comparison.to_json())
    return folder
