"""The generated images rank schedules as published work does: decay beats a constant rate, warmup matters with a large one.

Forty trainings, some five minutes on two processors. `python -m bench.practice docs/practice.json` keeps what came out, from which the
tables in docs/practice.md are; it goes on where it was stopped.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean

from bench import Row
from glidepath import lab
from glidepath.lab.report.comparison import Comparison
from glidepath.lab.report.statistics import PairedDifference, paired_difference

COMPARED = {
    0.1: ("constant", "step", "cosine", "linear", "wsd"),
    1.0: ("constant", "cosine(600)", "warmup(60) >> cosine(540)"),
}
"""By the peak rate; the first is what the others are compared to."""
DECAYS, WITHOUT, WITH = ("cosine", "linear", "wsd"), "cosine(600)", "warmup(60) >> cosine(540)"


def compared(folder: Path, seeds: int = 5) -> list[Comparison]:
    """Trains, or goes on in a folder.

    Args:
        folder: For the records.
        seeds: Runs of each schedule.
    """
    return [
        lab.compare("images", schedules, seeds, peak_rate=rate, out=folder / f"{rate:g}", progress=lab.Bar())
        for rate, schedules in COMPARED.items()
    ]


def differences(usual: Comparison, large: Comparison) -> Mapping[str, PairedDifference]:
    """The differences that published work tells of, in percentage points of the test error, below 0 where it holds.

    Args:
        usual: At the task's own rate.
        large: At ten times that.
    """
    rows = {row.name: row for row in usual.tasks[0].schedules}
    found = {f"{name} to constant": rows[name].to_baseline for name in DECAYS}
    with_, without = ([row.values for row in large.tasks[0].schedules if row.name == name] for name in (WITH, WITHOUT))
    paired = paired_difference(*([one for one in values if one is not None] for values in (with_[0], without[0])))
    return {name: one for name, one in found.items() if one is not None} | {"with warmup to without, at rate 1": paired}


def gap(folder: Path) -> tuple[float, float]:
    """Mean loss of the last fifty updates and on test data, in nats, of all runs whose rate falls to nothing.

    Args:
        folder: Of the comparison.
    """
    records = [json.loads(path.read_text(encoding="utf-8"))["record"] for path in (folder / "records").glob("*.json")]
    ended = [one for one in records if one["test"] and one["rates"][-1] < 0.01 * max(one["rates"])]
    return mean(mean(one["losses"][-50:]) for one in ended), mean(one["test"]["loss"] for one in ended)


def rows() -> Iterator[Row]:
    """How far each difference is on its side, at the nearer end of its 95 % interval; and the gap between training and test."""
    with tempfile.TemporaryDirectory() as folder:
        for name, one in differences(*compared(Path(folder))).items():
            far = -(one.estimate.high or 0.0)
            yield Row(f"test error, {name}: lower by, at least (points)", far, "above 0", far > 0.0)
        seen, new = gap(Path(folder) / "0.1")
    yield Row("loss on test data / at the end of training", new / seen, "above 1.2", new > 1.2 * seen)


if __name__ == "__main__":
    made = Path(sys.argv[2] if len(sys.argv) > 2 else "runs/practice")
    found = compared(made)
    print(gap(made / "0.1"), {name: one.estimate for name, one in differences(*found).items()})
    Path(sys.argv[1]).write_text(json.dumps([one.to_dict() for one in found], indent=1) + "\n", encoding="utf-8")
