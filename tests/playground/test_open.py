"""`glidepath open` and `glidepath show` with schedules: what is opened, and what is refused in the terminal before anything starts."""

from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from glidepath import GlidepathError, playground
from glidepath.cli import app
from glidepath.cli.common import labelled

PLAN = """
horizon: {length: 100 steps}
rules:
  - {schedule: 'warmup("10%") >> cosine("rest")', groups: ["*", "!head"]}
  - {schedule: linear("rest"), groups: head}
  - {schedule: hold(), parameter: weight_decay}
"""


@pytest.fixture
def opened(monkeypatch):
    """Runs `glidepath open` without a server; returns what the server would have been given."""
    given = {}
    monkeypatch.setattr(playground, "serve", lambda *a, **k: given.update(k))

    def run(*words):
        answer = CliRunner().invoke(app, ["open", *words])
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return parse_qs(given["fragment"])

    return run


def test_the_first_is_worked_on_and_the_others_are_pinned(opened):
    state = opened("cosine(1000)", "head: linear(1000)", "torch.optim.lr_scheduler.StepLR(optimizer, 30)", "-b", "0.1")

    assert state["s"] == ["cosine(1000)"]
    assert state["p"] == ['["linear(1000)", "head", 1]', '["torch.optim.lr_scheduler.StepLR(optimizer, 30)", "", 2]']
    assert state["base"] == ["0.1"]
    assert state["budget"] == ["epochs:2.5"]


def test_without_schedules_the_page_begins_as_it_is(opened):
    assert opened() == {}


def test_a_plan_shows_its_groups(opened, tmp_path):
    """K7: the learning rate of each group under its name."""
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    state = opened(str(path))

    assert (state["s"], state["n"]) == (["warmup(10) >> cosine(90)"], ["*, !head"])
    assert state["p"] == ['["linear(100)", "head", 1]']
    assert list(labelled([str(path), "cosine(5)"])) == ["*, !head", "head", "cosine(5)"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cosin(3)", "linear(2", "a: torch.optim.lr_scheduler.OneCycle(1)"], "(?s)'cosin'.*'linear\\(2'.*OneCycleLR"),
        (["nowhere.yaml"], "nowhere.yaml"),
        (["nowhere.json"], "file must be a file that can be read"),
        (["cosine(3)"] * 10, "SCHEDULE must be 1 to 9 schedules, got 10 of them"),
        (["cosine(3)", "-b", "-1"], "base must be a number above 0"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(opened, words, message):
    with pytest.raises(GlidepathError, match=message):
        opened(*words)


def test_a_plan_on_another_clock_is_refused(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("{length: 100 steps}", "{length: 100 steps, samples: 10, batch: 2}\nclock: samples"))

    with pytest.raises(GlidepathError, match="plan: clock must be counted in updates"):
        labelled([str(path)])


def test_a_whole_call_may_be_pasted_into_the_page():
    from glidepath.playground.look import Look, look

    found = look(Look(text="torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=100)"))

    assert found["tree"]["lib"] == "pytorch"
    assert found["companions"]["momentum"].startswith("rate(profile([0, 29, 99], [0.95, 0.85, 0.95]")
    assert look(Look(text="cosine(100)"))["companions"] == {}
    assert [(a["name"], a["value"]) for a in found["tree"]["args"]] == [("max_lr", 0.1), ("total_steps", 100)]
    found = look(Look(tree=found["tree"]))
    assert found["text"] == "pytorch.OneCycleLR(max_lr=0.1, total_steps=100)"
