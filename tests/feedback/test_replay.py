"""Replaying a recorded log."""

import json
import math

import pytest

from glidepath import GlidepathError
from glidepath.feedback import Plateau, read_observations, replay, replay_file


def test_a_csv_log(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,lr,val_loss\n100,0.1,1.0\n200,0.1,\n300,0.1,0.9\n400,0.1,0.9\n500,0.1,nan\n600,0.1,0.9\n")
    replayed = replay_file(log, "plateau(factor=0.5, patience=1)", schedule="warmup(200) >> hold()", base=0.1)

    assert [seen.id for seen in replayed.observations] == [100, 300, 400, 500, 600]
    assert [decision.action for decision in replayed.decisions] == ["first", "improved", "waiting", "held", "cut"]
    assert replayed.rates == pytest.approx([0.1 * 101 / 201, 0.1, 0.1, 0.1, 0.05])
    assert replayed.lines(every=False)[-1] == "5 observations, cut once, multiplier 0.5 at the end"
    assert "cut       0.9 is not below 0.89991, 2 in a row, patience 1: cut by 0.5" in str(replayed)
    assert json.loads(json.dumps(replayed.to_dict()))["rows"][3]["value"] == "nan"


def test_json_logs(tmp_path):
    (tmp_path / "a.json").write_text("[1.0, 0.9, NaN]")
    (tmp_path / "b.jsonl").write_text(
        '{"epoch": 1, "loss": 1.0, "acc": 0.5}\n\n{"epoch": 2, "loss": 0.9, "acc": 0.6}\n'
    )

    assert [seen.id for seen in read_observations(tmp_path / "a.json")] == [0, 1, 2]
    assert math.isnan(list(read_observations(tmp_path / "a.json"))[2].value)
    assert [(seen.id, seen.value) for seen in read_observations(tmp_path / "b.jsonl", "acc")] == [(1, 0.5), (2, 0.6)]
    with pytest.raises(GlidepathError, match="metric must be named, one of loss, acc"):
        list(read_observations(tmp_path / "b.jsonl"))
    with pytest.raises(GlidepathError, match="did you mean 'loss'"):
        list(read_observations(tmp_path / "b.jsonl", "los"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "step,loss\n1,1.0\n1,0.9\n", "observations\\[1\\] .*must be observed once, got 1"),
        ("a.csv", "step,loss\n1,fine\n2,x\n", "row 2 .*value must be a real number"),
        ("a.json", '["1.0"]', "row 1 must be a number or an object"),
        ("a.json", "[1, 2", "must be JSON"),
        ("a.json", '{"loss": 1}', "file must be a log: rows of named numbers"),
        ("a.txt", "1\n", "file must be a log: rows of named numbers"),
    ],
)
def test_a_wrong_log_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)

    with pytest.raises(GlidepathError, match=message):
        replay_file(tmp_path / name, Plateau())


def test_a_missing_log_is_refused(tmp_path):
    with pytest.raises(GlidepathError, match="file must be readable text"):
        replay_file(tmp_path / "nothing.csv", Plateau())


def test_plain_numbers_are_numbered_and_a_refusal_says_where():
    assert [decision.id for _, decision in replay(Plateau(), [3, 2.0, None, 1])] == [0, 1, None, 2]
    with pytest.raises(GlidepathError, match="observations\\[1\\]"):
        replay(Plateau(), [1.0, "0.9"])
