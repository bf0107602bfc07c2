"""The tab of range tests: answers from traces, and what is refused of files."""

import json
import re
import threading

import pytest
from typer.testing import CliRunner

from glidepath import GlidepathError
from glidepath.cli import app
from glidepath.finder import Suggestion, suggest
from glidepath.playground.jobs import Cancelled, Work
from glidepath.playground.range_test import (
    MAX_POINTS,
    MAX_TRACES,
    SWEEPS,
    Range,
    Sweep,
    range_test,
    read_file,
    sweeping,
)

TRACES = SWEEPS["shaken"][2]()


def written(**more):
    return json.dumps({"task": "mine", "traces": [trace.to_dict() for trace in TRACES]} | more)


@pytest.mark.parametrize("key", ["shaken", "clean", "spike"])
def test_the_known_edge_is_found(key):
    found = suggest(SWEEPS[key][2]())

    assert isinstance(found, Suggestion)
    assert found.edge == pytest.approx(0.2, rel=0.1)
    assert 0.01 <= found.low < found.high <= 0.1


@pytest.mark.parametrize(
    ("key", "reason"),
    [("early", "never diverged"), ("late", "diverged at once"), ("flat", "flat"), ("wild", "too noisy")],
)
def test_what_cannot_be_said_is_refused_with_a_remedy(key, reason):
    found = range_test(Range(known=key))

    assert not found["usable"]
    assert found["result"]["verdict"] == reason
    assert found["result"]["remedy"]
    assert not any(re.search("[a-z]{2}", text) for text in found["result"]["zh"].values()), found["result"]["zh"]
    assert found["drawn"]["band"] is None
    assert found["drawn"]["edge"] is None


def test_a_file_is_answered_anew_from_its_traces():
    """A verdict in the file is not believed."""
    lying = range_test(Range(text=written(result={"verdict": "usable", "low": 1e-9, "high": 1e9})))
    found = suggest(TRACES)

    assert lying["title"] == "mine"
    assert [lying["result"]["low"], lying["result"]["high"]] == [found.low, found.high]
    assert lying["drawn"]["band"] == [found.low, found.high]
    assert lying["drawn"]["edge"] == found.edge
    assert {tick["name"]: tick["middle"] for tick in lying["drawn"]["ticks"]} == {
        name: reading.middle for name, reading in found.rules.items()
    }
    assert all(tick["source"] for tick in lying["drawn"]["ticks"])


def test_raw_points_are_all_there():
    drawn = range_test(Range(text=written()))["drawn"]

    for repeat, trace in zip(drawn["repeats"], TRACES, strict=True):
        assert repeat["rates"] == list(trace.rates[: trace.finite])
        assert repeat["losses"] == list(trace.losses[: trace.finite])
    json.dumps(drawn, allow_nan=False)


def test_one_trace_or_a_list_of_them_will_do():
    assert range_test(Range(text=TRACES[0].to_json()))["result"]["verdict"] == "too few repeats"
    assert range_test(Range(text=json.dumps([trace.to_dict() for trace in TRACES])))["usable"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file: must be JSON"),
        ("{", "file: must be JSON"),
        ("[" * 100_000, "file: must be JSON"),
        ("1" * 10_000, "file: must be JSON"),
        ("null", "traces must be a list"),
        ("[]", f"traces must be a list of 1 to {MAX_TRACES} traces, got 0 of them"),
        (json.dumps([1] * 13), "got 13 of them"),
        ('{"traces": 3}', "traces must be a list"),
        ('{"traces": ["<img src=x onerror=alert(1)>"]}', r"file, traces\[0\].*must be an object with rates"),
        ('[{"rates": [1, 1e999], "losses": [1, 2]}]', "rates must be strictly increasing, above 0 and finite"),
        ('[{"rates": [NaN, 1], "losses": [1, 2]}]', "rates must be strictly increasing"),
        ('[{"rates": [1, 2], "losses": ["a", 2]}]', "losses must be a list"),
        ('[{"rates": [1, 2], "losses": [1]}]', "losses must be as many as the rates, 2"),
        (json.dumps([{"rates": list(range(1, MAX_POINTS + 2)), "losses": [1]}]), "rates must be at most 2000 of them"),
        (written(verification={"verdict": "confirmed"}), "verification must be an object with verdict"),
        (written(verification=3), "verification must be an object with verdict"),
    ],
)
def test_a_bad_file_is_refused(text, message):
    """K4: with the place in it and the rule."""
    with pytest.raises(GlidepathError, match=message):
        read_file(text)


def test_every_problem_of_a_file_is_told_at_once():
    rows = [{"rates": [2, 1], "losses": [1, 2]}, TRACES[0].to_dict(), {"rates": [1], "losses": [1], "stop": "tired"}]

    with pytest.raises(GlidepathError, match=r"(?s)traces\[0\].*rates must be.*traces\[2\].*stop must be one of"):
        read_file(json.dumps(rows))


def test_whole_trainings_come_along():
    verified = {"verdict": "confirmed", "best": 0.05, "rates": [0.01, 0.05], "losses": [[1.0, None], [0.5, 0.4]]}
    verified |= {"seeds": [0, 1], "trainings": 4, "seconds": 2.5}
    found = range_test(Range(text=written(verification=verified)))

    assert found["verification"]["losses"] == [[1.0, None], [0.5, 0.4]]
    assert found["verification"]["sentence"].startswith("confirmed: best 0.05 of 0.01, 0.05")
    assert found["verification"]["zh"]["sentence"] == (
        "已证实：在 0.01, 0.05 中 0.05 最好；共 4 次完整训练（2 个学习率，2 个种子），用时 2.5 秒"
    )


def test_a_sweep_made_here_says_each_trace_and_ends_with_the_answer():
    pytest.importorskip("torch")
    job = Work("here")
    sweeping(Sweep(steps=40, low=1e-4, task="text"))(job)
    told = [event for event in job.events if event["type"] != "progress"]

    assert [event["type"] for event in told] == ["sweep", "sweep", "sweep", "end"]
    assert [len(event["stops"]) for event in told] == [1, 2, 3, 3]
    assert {key: told[2][key] for key in ("result", "drawn")} == {key: told[3][key] for key in ("result", "drawn")}
    json.dumps(told, allow_nan=False)


def test_a_cancelled_sweep_stops():
    pytest.importorskip("torch")
    stopped = threading.Event()
    stopped.set()
    job = Work("here", cancelled=stopped)

    with pytest.raises(Cancelled):
        sweeping(Sweep(steps=40, task="text"))(job)
    assert job.events == []


def test_falling_rates_are_refused_at_their_field():
    with pytest.raises(GlidepathError, match=r"high must be above low, 1\.0, got 0\.1"):
        sweeping(Sweep(low=1.0, high=0.1))


def test_the_page_reads_what_the_command_writes(tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "found.json"
    answer = CliRunner().invoke(app, ["find", "text", "--steps", "40", "--low", "1e-4", "-o", str(path)])
    found = range_test(Range(text=path.read_text()))

    assert answer.exit_code in (0, 1)
    assert found["title"] == "text"
    assert found["result"]["verdict"] == json.loads(path.read_text())["result"]["verdict"]
    assert len(found["stops"]) == 3
