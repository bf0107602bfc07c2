"""Finished runs as the page shows them."""

import subprocess
import sys

import pytest
from tests.playground.finished import BUDGET, SCHEDULES, SEEDS, write

from glidepath import parse
from glidepath.playground import runs

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("runs"))


def test_bands_are_mean_lowest_and_highest_over_the_seeds(folder):
    (task,) = runs.tasks(folder)
    rows = {row["name"]: row for row in task["rows"]}

    assert list(rows) == list(SCHEDULES)
    assert (task["task"], task["budget"], task["metric"], task["unit"]) == ("mnist1d", BUDGET, "error", "%")
    for name, (text, _) in SCHEDULES.items():
        row = rows[name]
        step, mean, low, high, *loss = row["curves"][-1]
        assert (step, row["seeds"], len(row["curves"])) == (BUDGET, len(SEEDS), 10)
        assert (high - low, mean - low) == pytest.approx((2.4, 1.2))
        assert loss == pytest.approx([mean / 40, low / 40, high / 40])
        assert row["test"][0] == pytest.approx(mean)
        assert row["test"][1] < mean < row["test"][2]
        assert row["rates"] == [[k, 0.1 * parse(text)(k)] for k, _ in row["rates"]]
    assert any(sentence.startswith("cosine ended better than constant") for sentence in task["sentences"])


@pytest.mark.parametrize(
    ("text", "last", "name", "same"),
    [
        ("cosine(5000)", 5000, "cosine", True),
        ("hold(80) >> linear(20)", 100, "wsd", True),
        ("rex(100)", 100, "cosine", False),
    ],
)
def test_the_nearest_shape_is_found_at_any_length(folder, text, last, name, same):
    (task,) = runs.tasks(folder)
    found = runs.nearest(parse(text), last, task["rows"], task["budget"])

    assert found["name"] == name or not same
    assert found["same"] is same


def test_a_folder_without_runs_and_a_damaged_one_are_empty(folder, tmp_path):
    assert runs.tasks(tmp_path) == []
    (tmp_path / "comparison.json").write_text("{")
    assert runs.tasks(tmp_path) == []


def test_records_are_read_without_torch(folder):
    """The tab opens at once: seconds of importing are for those who train."""
    code = (
        "import sys, pathlib; from glidepath.playground import runs;"
        "assert runs.tasks(pathlib.Path(sys.argv[1])); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
