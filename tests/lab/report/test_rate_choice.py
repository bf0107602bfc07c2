"""A grid of peak rates: chosen on validation, reported on test, with flags where the choice or the seeds fall short."""

import shutil
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from glidepath import GlidepathError
from glidepath.lab import Comparison, InProcess, compare, plan_runs
from glidepath.lab.engines.engine import Finished
from glidepath.lab.records.runs import Evaluation
from glidepath.lab.report.comparison import by_rate, summarise
from glidepath.lab.report.statistics import Estimate, choose_rate, ranks, seeds_needed
from glidepath.lab.report.table import table
from glidepath.lab.report.verdict import caveats, flags, verdict

BEST = {"constant": 0.1, "linear": 0.4, "cosine": 0.2}
NOISE = (-1.0, 0.5, 1.0, -0.5)


@dataclass
class Valley:
    """Validation is best at `BEST`; test is best at the lowest rate of all, to catch who looks there."""

    make: object
    lost: object = lambda name, rate, seed: False
    asked: list = field(default_factory=list)

    def execute(self, specs, emit):
        for spec in specs:
            self.asked.append(spec)
            name = {1.0: "constant"}.get(spec.schedule(39), "cosine" if spec.schedule(10) > 0.8 else "linear")
            far = abs(np.log2(spec.peak_rate / BEST[name]))
            lost = self.lost(name, spec.peak_rate, spec.seed)
            record = self.make(spec, None if lost else 30.0 + 10 * spec.peak_rate + NOISE[spec.seed])
            last = Evaluation(updates=spec.budget, loss=1.0, metric=20.0 + far + NOISE[spec.seed])
            emit(Finished(replace(record, evaluations=(*record.evaluations[:-1], last))))


@pytest.fixture(scope="module")
def compared(tiny, tmp_path_factory, made_up):
    engine, out = Valley(made_up), tmp_path_factory.mktemp("compared")
    return compare([tiny], list(BEST), 4, peak_rate=[0.4, 0.1, 0.2], out=out, engine=engine), engine, out


def test_the_rate_is_chosen_on_validation_and_the_figures_are_of_test(compared):
    comparison, engine, folder = compared
    result = comparison.tasks[0]

    assert len(engine.asked) == 3 * 3 * 4
    assert [spec.seed for spec in engine.asked] == sorted(spec.seed for spec in engine.asked)
    assert result.peak_rate is None
    for row in result.schedules:
        assert row.peak_rate == BEST[row.name]
        assert row.values == tuple(30.0 + 10 * row.peak_rate + noise for noise in NOISE)
        assert [one.peak_rate for one in row.rates.trials] == [0.1, 0.2, 0.4]
    assert Comparison.from_json((folder / "comparison.json").read_text()) == comparison
    assert comparison.seeds == (0, 1, 2, 3)


def test_another_rate_runs_only_what_is_new(compared, tiny, tmp_path, made_up):
    engine, out = Valley(made_up), shutil.copytree(compared[2], tmp_path / "again")
    compare([tiny], list(BEST), 4, peak_rate=[0.1, 0.2, 0.4, 0.8], out=out, engine=engine)

    assert {spec.peak_rate for spec in engine.asked} == {0.8}
    assert len(engine.asked) == 3 * 4


def test_a_rate_at_the_edge_is_flagged_everywhere(compared):
    comparison, _, folder = compared
    told = "Best peak rate at the edge of the grid: constant (0.1, the lowest), linear (0.4, the highest)."

    assert [row.rates.edge for row in comparison.tasks[0].schedules] == ["lowest", "highest", None]
    assert any(one.startswith(told) for one in flags(comparison.tasks[0]))
    assert told in (folder / "table.txt").read_text()
    assert told in (folder / "report.html").read_text()
    assert "0.4 (highest)" in table(comparison)
    assert "each its own peak rate" in table(comparison)


def test_table_report_and_sentences_say_whose_rate_it_is(compared, tiny, tmp_path, made_up):
    comparison, _, folder = compared
    page = (folder / "report.html").read_text()

    assert caveats(comparison)[0].startswith("Each schedule got its own peak rate: of 0.1, 0.2, 0.4 the one with the")
    assert not any("shared" in sentence for sentence in caveats(comparison))
    assert page.count("<svg") == 6
    assert "36 networks trained" in page
    shared = compare([tiny], list(BEST), 4, peak_rate=0.2, out=tmp_path / "b", engine=Valley(made_up))
    assert "one shared peak rate (0.2 on tiny)" in caveats(shared)[0]
    assert shared.tasks[0].schedules[0].rates is None
    assert shared.tasks[0].peak_rate == 0.2


def test_a_rate_that_loses_seeds_is_taken_last_and_ties_go_to_the_lower(tiny, made_up):
    def choice(metrics, direction="lower"):
        records = []
        for spec in plan_runs([tiny], ["constant"], 2, peak_rate=list(metrics))["tiny"]["constant"]:
            value = metrics[spec.peak_rate][spec.seed]
            last = Evaluation(updates=40, loss=1.0, metric=value)
            records.append(replace(made_up(spec, value), evaluations=(last,)))
        return choose_rate({rate: [one.last for one in rows] for rate, rows in by_rate(records).items()}, direction)

    assert choice({0.1: (9.0, 9.0), 0.2: (1.0, None), 0.4: (None, None)}).peak_rate == 0.1
    assert choice({0.1: (None, None), 0.2: (5.0, None), 0.4: (4.0, None)}).peak_rate == 0.4
    assert choice({0.1: (5.0, 5.0), 0.2: (5.0, 5.0)}).peak_rate == 0.1
    assert choice({0.1: (5.0, 5.0), 0.2: (6.0, 5.0)}, "higher").peak_rate == 0.2
    lost = choice({0.1: (None, None), 0.2: (None, None)})
    assert (lost.peak_rate, lost.trials[1].diverged, lost.trials[1].validation) == (0.1, 2, None)


def test_all_rates_lost_still_makes_a_folder(tiny, tmp_path, made_up):
    engine = Valley(made_up, lost=lambda name, rate, seed: name == "linear")
    comparison = compare([tiny], list(BEST), 3, peak_rate=[0.1, 0.2], out=tmp_path, engine=engine)

    assert comparison.tasks[0].schedules[1].diverged == (0, 1, 2)
    assert comparison.tasks[0].schedules[1].rank is None
    assert "linear diverged on every seed at every peak rate." in (tmp_path / "table.txt").read_text()


def test_a_real_grid_trains(tiny, tmp_path):
    comparison = compare([tiny], ["constant", "linear"], 2, peak_rate=(0.3, 0.03), out=tmp_path, engine=InProcess())

    assert all(row.rates.trials[0].peak_rate == 0.03 for row in comparison.tasks[0].schedules)
    assert all(len(row.values) == 2 for row in comparison.tasks[0].schedules)


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (
            (0.1, -1.0, float("nan")),
            [
                "a finite number above 0 and at most 1e+100, got -1.0",
                "a finite number above 0 and at most 1e+100, got nan",
            ],
        ),
        ((0.1, 0.1), ["all different, got [0.1, 0.1]"]),
        ((), ["at least one, got []"]),
        ("0.1", ["a finite number above 0 and at most 1e+100, got '0.1'"]),
    ],
)
def test_bad_rates_are_told_at_once(tiny, tmp_path, rates, told):
    with pytest.raises(GlidepathError) as error:
        compare([tiny], None, 2, peak_rate=rates, out=tmp_path / "x")
    assert str(error.value) == "\n".join(f"compare: peak_rate must be {one}" for one in told)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("size", "count"), [(1.0, 13), (0.5, 44), (2.0, 5), (0.01, None), (0.0, None)])
def test_seeds_needed_are_those_of_the_power_tables(size, count):
    assert seeds_needed(Estimate(8, -size, 1.0, None, None), 1) == count


def test_seeds_needed_hold_in_simulation():
    from scipy import stats

    needed = seeds_needed(Estimate(8, 1.0, 1.0, None, None), 5)
    drawn = np.random.default_rng(7).normal(1.0, 1.0, (20_000, needed))
    found = (stats.ttest_1samp(drawn, 0.0, axis=1).pvalue < 0.01).mean()

    assert 0.89 < found < 0.94


def test_too_few_seeds_are_flagged(tiny, made_up):
    metrics = {
        "constant": [44.0, 45.0, 46.0, 44.0],
        "linear": [34.0, 35.2, 36.1, 33.8],
        "cosine": [44.5, 43.0, 47.5, 43.0],
    }
    grid = plan_runs([tiny], list(metrics), 4)["tiny"]
    rows = {name: [made_up(spec, metrics[name][spec.seed]) for spec in row] for name, row in grid.items()}
    result = summarise({"tiny": rows}, seeds=range(4), baseline="constant", command="").tasks[0]
    needed = {row.name: row.to_baseline.seeds_needed for row in result.schedules if row.to_baseline}

    assert needed["linear"] <= 4
    assert needed["cosine"] is None or needed["cosine"] > 4
    few = [one for one in flags(result) if one.startswith("Too few seeds")]
    assert len(few) == 1
    assert "cosine" in few[0]
    assert "linear" not in few[0]


def test_ranks_cover_what_seeds_leave_open():
    clear, close, other = [1.0, 1.1, 0.9, 1.0], [5.0, 7.0, 6.0, 8.0], [7.5, 5.5, 6.5, 6.4]
    found = ranks([clear, close, other], lower_is_better=True)

    assert (found[0].rank, found[0].low, found[0].high) == (1.0, 1.0, 1.0)
    assert (found[1].low, found[1].high) == (found[2].low, found[2].high) == (2.0, 3.0)
    assert [one.rank for one in ranks([clear, close, other], lower_is_better=False)] == [3.0, 1.0, 2.0]
    assert ranks([[1.0, 2.0], [2.0, 3.0]], lower_is_better=True) is None
    assert ranks([clear], lower_is_better=True) is None


def test_ranks_are_as_unsure_as_the_intervals():
    """The difference's t-interval contains zero, so the ranks must overlap, though every resample of seeds agrees."""
    found = ranks([[6.0, 6.1, 6.2, 8.0], [5.9, 6.0, 6.1, 6.0]], lower_is_better=True)

    assert [(one.low, one.high) for one in found] == [(1.0, 2.0), (1.0, 2.0)]
    assert [one.rank for one in found] == [2.0, 1.0]


def test_the_effect_of_a_shape_is_told_apart_from_that_of_its_rate(compared, tiny, tmp_path, made_up):
    comparison, _, folder = compared
    told = (
        "The shape of linear makes +3.0 percentage points, each at its own best rate (0.4, 0.1); at 0.1 for both it would have looked "
        "like 0.0 percentage points ("
    )

    assert [row.at_shared is not None for row in comparison.tasks[0].schedules] == [False, True, True]
    assert any(one.startswith(told) for one in verdict(comparison.tasks[0], "constant"))
    assert told in (folder / "report.html").read_text()
    shared = compare([tiny], list(BEST), 4, peak_rate=0.2, out=tmp_path / "b", engine=Valley(made_up))
    assert not any("shape of" in one for one in verdict(shared.tasks[0], "constant"))
    assert "a shape's effect is not told apart from its rate's" in caveats(shared)[0]
