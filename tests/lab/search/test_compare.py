"""A comparison from its arguments to its folder, with the training made up where it is not the point."""

import json
from dataclasses import dataclass, field, replace

import pytest

from glidepath import GlidepathError, recipes
from glidepath.lab import Comparison, InProcess, Status, Store, compare, plan_runs
from glidepath.lab.engines.engine import Failed, Finished
from glidepath.lab.report.comparison import summarise


@dataclass
class MadeUp:
    """Answers every run with a made-up record and remembers what it was asked."""

    make: object
    metric: object = lambda spec: 30.0 + spec.seed + spec.schedule(spec.budget // 2)
    data: object = lambda spec: "d" * 64
    asked: list = field(default_factory=list)

    def execute(self, specs, emit):
        for spec in specs:
            self.asked.append(spec)
            emit(Finished(self.make(spec, self.metric(spec), self.data(spec))))


class Listener:
    def __init__(self):
        self.statuses, self.notes = [], []

    def status(self, status: Status):
        self.statuses.append(status)

    def note(self, text):
        self.notes.append(text)


def test_a_real_comparison_makes_its_folder(tiny, tmp_path):
    listener = Listener()
    comparison = compare(
        [tiny], ["constant", "linear"], 2, out=tmp_path / "a" / "b", engine=InProcess(), progress=listener
    )
    folder = tmp_path / "a" / "b"

    assert sorted(path.name for path in folder.iterdir() if path.name != ".lock") == [
        "comparison.json",
        "records",
        "report.html",
        "table.txt",
    ]
    assert Comparison.from_json((folder / "comparison.json").read_text()) == comparison
    result = comparison.tasks[0]
    assert [row.name for row in result.schedules] == ["constant", "linear"]
    store = Store(folder / "records")
    specs = plan_runs([tiny], ["constant", "linear"], 2)["tiny"]["linear"]
    assert result.schedules[1].values == tuple(store.read(spec).test.metric for spec in specs)
    assert (listener.statuses[0].runs_done, listener.statuses[-1].runs_done, listener.statuses[-1].runs_total) == (
        0,
        4,
        4,
    )
    assert listener.statuses[-1].updates_done == listener.statuses[-1].updates_total == 160
    assert listener.statuses[-1].seconds_left == 0.0
    assert listener.notes == []


def test_the_same_call_again_runs_nothing_and_gives_the_same(tiny, tmp_path, made_up):
    engine = MadeUp(made_up)
    first = compare([tiny], None, 3, out=tmp_path, engine=engine)
    assert len(engine.asked) == 18
    again = compare([tiny], None, 3, out=tmp_path, engine=engine)

    assert len(engine.asked) == 18
    assert again == first


def test_more_seeds_run_only_what_is_new(tiny, tmp_path, made_up):
    engine = MadeUp(made_up)
    compare([tiny], ["constant"], 2, out=tmp_path, engine=engine)
    compare([tiny], ["constant"], 3, out=tmp_path, engine=engine)

    assert [spec.seed for spec in engine.asked] == [0, 1, 2]


def test_a_damaged_record_runs_again_with_a_note(tiny, tmp_path, made_up):
    engine, listener = MadeUp(made_up), Listener()
    first = compare([tiny], ["constant", "linear"], 2, out=tmp_path, engine=engine)
    victim = engine.asked[1]
    path = Store(tmp_path / "records").path(victim)
    path.write_bytes(path.read_bytes()[:-40])
    engine.asked.clear()
    again = compare([tiny], ["constant", "linear"], 2, out=tmp_path, engine=engine, progress=listener)

    assert engine.asked == [victim]
    assert again == first
    assert len(listener.notes) == 1
    assert listener.notes[0].startswith(f"record {victim.hash[:12]}: file must be a whole JSON record")
    assert listener.notes[0].endswith("it runs again.")


def test_records_from_other_data_are_not_mixed_with_new_ones(tiny, tmp_path, made_up):
    engine, listener = MadeUp(made_up), Listener()
    compare([tiny], ["constant"], 2, out=tmp_path, engine=engine)
    newer = MadeUp(made_up, data=lambda spec: "e" * 64)
    comparison = compare([tiny], ["constant"], 3, out=tmp_path, engine=newer, progress=listener)

    assert sorted(spec.seed for spec in newer.asked) == [0, 1, 2]
    assert comparison.tasks[0].data_sha256 == "e" * 64
    assert listener.notes == ["2 records were made from other data than this machine has; they run again."]


def test_failed_runs_are_reported_together_after_the_others_are_kept(tiny, tmp_path, made_up):
    class Half(MadeUp):
        def execute(self, specs, emit):
            super().execute([spec for spec in specs if spec.seed], emit)
            for spec in specs:
                if not spec.seed:
                    emit(Failed(spec, "out of luck"))

    listener = Listener()
    with pytest.raises(GlidepathError, match=r"seed 0\) and 1 more must be able to run, got out of luck") as error:
        compare([tiny], ["constant", "linear"], 3, out=tmp_path, engine=Half(made_up), progress=listener)

    assert len(error.value.problems) == 1
    assert [text.partition(" failed")[2] for text in listener.notes] == [": out of luck", " likewise"]
    assert len(list((tmp_path / "records").iterdir())) == 4


def test_every_bad_argument_is_told_at_once_and_nothing_is_written(tmp_path):
    with pytest.raises(GlidepathError) as error:
        compare(
            ["mnist", "text", "text"],
            ["cosin(10", "linear", "linear"],
            [1, 1],
            peak_rate=-0.1,
            budget=0,
            out=tmp_path / "x",
            baseline="line",
        )
    told = str(error.value)

    assert "compare: task must be one of mnist1d, " in told
    assert "or module:object, got 'mnist' (did you mean 'mnist1d'?)" in told
    assert "compare: tasks must be all different, got ['text', 'text']" in told
    assert "cosin" in told
    assert "compare: schedules must be all different, got ['linear', 'linear']" in told
    assert "compare: baseline must be one of" in told
    assert "(did you mean 'linear'?)" in told
    assert "compare: seeds must be all different, got [1, 1]" in told
    assert "compare: peak_rate must be a finite number above 0 and at most 1e+100, got -0.1" in told
    assert "compare: budget must be an integer from 1 to 9007199254740992, got 0" in told
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (0, "compare: seeds must be an integer from 1 to 10000, got 0"),
        (True, "compare: seeds must be an integer from 1 to 10000, got True"),
        (10**6, "compare: seeds must be an integer from 1 to 10000, got 1000000"),
        ([], "compare: seeds must be at least one, got []"),
        ("5", "compare: seeds must be a number of seeds or a list of them, got '5'"),
        ([0, -1], "compare: seed must be an integer from 0 to 4294967295, got -1"),
    ],
)
def test_bad_seeds(tiny, tmp_path, seeds, told):
    with pytest.raises(GlidepathError) as error:
        compare([tiny], None, seeds, out=tmp_path / "x")

    assert str(error.value) == told


def test_an_out_that_is_a_file_or_lies_under_one_is_refused(tiny, tmp_path, made_up):
    (tmp_path / "file").write_text("mine")

    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(GlidepathError, match="compare: out must be a folder, got"):
            compare([tiny], None, 2, out=out, engine=MadeUp(made_up))
    assert (tmp_path / "file").read_text() == "mine"


def test_something_that_is_no_engine_is_refused(tiny, tmp_path):
    with pytest.raises(
        GlidepathError, match=r"compare: engine must be an engine such as Workers\(\) or InProcess\(\), got 'fast'"
    ):
        compare([tiny], None, 2, out=tmp_path, engine="fast")


def test_the_default_schedules_are_sized_by_budget_and_start_from_one_warmup(tiny):
    grid = plan_runs([replace(tiny, warmup=0.1)], None, 1, budget=300)["tiny"]
    schedules = {name: row[0].schedule for name, row in grid.items()}

    assert list(schedules) == ["constant", "step", "cosine", "linear", "one_cycle", "wsd"]
    for name, schedule in schedules.items():
        assert schedule(0) < 0.1, name
        assert max(schedule(k) for k in range(300)) == 1.0, name
    assert {name: round(schedule(299), 4) for name, schedule in schedules.items()} == {
        "constant": 1.0,
        "step": 0.01,
        "cosine": 0.0,
        "linear": 0.0037,
        "one_cycle": 0.0001,
        "wsd": 0.0167,
    }
    assert schedules["constant"](30) == schedules["step"](119) == 1.0
    assert schedules["step"](120) == pytest.approx(0.1)


def test_a_missing_default_baseline_comes_first(tiny):
    assert list(plan_runs([tiny], ["linear"], 1)["tiny"]) == ["constant", "linear"]
    assert list(plan_runs([tiny], {"mine": recipes.warmup_cosine(40)}, 1, baseline="mine")["tiny"]) == ["mine"]


def test_schedules_may_be_texts_with_or_without_names(tiny):
    text = str(recipes.warmup_cosine(40))
    grid = plan_runs([tiny], {"mine": text, "flat": "constant"}, 1, baseline="flat")["tiny"]

    assert grid["mine"][0].schedule == recipes.warmup_cosine(40)
    assert list(plan_runs([tiny], [text], 1)["tiny"]) == ["constant", text]


def _comparison(tiny, made_up, metrics, seeds=5):
    grid = plan_runs([tiny], list(metrics), seeds)
    records = {name: [made_up(spec, metrics[name][spec.seed]) for spec in row] for name, row in grid["tiny"].items()}
    return summarise({"tiny": records}, seeds=range(seeds), baseline="constant", command="again")


def test_divergence_takes_the_difference_away_and_is_told(tiny, made_up):
    from glidepath.lab.report.table import table
    from glidepath.lab.report.verdict import verdict

    comparison = _comparison(
        tiny,
        made_up,
        {
            "constant": [44, 45, 46, 44, 45],
            "linear": [30, None, 31, 30, 31],
            "cosine": [None] * 5,
            "step": [40, 41, 42, 39.5, 41],
        },
    )
    rows = {row.name: row for row in comparison.tasks[0].schedules}
    told = verdict(comparison.tasks[0], "constant")

    assert rows["linear"].diverged == (1,)
    assert rows["linear"].to_baseline is None
    assert rows["linear"].test.count == 4
    assert rows["cosine"].test is None
    assert rows["step"].to_baseline.p_holm == rows["step"].to_baseline.p
    assert comparison.tasks[0].runner_up[:2] == ("step", "constant")
    assert told[0] == (
        "linear diverged on 1 of 5 seeds; its mean covers only the others, which are the lucky ones, "
        "so no difference is claimed."
    )
    assert told[1] == "cosine diverged on every seed at this peak rate."
    assert "linear (1 of 5 diverged)" in table(comparison)
    assert Comparison.from_json(comparison.to_json()) == comparison


def test_the_verdict_claims_what_the_interval_and_the_correction_allow(tiny, made_up):
    from glidepath.lab.report.verdict import caveats, verdict

    comparison = _comparison(
        tiny,
        made_up,
        {
            "constant": [44.0, 45.0, 46.0, 44.0, 45.0],
            "linear": [34.0, 35.2, 36.1, 33.8, 35.0],
            "cosine": [44.5, 43.0, 47.5, 43.0, 45.5],
            "step": [45.0, 47.8, 47.0, 44.4, 46.0],
        },
    )
    told = verdict(comparison.tasks[0], "constant")

    assert told[0].startswith(
        "linear ended better than constant: error −10.0 percentage points, "
        "95 % interval −10.2 to −9.8, p < 0.001, lower on 5 of 5"
    )
    assert told[1].startswith(
        "The data do not show a difference between cosine and constant: error −0.1 percentage points"
    )
    assert told[1].endswith("which contains zero.")
    assert told[2].startswith(
        "step against constant is a hint, not a finding: error +1.2 percentage points, 95 % interval +0.1 to +2.4"
    )
    assert told[3].startswith("linear and cosine have the best two means")
    assert told[3].endswith("only new seeds could confirm the order.")
    assert any("one shared peak rate (0.1 on tiny)" in sentence for sentence in caveats(comparison))


def test_one_seed_claims_nothing(tiny, made_up):
    from glidepath.lab.report.verdict import caveats, verdict

    comparison = _comparison(tiny, made_up, {"constant": [44.0], "linear": [34.0]}, seeds=1)

    assert verdict(comparison.tasks[0], "constant")[0] == (
        "linear: error −10.0 percentage points to constant on the one seed run: no interval, no claim."
    )
    assert any("With one seed there is no interval" in sentence for sentence in caveats(comparison))


def test_a_comparison_that_is_no_comparison_is_refused():
    with pytest.raises(GlidepathError, match="comparison: tasks must be valid"):
        Comparison.from_json(json.dumps({"seeds": [1], "baseline": "constant", "command": ""}))


def test_a_schedule_of_another_length_is_told_before_training_and_in_the_table(tiny, tmp_path, made_up):
    from glidepath.lab.report.table import table

    class Asked(MadeUp):
        def execute(self, specs, emit):
            self.before = list(listener.notes)
            super().execute(specs, emit)

    listener, engine = Listener(), Asked(made_up)
    schedules = ["constant", "cosine", "step(9)", "linear(30)", "cosine(400)"]
    comparison = compare([tiny], schedules, 2, out=tmp_path, engine=engine, progress=listener)

    told = [
        "linear(30) ends at update 30 of 40: the rest runs at its end, 0.",
        "cosine(400) is cut at update 40 of 400, at 0.98.",
    ]
    assert engine.before == listener.notes == [f"tiny: {text}" for text in told]
    assert all(f"- {text}" in table(comparison) for text in told)


def test_another_comparison_in_the_folder_is_told(tiny, tmp_path, made_up):
    listener = Listener()
    for schedules, seeds in ((["constant", "linear"], 2), (["constant", "linear", "cosine"], 3)):
        compare([tiny], schedules, seeds, out=tmp_path, engine=MadeUp(made_up), progress=listener)
    assert listener.notes == []

    compare([tiny], ["constant", "step"], 3, out=tmp_path, engine=MadeUp(made_up), progress=listener)
    told = f"{tmp_path} held another comparison; its records stay, table and report are now of this one."
    assert listener.notes == [told]


def test_seeds_are_not_too_few_for_a_difference_that_is_shown(tiny, made_up):
    from glidepath.lab.report.table import table
    from glidepath.lab.report.verdict import flags, shown

    metrics = {
        "constant": [44.0, 45.0, 46.0, 44.0, 45.0],
        "linear": [40.9, 44.1, 44.0, 40.9, 44.1],
        "cosine": [44.5, 43.0, 47.5, 43.0, 45.5],
    }
    comparison = _comparison(tiny, made_up, metrics)
    linear = comparison.tasks[0].schedules[1].to_baseline
    few = next(text for text in flags(comparison.tasks[0]) if text.startswith("Too few seeds"))
    text = table(comparison)

    assert shown(linear)
    assert "linear" not in few
    assert "cosine (" in few
    assert [line for line in text.splitlines() if line.startswith("*")] == []
    assert "- An asterisk marks the differences that hold after Holm's correction." in text
    assert "- A rank of 2 to 4 says" in text


def test_a_baseline_that_diverged_is_told_first(tiny, made_up):
    from glidepath.lab.report.verdict import verdict

    lost = _comparison(tiny, made_up, {"constant": [None] * 5, "cosine": [None] * 5}).tasks[0]
    assert verdict(lost, "constant") == [
        f"{name} diverged on every seed at this peak rate." for name in ("constant", "cosine")
    ]

    some = _comparison(tiny, made_up, {"constant": [1.0, None, 2.0, 3.0, 4.0], "cosine": [1.0] * 5}).tasks[0]
    told = verdict(some, "constant")
    assert told[0] == "constant, the baseline, diverged on 1 of 5 seeds; its mean covers only the others."
