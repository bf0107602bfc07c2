"""Files in all the forms, with other numbers, cut off, late, restarted, grouped, diverged: read right, fitted right, nothing invented."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

import glidepath as gp
from glidepath import GlidepathError
from glidepath.advice import Fit, NoFit, advise, fit
from glidepath.logs import Log, read
from made_logs import Made, made

FILES = {f"{each.name}": each for each in made(0)}
RATED = [name for name, each in FILES.items() if each.rates is not None]


def put(each: Made, folder: Path) -> Path:
    (folder / each.file).write_text(each.text)
    return folder / each.file


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_form_is_read_right(name: str, tmp_path: Path):
    each = FILES[name]
    log = read(put(each, tmp_path))

    for series, want in (("rate", each.rates), ("loss", each.losses)):
        found = log.get(series)
        assert (found is None) == (want is None)
        if found is not None:
            assert found.steps.tolist() == pytest.approx(each.steps)
            assert found.values == pytest.approx(np.array(want), rel=1e-2, abs=1e-3 * np.nanmax(want), nan_ok=True)
    assert each.complete in (None, log.complete)
    assert log.form
    assert log.taken["step"] in " ".join(log.lines())


@pytest.mark.parametrize("name", FILES)
def test_healthy_files_have_no_finding_faults_are_found_and_the_fit_is_true(name: str, tmp_path: Path, monkeypatch):
    each, fits = FILES[name], list[Fit | NoFit]()
    monkeypatch.setattr(sys.modules["glidepath.advice.advise"], "fit", lambda log: fits.append(fit(log)) or fits[-1])
    log = read(put(each, tmp_path))

    assert [finding.name for finding in advise(log).findings] == ([each.fault] if each.fault else [])
    if name in RATED:
        check(each, log, fits[0] if fits else fit(log))


def check(each: Made, log: Log, found: Fit | NoFit) -> None:
    """What `fit` returns reproduces the log and the truth."""
    assert isinstance(found, Fit)
    series = log.series["rate"]
    peak = float(series.values.max())
    assert np.abs(found.at(series.steps) - series.values).max() <= 0.51 * 10.0**-6 + 1e-3 * peak
    again = gp.parse(found.text)
    assert again(np.arange(0, min(again.duration, 1e5) + 1)).min() >= 0
    if each.total and found.end in ("seen", "said") and not each.lag and each.kind == "":
        far = np.arange(series.steps[0], each.total + 1.0)
        if "milestones" not in found.kind:
            truth = np.array([each.truth(float(s - each.late)) for s in far])
            assert np.abs(found.at(far) - truth).max() < 1e-3 * peak


@pytest.mark.parametrize("name", ["args.yaml", "opt.yaml"])
def test_the_arguments_beside_a_log_of_ultralytics_decide_its_length(name: str, tmp_path: Path):
    each = FILES["yolo small 8"]
    file = put(dataclasses.replace(each, text="".join(each.text.splitlines(keepends=True)[:16])), tmp_path)
    assert fit(read(file)).end == "open"
    (tmp_path / name).write_text(f"task: detect\nepochs: {each.total}\nlr0: 0.002\n")

    log, found = read(tmp_path), fit(read(tmp_path))

    assert (log.max_steps, log.complete) == (each.total, None)
    assert f"its length is that of {name}" in log.notes
    assert isinstance(found, Fit)
    assert found.end == "said"
    assert found.at(np.array([float(each.total)])) == pytest.approx([each.truth(float(each.total))], rel=1e-2)


def test_a_run_that_is_cut_off_has_the_end_that_its_file_says(tmp_path: Path):
    found = fit(read(put(FILES["hf cut linear"], tmp_path)))

    assert isinstance(found, Fit)
    assert (found.schedule.duration, found.end) == (9411, "said")
    assert "floor" not in found.text


def test_the_end_of_a_straight_line_is_not_determined_by_the_log(tmp_path: Path):
    log = read(put(FILES["hf cut linear"], tmp_path))
    found = fit(dataclasses.replace(log, max_steps=None, complete=None))

    assert isinstance(found, Fit)
    assert found.end == "open"
    assert "9411" in found.alternatives[0]
    assert "not determined by the log" in str(found)


def test_a_log_that_ends_while_it_rises_says_nothing_of_what_comes(tmp_path: Path):
    found = fit(read(put(FILES["hf in its warmup"], tmp_path)))

    assert isinstance(found, Fit)
    assert (found.end, found.kind) == ("open", "warmup")


def test_skipped_updates_are_counted(tmp_path: Path):
    each = FILES["hf skipped updates"]
    found = fit(read(put(each, tmp_path)))

    assert isinstance(found, Fit)
    assert [skipped for _, skipped in found.lag] == [skipped for _, skipped in each.lag]
    assert found.text == "rate(1e-05 * (warmup(500, start=0) >> linear(4500)))"
    assert f"{each.lag[-1][1]} updates were skipped" in str(found)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_a_rate_that_stands_one_step_late_is_said_to(kind: str, tmp_path: Path):
    found = fit(read(put(FILES[f"hf one late {kind}"], tmp_path)))

    assert isinstance(found, Fit)
    assert (found.shift, found.schedule.duration) == (1, 375)
    assert "stands at s + 1" in str(found)


def test_a_plateau_rule_is_named(tmp_path: Path):
    found = fit(read(put(FILES["keras plateau"], tmp_path)))

    assert isinstance(found, Fit)
    assert found.kind.startswith("cut by 0.2 at 17, 29, 44: reduce on plateau, patience about ")


def test_means_over_epochs_are_told(tmp_path: Path):
    found = fit(read(put(FILES["mae"], tmp_path)))

    assert isinstance(found, Fit)
    assert found.mean > 1
    assert "mean over an epoch" in str(found)


def test_groups_are_told_and_chosen(tmp_path: Path):
    log = read(put(FILES["lightning groups"], tmp_path))
    assert log.taken["rate"] == "lr-AdamW/pg2"
    assert log.groups == ("lr-AdamW/pg1 is 0.1 times lr-AdamW/pg2",)
    assert read(tmp_path / "metrics.csv", rate="lr-AdamW/pg1").series["rate"].values.max() == pytest.approx(
        log.series["rate"].values.max() / 10
    )

    for name, bias in (("yolo small 5", "x/lr2"), ("yolo small 81", "lr/pg0")):
        log = read(put(FILES[name], tmp_path))
        assert any(each.startswith(f"{bias} is the group of the biases") for each in log.groups)


def test_starts_one_after_another_are_told(tmp_path: Path):
    assert (
        "the file holds 4 starts one after another: the last one is taken"
        in read(put(FILES["deit restarted"], tmp_path)).notes
    )


def test_several_runs_must_be_told_apart(tmp_path: Path):
    file = tmp_path / "wandb_export.csv"
    rows = "\n".join(f'"{s}","{3 - s / 100}","1","3","{4 - s / 100}","1","3"' for s in range(0, 200, 10))
    names = ",".join(f'"{run} - train/loss{end}"' for run in ("a", "b") for end in ("", "__MIN", "__MAX"))
    file.write_text(f'"Step",{names}\n{rows}\n')

    with pytest.raises(GlidepathError, match=r"run must be one of a, b, got 2 runs \(--run NAME"):
        read(file)
    assert read(file, run="b").series["loss"].values[0] == 4


def test_a_table_of_runs_is_no_log(tmp_path: Path):
    file = tmp_path / "runs.csv"
    row = '"run-{}","finished","2026-05-25T14:08:33.000Z","0.001","5000","0.0001","1.0"\n'
    file.write_text(
        '"Name","State","Created","learning_rate","iter","lr","train/loss"\n' + "".join(map(row.format, range(9)))
    )

    with pytest.raises(GlidepathError, match="a table of 9 runs: its steps never advance"):
        read(file)


def test_counters_that_nobody_numbered_are_unrolled(tmp_path: Path):
    file = tmp_path / "log.csv"
    file.write_text("batch,loss\n" + "".join(f"{i},{5 - e - i / 10}\n" for e in range(4) for i in range(5)))

    log = read(file)

    assert log.series["loss"].steps.tolist() == list(range(20))
    assert "begins again 3 times" in log.notes[0]


@pytest.mark.parametrize("name", ["step", "rate", "loss"])
def test_a_column_that_is_not_there_is_refused(name: str, tmp_path: Path):
    (tmp_path / "a.csv").write_text("step,loss,lr\n0,2,0.1\n1,1,0.1\n")

    with pytest.raises(GlidepathError, match=rf"log: {name} must be one of .*did you mean"):
        read(tmp_path / "a.csv", **{name: {"step": "stepp", "rate": "lrr", "loss": "los"}[name]})


def test_a_number_of_400_digits_is_no_overflow(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text(f'{{"step": 0, "loss": {"9" * 400}}}\n{{"step": 1, "loss": 2.0}}\n')

    assert read(tmp_path / "a.jsonl").series["loss"].values.tolist() == [float("inf"), 2.0]


def test_rates_that_begin_at_zero_are_no_error():
    log = Log.of(rate=[0.0, *[0.1] * 30], loss=[2.0] * 31)

    advise(log)
    fit(log)


@pytest.mark.parametrize("most", [1 << 11, pytest.param(1 << 18, marks=pytest.mark.soak)])
def test_a_long_file_is_read_as_a_stream(most: int, tmp_path: Path, monkeypatch):
    """A column that has twice what is kept is halved; the bar moves every 4 MB."""
    file, seen, count = tmp_path / "long.jsonl", list[int](), 2 * most + 1000
    monkeypatch.setattr("glidepath.logs.gather._MOST", most)
    with file.open("w") as out:
        for k in range(count):
            out.write(f'{{"step": {k}, "loss": {2 + k % 2}, "lr": 0.001{" " * (20_000_000 // count)}}}\n')

    log = read(file, progress=lambda done, total: seen.append(done))

    assert len(seen) >= 4
    assert len(log.series["rate"]) < count
    assert set(log.series["loss"].values.tolist()) == {2.5}
    assert "one rate in 2" in log.notes[-1]
