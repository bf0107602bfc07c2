"""Progress in every unit, and the values it gives."""

import json

import pytest

from glidepath import GlidepathError
from glidepath.plan import Plan, Progress, carried

PLAN = Plan(
    'warmup("10%") >> hold("rest")',
    {"length": "100 steps", "batch": 4, "processes": 2, "tokens_per_sample": 16},
    feedback=[
        {"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss", "after": "20 steps"},
        "divergence_guard(warmup=4)",
    ],
)


def test_values_follow_progress_and_feedback():
    progress = PLAN.begin()
    values, actions = [], []
    for update in range(60):
        values.append(PLAN.value(progress, base=0.1))
        progress = progress.advanced(samples=8, tokens=128)
        if update % 10 == 9:
            progress, decisions = PLAN.observe(progress, "val_loss", 1.0)
            actions += [decision.action for decision in decisions]
    assert actions == ["held", "first", "cut", "cut", "cut", "cut"]
    assert values[0] == pytest.approx(0.1 / 11)
    assert (values[29], values[30], values[40]) == pytest.approx((0.1, 0.05, 0.025))

    restored = Progress.from_dict(json.loads(json.dumps(progress.to_dict())), PLAN)
    assert restored == progress
    assert PLAN.value(restored, base=0.1) == PLAN.value(progress, base=0.1)
    after, decisions = PLAN.observe(progress, "loss", float("nan"))
    assert [decision.action for decision in decisions] == ["cut"]
    assert PLAN.value(after, base=0.1) == pytest.approx(PLAN.value(progress, base=0.1) * 0.5 / 5)


def test_every_unit_finds_the_same_place():
    assert [PLAN.position(updates=5), PLAN.position(samples=40), PLAN.position(tokens=640)] == [5, 5, 5]
    assert PLAN.value(updates=4) == PLAN.value(Progress(updates=4))
    in_tokens = PLAN.replace(clock="tokens", rules='warmup("10%", start=0) >> hold("rest")')
    assert in_tokens.value(updates=4) == 0.4
    assert PLAN.replace(clock="tokens").value(updates=40) == PLAN.value(updates=40)
    by_epoch = Plan("step(1, 0.5)", {"length": "3 epochs", "samples": 40, "batch": 4}, "epochs")
    assert [by_epoch.value(updates=update) for update in (0, 9, 10, 25)] == [1.0, 1.0, 0.5, 0.25]


def test_floors_and_absolute_rules():
    plan = Plan(
        [
            {"schedule": "cosine(10)", "floor": 0.01, "groups": ["*", "!head"]},
            {"schedule": "0.5 * cosine(10)", "absolute": True, "groups": "head"},
        ],
        {"length": "10 steps"},
    )

    assert [plan.value(updates=u, base=0.1) for u in (0, 10)] == [0.1, 0.01]
    assert [plan.value(updates=u, base=0.1, group="head") for u in (0, 10)] == [0.5, 0.0]
    with pytest.raises(
        GlidepathError, match="momentum of group None must be driven by one rule of the plan \\(lr\\), got '0 rules'"
    ):
        plan.value(updates=0, parameter="momentum")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: PLAN.observe(PLAN.begin(), "acc", 1.0),
            "monitor must be one that a controller listens to \\(loss, val_loss\\)",
        ),
        (lambda: PLAN.observe(PLAN.begin(), "loss", "0.3"), "value must be a real number"),
        (lambda: Progress(updates=-1), "updates must be an integer from 0"),
        (lambda: Progress(updates=2.5, samples=True), "updates must be an integer from 0"),
        (lambda: Progress().advanced(updates=-3), "updates must be at least 0: progress does not go backwards, got -3"),
        (lambda: Progress.from_dict({"updates": 1}, PLAN), "an object with updates, samples, tokens and states"),
        (
            lambda: Progress.from_dict({"updates": 1, "samples": 0, "tokens": 0, "states": []}, PLAN),
            "must be 2, one for each controller",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(GlidepathError, match=message):
        call()


def test_a_changed_update_needs_a_word():
    after = PLAN.replace(horizon=PLAN.horizon.replace(processes=1))
    progress = Progress(updates=50, samples=400, tokens=6400, states=PLAN.begin().states)

    with pytest.raises(
        GlidepathError,
        match="an update must be as large as before \\(8 samples\\) on a clock of updates, got '4 samples'",
    ):
        carried(progress, PLAN, after)
    assert carried(progress, PLAN, after, by="samples").updates == 100
    assert carried(progress, PLAN, after, by="tokens").updates == 100
    assert carried(progress, PLAN, after, by="updates").updates == 50
    with pytest.raises(GlidepathError, match="by must be updates, samples, tokens or None"):
        carried(progress, PLAN, after, by="epochs")
