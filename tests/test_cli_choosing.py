"""find, advise, fit, check, diff and replay as a person uses them: exit codes, both streams, files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import glidepath as gp
from test_cli import glidepath

PLAN = gp.parse("warmup(100) >> cosine(1900)")


def log(path: Path, rate_of, steps: int = 2000) -> Path:
    rows = (f"{t},{0.4 + 1.9 * 0.998**t!r},{rate_of(t)!r}" for t in range(steps))
    path.write_text("step,loss,lr\n" + "\n".join(rows))
    return path


def test_find_answers_with_a_band_a_picture_and_everything_as_json(tmp_path: Path):
    picture = tmp_path / "band.html"
    done = glidepath("find", "digits", "--steps", "120", "--low", "1e-4", "--json", "-o", str(picture))
    data = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert data["result"]["verdict"] == "usable"
    assert 1e-3 < data["result"]["low"] < data["result"]["high"] < data["result"]["edge"]
    assert len(data["traces"]) == 3
    assert f"wrote {picture}" in done.stderr
    assert picture.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")


def test_find_refuses_where_there_is_no_evidence_and_exits_with_1():
    done = glidepath("find", "digits", "--steps", "30", "--low", "1e-9", "--high", "1e-7")

    assert done.returncode == 1
    assert re.search(r"^verdict\s+flat$", done.stdout, re.MULTILINE)
    assert re.search(r"^what to do\s+raise the end of the sweep", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["find", "digts"], "find: task must be one of"),
        (["find", "digits", "--steps", "5"], "find: steps must be an integer from 10 to 1000000, got 5"),
        (["find", "digits", "--low", "1", "--high", "0.1"], "range test: high must be above low, 1.0, got 0.1"),
        (["find", "digits", "-o", "nowhere/x.html"], "find: output must be in a folder that can be written to, got"),
        (["find", "digits", "-o", "x.pdf"], "find: output must be a file name that ends in .png, .svg, .html or .json"),
        (["advise", "nowhere.csv"], "log: path must be a file or a folder, got 'nowhere.csv'"),
        (["fit", "nowhere.csv"], "log: path must be a file or a folder, got 'nowhere.csv'"),
        (["replay", "nowhere.csv", "plateau()"], "nowhere.csv"),
        (["diff", "nowhere.yaml", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2(words: list[str], message: str):
    done = glidepath(*words)

    assert message in done.stderr.replace("\n", " ")
    assert done.stdout == ""
    assert done.returncode == 2


def test_advise_names_the_fault_and_gives_something_to_paste(tmp_path: Path):
    twice = log(tmp_path / "twice.csv", lambda t: 0.1 * PLAN(2 * t))
    done = glidepath("advise", str(twice), "--plan", str(PLAN), "--base", "0.1")
    assert done.stdout.startswith("stepped twice per update")
    assert gp.parse(done.stdout.splitlines()[-1].strip()) == gp.Stretch(PLAN, 2)

    good = log(tmp_path / "good.csv", lambda t: 0.1 * PLAN(t))
    assert glidepath("advise", str(good), "-p", str(PLAN)).stdout.startswith("nothing wrong seen")
    assert json.loads(glidepath("advise", str(good), "-p", str(PLAN), "--json").stdout)["findings"] == []


def test_fit_prints_a_schedule_that_parses_and_refuses_noise(tmp_path: Path):
    good = log(tmp_path / "good.csv", lambda t: 0.1 * PLAN(t))
    done = glidepath("fit", str(good))
    text = done.stdout.split("  (")[0]
    assert [gp.parse(text)(t) for t in (0, 99, 100, 1999)] == pytest.approx(
        [0.1 * PLAN(t) for t in (0, 99, 100, 1999)], rel=1e-12
    )
    assert done.returncode == 0

    noise = log(tmp_path / "noise.csv", lambda t: 0.1 + (t * 7919 % 613) / 1000)
    refused = glidepath("fit", str(noise))
    assert refused.returncode == 1
    assert refused.stdout


def test_check_and_diff_tell_with_their_exit_codes(tmp_path: Path):
    first, second, broken = (tmp_path / f"{name}.yaml" for name in ("first", "second", "broken"))
    first.write_text(
        'horizon: {length: 2000 steps, batch: 32}\nrules: [{schedule: "warmup(100) >> cosine(1900)", ends: 0}]\n'
    )
    second.write_text(
        'horizon: {length: 2000 steps, batch: 32}\nrules: [{schedule: "warmup(200) >> cosine(1800)", ends: 0}]\n'
    )
    broken.write_text('horizon: {length: 2000 stps}\nrules: [{schedule: "cosin(5)"}]\n')

    assert glidepath("check", str(first)).returncode == 0
    wrong = glidepath("check", str(broken), "--json")
    assert wrong.returncode == 1
    assert "cosine" in wrong.stdout
    assert "steps" in wrong.stdout
    assert glidepath("diff", str(first), str(first)).returncode == 0
    different = glidepath("diff", str(first), str(second))
    assert different.returncode == 1
    assert "warmup(200)" in different.stdout


def test_replay_says_when_and_why_it_cuts(tmp_path: Path):
    metrics = tmp_path / "metrics.csv"
    metrics.write_text("epoch,loss\n" + "\n".join(f"{i},{v}" for i, v in enumerate([1, 0.8, 0.7, 0.7, 0.7, 0.7])))
    done = glidepath("replay", str(metrics), "plateau(factor=0.5, patience=2)", "--changes")

    assert "cut by 0.5" in done.stdout
    assert "cut once, multiplier 0.5 at the end" in done.stdout
    assert done.returncode == 0
