"""Re-planning: an early cooldown, a longer run; what changed, and by how much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glidepath import GlidepathError
from glidepath.plan import Plan, Progress, diff, diff_files, write

RUN = Plan('warmup("10%") >> hold("rest")', {"length": "1000 steps", "batch": 8, "tokens_per_sample": 16}, name="run")
FALLING = Plan('warmup("10%") >> cosine("rest", floor=0.1)', {"length": "1000 steps"})


@given(st.integers(0, 1500), st.integers(1, 400))
def test_a_cooldown_begins_where_the_run_is(at, length):
    old = FALLING.schedule()
    new = FALLING.cooldown_from(at, length, curve="one_minus_sqrt", floor=0.05)

    assert [new.schedule()(step) for step in range(0, at, 97)] == [old(step) for step in range(0, at, 97)]
    assert new.schedule()(at) == old(at)
    assert new.schedule()(at + length) == 0.05
    assert new.total == at + length
    assert (new.history[-1].jump, new.history[-1].at) == (0.0, at)


def test_a_cooldown_in_every_unit():
    progress = Progress(updates=500, samples=4000, tokens=64_000)

    assert str(RUN.cooldown_from(progress, "20%").schedule()) == "until(warmup(100) >> hold(900), 500) >> linear(200)"
    assert RUN.cooldown_from(500, "1600 samples").total == 700
    assert RUN.cooldown_from(500, 200).horizon.length == "700 steps"
    assert Plan.of(str(RUN.cooldown_from(500, 200))) == RUN.cooldown_from(500, 200)


def test_only_the_named_parameters_cool_down():
    plan = Plan({"lr": "hold()", "weight_decay": "cosine(100)"}, {"length": "100 steps"})
    cooled = plan.cooldown_from(50, 10)

    assert str(cooled.schedule("weight_decay")) == "cosine(100)"
    assert cooled.schedule("lr")(60) == 0.0


@given(st.integers(0, 999), st.integers(1001, 5000))
def test_the_rules_without_a_jump(at, total):
    old = FALLING.schedule()
    for rule in ("stretch", "hold"):
        plan = FALLING.extend(total, at, rule=rule)
        new = plan.schedule()
        assert new(at) == pytest.approx(old(at), rel=1e-12)
        assert [new(step) for step in range(0, at, 83)] == [old(step) for step in range(0, at, 83)]
        assert new(total) == pytest.approx(0.1, rel=1e-12)
        assert new.duration == total == plan.total
        assert plan.history[-1].jump <= 1e-12
    held = FALLING.extend(total, at, rule="hold").schedule()
    assert held(at + total - 1000) == pytest.approx(old(at), rel=1e-12)


def test_restretch_is_the_plan_that_was_meant_for_the_new_length():
    plan = FALLING.extend("2000 steps", 500, rule="restretch")

    assert plan.schedule() == Plan('warmup("10%") >> cosine("rest", floor=0.1)', {"length": "2000 steps"}).schedule()
    assert plan.history[-1].jump == plan.schedule()(500) - FALLING.schedule()(500)
    assert plan.history[-1].jump > 0.2
    assert plan.history[-1].before == FALLING.fingerprint


def test_the_batch_ramp_and_the_phases_of_controllers_stay_where_they_were():
    plan = Plan(
        'cosine("rest")',
        {"length": "1000 samples", "batch": 1},
        "samples",
        batch={"schedule": 'piecewise_constant(["50%"], [8, 16])', "coupling": "linear"},
        feedback=[{"controller": "plateau()", "after": "10%"}],
    )
    longer = plan.extend(2000, 400)

    assert [stage.begin for stage in longer.stages] == [0, 500] == [stage.begin for stage in plan.stages]
    assert longer.feedback[0].after == 100
    assert longer.schedule()(400) == pytest.approx(plan.schedule()(400))
    assert plan.extend(2000, 400, rule="restretch").stages[1].begin == 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: FALLING.extend(1000), "total must be longer than the run, 1000 updates, got '1000 updates'"),
        (lambda: FALLING.extend("5 epochs"), "total must be longer than the run"),
        (lambda: FALLING.extend(2000, 1000), "progress must be before the end of the run, 1000, got 1000"),
        (lambda: FALLING.extend(2000, rule="wait"), "rule must be one of 'stretch', 'hold', 'restretch', got 'wait'"),
        (lambda: Plan("hold()").extend(10), "plan must be of known length"),
        (lambda: FALLING.cooldown_from(-1, 10), "progress must be a Progress, or a whole position"),
        (lambda: FALLING.cooldown_from(10, 0), "length must be a length of at least one"),
        (lambda: FALLING.cooldown_from(10, "1 epoch"), "give horizon.samples and horizon.batch"),
        (
            lambda: FALLING.cooldown_from(10, 10, parameters=("wd",)),
            "parameters must be some that the plan drives \\(lr\\)",
        ),
        (lambda: FALLING.cooldown_from(10, 10, curve="sharp"), "must be a known curve"),
    ],
)
def test_what_is_refused(change, message):
    with pytest.raises(GlidepathError, match=message):
        change()


def test_differences_say_what_and_from_where_on(tmp_path):
    other = Plan('warmup("10%") >> cosine("rest", floor=0.2)', {"length": "1000 steps"}, name="b")
    found = diff(FALLING, other)

    assert found.lines()[:2] == [
        '$.rules[0].schedule: warmup("10%") >> cosine("rest", floor=0.1) -> warmup("10%") >> cosine("rest", floor=0.2)',
        "$.name: + b",
    ]
    assert found.effects == ("lr of *: differs from 101 updates on, most at 1000: 0.1 -> 0.2",)
    longer = diff(FALLING, FALLING.extend(2000))
    assert "updates of the run: 1000 -> 2000" in longer.lines()
    assert not diff(FALLING, FALLING)
    assert str(diff(FALLING, FALLING)) == "no difference"
    assert diff_files(write(FALLING, tmp_path / "a.yaml"), write(other, tmp_path / "b.json")) == found
    (tmp_path / "c.yaml").write_text("rules: step(0)")
    with pytest.raises(GlidepathError, match=r"d\.yaml"):
        diff_files(tmp_path / "c.yaml", tmp_path / "d.yaml")


def test_a_controller_of_an_extended_run_never_listens_before_its_phase():
    plan = Plan.of(
        {
            "horizon": {"length": "100 updates"},
            "rules": [{"schedule": "cosine(100)"}],
            "feedback": [{"controller": "plateau()", "monitor": "loss", "after": "33.3%"}],
        }
    )

    assert plan.extend("200 updates").feedback[0].after == 34
