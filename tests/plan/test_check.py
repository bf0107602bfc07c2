"""`check`: every finding in one go, each with its path, its rule, the values and a remedy."""

import json
import sys

import pytest
import torch

from glidepath import GlidepathError
from glidepath.plan import Plan, check, check_file


def codes(plan, groups=None):
    """Return the codes of the findings, in order."""
    return [finding.code for finding in check(plan, groups)]


def plan(text, length="100 steps", **fields):
    """Return the data of a plan with one rule."""
    return {"rules": [{"schedule": text, **fields}], "horizon": {"length": length}}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (plan('warmup("5%") >> cosine("rest", floor=0.1)', ends=0.1), []),
        (
            plan("warmup(200) >> cosine(800)"),
            ["warmup-too-long", "peak-never-reached", "phase-never-begins", "cut-off"],
        ),
        (plan("hold(50) >> ramp(1, 2, 100)"), ["peak-never-reached", "cut-off", "ends-on-a-rise"]),
        (plan("warmup(10) >> hold(90, value=0.5)"), ["jump"]),
        (plan("hold(50) >> hold(50, value=0.1)"), []),
        (plan("warmup(10, start=0) >> cosine(90)"), ["first-update-zero"]),
        (plan("cosine(100, floor=0.1)", ends=0.0), ["last-value"]),
        (plan("cosine(100)", ends=0.0), []),
        (plan("cosine(60)"), ["over-before-the-end"]),
        (plan('warmup("1%") >> cosine("rest")', "40 steps"), ["refused"]),
        (plan('warmup("50%") >> cosine("rest")', "2 steps"), ["tiny-run"]),
        (plan("cosine(100, floor=2)"), ["ends-on-a-rise"]),
        (plan('cosine("rest", floor=2)'), ["rising-decay", "ends-on-a-rise"]),
        (plan('warmup("10%", start=3) >> cosine("rest")'), ["falling-warmup"]),
        (plan("linear(100) - 0.5"), ["negative"]),
        (plan('cosine("rest")', None), ["unknown-horizon"]),
    ],
)
def test_findings_of_a_curve(data, expected):
    assert codes(data) == expected
    for finding in check(data):
        assert finding.where.startswith("$")


def test_a_phase_of_no_length_says_what_it_comes_to():
    (finding,) = check(plan('warmup("1%") >> cosine("rest")', "40 steps"))

    assert str(finding) == (
        "$.rules[0].schedule (text, column 8): must be at least one of the clock's updates, got '1%' "
        "(it comes to 0.4; a phase of no length says nothing)"
    )


def optimizer(**more):
    """Return an optimizer with named groups."""
    return torch.optim.SGD(
        [
            {"params": [torch.zeros(1)], "name": "body", "lr": 0.1},
            {"params": [torch.zeros(1)], "name": "head", "lr": 0.01},
            {"params": [torch.zeros(1)], "name": "norm", "lr": 0.1, **more},
        ]
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([{"schedule": "cosine(100)"}], []),
        ([{"schedule": "cosine(100)", "floor": 0.05}], ["floor-above-base"]),
        ([{"schedule": "cosine(100)"}, {"schedule": "cosine(100)", "groups": "norm"}], ["overlap"]),
        ([{"schedule": "cosine(100)", "groups": ["*", "!norm"]}, {"schedule": "cosine(100)", "groups": "norm"}], []),
        ([{"schedule": "cosine(100)", "groups": ["b*"]}], ["undriven", "undriven"]),
        (
            [{"schedule": "cosine(100)"}, {"schedule": "hold()", "parameter": "lr", "groups": "hed"}],
            ["unknown-group"],
        ),
        (
            [{"schedule": "cosine(100)", "groups": ["*", "!nrm"]}, {"schedule": "hold()", "groups": "nrm"}],
            ["unknown-group"],
        ),
        ([{"schedule": "cosine(100)"}, {"schedule": "hold()", "groups": "z*"}], ["unmatched"]),
        (
            [{"schedule": "cosine(100)"}, {"schedule": "hold()", "parameter": "betas[0]", "groups": "body"}],
            ["unknown-parameter"],
        ),
    ],
)
def test_findings_against_groups(rules, expected):
    data = {"rules": rules, "horizon": {"length": "100 steps"}}

    assert codes(data, optimizer()) == expected
    described = [{key: value for key, value in group.items() if key != "params"} for group in optimizer().param_groups]
    assert codes(data, described) == expected


def test_remedies_name_what_was_meant():
    rules = [{"schedule": "cosine(100)"}, {"schedule": "hold()", "groups": "hed", "parameter": "momentun"}]
    texts = [str(finding) for finding in check({"rules": rules, "horizon": {"length": "100 steps"}}, optimizer())]

    assert any("did you mean 'head'?" in text for text in texts)


def test_one_wrong_name_is_one_finding_with_all_its_rules():
    rules = [{"schedule": "cosine(100)", "groups": ["*", "!nrm"]}, {"schedule": "hold()", "groups": ["nrm", "head"]}]
    rules.append({"schedule": "hold()", "parameter": "momentum", "groups": "zzz"})
    first, second, *_ = check({"rules": rules, "horizon": {"length": "100 steps"}}, optimizer())

    assert str(first) == (
        "$.rules[0]: groups must be names of groups (body, head, norm), got 'nrm' (did you mean 'norm'?; so in rules[1] too)"
    )
    assert str(second) == "$.rules[2]: groups must be names of groups (body, head, norm), got 'zzz'"


@pytest.mark.parametrize("form", ["list", "mapping", "one", "text", "file"])
def test_a_key_that_no_rule_has_hides_no_other_finding(form, tmp_path):
    wrong = {"schedule": "cosine(100)", "group": ["*"], "ends": 0.1}
    rules = {"list": [wrong, {"schedule": "hold()"}], "mapping": {"lr": wrong}, "one": wrong}.get(form, [wrong])
    data = {"rules": rules, "horizon": {"length": "100 steps"}}
    if form == "file":
        (tmp_path / "plan.json").write_text(json.dumps(data))
        found = check_file(tmp_path / "plan.json").findings
    else:
        found = check(json.dumps(data) if form == "text" else data, optimizer())

    assert [finding.code for finding in found] == ["refused", "last-value"]
    assert "did you mean 'groups'?" in found[0].remedy
    assert found[1].where == "$.rules[0]"


def test_where_more_is_wrong_all_that_is_refused_is_told():
    data = {"rules": [{"schedule": "cosine(100)", "group": "a", "ends": "x", "floor": "y"}], "horizons": {}}

    assert codes(data) == ["refused"] * 4
    assert codes("[1, 2") == codes([1]) == codes({"rules": 3}) == ["refused"]
    shared = torch.zeros(1)
    with pytest.warns(UserWarning, match="duplicate"):
        twice = torch.optim.SGD([{"params": [shared, shared], "lr": 0.1}])
    groups = [*twice.param_groups, {"params": [shared], "lr": 0.1}]
    assert codes(plan("cosine(100)"), groups) == ["shared-parameter"]


def test_a_file_with_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text(
        'rules: {lr: {schedule: warmup("5%") >> cosine("rest"), floor: 0.5}}\nhorizon: {length: 100 steps}\n'
    )
    (tmp_path / "factory_of_check.py").write_text(
        "def make():\n    return [{'name': 'body', 'lr': 0.1}]\n\ndef fails():\n    1 / 0\n"
    )

    report = check_file("plan.yaml", "factory_of_check:make")
    assert not report.ok
    assert [finding.code for finding in report.findings] == ["floor-above-base"]
    assert report.lines()[-1] == "1 error, 0 warnings"
    assert "updates: 100 = as given" in report.lines()
    assert "lr of *: warmup(5) >> cosine(95)" in report.lines()
    assert report.to_dict()["findings"][0]["where"] == "$.rules[0]"
    wrong = {
        "factory_of_check:fails": "ZeroDivisionError",
        "nothing_there:x": "ModuleNotFoundError",
        "../x:y": "two dotted names",
    }
    for spec, message in wrong.items():
        with pytest.raises(GlidepathError, match=message):
            check_file("plan.yaml", spec)
    assert str(tmp_path) not in sys.path


def test_a_file_that_is_no_plan_is_a_report_too(tmp_path):
    (tmp_path / "plan.yaml").write_text("rules: {lr: step(0)}\nclock: hours\n")
    report = check_file(tmp_path / "plan.yaml")

    assert [finding.code for finding in report.findings] == ["refused", "refused"]
    assert not report.ok


def test_a_warmup_in_tokens_says_where_to_begin():
    run = {"length": "1e9 tokens", "batch": 64, "tokens_per_sample": 1024}
    data = {"rules": 'warmup("1%") >> cosine("rest")', "clock": "tokens", "horizon": run}
    (finding,) = check(data)

    assert (finding.code, finding.remedy) == (
        "first-update-zero",
        "state start=0.00651, what a clock of updates would begin on",
    )
    assert codes({**data, "rules": 'warmup("1%", start=0.00651) >> cosine("rest")'}) == []


def test_feedback_is_checked():
    data = plan("cosine(100)") | {"feedback": [{"controller": "plateau()", "parameter": "wd", "after": "200 steps"}]}

    assert codes(data) == ["unmatched", "phase-never-begins"]
    assert codes(plan("cosine(100)") | {"feedback": [{"controller": "plateau()", "after": "1 epoch"}]}) == [
        "unknown-horizon"
    ]


def test_a_checked_plan_is_taken_as_it_is():
    assert check(Plan("cosine(100)", {"length": "100 steps"})) == ()
    assert [finding.code for finding in check(3)] == ["refused"]
    assert [finding.code for finding in check("rules: hold()", groups=3)] == ["groups"]
