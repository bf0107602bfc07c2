"""What the generated images ranked, as `python -m bench.practice docs/practice.json` kept it: the page's tables, and published claims."""

import json
from pathlib import Path

import pytest

from glidepath.lab.report.comparison import Comparison
from glidepath.lab.report.statistics import paired_difference
from glidepath.lab.report.table import cells
from glidepath.lab.report.verdict import caveats, shown

DOCS = Path(__file__).resolve().parents[3] / "docs"
USUAL, LARGE = (Comparison.from_dict(one) for one in json.loads((DOCS / "practice.json").read_text(encoding="utf-8")))


def _values(comparison, name):
    return next(row.values for row in comparison.tasks[0].schedules if row.name == name)


@pytest.mark.parametrize("comparison", [USUAL, LARGE], ids=["usual rate", "large rate"])
def test_the_page_has_the_tables_of_what_was_kept(comparison):
    page = (DOCS / "practice.md").read_text(encoding="utf-8")
    (result,) = comparison.tasks
    for row in result.schedules:
        name, mean, interval, _, _, difference, around, _ = cells(row, result)
        against = f" {difference} ({around})" if row.to_baseline else ""
        assert f"| `{name}` | {mean} ({interval}) |{against} |" in page
    assert f"| peak rate {result.peak_rate:g} | test error | to constant |" in page


@pytest.mark.parametrize("comparison", [USUAL, LARGE], ids=["usual rate", "large rate"])
def test_the_differences_that_were_kept_follow_from_the_runs(comparison):
    for row in comparison.tasks[0].schedules:
        if row.to_baseline is not None:
            again = paired_difference(row.values, _values(comparison, "constant"))
            assert again.estimate == row.to_baseline.estimate


def test_decay_beats_a_constant_rate_and_warmup_matters_with_a_large_one():
    rows = {row.name: row for row in USUAL.tasks[0].schedules}
    for name in ("cosine", "linear", "wsd"):
        assert shown(rows[name].to_baseline)
        assert rows[name].to_baseline.estimate.high < 0.0
    gained = paired_difference(_values(LARGE, "warmup(60) >> cosine(540)"), _values(LARGE, "cosine(600)")).estimate
    page = (DOCS / "practice.md").read_text(encoding="utf-8")

    assert gained.high < 0.0
    assert f"takes {-gained.mean:.1f} points ({-gained.high:.1f} to {-gained.low:.1f}) more off" in page


def test_a_shared_rate_is_said_to_tell_no_shape_apart():
    assert any("a shape's effect is not told apart from its rate's" in line for line in caveats(USUAL))
