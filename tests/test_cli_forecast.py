"""The commands that forecast: logs in, a table and files out, or a refusal that says what would help."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glidepath import parse
from glidepath.cli import app
from glidepath.core.errors import GlidepathError
from glidepath.forecast import Law, Laws
from glidepath.forecast import Path as Course
from glidepath.forecast.path import rates_of

LAW = Law("multi_power", {"L0": 2.65, "A": 0.6, "alpha": 0.45, "B": 438.0, "C": 2.1, "beta": 0.6, "gamma": 0.65})
WSD = "warmup(100) >> hold(1500) >> linear(400)"
COSINE = "warmup(100) >> cosine(1900)"


def log(path: Path, text: str, *, begin: int = 0, rates: bool = True) -> Path:
    schedule = parse(text)
    values = rates_of(schedule, 3e-4, int(schedule.duration))
    steps = list(range(max(begin, 20), len(values) + 1, 20))
    losses = LAW(Course.of(values, steps))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "lr", "loss"] if rates else ["step", "loss"])
        for step, loss in zip(steps, losses, strict=True):
            writer.writerow([step, *([values[min(step, len(values) - 1)]] if rates else []), loss])
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forecast")
    place = folder / "laws.json"
    run("forecast", log(folder / "wsd.csv", WSD), "--quick", "-o", place)
    return place


def test_a_table_a_picture_and_a_report(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    out = run("forecast", log(tmp_path / "wsd.csv", WSD), WSD, f"half: {COSINE}", "--quick", "-o", page)
    lines = out.splitlines()
    headings = "schedule updates horizon loss 90 % interval rates alone against the first"
    assert lines[0].split() == headings.split()
    assert lines[1].startswith(WSD)
    assert lines[2].startswith("half ")
    assert "log wsd.csv" in out
    text = page.read_text(encoding="utf-8")
    assert "<li>multi_power: L0 2.6" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "data:image/svg+xml;base64," in text


def test_stored_laws_forecast_what_the_logs_did(stored: Path) -> None:
    laws = Laws.from_json(stored.read_text())
    data = json.loads(run("forecast", stored, COSINE, "--json"))
    assert data["forecasts"][COSINE]["loss"] == laws.final(COSINE).loss
    assert data["laws"] == json.loads(laws.to_json())


def test_logs_without_rates_take_a_plan(tmp_path: Path) -> None:
    bare = log(tmp_path / "bare.csv", WSD, rates=False)
    with pytest.raises(GlidepathError, match=r"rates must be logged, or the plan given, got none .*--plan"):
        run("forecast", bare, COSINE)
    data = json.loads(run("forecast", bare, COSINE, "--plan", WSD, "--base", "3e-4", "--quick", "--json"))
    assert data["laws"]["peak"] == pytest.approx(3e-4)


def test_the_column_of_the_loss_can_be_named(tmp_path: Path) -> None:
    given = log(tmp_path / "named.csv", WSD)
    given.write_text(given.read_text().replace("step,lr,loss", "step,lr,cross entropy"))
    data = json.loads(run("forecast", given, COSINE, "--loss", "cross entropy", "--quick", "--json"))
    assert data["laws"]["metric"] == "loss"


def test_a_branch_takes_its_beginning_from_the_trunk(tmp_path: Path) -> None:
    trunk = log(tmp_path / "trunk.csv", "warmup(100) >> hold(1500)")
    branch = log(tmp_path / "branch.csv", WSD, begin=1600)
    whole = log(tmp_path / "whole.csv", WSD)
    with pytest.raises(
        GlidepathError, match=r"branch.csv: rates must be known from the first update on, got rates from update 1,600"
    ):
        run("forecast", branch, COSINE)
    parts, one = (
        json.loads(run("forecast", *given, COSINE, "--quick", "--json")) for given in ((trunk, branch), (whole,))
    )
    assert parts["forecasts"][COSINE]["loss"] == pytest.approx(one["forecasts"][COSINE]["loss"], abs=0.01)


def test_a_log_that_begins_after_its_warmup_is_said_to(tmp_path: Path) -> None:
    late = log(tmp_path / "late.csv", WSD, begin=120)
    result = subprocess.run(
        [sys.executable, "-m", "glidepath", "forecast", str(late), "--quick"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "its rates begin at update 120: a linear warmup is taken before" in result.stderr


def test_refusals_name_what_would_help(tmp_path: Path, stored: Path) -> None:
    with pytest.raises(
        GlidepathError, match=r"a cooldown of 320 updates from step 1,600 of trunk.csv: glidepath branches"
    ):
        run("forecast", log(tmp_path / "trunk.csv", "warmup(100) >> hold(1500)"), COSINE)
    with pytest.raises(GlidepathError, match="LOG must be a training log at least, got 'cosine"):
        run("forecast", "cosine(100)")
    with pytest.raises(GlidepathError, match="logs, or stored laws alone"):
        run("forecast", stored, stored.parent / "wsd.csv")
    with pytest.raises(GlidepathError, match=r"-o must be a file name that ends in .html"):
        run("forecast", stored, "-o", "report.pdf")
    with pytest.raises(GlidepathError, match="at most 4 times") as caught:
        run("forecast", stored, "hold(9000)", "warmup(5) >> hold(9000)")
    assert len(caught.value.problems) == 2


def test_a_design_is_written_as_a_plan(stored: Path, tmp_path: Path) -> None:
    place = tmp_path / "plan.yaml"
    out = run("design", stored, "--against", COSINE, "--at", "800", "-o", place)
    assert out.startswith("near the best, without a grid: warmup(100) >> hold(")
    assert "it ends lower" in out
    assert "cool down now, from       800" in out
    from glidepath import plan

    made = plan.read(place)
    assert made.total == 2000
    assert str(made.rules[0].schedule) in out


def test_a_plan_that_is_there_is_cooled_down(stored: Path, tmp_path: Path) -> None:
    from glidepath import plan

    today, place = tmp_path / "today.yaml", tmp_path / "plan.yaml"
    rules = (plan.Rule("warmup(100) >> hold(1900)"), plan.Rule("0.9 * hold(2000)", parameter="momentum", absolute=True))
    plan.write(plan.Plan(rules=rules, horizon=plan.Horizon(length="2000 updates")), today)
    out = run("design", stored, "--against", today, "--at", "800", "-o", place)
    made = plan.read(place)
    assert made.total == 2000
    assert [rule.parameter for rule in made.rules] == ["lr", "momentum"]
    start = int(out.partition("hold(")[2].partition(")")[0]) + 100
    schedule = made.schedules()[0]
    assert (schedule(start - 1), schedule(2000)) == (1.0, 0.0)
    assert schedule(start + 1) < 1.0


def test_bound_ranks_and_carries() -> None:
    out = run("bound", "hold(1600) >> linear(400)", "linear(2000)", "constant: hold()", "--peak", "3e-4").splitlines()
    assert [line.split()[0] for line in out] == ["schedule", "linear(2000)", "hold(1600)", "constant"]
    assert "0.000584 (0.000467 to 0.000701)" in out[1]
    data = json.loads(run("bound", "linear(100)", "--json"))
    assert data["linear(100)"]["steps"] == 100
