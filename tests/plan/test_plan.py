"""The plan as a document: it reads as it prints, refuses all that is wrong at once, and answers for every unit."""

import json
import pickle
import runpy
from pathlib import Path

import pytest
from hypothesis import event, given, settings

from glidepath import GlidepathError, cosine, parse
from glidepath.plan import Feedback, Horizon, Plan, Rule, check, read, write

MAKE = runpy.run_path(str(Path(__file__).parent / "strategies.py"))
DATA, plan_or_none = MAKE["DATA"], MAKE["plan_or_none"]


@settings(max_examples=100)
@given(DATA)
def test_it_reads_as_it_prints(data):
    plan = plan_or_none(data)
    event("refused" if plan is None else "a plan")
    if plan is None:
        return
    read_back = Plan.of(str(plan))
    for again in (
        read_back,
        Plan.of(plan.to_json()),
        Plan.from_dict(json.loads(plan.to_json())),
        pickle.loads(pickle.dumps(plan)),
    ):
        assert again == plan
        assert hash(again) == hash(plan)
        assert again.fingerprint == plan.fingerprint
    assert read_back.derived == plan.derived


@settings(max_examples=100)
@given(DATA)
def test_check_never_raises(data):
    findings = check(data, [{"name": "norm", "lr": 0.1}, {"lr": 0.2, "weight_decay": 0.1, "betas": (0.9, 0.99)}])

    for finding in findings:
        assert str(finding)
        assert finding.code
        assert finding.level in ("error", "warning")
    if plan_or_none(data) is None:
        assert findings


def test_python_yaml_and_json_are_one_document(tmp_path):
    plan = Plan(
        [
            Rule('warmup("5%") >> cosine("rest", floor=0.1)', groups=["*", "!norm"], ends=0.1),
            Rule("hold()", groups="norm"),
            Rule(cosine(1173), "weight_decay"),
        ],
        Horizon("3 epochs", samples=50_000, batch=32, accumulation=4),
        feedback=[Feedback("plateau(factor=0.5, patience=3)", monitor="val_loss", after="5%")],
        name="baseline",
    )
    text = """
name: baseline
rules:
  - schedule: warmup("5%") >> cosine("rest", floor=0.1)
    groups: ["*", "!norm"]
    ends: 1e-1
  - {schedule: hold(), groups: norm}
  - {schedule: cosine(1173), parameter: weight_decay}
horizon: {length: 3 epochs, samples: 50000, batch: 32, accumulation: 4}
feedback:
  - {controller: "plateau(factor=0.5, patience=3)", monitor: val_loss, after: 5%}
"""
    assert Plan.of(text) == plan
    for name in ("plan.yaml", "plan.json"):
        assert read(write(plan, tmp_path / name)) == plan
    assert plan.schedules() == (parse("warmup(59) >> cosine(1114, floor=0.1)"), parse("hold()"), cosine(1173))
    assert plan.schedule("lr", "norm") == parse("hold()")
    assert check(plan) == ()


def test_short_forms():
    assert (
        Plan("hold()")
        == Plan([Rule("hold()")])
        == Plan({"lr": "hold()"})
        == Plan.of("rules: hold()")
        == Plan.of("rules: {lr: hold()}")
    )
    assert Plan(cosine(9)) == Plan("cosine(9)") == Plan([cosine(9).to_dict()])


def test_every_problem_is_named_with_its_path():
    data = {
        "rules": [
            {"schedule": 'warmup("5 epocs") >> cosine("rest", flor=1)', "parameter": "l r"},
            {"schedule": "step(0)", "groups": []},
            {"schedul": "hold()"},
        ],
        "horizon": {"length": 3, "samples": -1},
        "clock": "hours",
        "feedback": [{"controller": "plateau(factor=2)"}],
        "histori": [],
    }
    with pytest.raises(GlidepathError, match="did you mean 'epochs'") as refused:
        Plan.from_dict(data)
    text = str(refused.value)
    for piece in (
        "$.rules[0] (rule): parameter must be",
        "$.rules[1].schedule (text, column 1: step): period must be an integer from 1",
        "$.rules[1] (rule): groups must be a pattern",
        "$.rules[2] (rule): schedul must be one of its fields",
        "$.rules[2] (rule): schedule must be given",
        "$.horizon (horizon): length must be",
        "$.horizon (horizon): samples must be an integer from 1",
        "plan: clock must be one of 'updates'",
        "$.feedback[0].controller (plateau): factor must be a number between 0 and 1",
        "plan: histori must be one of its fields",
        "did you mean 'history'?",
    ):
        assert piece in text, (piece, text)


def test_the_fingerprint_forgets_the_name_and_the_history():
    plan = Plan('cosine("rest")', {"length": "100 steps"})

    assert plan.replace(name="other").fingerprint == plan.fingerprint
    assert plan.replace(horizon=Horizon("101 steps")).fingerprint != plan.fingerprint


def test_coupling_follows_the_batch():
    plan = Plan(
        'hold("rest")',
        {"length": "1e6 samples", "batch": 8, "processes": 4},
        "samples",
        batch={"schedule": 'ramp(32, 512, "50%")', "coupling": "sqrt", "reference": 128},
    )

    assert [plan.batch_size(at) for at in (0, 33_333, 33_334, 500_000, 999_999)] == [32, 32, 64, 512, 512]
    assert [plan.schedule()(at) for at in (0, 500_000)] == [0.5, 2.0]
    linear = plan.replace(batch=plan.batch.replace(coupling="linear"))
    assert [linear.schedule()(at) for at in (0, 500_000)] == [0.25, 4.0]
    assert plan.replace(batch=plan.batch.replace(coupling="none")).schedule()(0) == 1.0


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"schedule": "linear(100, peak=64, floor=8)"}, "a batch size that never falls"),
        ({"schedule": "hold(value=0)"}, "from 1 to 9007199254740992 samples at every position"),
        ({"schedule": "ramp(1, 1000000, 1000000)"}, "such that there are at most 10000 sizes"),
        ({"schedule": 'ramp(8, 64, "1 epoch")'}, "give horizon.samples and horizon.batch"),
        ({"schedule": "hold(value=8)", "coupling": "cubic"}, "coupling must be one of 'none', 'linear', 'sqrt'"),
    ],
)
def test_wrong_ramps_are_refused(batch, message):
    with pytest.raises(GlidepathError, match=message):
        Plan("hold()", {"length": "2e6 samples", "batch": 1}, "samples", batch=batch)
    with pytest.raises(GlidepathError, match=message):  # whatever drives the other hyper-parameters
        Plan({"weight_decay": "step(30, 0.5)"}, {"length": "2e6 samples", "batch": 1}, "samples", batch=batch)
