"""What a reader sees: the page of outcomes agrees with its JSON and with the declarations, the command with its exit codes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.claims import CLAIMS, Outcome, outcome_path, reproduce
from bench.claims.__main__ import app
from bench.claims.criteria import Ascending, Checked, Measurements
from bench.claims.forecasts import Forecasts, PublicCurves
from bench.claims.outcome import ChosenRate, TrialOutcome, Verdict
from bench.claims.page import BEGIN, END, markdown, read_beside, recorded, text, write_page
from glidepath import GlidepathError
from glidepath.lab import InProcess

PAGE = Path(__file__).resolve().parents[3] / "docs" / "claims.md"


@pytest.fixture
def outcome():
    return Outcome(
        claim="C2",
        statement="It is so.",
        source="A paper, https://example.org",
        form="whole",
        first_seed=1000,
        declared_seeds=True,
        date="2026-11-20T12:00:00+00:00",
        trials=(
            TrialOutcome(
                title="mnist1d, 10 updates, 2 seeds",
                grid=(0.1, 0.2),
                rates=(ChosenRate(row="linear", peak_rate=0.2, edge="highest"), ChosenRate(row="step", peak_rate=0.1)),
                verdicts=(
                    Verdict(
                        rule="test error: below zero",
                        checks=(
                            Checked(subject="linear − step", measured="−2.0 (−3.0 to −1.0)", passed=True),
                            Checked(subject="linear − exponential", measured="−0.1 (−1.0 to +0.8)", passed=False),
                        ),
                    ),
                ),
                data_sha256="d" * 64,
                versions={"python": "3.11.0", "torch": "2.13.0"},
                machines=("cpus 2",),
                cpu_seconds=90.0,
            ),
        ),
    )


def test_the_page_in_the_documentation_is_what_its_outcomes_say():
    whole = PAGE.read_text(encoding="utf-8")
    between = whole.split(BEGIN)[1].split(END)[0]

    assert between.strip() == markdown(read_beside(PAGE)).strip()


def test_the_outcomes_in_the_documentation_are_of_the_claims_as_they_are_declared():
    for name, outcome in read_beside(PAGE).items():
        claim = CLAIMS[name]
        assert (outcome.statement, outcome.form, outcome.first_seed) == (claim.statement, "whole", claim.first_seed)
        assert [trial.title.partition("; designed: ")[0] for trial in outcome.trials] == [
            t.size.title for t in claim.trials
        ]
        for found, trial in zip(outcome.trials, claim.trials, strict=True):
            assert found.grid == getattr(trial, "rates", ())
            if isinstance(trial, Forecasts | PublicCurves):
                rules = " ".join(verdict.rule for verdict in found.verdicts)
                assert all(f"fitted on {fit}: " in rules for fit in trial.fits if found.verdicts)
                assert trial.limits is None or f"at most {trial.limits.error:g} and below both" in rules
                assert trial.limits is None or f"costs at most {trial.limits.regret:g} nats" in rules
                continue
            for verdict, criterion in zip(found.verdicts, trial.criteria, strict=True):
                metric, _, rest = verdict.rule.partition(": ")
                measured, _, unit = metric.removesuffix(")").partition(" (")
                unit = "%" if unit == "percentage points" else unit
                assert rest
                evidence = Measurements(metric=measured, unit=unit, columns=(), values={})
                assert verdict.rule == criterion.rule(evidence)


def test_a_fail_stands_on_the_page_and_in_the_terminal(outcome):
    told, page = text([outcome]), markdown({"C2": outcome})

    assert told.splitlines()[0] == (
        "C2 not reproduced: 1 of 2 checks hold; those that fail: linear − exponential (mnist1d, 10 updates, 2 seeds)."
    )
    assert "      holds  linear − step         −2.0 (−3.0 to −1.0)" in told.splitlines()
    assert "      FAILS  linear − exponential  −0.1 (−1.0 to +0.8)" in told.splitlines()
    assert "    peak rates, of 0.1, 0.2: linear 0.2 (the highest), step 0.1" in told.splitlines()
    assert "| **not reproduced**, 1 of 2 checks hold | 2026-11-20 |" in page
    assert "|  | linear − exponential | −0.1 (−1.0 to +0.8) | **no** |" in page
    assert (
        "2026-11-20; seeds from 1000 on; python 3.11.0, torch 2.13.0; cpus 2; data sha256 dddddddddddddddd; "
        "1.5 minutes of processor time." in page
    )
    assert page.count("Not run.") == len(CLAIMS) - 1


def test_a_page_is_written_between_its_markers_and_nowhere_else(outcome, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_page(page, {"C2": outcome})
        assert page.read_text() == f"before\n{BEGIN}\n\n{markdown({'C2': outcome})}\n{END}\nafter\n"
        assert read_beside(page) == {"C2": outcome}
    page.write_text("no markers")
    with pytest.raises(GlidepathError, match=r"reproduce: --page must be a page with .* once, got 0 in page.md"):
        write_page(page, {"C2": outcome})
    with pytest.raises(GlidepathError, match=r"reproduce: --page must be a file that can be read, got .*nowhere.md"):
        write_page(tmp_path / "nowhere.md", {})


def test_only_whole_runs_on_the_declared_seeds_stand_for_a_claim(outcome, tmp_path):
    for short, seed in ((True, None), (False, 7)):
        outcome_path(tmp_path, "C2", short=short, first_seed=seed).write_text(outcome.to_json())
    assert recorded(tmp_path) == {}
    outcome_path(tmp_path, "C2").write_text(outcome.to_json())
    assert recorded(tmp_path) == {"C2": outcome}


def _command(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def test_without_names_the_claims_are_listed_with_what_they_take():
    rows = json.loads(_command("--json").stdout)

    assert [row["claim"] for row in rows] == list(CLAIMS)
    assert {row["claim"] for row in rows if row["short_seconds"] is not None} == {"C1", "C10"}
    assert rows[0]["runs"] == 8 * 4 * 8 + 8 * 5 * 16


def test_a_claim_that_holds_exits_with_0_and_one_that_fails_with_1(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    good = _command("c10", "--short", "--engine", "here", "--out", tmp_path)
    assert good.exit_code == 0, good.output
    assert good.stdout.startswith("C10 reproduced: all 3 checks hold.\n  noisy quadratic model, 50, 200 updates\n")

    claim = CLAIMS["C10"]
    wrong = replace(claim.short[0], criteria=(Ascending(rows=("constant", "linear")),))
    monkeypatch.setitem(CLAIMS, "C10", replace(claim, trials=(wrong,)))
    bad = _command("C10", "--engine", "here", "--out", tmp_path, "--page", page)
    assert bad.exit_code == 1
    assert bad.stdout.startswith("C10 not reproduced: 0 of 2 checks hold")
    assert "**not reproduced**, 0 of 2 checks hold" in page.read_text()
    assert "not run: C1, C2, C3, C6, C7" in bad.stderr.replace("\n", " ")


def test_ctrl_c_exits_with_130_and_says_how_to_go_on(tmp_path, monkeypatch):
    def stopped(self, specs, emit):
        raise KeyboardInterrupt

    monkeypatch.setattr(InProcess, "execute", stopped)
    done = _command("C1", "--short", "--engine", "here", "--out", tmp_path / "out")

    assert done.exit_code == 130
    assert done.stderr.strip() == "stopped before a run was over"
    assert not list((tmp_path / "out").glob("*.json"))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        GlidepathError, match=r"reproduce: out must be a place that can be written, got .*file/deeper: "
    ):
        reproduce(["C10"], out=tmp_path / "file" / "deeper", short=True)
